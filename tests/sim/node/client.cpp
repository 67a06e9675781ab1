#include "tests/sim/node/client.hpp"

namespace tidemark::sim {
namespace {

using Kind = runtime::Outcome::Kind;
using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::int64_t kThinkMs = 300;
constexpr std::int64_t kPatienceMs = 4'000;
constexpr std::int64_t kHopMicros = 2'000;

bool is_definite(const runtime::Outcome& outcome) { return outcome.kind == Kind::accepted || outcome.kind == Kind::refused || outcome.kind == Kind::nothing; }

const char* text_of(Kind kind) {
  switch (kind) {
    case Kind::accepted: return "accepted";
    case Kind::nothing: return "nothing";
    case Kind::refused: return "refused";
    case Kind::bad_input: return "bad input";
    case Kind::unknown: return "unknown command";
    case Kind::key_reused: return "key reused";
    case Kind::version_conflict: return "version conflict";
    case Kind::failed: return "failed";
  }
  return "?";
}

}  // namespace

Client::Client(Site& site, std::vector<std::unique_ptr<Machine>>& machines, Workload& workload, int id, std::uint64_t seed, std::uint64_t wishes)
    : site_(site), machines_(machines), workload_(workload), name_("client-" + std::to_string(id)), random_(seed), left_(wishes) {}

void Client::begin() {
  site_.world.after(milliseconds(random_.between(0, kThinkMs)), site_.world.network(), [this] { next(); });
}

std::string Client::waits_for() const {
  if (!wish_) return {};
  return name_ + ": " + wish_->request.domain + "." + wish_->request.name + " " + wish_->request.command_id + ", asked " + std::to_string(requests_) + " times in all";
}

void Client::next() {
  if (left_ == 0) return;
  --left_;
  wish_ = workload_.next(random_, name_, number_++);
  told_.reset();
  maybe_applied_ = false;
  ask(Purpose::first);
}

Machine& Client::pick() {
  if (random_.chance(0.1)) favourite_ = random_.below(machines_.size());
  return *machines_[favourite_];
}

void Client::ask_later(Purpose purpose, std::int64_t ms) {
  attempt_ = ++requests_;
  asked_ = -1;
  site_.world.after(milliseconds(ms), site_.world.network(), [this, purpose, attempt = attempt_] {
    if (attempt == attempt_) ask(purpose);
  });
}

void Client::ask(Purpose purpose) {
  Machine& machine = pick();
  purpose_ = purpose;
  if (!machine.ready()) {
    favourite_ = random_.below(machines_.size());
    return ask_later(purpose, random_.between(5, 150));
  }
  attempt_ = ++requests_;
  asked_ = machine.id();
  const std::int64_t patience = site_.faults.strike(Fault::hang_up) ? random_.between(0, 60) : kPatienceMs;
  deadline_ = site_.world.after(milliseconds(patience), site_.world.network(), [this, attempt = attempt_] { hang_up(attempt); });
  runtime::CommandRequest request = purpose == Purpose::reuse ? *wish_->other : wish_->request;
  site_.world.after(microseconds(random_.delay(kHopMicros)), site_.world.network(),
                    [this, &machine, life = machine.life(), request = std::move(request), wish = *wish_, purpose, attempt = attempt_]() mutable {
    if (machine.life() != life || !machine.ready()) return;  // nobody is there: machine_died() has told
    machine.scheduler().post([this, &machine, life, request = std::move(request), wish = std::move(wish), purpose, attempt]() mutable {
      spawn(serve(this, alive_, &machine, life, std::move(request), std::move(wish), purpose, attempt));
    });
  });
}

Task<void> Client::serve(Client* client, std::shared_ptr<bool> alive, Machine* machine, std::uint64_t life, runtime::CommandRequest request, Wish wish, Purpose purpose,
                         std::uint64_t attempt) {
  runtime::CommandRequest copy = request;
  auto task = machine->node().execute(std::move(copy));
  auto outcome = co_await std::move(task);
  if (!*alive || machine->life() != life) co_return;
  Site& site = client->site_;
  site.history.note([&] {
    return machine->text() + " answers " + client->name_ + " " + request.name + " " + outcome.command_id + ": " + text_of(outcome.kind) + (outcome.replayed ? " again" : "") + " " + outcome.reason +
           (outcome.kind == Kind::failed ? describe(outcome.error) : "");
  });
  if (purpose == Purpose::reuse) {
    if (is_definite(outcome)) site.history.violated("a key is used for one command", request.name + " " + outcome.command_id + " is answered " + text_of(outcome.kind));
  } else {
    if (outcome.kind == Kind::key_reused || outcome.kind == Kind::bad_input || outcome.kind == Kind::unknown || outcome.kind == Kind::version_conflict) {
      site.history.violated("a command is answered", request.name + " " + outcome.command_id + " is answered " + text_of(outcome.kind) + " " + outcome.detail);
    }
    site.model.answered(request, outcome);
    client->workload_.answered(*machine, wish, outcome);
  }
  Queue& network = site.world.network();
  site.world.after(microseconds(client->random_.delay(kHopMicros)), network, [client, alive, attempt, purpose, outcome = std::move(outcome)]() mutable {
    if (*alive) client->heard(attempt, purpose, std::move(outcome));
  });
}

void Client::hang_up(std::uint64_t attempt) {
  if (attempt != attempt_ || !wish_) return;
  if (purpose_ == Purpose::first) maybe_applied_ = true;
  // Without a key nobody can ask again.
  if (!wish_->request.keyed || purpose_ == Purpose::reuse) return finish();
  favourite_ = random_.below(machines_.size());
  ask_later(purpose_, random_.between(0, 20));
}

void Client::machine_died(int machine) {
  if (machine != asked_ || !wish_) return;
  site_.world.cancel(deadline_);
  hang_up(attempt_);
}

void Client::heard(std::uint64_t attempt, Purpose purpose, runtime::Outcome outcome) {
  if (attempt != attempt_ || !wish_) return;
  site_.world.cancel(deadline_);
  asked_ = -1;
  if (purpose == Purpose::reuse) return finish();
  if (is_definite(outcome)) {
    const bool accepted = outcome.kind == Kind::accepted;
    const bool recorded = accepted || outcome.kind == Kind::refused;
    told_ = std::move(outcome);
    Machine& machine = pick();
    if (machine.ready() && random_.chance(0.3)) {
      machine.scheduler().post([this, alive = alive_, &machine, wish = *wish_, told = *told_, by_model = random_.chance(0.6)]() mutable {
        if (*alive) spawn(look(this, &machine, std::move(wish), std::move(told), by_model));
      });
    }
    if (wish_->request.keyed && recorded && purpose == Purpose::first) {
      if (site_.faults.strike(Fault::repeat)) return ask_later(Purpose::repeat, random_.between(0, 30));
      if (wish_->other && site_.faults.strike(Fault::reuse)) return ask_later(Purpose::reuse, random_.between(0, 30));
    }
    return finish();
  }
  if (outcome.error.code == Code::outcome_unknown) maybe_applied_ = true;
  if (!wish_->request.keyed) {
    if (!maybe_applied_ && !outcome.command_id.empty()) not_applied_.push_back(outcome.command_id);
    return finish();
  }
  if (purpose == Purpose::first && !maybe_applied_ && random_.chance(0.03)) {
    not_applied_.push_back(wish_->request.command_id);
    return finish();
  }
  favourite_ = random_.below(machines_.size());
  ask_later(purpose, random_.between(5, 100));
}

void Client::finish() {
  wish_.reset();
  attempt_ = 0;
  asked_ = -1;
  if (left_ > 0) site_.world.after(milliseconds(random_.between(0, kThinkMs)), site_.world.network(), [this] { next(); });
}

Task<void> Client::look(Client* client, Machine* machine, Wish wish, runtime::Outcome outcome, bool by_model) {
  auto task = client->workload_.look(*machine, wish, outcome, by_model);
  co_await std::move(task);
}

}  // namespace tidemark::sim
