// Durable timers.
#include <algorithm>

#include "core/base/mutation.hpp"
#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kFiringsPerTurn = 256;
constexpr Duration kRetryDelay = std::chrono::seconds(1);
/// The wall clock may jump, so it is asked again at least this often while a timer is armed.
constexpr Duration kLongestSleep = std::chrono::seconds(10);
/// A timer that fires later than this was not late because of load: the process or its machine stood still.
constexpr Duration kStandstill = std::chrono::seconds(5);

}  // namespace

std::optional<Time> LaneProcessor::note_timers(const Batch& batch) {
  std::optional<Time> earliest;
  for (std::size_t i = 0; i < batch.domains.size(); ++i) {
    if (!batch.domains[i]) continue;
    const auto& changes = batch.domains[i]->overlay.changes();
    for (auto at = changes.lower_bound(timer_area()); at != changes.end() && is_timer_key(at->first); ++at) {
      if (!at->second) continue;
      if (at->first < first_timer_[i]) first_timer_[i] = at->first;
      const Time due = timer_due(at->first);
      earliest = earliest ? std::min(*earliest, due) : due;
    }
  }
  return earliest;
}

void LaneProcessor::arm_for(Time due) {
  const Duration delay = Duration(due - scheduler_.wall());
  if (timer_ == 0 || scheduler_.now() + delay < timer_at_) guarded([this] { arm_timers(); });
}

void LaneProcessor::arm_timers_soon() {
  if (std::exchange(arming_, true)) return;
  scheduler_.post([this, alive = alive_] {
    if (!*alive) return;
    arming_ = false;
    guarded([this] { arm_timers(); });
  });
}

void LaneProcessor::notice_standstill() {
  if (timer_ == 0) return;
  const SteadyTime now = scheduler_.now();
  const Time wall = scheduler_.wall();
  const Duration asleep = Duration(wall - armed_wall_) - std::chrono::duration_cast<Duration>(now - armed_at_);
  if (now - timer_at_ > kStandstill || asleep > kStandstill) listening_since_ = wall;
}

void LaneProcessor::rest(const TimerName& timer, std::optional<Time> until) {
  rest_no_more(timer);
  resting_.emplace(timer, until);
  if (until) resting_due_.emplace(*until, timer);
}

void LaneProcessor::rest_no_more(const TimerName& timer) {
  const auto found = resting_.find(timer);
  if (found == resting_.end()) return;
  if (found->second) resting_due_.erase({*found->second, timer});
  resting_.erase(found);
}

/// Of those that no longer exist.
void LaneProcessor::forget_resting() {
  if (resting_.size() <= resting_kept_) return;
  std::string value;
  for (auto at = resting_.begin(); at != resting_.end();) {
    const TimerName timer = (at++)->first;
    if (!domains_[timer.first].state->get(timer.second, value)) rest_no_more(timer);
  }
  resting_kept_ = std::max(resting_kept_, 2 * resting_.size());
}

void LaneProcessor::arm_timers() {
  if (!serving_ || draining_) return;
  notice_standstill();
  const Time now = scheduler_.wall();
  forget_resting();
  std::optional<Time> earliest;
  if (!resting_due_.empty()) earliest = resting_due_.begin()->first;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    const std::string from = first_timer_[i];
    scan_timers(*domains_[i].state, lane_, from, [&](const TimerEntry& entry) {
      first_timer_[i] = entry.key;
      if (resting_.contains({i, entry.key})) return true;
      if (!earliest || entry.due < *earliest) earliest = entry.due;
      return false;
    });
  }
  if (!earliest) {
    if (timer_ != 0) scheduler_.cancel(std::exchange(timer_, 0));
    return;
  }
  const Duration delay = std::clamp(Duration(*earliest - now), Duration(0), kLongestSleep);
  const SteadyTime when = scheduler_.now() + delay;
  if (timer_ != 0) {
    if (timer_at_ <= when && when - timer_at_ < Duration(1)) return;
    scheduler_.cancel(timer_);
  }
  timer_at_ = when;
  armed_at_ = scheduler_.now();
  armed_wall_ = now;
  timer_ = scheduler_.at(when, [this] {
    notice_standstill();
    timer_ = 0;
    guarded([this] { fire_timers(); });
  });
}

void LaneProcessor::fire_timers() {
  if (!serving_ || draining_) return;
  const Time now = scheduler_.wall();
  std::vector<std::pair<std::size_t, TimerEntry>> due;
  for (auto at = resting_due_.begin(); at != resting_due_.end() && at->first <= now && due.size() < kFiringsPerTurn;) {
    const TimerName timer = (at++)->second;
    auto entry = find_timer(*domains_[timer.first].state, timer.second);
    if (entry) due.emplace_back(timer.first, std::move(*entry));
    else rest_no_more(timer);
  }
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    scan_timers(*domains_[i].state, lane_, first_timer_[i], [&](const TimerEntry& entry) {
      if (entry.due > now || due.size() >= kFiringsPerTurn) return false;
      if (!resting_.contains({i, entry.key})) due.emplace_back(i, entry);
      return true;
    });
  }
  bool fired = false;
  for (const auto& [domain, entry] : due) fired = fire(domain, entry, now) || fired;
  if (fired) scheduler_.post([this, alive = alive_] { if (*alive) pump(); });
  arm_timers();
}

/// Queues the timer's command. False when it cannot be now.
bool LaneProcessor::fire(std::size_t index, const TimerEntry& entry, Time now) {
  if (queue_.size() >= options_.lane_queue_max) {
    rest({index, entry.key}, now + kRetryDelay);
    return false;
  }
  if (!TM_MUTANT(timer_twice)) rest({index, entry.key}, std::nullopt);
  const Domain& domain = *domains_[index].domain;
  CommandRequest request;
  request.domain = domain.name;
  request.name = entry.command;
  request.actor = "system:timer";
  request.command_id = to_string(derive_uuid(domain.name + "\n" + entry.key, "timer", static_cast<std::uint64_t>(to_ms(entry.due))));
  request.keyed = true;  // one decision per firing, over restarts too
  if (TM_MUTANT(timer_twice)) request.command_id = to_string(make_uuid_v7(now, scheduler_.random(), scheduler_.random()));
  request.data = entry.data;
  if (domain.complete_timer) {
    VolatileMemory::Scoped memory(*memory_[index], entry.boundary);
    if (listening_since_ != Time{}) memory.set(kListeningSince, to_ms(listening_since_));
    request.data = domain.complete_timer(Timer{entry.due, entry.command, entry.data}, entry.boundary, memory);
  }
  BadInput bad;
  auto command = domain.decider->decode(request.name, request.data, bad);
  if (!command) {
    // Written by the domain's own evolve, so a bug of this build or of an earlier one. It rests until the lane is taken anew.
    metrics_.timer_unreadable(index);
    return false;
  }
  last_now_ = std::max(last_now_, entry.due);  // the clock may go back before it is decided
  metrics_.timer_fired(index);
  metrics_.queued(1);
  queue_.push_back(Pending{index, std::move(request), std::move(command), nullptr, entry.key, entry.boundary, {}});
  return true;
}

void LaneProcessor::timer_answered(const Answer& answer) {
  const TimerName timer{answer.domain, answer.timer_key};
  switch (answer.outcome.kind) {
    case Outcome::Kind::accepted: {
      // Its events must have moved or cleared it. One that is still there rests, rather than fire for ever.
      std::string value;
      const bool still_there = guarded([&] { domains_[answer.domain].state->get(answer.timer_key, value); }) && !value.empty();
      if (still_there) rest(timer, std::nullopt);
      else rest_no_more(timer);
      break;
    }
    case Outcome::Kind::failed: rest(timer, scheduler_.wall() + kRetryDelay); break;
    default: rest(timer, answer.again_at); break;
  }
  arm_timers_soon();
}

}  // namespace tidemark::runtime
