// Coming to own a lane, owning it under a lease, settling what nobody knows, and ceasing to own it.
#include <algorithm>

#include "core/base/mutation.hpp"
#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"
#include "core/runtime/log_cursor.hpp"

namespace tidemark::runtime {
namespace {

constexpr Duration kClaimRetryLeast{100}, kClaimRetryMost = std::chrono::seconds(2);
/// How long those wait whose append is being settled, and those behind them.
constexpr Duration kSettlePatience = std::chrono::seconds(10);

}  // namespace

void LaneProcessor::follow() {
  following_ = true;
  log_grew();
}

void LaneProcessor::log_grew() {
  if (!following_ || failure_ || draining_) return;
  follower_.catch_up([this](Result<void> folded) {
    // A log that does not answer now is asked again when it grows, or when the lane is taken.
    if (!folded && folded.error().code != Code::unavailable && folded.error().code != Code::cancelled) fail(folded.take_error());
  });
}

void LaneProcessor::take(Fn<void(Result<void>)> done) {
  wanted_ = true;
  following_ = false;
  taking_ = std::move(done);
  log_.take(lane_, [this, alive = alive_](Result<log::Ownership> ownership) {
    if (!*alive) return;
    if (!ownership) return end_take(ownership.take_error());
    ownership_ = *ownership;
    const auto lease = log_.lease();
    lease_from_ = lease ? scheduler_.now() + *lease : SteadyTime{};
    if (TM_MUTANT(serve_without_reading)) return caught_up({});
    follower_.catch_up([this](Result<void> caught) { caught_up(std::move(caught)); });
  });
}

void LaneProcessor::caught_up(Result<void> caught) {
  if (failure_) return end_take(*failure_);
  if (draining_) return end_take(make_error(Code::cancelled, "the node is stopping"));
  if (!caught) {
    if (caught.error().code == Code::unavailable) return end_take(caught.take_error());
    return fail(caught.take_error());
  }
  if (!unsettled_) return begin_serving();
  // Those who wait for it may be answered meanwhile: then this tells nobody.
  was_written(*unsettled_, [this, batch = unsettled_](Result<bool> written) {
    if (failure_) return end_take(*failure_);
    if (draining_) return end_take(make_error(Code::cancelled, "the node is stopping"));
    if (!written) {
      if (written.error().code == Code::unavailable) return end_take(written.take_error());
      return fail(written.take_error());
    }
    // The predecessor, whose lease would have to pass, is this node.
    if (nobody_else_wrote(*batch, *written)) lease_from_ = SteadyTime{};
    settled(*written ? std::nullopt : std::optional(make_error(Code::unavailable, "not applied: the append came to nothing")));
    begin_serving();
  });
}

void LaneProcessor::begin_serving() {
  const bool readable = guarded([&] {
    next_.clear();
    for (const auto& domain : domains_) {
      auto& ends = next_.emplace_back();
      for (const auto& topic : domain.topics) ends.push_back(log_.end(topic.id, lane_));
      if (!TM_MUTANT(forget_time)) last_now_ = std::max(last_now_, load_lane_info(*domain.state, lane_).last_time);
    }
  });
  if (!readable || failure_) return;
  if (leaving_) return end_take(make_error(Code::cancelled, "the lane is wanted elsewhere"));
  write_lane_taken([this](Result<void> written) {
    if (written && leaving_) written = make_error(Code::cancelled, "the lane is wanted elsewhere");
    if (!written) return end_take(written.take_error());
    serving_ = true;
    settling_ = false;
    failed_takes_ = 0;
    if (patience_timer_ != 0) scheduler_.cancel(std::exchange(patience_timer_, 0));
    resting_.clear();
    resting_due_.clear();
    first_timer_.assign(domains_.size(), {});
    if (!TM_MUTANT(forget_timers)) guarded([this] { arm_timers(); });
    guarded([this] { load_reactions(); });
    if (!draining_) guarded([this] { inbox_.start(); });
    renew_lease();
    end_take({});
    scheduler_.post([this, alive = alive_] { if (*alive) pump(); });
  });
}

void LaneProcessor::end_take(Result<void> result) {
  if (!taking_) return;
  auto done = std::exchange(taking_, nullptr);
  if (!result && leaving_ && !failure_) let_go();
  done(std::move(result));
  end_drain();
}

void LaneProcessor::write_lane_taken(Fn<void(Result<void>)> done) {
  auto batch = std::make_shared<Batch>();
  batch->takes_lane = true;
  const Time now = time_now();
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    const Domain& domain = *domains_[i].domain;
    CommandRequest request;
    request.domain = domain.name;
    request.actor = "system:node";
    request.command_id = to_string(make_uuid_v7(now, scheduler_.random(), scheduler_.random()));
    LaneTaken taken{options_.node_id, ownership_->epoch, options_.build, event::Json{domain.settings}};
    std::string data = encode_lane_taken(taken);
    // The lane itself is the boundary: no key of a domain is written.
    const std::string boundary = "lane-" + std::to_string(lane_.value);
    std::vector<NewEvent> events{{home_topic(i), std::string(kLaneTakenType), boundary, boundary, data}};
    DecisionRecord decision;
    decision.verdict = "accepted";
    decision.command = {std::string(kTakeLaneType), event::Json{"{}"}};
    auto& part = part_of(*batch, i);
    part.info.taken = now;
    part.info.settings = domain.settings;
    Outcome unused;
    record(*batch, i, request, boundary, std::move(decision), std::move(events), now, unused);
  }
  batch->answers.push_back(Answer{[done = std::move(done)](Outcome outcome) mutable {
    if (outcome.kind == Outcome::Kind::failed) done(std::move(outcome.error));
    else done({});
  }, Outcome{}, {}, 0, {}});
  batch->answers.back().outcome.kind = Outcome::Kind::accepted;
  append(std::move(batch));
}

void LaneProcessor::claim() {
  wanted_ = true;
  if (serving_ || taking_ || leaving_ || failure_ || draining_) return;
  if (claim_timer_ != 0) scheduler_.cancel(std::exchange(claim_timer_, 0));
  if (hooks_.may_take && !hooks_.may_take()) return claim_later();
  take([this](Result<void> result) {
    if (result || failure_ || !wanted_ || draining_) return;
    if (result.error().code == Code::fenced) return lose(result.take_error());
    if (options_.on_lane_not_taken) options_.on_lane_not_taken(lane_, result.error(), static_cast<unsigned>(failed_takes_ + 1));
    claim_later();
  });
}

void LaneProcessor::claim_later() {
  claim_timer_ = scheduler_.after(backoff(scheduler_, ++failed_takes_, kClaimRetryLeast, kClaimRetryMost), [this] {
    claim_timer_ = 0;
    claim();
  });
}

void LaneProcessor::give_up(Fn<void()> done) {
  given_up_ = std::move(done);
  wanted_ = false;
  stand_down(make_error(Code::unavailable, "not applied: the lane moves to another node"));
  give_up_waiting();
  leaving_ = true;
  if (!busy_ && !taking_) let_go();  // else when that has ended
}

/// Nobody knows whether the batch was written. Taking the lane again settles it; until then nothing else is decided.
void LaneProcessor::settle(std::shared_ptr<Batch> batch, Error why) {
  unsettled_ = std::move(batch);
  unsettled_why_ = make_error(TM_MUTANT(unknown_is_refused) ? Code::unavailable : Code::outcome_unknown, std::move(why.message));
  if (draining_ || leaving_) {
    give_up_waiting();
    return leaving_ ? let_go() : pump();
  }
  settling_ = true;
  stop_serving(make_error(Code::unavailable, "the lane is being settled"));
  patience_timer_ = scheduler_.after(kSettlePatience, [this] {
    patience_timer_ = 0;
    give_up_waiting();
  });
  claim();
}

/// Beside the unsettled batch. Another that had taken the lane would have written that before it answered any owner call.
bool LaneProcessor::nobody_else_wrote(const Batch& batch, bool written) const {
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    const DomainBatch* part = batch.domains[i].get();
    for (std::size_t t = 0; t < domains_[i].topics.size(); ++t) {
      const bool in_batch = part != nullptr && !part->last_id[t].empty();
      if (log_.end(domains_[i].topics[t].id, lane_) != (in_batch && !written ? part->first[t] : next_[i][t])) return false;
    }
  }
  return true;
}

void LaneProcessor::was_written(const Batch& batch, Fn<void(Result<bool>)> done) {
  const auto answer = [this](Fn<void(Result<bool>)> to, bool written) {
    scheduler_.post([alive = alive_, to = std::move(to), written]() mutable {
      if (*alive) to(written);
    });
  };
  if (TM_MUTANT(unknown_is_written)) return answer(std::move(done), true);
  for (std::size_t i = 0; i < batch.domains.size(); ++i) {
    if (!batch.domains[i]) continue;
    const std::size_t decisions = domains_[i].decisions_index();
    const std::string& last_id = batch.domains[i]->last_id[decisions];
    if (last_id.empty()) continue;
    const OpenTopic& topic = domains_[i].topics[decisions];
    const Tmseq last{next_[i][decisions].value - 1};
    if (log_.end(topic.id, lane_) <= last) return answer(std::move(done), false);
    auto read = [log = &log_, home = &scheduler_, alive = alive_, lane = lane_, topic = &topic, last, last_id, done = std::move(done)]() mutable {
      auto record = read_event(*log, topic->id, topic->spec.name, lane, last);
      // All of a batch is written or none.
      Result<bool> written = record.ok() ? Result<bool>(record->envelope.id == last_id) : Result<bool>(record.take_error());
      home->post([alive, written = std::move(written), done = std::move(done)]() mutable {
        if (*alive) done(std::move(written));
      });
    };
    return hooks_.executor(i).post(std::move(read));
  }
  answer(std::move(done), false);
}

void LaneProcessor::settled(std::optional<Error> not_written) {
  if (!unsettled_) return;
  const auto batch = std::exchange(unsettled_, nullptr);
  if (not_written) refuse_batch(*batch, *not_written);
  answer_all(*batch);
}

void LaneProcessor::give_up_waiting() {
  settling_ = false;
  if (patience_timer_ != 0) scheduler_.cancel(std::exchange(patience_timer_, 0));
  settled(unsettled_why_);
  if (!serving_) refuse_queue(make_error(Code::unavailable, "not applied: the log does not answer"));
}

void LaneProcessor::stop_serving(const Error& why) {
  serving_ = false;
  lease_until_ = {};
  for (TimerId* timer : {&timer_, &lease_timer_, &claim_timer_}) {
    if (*timer != 0) scheduler_.cancel(std::exchange(*timer, 0));
  }
  reactions_.forget();
  inbox_.stop();
  waiters_.end_all(why);
}

void LaneProcessor::stand_down(const Error& why) {
  stop_serving(why);
  refuse_queue(why);
}

void LaneProcessor::refuse_queue(const Error& why) {
  for (auto& pending : queue_) {
    auto outcome = failed_outcome(pending.request, why);
    metrics_.answered(pending.domain, outcome);
    if (pending.done) scheduler_.post([done = std::move(pending.done), outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
  }
  metrics_.queued(-static_cast<std::ptrdiff_t>(queue_.size()));
  queue_.clear();
}

/// Another node has the lane. It may be taken again when the group proposes it anew.
void LaneProcessor::lose(Error why) {
  if (!hooks_.lost) return fail(std::move(why));
  wanted_ = false;
  stand_down(make_error(Code::unavailable, "not applied: another node has taken the lane"));
  give_up_waiting();
  let_go();
  hooks_.lost();
}

void LaneProcessor::let_go() {
  leaving_ = false;
  if (ownership_) log_.release(*std::exchange(ownership_, std::nullopt));
  if (!draining_) follow();
  if (given_up_) std::exchange(given_up_, nullptr)();
  if (wanted_) claim();  // proposed again meanwhile
}

void LaneProcessor::drain(Fn<void()> done) {
  draining_ = true;
  following_ = false;
  drained_ = std::move(done);
  if (claim_timer_ != 0) scheduler_.cancel(std::exchange(claim_timer_, 0));
  reactions_.stop();
  inbox_.stop();
  waiters_.end_all(make_error(Code::unavailable, "the node is stopping"));
  if (settling_) give_up_waiting();
  follower_.stop([this] { end_drain(); });
  scheduler_.post([this, alive = alive_] { if (*alive) pump(); });
}

/// Calls back once nothing of this lane is under way.
void LaneProcessor::end_drain() {
  if (!drained_ || busy_ || reading_ > 0 || taking_ || follower_.busy() || (!queue_.empty() && !failure_)) return;
  serving_ = false;
  if (ownership_) log_.release(*std::exchange(ownership_, std::nullopt));
  std::exchange(drained_, nullptr)();
}

bool LaneProcessor::lease_holds() const {
  if (!log_.lease() || TM_MUTANT(owner_without_lease)) return true;
  const SteadyTime now = scheduler_.now();
  return now >= lease_from_ && now < lease_until_;
}

bool LaneProcessor::is_fresh() const { return !log_.lease() || domains_.empty() || scheduler_.now() < lease_until_; }

void LaneProcessor::record_renewal(Batch& batch) {
  const Time now = time_now();
  CommandRequest request;
  request.domain = domains_[0].domain->name;
  request.actor = "system:node";
  request.command_id = to_string(make_uuid_v7(now, scheduler_.random(), scheduler_.random()));
  DecisionRecord decision;
  decision.verdict = "accepted";
  decision.command = {std::string(kRenewLaneType), event::Json{"{}"}};
  Outcome unused;
  record(batch, 0, request, "lane-" + std::to_string(lane_.value), std::move(decision), {}, now, unused);
}

void LaneProcessor::renew_lease() {
  const auto lease = log_.lease();
  if (!lease || domains_.empty()) return;
  lease_timer_ = scheduler_.after(*lease / 3, [this, lease = *lease] {
    lease_timer_ = 0;
    if (!serving_ || failure_) return;
    if (!busy_ && queue_.empty() && scheduler_.now() + lease / 2 > lease_until_) {
      auto batch = std::make_shared<Batch>();
      record_renewal(*batch);
      append(std::move(batch));
    }
    renew_lease();
  });
}

}  // namespace tidemark::runtime
