#pragma once
// ProjectionWorker: keeps one projection's rows on an executor of its own, builds them anew beside the live ones when asked,
// and lets the new ones take over when they are not behind in any partition.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/projection_fold.hpp"
#include "core/runtime/projection_metrics.hpp"
#include "core/runtime/projection_progress.hpp"
#include "core/runtime/projection_stores.hpp"

namespace tidemark::runtime {

/// Destroyed on the scheduler's thread; without stop() before, rows since the last flush are folded again at the next start.
///   threads   on the scheduler, except rows() and status(): any. The folding on `executor`, a rebuild until it is nearly
///             through on `beside`
class ProjectionWorker {
 public:
  struct Parts {
    Scheduler& home;
    Executor& executor;
    Executor& beside;
    store::StoreFactory& stores;
  };
  /// `failed` is called on the scheduler when the store or the log fails.
  ProjectionWorker(ProjectionSource source, Parts parts, const NodeOptions& options, std::function<void(Error)> failed);
  ~ProjectionWorker();

  /// Opens the rows, so that rows() answers.
  Result<void> open();
  /// Leaves out `skips`; folds everything when there are no rows yet, and completes when that is done; follows the log from then on.
  void start(std::vector<SkippedEvent> skips, Fn<void(Result<void>)> done);
  /// Makes a start() under way end with `cancelled`.
  void abandon_start() { stopping_ = true; }
  /// Stops folding and flushes; a rebuild under way is given up.
  void stop(Fn<void()> done);

  /// The live rows now; a rebuild exchanges them.
  std::shared_ptr<const store::Store> rows() const;
  const Projection& projection() const { return *source_.projection; }
  ProjectionStatus status() const;
  std::optional<ProjectionFault> fault(std::string_view topic, LaneId lane) const { return progress_.fault(topic, lane); }
  /// See ProjectionProgress.
  void wait(Position position, SteadyTime deadline, Fn<void(Result<void>)> done) { progress_.wait(std::move(position), deadline, std::move(done)); }

  /// Goes on where it has stopped; completes when the events there were tried.
  void retry(Fn<void(ProjectionStatus)> done);
  /// Leaves out an event, which the log has recorded as left out.
  void skip(SkippedEvent skip, Fn<void(ProjectionStatus)> done);
  /// version_conflict when a rebuild is under way.
  Result<void> rebuild();

 private:
  /// Outlives the worker in what is posted, so that late work finds nobody instead of freed memory.
  struct Life {
    std::mutex busy;  // held while work runs
    ProjectionWorker* worker = nullptr;
  };
  /// Rows built beside the live ones.
  struct Candidate {
    std::string name;
    std::unique_ptr<ProjectionFold> fold;
  };
  struct Retired {
    std::string name;
    std::shared_ptr<store::Store> store;  ///< until nobody reads it
  };

  static void post(Executor& executor, const std::shared_ptr<Life>& life, Fn<void(ProjectionWorker&)> work);
  void post_fold(Fn<void(ProjectionWorker&)> work) { post(parts_.executor, folding_, std::move(work)); }
  void wake();
  void step();
  void fail(Error error);
  void first_fold(Fn<void(Result<void>)> done);
  void publish(std::size_t partition);
  void publish_all();
  void tell_fault(const ProjectionFault& fault);
  std::vector<SkippedEvent> skips() const;

  // projection_rebuild.cpp
  void begin_rebuild();
  void rebuild_turn();
  bool follow_candidate();
  std::optional<Error> stuck(const ProjectionFold& fold) const;
  void take_over();
  void give_up(std::optional<Candidate>& candidate, Error error);
  void remove_retired();

  const ProjectionSource source_;
  const Parts parts_;
  const NodeOptions& options_;
  std::function<void(Error)> failed_;
  const ProjectionMetrics metrics_;
  ProjectionStores stores_;
  ProjectionProgress progress_;

  std::uint64_t watch_ = 0;  ///< home
  std::atomic<bool> scheduled_{false};
  std::atomic<bool> stopping_{false};

  // On the executor (live_ is made by open()).
  std::unique_ptr<ProjectionFold> live_;
  std::string live_name_;
  std::optional<Candidate> candidate_;  ///< caught up, nearly
  std::vector<Retired> retired_;
  std::optional<Candidate> building_;   ///< on `beside`

  mutable std::mutex mutex_;
  std::shared_ptr<store::Store> rows_;
  std::vector<SkippedEvent> skipped_;
  std::optional<std::uint64_t> rebuild_applied_;  ///< while one is under way
  std::optional<Error> rebuild_failure_;

  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< home
  std::shared_ptr<Life> folding_ = std::make_shared<Life>();
  std::shared_ptr<Life> building_life_ = std::make_shared<Life>();
};

}  // namespace tidemark::runtime
