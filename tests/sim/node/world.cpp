#include "tests/sim/node/world.hpp"

#include <algorithm>

namespace tidemark::sim {
namespace {

constexpr std::int64_t kEpochMs = 1'700'000'000'000;
constexpr std::int64_t kStepMicrosMost = 40;  // what a piece of work takes

}  // namespace

std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

Queue::~Queue() { world_.forget(*this); }

void Queue::post(Fn<void()> work) {
  work_.push_back(std::move(work));
  world_.ready(*this);
}

void Queue::stall(SteadyTime until) { stalled_until_ = std::max(stalled_until_, until); }

void Queue::drop() {
  // What goes may post as it goes.
  while (!work_.empty()) {
    auto work = std::move(work_.front());
    work_.pop_front();
  }
  world_.forget(*this);
  stalled_until_ = {};
}

void World::ready(Queue& queue) {
  if (queue.listed_) return;
  queue.listed_ = true;
  ready_.push_back(&queue);
}

void World::forget(const Queue& queue) {
  std::erase(ready_, &queue);
  const_cast<Queue&>(queue).listed_ = false;
  std::vector<Fn<void()>> gone;  // destroyed when the maps are whole again
  for (auto at = timers_.begin(); at != timers_.end();) {
    if (at->second.queue != &queue) {
      ++at;
      continue;
    }
    if (at->second.armed) due_.erase({at->second.due, at->first});
    gone.push_back(std::move(at->second.work));
    at = timers_.erase(at);
  }
}

std::uint64_t World::at(SteadyTime when, Queue& queue, Fn<void()> work) {
  const std::uint64_t id = ++last_timer_;
  when = std::max(when, now_);
  timers_.emplace(id, Timer{&queue, std::move(work), when});
  due_.emplace(std::pair{when, id}, id);
  return id;
}

bool World::cancel(std::uint64_t timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return false;
  if (found->second.armed) due_.erase({found->second.due, timer});
  auto gone = std::move(found->second.work);
  timers_.erase(found);
  return true;
}

void World::wake_due() {
  while (!due_.empty() && due_.begin()->first.first <= now_) {
    const std::uint64_t id = due_.begin()->second;
    due_.erase(due_.begin());
    Timer& timer = timers_.at(id);
    timer.armed = false;
    timer.queue->post([this, id] {
      const auto found = timers_.find(id);
      if (found == timers_.end()) return;
      auto work = std::move(found->second.work);
      timers_.erase(found);
      work();
    });
  }
}

bool World::step() {
  wake_due();
  for (;;) {
    // One of the queues that may run, drawn.
    std::size_t left = ready_.size();
    SteadyTime first_awake = SteadyTime::max();
    while (left > 0) {
      const std::size_t pick = random_.below(left);
      Queue& queue = *ready_[pick];
      if (queue.work_.empty()) {
        queue.listed_ = false;
        std::swap(ready_[pick], ready_[left - 1]);
        std::swap(ready_[left - 1], ready_.back());
        ready_.pop_back();
        --left;
        continue;
      }
      if (queue.stalled_until_ > now_) {
        first_awake = std::min(first_awake, queue.stalled_until_);
        std::swap(ready_[pick], ready_[--left]);
        continue;
      }
      auto work = std::move(queue.work_.front());
      queue.work_.pop_front();
      ++steps_;
      work();
      now_ += std::chrono::microseconds(random_.below(kStepMicrosMost) + 1);
      return true;
    }
    if (due_.empty() && first_awake == SteadyTime::max()) return false;
    now_ = std::max(now_, std::min(first_awake, due_.empty() ? SteadyTime::max() : due_.begin()->first.first));
    wake_due();
  }
}

Time ProcessScheduler::wall() const {
  const auto since = world_.now().time_since_epoch();
  const auto drifted = (world_.now() - drift_from_) * ppm_ / 1'000'000;
  return from_ms(kEpochMs) + std::chrono::duration_cast<Duration>(since + drifted) + offset_;
}

void ProcessScheduler::drift_wall(std::int64_t ppm) {
  offset_ += std::chrono::duration_cast<Duration>((world_.now() - drift_from_) * ppm_ / 1'000'000);
  drift_from_ = world_.now();
  ppm_ = ppm;
}

}  // namespace tidemark::sim
