#include "tests/support/tally/tally.hpp"

#include "core/runtime/typed_domain.hpp"

namespace tidemark::testing::tally {
namespace {

using TallyDecision = Decision<Tally::Event, Tally::Reply>;
template <class... Fs>
struct Overloaded : Fs... { using Fs::operator()...; };

TallyDecision accept(std::vector<Tally::Event> events, std::int64_t balance) {
  return Accepted<Tally::Event, Tally::Reply>{std::move(events), Balance{balance}};
}
TallyDecision refuse(std::string reason, int status = 409) { return Refused{std::move(reason), "the tally says no", status}; }

struct Balances {
  static constexpr std::string_view kName = "tally.balances";
  static constexpr int kVersion = 1;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {"tally.entries"}; }
  using Event = std::variant<Opened, Added, Expired>;
  static void apply(RowWriter& rows, const Event& event, const EventContext&) {
    std::visit([&](const auto& e) {
      using T = std::decay_t<decltype(e)>;
      BalanceRow row = kBalances.get(rows, e.group, e.account).value_or(BalanceRow{});
      ++row.events;
      if constexpr (std::is_same_v<T, Added>) row.balance += e.amount;
      if constexpr (std::is_same_v<T, Opened>) row.open = true;
      if constexpr (std::is_same_v<T, Expired>) row.open = false;
      kBalances.put(rows, e.group, e.account, row);
    }, event);
  }
};

}  // namespace

TallyDecision Tally::decide(const RowReader& state, const Command& command, const Context& context, const Settings& settings) {
  return std::visit(Overloaded{
      [&](const Open& c) -> TallyDecision {
        if (kAccounts.contains(state, c.account)) return refuse("ACCOUNT_EXISTS");
        return accept({Opened{c.group, c.account, c.expires_in_ms}}, 0);
      },
      [&](const Add& c) -> TallyDecision {
        const auto account = kAccounts.get(state, c.account);
        if (!account) return refuse("NO_SUCH_ACCOUNT", 404);
        if (c.amount == 0 && c.note.empty()) return Nothing<Reply>{Balance{account->balance}, {}};
        const std::int64_t total = kTotals.get(state, "total").value_or(0);
        if (total + c.amount > settings.group_limit) return refuse("GROUP_LIMIT");
        std::vector<Event> events;
        if (c.amount != 0) events.push_back(Added{c.group, c.account, c.amount});
        if (!c.note.empty()) events.push_back(Noted{c.group, c.account, c.note});
        if (c.note == "ping") events.push_back(Pinged{c.group, c.account});
        return accept(std::move(events), account->balance + c.amount);
      },
      [&](const Expire& c) -> TallyDecision {
        if (!kAccounts.contains(state, c.account)) return Nothing<Reply>{};
        if (to_ms(context.now) < c.not_before) return Nothing<Reply>{{}, from_ms(c.not_before)};
        return accept({Expired{c.group, c.account}}, 0);
      },
      [&](const Move& c) -> TallyDecision {
        const auto from = kAccounts.get(state, c.from);
        if (!from || !kAccounts.contains(state, c.to)) return refuse("NO_SUCH_ACCOUNT", 404);
        return accept({Moved{c.group, c.from, c.to, c.amount}}, from->balance - c.amount);
      }},
      command);
}

void Tally::evolve(State& state, const Event& event, const EventContext& context) {
  const auto change_total = [&](std::int64_t by) { kTotals.put(state, "total", kTotals.get(state, "total").value_or(0) + by); };
  std::visit(Overloaded{
      [&](const Opened& e) {
        kAccounts.put(state, e.account, Account{});
        if (e.expires_in_ms > 0) {
          state.set_timer("expire/" + e.account, Timer{context.time + Duration(e.expires_in_ms), "Expire",
                                                       event::to_json(Expire{e.group, e.account, 0})});
        }
      },
      [&](const Added& e) {
        auto account = kAccounts.get(state, e.account).value_or(Account{});
        account.balance += e.amount;
        kAccounts.put(state, e.account, account);
        change_total(e.amount);
      },
      [&](const Expired& e) {
        if (const auto account = kAccounts.get(state, e.account)) change_total(-account->balance);
        kAccounts.erase(state, e.account);
        state.clear_timer("expire/" + e.account);
      },
      [&](const Noted& e) {
        auto account = kAccounts.get(state, e.account).value_or(Account{});
        ++account.notes;
        kAccounts.put(state, e.account, account);
      },
      [&](const Moved& e) {
        const auto change = [&](const std::string& name, std::int64_t by) {
          auto account = kAccounts.get(state, name).value_or(Account{});
          account.balance += by;
          kAccounts.put(state, name, account);
        };
        change(e.from, -e.amount);
        change(e.to, e.amount);
      },
      [&](const Pinged&) {}},
      event);
}

runtime::Domain make_domain(std::string settings) {
  runtime::Domain domain;
  domain.name = "tally";
  domain.topics = {{"tally.entries", log::TopicClass::fact, std::nullopt},
                   {"tally.notes", log::TopicClass::fact, std::nullopt},
                   {"tally.pings", log::TopicClass::ephemeral, std::chrono::hours(1)}};
  domain.decider = runtime::make_decider<Tally>();
  domain.projections = {runtime::make_projection<Balances>()};
  domain.settings = std::move(settings);
  domain.complete_timer = [](const Timer& timer, std::string_view, const runtime::Volatile& memory) {
    std::vector<event::FieldError> errors;
    auto expire = event::from_json<Expire>(timer.data, event::Decoding::strict, errors);
    if (!expire) return timer.data;
    expire->not_before = memory.get("touched/" + expire->account).value_or(0);
    return event::to_json(*expire);
  };
  return domain;
}

}  // namespace tidemark::testing::tally
