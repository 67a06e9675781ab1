#pragma once
// An executor whose work runs when the test says so.

#include <deque>
#include <initializer_list>
#include <utility>

#include "core/base/scheduler.hpp"

namespace tidemark::test {

/// One thread only.
class ManualExecutor final : public Executor {
 public:
  void post(Fn<void()> work) override { queue_.push_back(std::move(work)); }
  bool idle() const { return queue_.empty(); }
  /// Runs the oldest piece of work; false when there is none.
  bool run_one() {
    if (queue_.empty()) return false;
    auto work = std::move(queue_.front());
    queue_.pop_front();
    work();
    return true;
  }
  void clear() { queue_.clear(); }

 private:
  std::deque<Fn<void()>> queue_;
};

/// Runs until none has work.
inline void run_all(std::initializer_list<ManualExecutor*> executors) {
  for (bool ran = true; ran;) {
    ran = false;
    for (auto* executor : executors) ran = executor->run_one() || ran;
  }
}

}  // namespace tidemark::test
