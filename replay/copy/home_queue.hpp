#pragma once
// The home of logs that one thread works with and waits for.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "core/base/scheduler.hpp"

namespace tidemark::replay {

class HomeQueue final : public Executor {
 public:
  void post(Fn<void()> work) override {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(work));
    }
    posted_.notify_one();
  }
  /// Runs what is posted until `done` says so. One thread.
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      Fn<void()> work;
      {
        std::unique_lock lock(mutex_);
        posted_.wait(lock, [this] { return !queue_.empty(); });
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      work();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Fn<void()>> queue_;
};

}  // namespace tidemark::replay
