// Durable timers.
#include <algorithm>

#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kFiringsPerTurn = 256;
/// Above it, rests of timers that no longer exist are forgotten.
constexpr std::size_t kRestingKept = 4096;
constexpr Duration kRetryDelay = std::chrono::seconds(1);
/// The wall clock may jump, so it is asked again at least this often while a timer is armed.
constexpr Duration kLongestSleep = std::chrono::seconds(10);

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

void LaneProcessor::arm_timers() {
  if (!serving_ || draining_) return;
  const Time now = scheduler_.wall();
  if (resting_.size() > kRestingKept) {
    std::string value;
    std::erase_if(resting_, [&](const auto& entry) {
      for (std::size_t i = 0; i < domains_.size(); ++i) {
        const std::string prefix = resting_key(i, "");
        if (entry.first.starts_with(prefix)) return !domains_[i].state->get(std::string_view(entry.first).substr(prefix.size()), value);
      }
      return true;
    });
  }
  std::optional<Time> earliest;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    bool first = true;
    scan_timers(*domains_[i].state, lane_, first_timer_[i], [&](const TimerEntry& entry) {
      if (std::exchange(first, false)) first_timer_[i] = entry.key;
      Time due = entry.due;
      const auto resting = resting_.find(resting_key(i, entry.key));
      if (resting != resting_.end()) {
        if (!resting->second) return true;
        due = std::max(due, *resting->second);
      }
      if (!earliest || due < *earliest) earliest = due;
      // Resting ones lie before; the first that does not rest is the earliest of the others.
      return resting != resting_.end();
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
  timer_ = scheduler_.at(when, [this] {
    timer_ = 0;
    guarded([this] { fire_timers(); });
  });
}

void LaneProcessor::fire_timers() {
  if (!serving_ || draining_) return;
  const Time now = scheduler_.wall();
  std::size_t fired = 0;
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    std::vector<TimerEntry> due;
    scan_timers(*domains_[i].state, lane_, first_timer_[i], [&](const TimerEntry& entry) {
      if (entry.due > now || fired + due.size() >= kFiringsPerTurn) return false;
      const auto resting = resting_.find(resting_key(i, entry.key));
      if (resting == resting_.end() || (resting->second && *resting->second <= now)) due.push_back(entry);
      return true;
    });
    for (auto& entry : due) {
      if (queue_.size() >= options_.lane_queue_max) {
        resting_[resting_key(i, entry.key)] = now + kRetryDelay;
        continue;
      }
      resting_[resting_key(i, entry.key)] = std::nullopt;
      const Domain& domain = *domains_[i].domain;
      CommandRequest request;
      request.domain = domain.name;
      request.name = entry.command;
      request.actor = "system:timer";
      request.command_id = to_string(derive_uuid(domain.name + "\n" + entry.key, "timer", static_cast<std::uint64_t>(to_ms(entry.due))));
      request.keyed = true;  // one decision per firing, over restarts too
      request.data = entry.data;
      if (domain.complete_timer) {
        VolatileMemory::Scoped memory(*memory_[i], entry.boundary);
        request.data = domain.complete_timer(Timer{entry.due, entry.command, entry.data}, entry.boundary, memory);
      }
      BadInput bad;
      auto command = domain.decider->decode(request.name, request.data, bad);
      if (!command) {
        // Written by the domain's own evolve, so a bug of this build or of an earlier one. It rests until the lane is taken anew.
        metrics_.timer_unreadable(i);
        continue;
      }
      ++fired;
      metrics_.timer_fired(i);
      metrics_.queued(1);
      queue_.push_back(Pending{i, std::move(request), std::move(command), nullptr, entry.key, entry.boundary, {}});
    }
  }
  if (fired > 0) scheduler_.post([this, alive = alive_] { if (*alive) pump(); });
  arm_timers();
}

void LaneProcessor::timer_answered(const Answer& answer) {
  const std::string key = resting_key(answer.domain, answer.timer_key);
  switch (answer.outcome.kind) {
    case Outcome::Kind::accepted: {
      // Its events must have moved or cleared it. One that is still there rests, rather than fire for ever.
      std::string value;
      const bool still_there = guarded([&] { domains_[answer.domain].state->get(answer.timer_key, value); }) && !value.empty();
      if (still_there) resting_[key] = std::nullopt;
      else resting_.erase(key);
      break;
    }
    case Outcome::Kind::failed: resting_[key] = scheduler_.wall() + kRetryDelay; break;
    default: resting_[key] = answer.again_at; break;
  }
  arm_timers_soon();
}

}  // namespace tidemark::runtime
