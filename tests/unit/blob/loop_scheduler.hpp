#pragma once
// A Scheduler for tests with real pool threads: a queue that the test's thread empties. No timers.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "core/base/scheduler.hpp"

namespace tidemark::testing {

class LoopScheduler final : public Scheduler {
 public:
  void post(Fn<void()> work) override {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(work));
    }
    posted_.notify_one();
  }
  SteadyTime now() const override { return {}; }
  Time wall() const override { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }
  TimerId at(SteadyTime, Fn<void()>) override { TM_ASSERT(false, "no timers here"); }
  bool cancel(TimerId) override { return false; }
  std::uint64_t random() override { return 4; }

  template <class Done>
  void run_until(Done done) {
    while (!done()) {
      Fn<void()> work;
      {
        std::unique_lock lock(mutex_);
        posted_.wait(lock, [&] { return !ready_.empty(); });
        work = std::move(ready_.front());
        ready_.pop_front();
      }
      work();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Fn<void()>> ready_;
};

}  // namespace tidemark::testing
