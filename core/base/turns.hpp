#pragma once
// Lets only so many tasks do something at once; the others wait, in the order in which they came.
//
//   const auto turn = co_await turns.take();   // until `turn` goes
//
// For what is large while it is under way: memory is then bounded by the places, not by the number of callers.

#include <cstddef>
#include <deque>
#include <utility>

#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"

namespace tidemark {

///   threads  that of `home`. It outlives every turn and every wait
class Turns {
 public:
  Turns(Executor& home, std::size_t places) : home_(home), free_(places) {}

  /// A place, given back when it goes.
  class Turn {
   public:
    explicit Turn(Turns& of) : of_(&of) {}
    Turn(Turn&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (of_ != nullptr) of_->give_back();
    }

   private:
    Turns* of_;
  };

  Task<Turn> take() {
    if (free_ == 0) {
      auto start = [this](Fn<void(bool)> called) { waiting_.push_back(std::move(called)); };
      auto waiting = Callback<bool>(std::move(start));
      (void)co_await waiting;  // the place was passed on
    } else {
      --free_;
    }
    co_return Turn(*this);
  }

  std::size_t waiting() const { return waiting_.size(); }

 private:
  void give_back() {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    // Not from here: what goes on then may end, and give its place back in turn.
    home_.post([next = std::move(waiting_.front())]() mutable { next(true); });
    waiting_.pop_front();
  }

  Executor& home_;
  std::size_t free_;
  std::deque<Fn<void(bool)>> waiting_;
};

}  // namespace tidemark
