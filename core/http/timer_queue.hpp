#pragma once
// Timers of the production loop: a binary heap with lazy cancellation, so that setting and cancelling are cheap for many.

#include <optional>
#include <unordered_map>
#include <vector>

#include "core/base/scheduler.hpp"

namespace tidemark::http {

/// Not thread-safe. Timers of one instant fire in the order they were set.
class TimerQueue {
 public:
  TimerId add(SteadyTime when, Fn<void()> work);
  bool cancel(TimerId timer);
  /// When the earliest live timer is due.
  std::optional<SteadyTime> next();
  /// Takes the earliest timer that is due at `now`; an empty Fn when there is none.
  Fn<void()> take_due(SteadyTime now);
  std::size_t size() const { return live_.size(); }

 private:
  struct Entry {
    SteadyTime when;
    TimerId id;
  };
  static bool later(const Entry& a, const Entry& b) { return a.when != b.when ? a.when > b.when : a.id > b.id; }
  void drop_cancelled();

  std::vector<Entry> heap_;
  std::unordered_map<TimerId, Fn<void()>> live_;
  TimerId last_id_ = 0;
};

}  // namespace tidemark::http
