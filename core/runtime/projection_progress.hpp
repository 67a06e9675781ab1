#pragma once
// ProjectionProgress: how far a projection is in each partition, where it has stopped, and who waits for it.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/position.hpp"
#include "core/runtime/projection_fold.hpp"

namespace tidemark::runtime {

/// Threads: any; wait() and the destructor on `home`, where waiters are completed.
class ProjectionProgress {
 public:
  ProjectionProgress(const ProjectionSource& source, Scheduler& home);
  ~ProjectionProgress();
  ProjectionProgress(const ProjectionProgress&) = delete;
  ProjectionProgress& operator=(const ProjectionProgress&) = delete;

  /// Takes over where the fold is in that partition, and completes who has waited for it. True when it has stopped there since.
  bool publish(std::size_t partition, const ProjectionFold& fold);
  /// Completes when everything in `position` that the projection reads is applied, at the deadline (timed_out), or when a
  /// partition it waits for has stopped (unavailable).
  void wait(Position position, SteadyTime deadline, Fn<void(Result<void>)> done);

  Tmseq next(std::size_t partition) const;
  std::optional<ProjectionFault> fault(std::string_view topic, LaneId lane) const;
  /// Sets applied, behind, cut, unread and faults.
  void describe(ProjectionStatus& status) const;

 private:
  struct Partition {
    std::string topic;
    log::TopicId id;
    LaneId lane;
    Tmseq next;  ///< first not applied
    std::uint64_t cut = 0;
    std::optional<ProjectionFault> fault{};
  };
  struct Waiter {
    std::vector<std::pair<std::size_t, Tmseq>> wants;  ///< partition, and what must be below its next
    Fn<void(Result<void>)> done;
    TimerId timer = 0;
  };
  /// How the wait ends, as things are.
  std::optional<Result<void>> outcome(const Waiter& waiter) const;

  const ProjectionSource& source_;
  Scheduler& home_;
  mutable std::mutex mutex_;
  std::vector<Partition> partitions_;
  std::map<std::uint64_t, Waiter> waiters_;
  std::uint64_t last_waiter_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< home
};

}  // namespace tidemark::runtime
