#pragma once
// ProjectionWorker: folds the log into one projection's rows on an executor of its own; every event takes effect once.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/projection_metrics.hpp"

namespace tidemark::runtime {

/// Destroyed on the scheduler's thread; without stop() before, rows since the last flush are folded again at the next start.
///   threads   start, stop, wait on the scheduler; rows() and status() from any; the folding on `executor`
class ProjectionWorker {
 public:
  /// `topics` are the projection's, opened. `failed` is called on the scheduler when the store or the log fails.
  ProjectionWorker(std::shared_ptr<const Projection> projection, std::vector<OpenTopic> topics, std::unique_ptr<store::Store> store,
                   log::EventLog& log, Scheduler& home, Executor& executor, const NodeOptions& options, std::function<void(Error)> failed);
  ~ProjectionWorker();

  /// Reads the checkpoints (clearing the rows when they are of another history) and begins to follow the log.
  Result<void> start();
  /// Stops folding and flushes; `done` on the scheduler.
  void stop(Fn<void()> done);

  std::shared_ptr<const store::Store> rows() const { return store_; }
  const Projection& projection() const { return *projection_; }
  ProjectionStatus status() const;

  /// Completes on the scheduler when everything in `position` that this projection reads is applied, at the deadline
  /// (timed_out), or when a partition it waits for is faulted (unavailable).
  void wait(Position position, SteadyTime deadline, Fn<void(Result<void>)> done);

 private:
  struct Partition {
    std::size_t topic;
    LaneId lane;
    LogCursor cursor;
    Tmseq applied;  ///< next to apply; guarded by mutex_ (the cursor belongs to the executor)
    bool faulted = false;
  };
  /// Outlives the worker in what is posted, so that late work finds nobody instead of freed memory.
  struct Life {
    std::mutex folding;  // held while the worker folds
    ProjectionWorker* worker = nullptr;
  };
  struct Waiter {
    std::vector<std::pair<std::size_t, Tmseq>> wants;  ///< partition, first tmseq that must be below applied
    Fn<void(Result<void>)> done;
    TimerId timer = 0;
  };

  void wake();
  void post_to_worker(Fn<void(ProjectionWorker&)> work);
  void step();
  Result<bool> apply_some(Partition& partition);
  void tell_fault(const ProjectionFault& fault);
  void settle(std::unique_lock<std::mutex>& lock);
  bool satisfied(const Waiter& waiter) const;
  const ProjectionFault* fault_of(const Waiter& waiter) const;

  std::shared_ptr<const Projection> projection_;
  std::vector<OpenTopic> topics_;
  std::shared_ptr<store::Store> store_;
  log::EventLog& log_;
  Scheduler& home_;
  Executor& executor_;
  const NodeOptions& options_;
  std::function<void(Error)> failed_;
  const ProjectionMetrics metrics_;

  std::vector<Partition> partitions_;
  std::uint64_t watch_ = 0;
  std::atomic<bool> scheduled_{false};
  std::atomic<bool> stopping_{false};
  std::uint64_t unflushed_records_ = 0;

  mutable std::mutex mutex_;
  std::map<std::uint64_t, Waiter> waiters_;
  std::uint64_t next_waiter_ = 1;
  std::vector<ProjectionFault> faults_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< scheduler thread
  std::shared_ptr<Life> life_ = std::make_shared<Life>();
};

}  // namespace tidemark::runtime
