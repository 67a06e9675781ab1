#pragma once
// The world of one simulation: virtual time, everything that is ready to run, everything that will be. One thread, one seed: the
// order in which work of different queues runs is drawn, the order within a queue is kept, as between threads and within one.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/scheduler.hpp"

namespace tidemark::sim {

/// splitmix64: small, fast, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// 0 .. n - 1
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  std::int64_t between(std::int64_t least, std::int64_t most) { return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1)); }
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1p-53 < probability; }
  /// mostly short, now and then up to `most`
  std::int64_t delay(std::int64_t most) { return most <= 0 ? 0 : between(0, chance(0.1) ? most : 1 + most / 10); }

 private:
  std::uint64_t state_;
};

class World;

/// One thread of a process: what is posted runs in this order, while it is not held up.
class Queue final : public Executor {
 public:
  Queue(World& world, std::string name) : world_(world), name_(std::move(name)) {}
  ~Queue() override;
  void post(Fn<void()> work) override;
  /// Nothing of it runs until then.
  void stall(SteadyTime until);
  /// The process dies: what waits is destroyed, not run.
  void drop();
  const std::string& name() const { return name_; }

 private:
  friend class World;
  World& world_;
  const std::string name_;
  std::deque<Fn<void()>> work_;
  SteadyTime stalled_until_{};
  bool listed_ = false;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), network_(*this, "network") {}

  Random& random() { return random_; }
  SteadyTime now() const { return now_; }
  std::uint64_t steps() const { return steps_; }
  /// What belongs to no process: messages under way, brokers, coordinators.
  Queue& network() { return network_; }

  /// Runs `work` on `queue` then; both are the caller's to keep alive or to cancel.
  std::uint64_t at(SteadyTime when, Queue& queue, Fn<void()> work);
  std::uint64_t after(std::chrono::microseconds delay, Queue& queue, Fn<void()> work) { return at(now_ + delay, queue, std::move(work)); }
  /// True when it had not run; then it never will.
  bool cancel(std::uint64_t timer);

  /// One piece of work, or the time of the next timer. False when nothing is left.
  bool step();

 private:
  friend class Queue;
  struct Timer {
    Queue* queue;
    Fn<void()> work;
    SteadyTime due;
    bool armed = true;  ///< false: it waits in its queue
  };
  void ready(Queue& queue);
  void forget(const Queue& queue);
  void wake_due();

  Random random_;
  SteadyTime now_{};
  std::uint64_t steps_ = 0;
  std::uint64_t last_timer_ = 0;
  std::vector<Queue*> ready_;
  std::map<std::pair<SteadyTime, std::uint64_t>, std::uint64_t> due_;
  std::unordered_map<std::uint64_t, Timer> timers_;
  Queue network_;
};

/// The scheduler of one process: its home thread, its clocks (the wall clock may jump and drift, the steady one may not), its timers.
class ProcessScheduler final : public Scheduler {
 public:
  ProcessScheduler(World& world, std::string name, std::uint64_t seed) : world_(world), home_(world, std::move(name)), random_(seed) {}

  void post(Fn<void()> work) override { home_.post(std::move(work)); }
  SteadyTime now() const override { return world_.now(); }
  Time wall() const override;
  TimerId at(SteadyTime when, Fn<void()> work) override { return world_.at(when, home_, std::move(work)); }
  bool cancel(TimerId timer) override { return world_.cancel(timer); }
  std::uint64_t random() override { return random_.next(); }

  Queue& home() { return home_; }
  void jump_wall(Duration by) { offset_ += by; }
  Duration wall_offset() const { return offset_; }
  /// Parts in a million by which the wall clock runs fast, from now on.
  void drift_wall(std::int64_t ppm);

 private:
  World& world_;
  Queue home_;
  Random random_;
  Duration offset_{0};
  std::int64_t ppm_ = 0;
  SteadyTime drift_from_{};
};

}  // namespace tidemark::sim
