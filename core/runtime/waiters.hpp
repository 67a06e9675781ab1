#pragma once
// OwnerWaiters: those who wait until the state of a boundary is as they want it (long polls). Woken by what changes the
// boundary, not by the clock. Internal to the lane.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/scheduler.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

/// Scheduler's thread.
class OwnerWaiters {
 public:
  using Wanted = std::function<bool(const OwnerView&)>;
  /// Reads the boundary's state as an owner call does.
  using Read = std::function<Result<void>(std::size_t domain, std::string_view boundary, FnRef<void(const OwnerView&)> read)>;

  OwnerWaiters(Scheduler& scheduler, Read read, std::size_t waiters_max) : scheduler_(scheduler), read_(std::move(read)), waiters_max_(waiters_max) {}
  ~OwnerWaiters();

  /// Completes at once when it is so already; else when it has become so, at the deadline (timed_out), or when the state
  /// cannot be read here any more (unavailable).
  void add(std::size_t domain, std::string boundary, SteadyTime deadline, Wanted wanted, Fn<void(Result<void>)> done);
  /// The boundary's state or memory has changed: its waiters look again, in this turn of the loop.
  void changed(std::size_t domain, std::string_view boundary);
  /// Ends all of them.
  void end_all(const Error& error);

 private:
  struct Waiter {
    Wanted wanted;
    Fn<void(Result<void>)> done;
    TimerId deadline = 0;
  };
  using Key = std::pair<std::size_t, std::string>;
  struct Boundary {
    std::map<std::uint64_t, Waiter> waiters;  ///< in order of arrival
    bool looking = false;
  };
  /// Nothing: not as wanted yet.
  std::optional<Result<void>> look(const Key& key, const Wanted& wanted) const;
  void look_again(const Key& key);
  void expire(const Key& key, std::uint64_t id);

  Scheduler& scheduler_;
  Read read_;
  const std::size_t waiters_max_;
  std::map<Key, Boundary> boundaries_;
  std::size_t count_ = 0;
  std::uint64_t next_id_ = 1;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::runtime
