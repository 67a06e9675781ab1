#pragma once
// LaneFollower: brings the states of one lane up to the end of the log while another node owns it, and once more when this
// node has taken it.

#include <functional>
#include <memory>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/heard_decision.hpp"

namespace tidemark::runtime {

struct FoldedSlice;

/// Scheduler's thread. Reads and folds on the domain's executor, a slice at a time; writes on the scheduler, as an owner does.
class LaneFollower {
 public:
  struct Parts {
    Scheduler& home;
    const log::EventLog& log;
    std::vector<DomainRuntime>& domains;
    std::function<Executor&(std::size_t domain)> executor;
    Duration idempotency_window;
    std::function<void(std::size_t domain)> state_written;
    std::function<void(std::size_t domain, LaneId lane, const std::vector<HeardDecision>&)> heard = nullptr;  ///< what was folded, once it is written
  };
  LaneFollower(LaneId lane, Parts parts) : lane_(lane), parts_(std::move(parts)) {}
  ~LaneFollower() { *alive_ = false; }

  /// Folds everything that is durable at the time of the call, and perhaps more. Several calls are answered in their order.
  ///   errors   as fold_all_lanes()
  void catch_up(Fn<void(Result<void>)> done);
  bool busy() const { return busy_; }
  /// Whether the log has more of that domain than was folded.
  Result<bool> behind(std::size_t domain) const;
  /// Folds no more: what is asked for ends with `cancelled`. `done` once nothing runs on an executor.
  void stop(Fn<void()> done);

 private:
  void begin_round();
  void fold_next(std::size_t domain);
  void write(std::size_t domain, Result<FoldedSlice> slice);
  void end_round(Result<void> result);

  const LaneId lane_;
  const Parts parts_;
  bool busy_ = false;
  bool stopping_ = false;
  Fn<void()> stopped_;
  std::vector<Fn<void(Result<void>)>> this_round_, next_round_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::runtime
