#pragma once
// Runs what was posted on the thread that asks for it: a home executor for tests of what has threads of its own.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "core/base/scheduler.hpp"

namespace tidemark::testing {

class Mailbox final : public Executor {
 public:
  void post(Fn<void()> work) override {
    {
      std::lock_guard lock(mutex_);
      queue_.push_back(std::move(work));
    }
    posted_.notify_one();
  }
  /// Runs what was posted first, waiting a moment for it: what a test waits for need not be posted. False: there was nothing.
  bool run_one() {
    Fn<void()> work;
    {
      std::unique_lock lock(mutex_);
      if (!posted_.wait_for(lock, std::chrono::milliseconds(1), [this] { return !queue_.empty(); })) return false;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<Fn<void()>> queue_;
};

}  // namespace tidemark::testing
