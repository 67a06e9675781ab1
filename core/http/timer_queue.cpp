#include "core/http/timer_queue.hpp"

#include <algorithm>

namespace tidemark::http {

TimerId TimerQueue::add(SteadyTime when, Fn<void()> work) {
  const TimerId id = ++last_id_;
  live_.emplace(id, std::move(work));
  heap_.push_back({when, id});
  std::push_heap(heap_.begin(), heap_.end(), later);
  return id;
}

bool TimerQueue::cancel(TimerId timer) {
  if (live_.erase(timer) == 0) return false;
  // Cancelled entries stay in the heap until they surface; rebuilt when they outnumber the live ones.
  if (heap_.size() > 64 && heap_.size() > 2 * live_.size()) {
    std::erase_if(heap_, [this](const Entry& entry) { return !live_.contains(entry.id); });
    std::make_heap(heap_.begin(), heap_.end(), later);
  }
  return true;
}

void TimerQueue::drop_cancelled() {
  while (!heap_.empty() && !live_.contains(heap_.front().id)) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
  }
}

std::optional<SteadyTime> TimerQueue::next() {
  drop_cancelled();
  if (heap_.empty()) return std::nullopt;
  return heap_.front().when;
}

Fn<void()> TimerQueue::take_due(SteadyTime now) {
  drop_cancelled();
  if (heap_.empty() || heap_.front().when > now) return {};
  const auto found = live_.find(heap_.front().id);
  Fn<void()> work = std::move(found->second);
  live_.erase(found);
  std::pop_heap(heap_.begin(), heap_.end(), later);
  heap_.pop_back();
  return work;
}

}  // namespace tidemark::http
