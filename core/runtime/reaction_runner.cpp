#include "core/runtime/reaction_runner.hpp"

#include <algorithm>

#include "core/runtime/counters.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kUnderWayMax = 64;  // per lane
constexpr Duration kLeaseRetry{200};
constexpr Duration kLongestSleep = std::chrono::seconds(10);  // the wall clock may jump
constexpr Duration kCommandRetryLeast{100}, kCommandRetryMost = std::chrono::seconds(10);
constexpr Duration kCallRetryLeast = std::chrono::seconds(1), kCallRetryMost = std::chrono::hours(1), kRetryAfterMost = std::chrono::hours(24);
constexpr Duration kSettleRetry = std::chrono::seconds(1);
constexpr Breaker kBreaker{};

bool worth_another_try(int status) { return status >= 500 || status == 408 || status == 425 || status == 429; }

}  // namespace

Duration backoff(Scheduler& scheduler, std::int64_t failed, Duration least, Duration most) {
  const std::int64_t shift = std::clamp<std::int64_t>(failed - 1, 0, 30);
  const std::int64_t bound = std::min<std::int64_t>(most.count(), least.count() << shift);
  return Duration(static_cast<std::int64_t>(scheduler.random() % (static_cast<std::uint64_t>(bound) + 1)));
}

std::string destination_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  return std::string(url.substr(0, url.find_first_of("/?#", scheme + 3)));
}

ReactionRunner::ReactionRunner(Scheduler& scheduler, OutboundCalls* calls, VolatileMemory& breakers, const ReactionMetrics& metrics, Hooks hooks)
    : scheduler_(scheduler), calls_(calls), breakers_(breakers, "breaker"), metrics_(metrics), hooks_(std::move(hooks)) {}

ReactionRunner::~ReactionRunner() {
  *alive_ = false;
  if (timer_ != 0) scheduler_.cancel(timer_);
}

void ReactionRunner::add(std::size_t domain, const Uuid& reaction, Time due) {
  const Id id{domain, reaction};
  const auto [at, added] = entries_.try_emplace(id, Entry{due, false, 0});
  if (added) metrics_.pending(domain, 1);
  if (!added && at->second.under_way) {
    at->second.due = due;  // looked at again when the attempt under way has been settled
    return;
  }
  if (!added) waiting_.erase({at->second.due, id});
  at->second.due = due;
  waiting_.insert({due, id});
  arm();
}

void ReactionRunner::remove(std::size_t domain, const Uuid& reaction) {
  const auto found = entries_.find({domain, reaction});
  if (found == entries_.end()) return;
  if (found->second.under_way) --under_way_;
  else waiting_.erase({found->second.due, found->first});
  entries_.erase(found);
  metrics_.pending(domain, -1);
  arm();  // there may be room again for one that is due
}

void ReactionRunner::start() {
  running_ = true;
  arm();
}

void ReactionRunner::stop() {
  running_ = false;
  if (timer_ != 0) scheduler_.cancel(std::exchange(timer_, 0));
}

void ReactionRunner::forget() {
  stop();
  *alive_ = false;
  alive_ = std::make_shared<bool>(true);
  for (const auto& [id, entry] : entries_) metrics_.pending(id.first, -1);
  entries_.clear();
  waiting_.clear();
  under_way_ = 0;
}

void ReactionRunner::arm() {
  if (!running_) return;
  if (timer_ != 0) scheduler_.cancel(std::exchange(timer_, 0));
  if (waiting_.empty() || under_way_ >= kUnderWayMax) return;
  const Duration delay = std::clamp(Duration(waiting_.begin()->first - scheduler_.wall()), Duration(0), kLongestSleep);
  timer_ = scheduler_.after(delay, [this] {
    timer_ = 0;
    run_due();
  });
}

void ReactionRunner::run_due() {
  if (!running_) return;
  if (!hooks_.may_act()) {
    timer_ = scheduler_.after(kLeaseRetry, [this] {
      timer_ = 0;
      run_due();
    });
    return;
  }
  const Time now = scheduler_.wall();
  while (running_ && !waiting_.empty() && waiting_.begin()->first <= now && under_way_ < kUnderWayMax) {
    const Id id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    entries_.at(id).under_way = true;
    ++under_way_;
    begin(id);
  }
  arm();
}

void ReactionRunner::begin(const Id& id) {
  const auto pending = hooks_.find(id.first, id.second);
  if (!pending) return remove(id.first, id.second);
  auto intended = decode_intended(pending->record);
  if (!intended) return give_up(id, pending->attempts + 1, "the recorded intent does not decode");
  if (intended->intent.command) begin_command(id, *pending, std::move(*intended));
  else if (intended->intent.call) begin_call(id, *pending, std::move(*intended));
  else give_up(id, pending->attempts + 1, "the recorded intent is neither a command nor a call");
}

void ReactionRunner::begin_command(const Id& id, const PendingReaction& pending, ReactionIntended intended) {
  CommandRequest request;
  request.domain = intended.intent.command->domain;
  request.name = intended.intent.command->name;
  request.data = intended.intent.command->data.raw;
  request.actor = "system:reactor";
  request.tenant = pending.tenant;
  request.command_id = intended.reaction;
  request.keyed = true;
  request.correlation_id = pending.correlation_id;
  request.causation_id = intended.cause;
  request.traceparent = pending.traceparent;
  hooks_.execute(std::move(request), pending.intended, [this, alive = alive_, id, attempts = pending.attempts + 1](Outcome outcome) {
    if (*alive) command_ended(id, attempts, std::move(outcome));
  });
}

void ReactionRunner::command_ended(const Id& id, std::int64_t attempts, Outcome outcome) {
  const auto entry = entries_.find(id);
  if (entry == entries_.end()) return;
  ReactionSettlement settlement{id.second, attempts, {}, {}};
  settlement.result.reply = std::move(outcome.reply);
  switch (outcome.kind) {
    case Outcome::Kind::accepted:
    case Outcome::Kind::nothing: return settle(id, std::move(settlement));
    case Outcome::Kind::refused:
      settlement.result.kind = ReactionResult::Kind::refused;
      settlement.result.reason = std::move(outcome.reason);
      settlement.result.detail = std::move(outcome.detail);
      settlement.result.status = outcome.status;
      return settle(id, std::move(settlement));
    case Outcome::Kind::bad_input: {
      std::string why = "the command does not fit its schema";
      if (!outcome.bad_input.errors.empty()) why += ": " + outcome.bad_input.errors[0].pointer + " " + outcome.bad_input.errors[0].message;
      return give_up(id, attempts, std::move(why));
    }
    case Outcome::Kind::unknown: return give_up(id, attempts, "there is no such domain or command");
    case Outcome::Kind::version_conflict:  // reactions expect no version
    case Outcome::Kind::key_reused: return give_up(id, attempts, outcome.detail);
    case Outcome::Kind::failed:
      if (outcome.error.code == Code::not_found) return give_up(id, attempts, std::move(outcome.error.message));
      break;
  }
  // Our own lanes come back, or this process ends: not an attempt that counts.
  return rest_until(id, scheduler_.wall() + kCommandRetryLeast + backoff(scheduler_, ++entry->second.failures, kCommandRetryLeast, kCommandRetryMost));
}

void ReactionRunner::begin_call(const Id& id, const PendingReaction& pending, ReactionIntended intended) {
  if (calls_ == nullptr) return give_up(id, pending.attempts + 1, "this node makes no outbound calls");
  CallIntent& intent = *intended.intent.call;
  const std::string destination = destination_of(intent.url);
  const Time now = scheduler_.wall();
  if (const Duration wait = kBreaker.wait(breakers_, destination, now); wait > Duration(0)) {
    metrics_.held_back(id.first);
    return rest_until(id, now + wait);
  }
  OutboundCall call{std::move(intent.method), std::move(intent.url), std::move(intent.content_type), std::move(intent.body),
                    std::move(intent.headers), std::move(intent.signing), std::move(intended.reaction), pending.traceparent,
                    Duration(std::clamp<std::int64_t>(intent.deadline_ms, 1, 120'000))};
  calls_->call(std::move(call), [this, alive = alive_, id, attempts = pending.attempts + 1, most = intent.attempts_max,
                                 destination](Result<OutboundAnswer> answer) {
    if (*alive) call_ended(id, attempts, most, destination, std::move(answer));
  });
}

void ReactionRunner::call_ended(const Id& id, std::int64_t attempts, std::int64_t attempts_max, const std::string& destination,
                                Result<OutboundAnswer> answer) {
  const Time now = scheduler_.wall();
  const int status = answer ? answer->status : 0;
  const bool never = !answer && (answer.error().code == Code::invalid_argument || answer.error().code == Code::exhausted);
  using CallResult = ReactionMetrics::CallResult;
  metrics_.called(id.first, !answer ? CallResult::failed : status >= 200 && status < 300 ? CallResult::accepted : CallResult::rejected);
  const bool again = answer ? worth_another_try(status) : !never;
  if (answer || !never) kBreaker.settle(breakers_, destination, now, answer && status < 500);
  if (!entries_.contains(id)) return;
  ReactionSettlement settlement{id.second, attempts, {}, {}};
  settlement.result.status = status;
  if (status >= 200 && status < 300) {
    settlement.result.reply = std::move(answer->body);
    return settle(id, std::move(settlement));
  }
  std::string why = answer ? "the receiver answered " + std::to_string(status) : describe(answer.error());
  if (!again || attempts >= attempts_max) return give_up(id, attempts, std::move(why), status);
  Duration delay = backoff(scheduler_, attempts, kCallRetryLeast, kCallRetryMost);
  if (answer && answer->retry_after) delay = std::max(delay, std::min(*answer->retry_after, kRetryAfterMost));
  settlement.again = now + delay;
  settlement.result.detail = std::move(why);
  settle(id, std::move(settlement));
}

void ReactionRunner::give_up(const Id& id, std::int64_t attempts, std::string why, int status) {
  ReactionSettlement settlement{id.second, attempts, {}, {}};
  settlement.result.kind = ReactionResult::Kind::dead;
  settlement.result.detail = std::move(why);
  settlement.result.status = status;
  settle(id, std::move(settlement));
}

void ReactionRunner::settle(const Id& id, ReactionSettlement settlement) {
  hooks_.settle(id.first, settlement, [this, alive = alive_, id, settlement](bool durable) mutable {
    if (!*alive) return;
    if (durable && !settlement.again) metrics_.ended(id.first, settlement.result.kind);
    if (!entries_.contains(id)) return;
    if (durable) return rest_until(id, entries_.at(id).due);
    // The effect is known and must not be repeated for want of a record.
    scheduler_.after(kSettleRetry, [this, alive = std::move(alive), id, settlement = std::move(settlement)]() mutable {
      if (*alive && running_) settle(id, std::move(settlement));
    });
  });
}

void ReactionRunner::rest_until(const Id& id, Time when) {
  Entry& entry = entries_.at(id);
  entry.under_way = false;
  entry.due = when;
  --under_way_;
  waiting_.insert({when, id});
  arm();
}

}  // namespace tidemark::runtime
