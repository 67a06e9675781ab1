#pragma once
// Where all time, tasks and randomness of core/runtime, commands/, projections/ and replay/ come from.
// Production: one Asio loop (core/runtime/asio_scheduler). Tests: one seeded thread with virtual time
// (tests/support/virtual_scheduler). Nothing above this interface asks the operating system.

#include <cstdint>

#include "core/base/fn.hpp"
#include "core/base/time.hpp"

namespace tidemark {

/// Runs functions, each once, in the order posted by one thread. post() may be called from any thread.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(Fn<void()> work) = 0;
};

using TimerId = std::uint64_t;  ///< 0 is never a live timer

/// The home executor of the runtime (one thread), with clocks, timers and randomness.
///   threads   post() and the clocks from any thread; everything else on the scheduler's own thread
class Scheduler : public Executor {
 public:
  virtual SteadyTime now() const = 0;
  virtual Time wall() const = 0;
  /// Calls `work` once on this scheduler, not before `when`. Returns an id for cancel().
  virtual TimerId at(SteadyTime when, Fn<void()> work) = 0;
  /// True when the timer had not fired; then it never will.
  virtual bool cancel(TimerId timer) = 0;
  /// 64 random bits; from the seed in tests, from the system's generator in production.
  virtual std::uint64_t random() = 0;

  TimerId after(Duration delay, Fn<void()> work) { return at(now() + delay, std::move(work)); }
};

}  // namespace tidemark
