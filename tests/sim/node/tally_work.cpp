#include "tests/sim/node/tally_work.hpp"

#include "core/event/json.hpp"
#include "tests/support/tally/tally.hpp"

namespace tidemark::sim {
namespace {

using testing::tally::Add;
using testing::tally::Move;
using testing::tally::Open;
using Kind = runtime::Outcome::Kind;

constexpr std::uint64_t kGroups = 8, kAccounts = 5;
constexpr std::string_view kRows = "tally.balances";
constexpr Duration kLease = std::chrono::seconds(1);

template <class Command>
void set(runtime::CommandRequest& request, const Command& command) {
  request.name = std::string(Command::kType);
  request.data = event::to_json(command);
}

}  // namespace

Wish TallyWork::next(Random& random, const std::string& client, std::uint64_t number) {
  Wish wish;
  const std::string group = "g" + std::to_string(random.chance(0.4) ? 0 : random.below(kGroups));
  const std::string account = "a" + std::to_string(random.below(kAccounts));
  wish.boundary = group;
  wish.entity = account;
  wish.request.domain = "tally";
  wish.request.actor = client;
  if (random.chance(0.9)) {
    wish.request.keyed = true;
    wish.request.command_id = runtime::command_id_of_key("", client, "tally", std::to_string(number));
  }
  const std::uint64_t dice = random.below(100);
  if (dice < 18) {
    set(wish.request, Open{group, account, random.chance(0.5) ? random.between(20, 3000) : 0});
  } else if (dice < 28) {
    set(wish.request, Move{group, account, "a" + std::to_string(random.below(kAccounts)), random.between(1, 50)});
    wish.entity.clear();
  } else {
    std::string note;
    if (random.chance(0.15)) note = random.chance(0.3) ? "ping" : std::string(1 + random.below(random.chance(0.1) ? 9'000 : 60), 'n');
    set(wish.request, Add{group, account, random.chance(0.03) ? 0 : random.between(-300, 320), std::move(note)});
  }
  if (wish.request.keyed) {
    wish.other = wish.request;
    set(*wish.other, Add{group, account, 7'777'777, "another"});
  }
  return wish;
}

void TallyWork::answered(Machine& machine, const Wish& wish, const runtime::Outcome& outcome) {
  if (outcome.kind != Kind::accepted) return;
  const std::uint64_t version = model_.version_after(outcome.command_id);
  Told& told = told_[wish.boundary];
  auto& here = told.by_node[machine.id()];
  if (!outcome.replayed) here = std::max(here, version);  // a first answer may be read from the log, ahead of the state
  if (told.by_any.empty() || told.by_any.back().second < version) told.by_any.emplace_back(site_.world.now(), version);
}

Task<void> TallyWork::look(Machine& machine, const Wish& wish, const runtime::Outcome& outcome, bool by_model) {
  if (!by_model) {
    ask_owner(machine, wish.boundary);
    co_return;
  }
  if (outcome.kind != Kind::accepted || wish.entity.empty()) co_return;
  const std::uint64_t life = machine.life();
  auto waiting = machine.node().wait_applied(std::string(kRows), outcome.position, machine.scheduler().now() + std::chrono::seconds(2));
  auto applied = co_await std::move(waiting);
  if (applied.ok() && machine.life() == life) check_row(machine, wish, outcome);
}

void TallyWork::check_row(Machine& machine, const Wish& wish, const runtime::Outcome& outcome) {
  std::int64_t least = 0;
  for (const auto& part : outcome.position.parts) {
    if (part.topic == "tally.entries") least = model_.events_until(wish.boundary, wish.entity, part.last.value);
  }
  if (least == 0) return;
  const auto row = testing::tally::kBalances.get(*machine.node().projection_rows(kRows), wish.boundary, wish.entity);
  const std::string what = machine.text() + ": row of " + wish.boundary + "/" + wish.entity;
  if (!row) return site_.history.violated("a token never shows an older row", what + " is missing");
  if (row->events < least) {
    return site_.history.violated("a token never shows an older row", what + " has seen " + std::to_string(row->events) + " events, and the token covers " + std::to_string(least));
  }
  const TallyModel::Row* due = model_.row(wish.boundary, wish.entity, row->events);
  if (due == nullptr || due->balance != row->balance || due->open != row->open) {
    site_.history.violated("a row is the fold of its events", what + " has balance " + std::to_string(row->balance) + " after " + std::to_string(row->events) + " events");
  }
}

void TallyWork::ask_owner(Machine& machine, const std::string& group) {
  if (!machine.ready()) return;
  TallyModel::Seen seen;
  Time taken{};
  const auto asked = machine.node().owner_call("tally", group, [&](const runtime::OwnerView& view) {
    taken = view.lane_taken;
    seen.total = testing::tally::kTotals.get(view.state, "total").value_or(0);
    for (std::uint64_t i = 0; i < kAccounts; ++i) {
      const std::string name = "a" + std::to_string(i);
      if (const auto account = testing::tally::kAccounts.get(view.state, name)) seen.accounts[name] = {account->balance, account->notes};
    }
  });
  if (!asked.ok()) return;
  Told& told = told_[group];
  const std::string what = machine.text() + " is asked for " + group;
  const std::uint32_t lane = lane_of(group, site_.lanes).value;
  if (taken < taken_[lane]) site_.history.violated("no deposed owner answers an owner call", what + ", when a later owner has answered");
  taken_[lane] = std::max(taken_[lane], taken);
  std::uint64_t least = std::max(told.seen, told.by_node[machine.id()]);
  for (const auto& [at, version] : told.by_any) {
    if (at + kLease < site_.world.now()) least = std::max(least, version);
  }
  const auto version = model_.find_version(group, seen, 0);
  if (!version) return site_.history.violated("an owner shows a state of the log", what + " and shows " + seen.text());
  if (*version < least) return site_.history.violated("an owner call never shows an older state", what + " and shows version " + std::to_string(*version) + " of at least " + std::to_string(least));
  told.seen = std::max(told.seen, *version);
}

void TallyWork::check_rows(Machine& machine) {
  const auto rows = machine.node().projection_rows(kRows);
  for (const auto& [group, account] : model_.accounts()) {
    const auto row = testing::tally::kBalances.get(*rows, group, account);
    const TallyModel::Row* due = model_.last_row(group, account);
    if (!row || row->events != due->events || row->balance != due->balance || row->open != due->open) {
      site_.history.violated("each event is applied once", machine.text() + ": row of " + group + "/" + account + " has seen " + std::to_string(row ? row->events : 0) + " events of " +
                                                               std::to_string(due->events));
    }
  }
}

}  // namespace tidemark::sim
