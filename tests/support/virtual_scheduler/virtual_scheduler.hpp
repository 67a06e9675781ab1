#pragma once
// A seeded, single-threaded Scheduler with virtual time: one seed, one history.

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <unordered_map>

#include "core/base/scheduler.hpp"

namespace tidemark::testing {

class VirtualScheduler final : public Scheduler {
 public:
  explicit VirtualScheduler(std::uint64_t seed = 1, Time start = from_ms(1'700'000'000'000)) : random_(seed), wall_(start) {}

  void post(Fn<void()> work) override { ready_.push_back(std::move(work)); }
  SteadyTime now() const override { return now_; }
  Time wall() const override { return wall_ + std::chrono::duration_cast<Duration>(now_.time_since_epoch()) + wall_offset_; }
  TimerId at(SteadyTime when, Fn<void()> work) override {
    const TimerId id = ++last_timer_;
    timers_.emplace(std::pair{std::max(when, now_), id}, std::move(work));
    due_of_[id] = std::max(when, now_);
    return id;
  }
  bool cancel(TimerId timer) override {
    const auto due = due_of_.find(timer);
    if (due == due_of_.end()) return false;
    timers_.erase({due->second, timer});
    due_of_.erase(due);
    return true;
  }
  std::uint64_t random() override { return random_(); }

  /// Makes the wall clock jump, forwards or back.
  void jump_wall(Duration by) { wall_offset_ += by; }

  /// Time goes on and nothing runs, as when the process or its machine is stopped for a while: what was due is late.
  void stand_still(Duration span) { now_ += span; }

  /// Runs one ready function, or moves time to the next timer and runs it. False when there is nothing left.
  bool step() {
    if (!ready_.empty()) {
      auto work = std::move(ready_.front());
      ready_.pop_front();
      work();
      return true;
    }
    if (timers_.empty()) return false;
    return run_timer();
  }
  /// Runs until `done` says so; false when nothing is left to run before.
  template <class Done>
  bool run_until(Done done, std::size_t steps_max = 1'000'000) {
    for (std::size_t i = 0; i < steps_max; ++i) {
      if (done()) return true;
      if (!step()) return done();
    }
    return false;
  }
  /// Runs everything due within `span` of virtual time.
  void run_for(Duration span) {
    const SteadyTime until = now_ + span;
    for (;;) {
      if (!ready_.empty()) step();
      else if (!timers_.empty() && timers_.begin()->first.first <= until) run_timer();
      else break;
    }
    now_ = until;
  }
  /// Runs what is ready now, without moving time.
  void run_ready() {
    while (!ready_.empty()) step();
  }
  /// Forgets all that is posted or armed: the process dies here. Callables are destroyed, none is run.
  void drop_everything() {
    ready_.clear();
    timers_.clear();
    due_of_.clear();
  }

 private:
  bool run_timer() {
    auto first = timers_.begin();
    now_ = std::max(now_, first->first.first);
    auto work = std::move(first->second);
    due_of_.erase(first->first.second);
    timers_.erase(first);
    work();
    return true;
  }

  std::mt19937_64 random_;
  Time wall_;
  Duration wall_offset_{0};
  SteadyTime now_{};
  std::deque<Fn<void()>> ready_;
  TimerId last_timer_ = 0;
  std::map<std::pair<SteadyTime, TimerId>, Fn<void()>> timers_;
  std::unordered_map<TimerId, SteadyTime> due_of_;
};

}  // namespace tidemark::testing
