#include "core/runtime/projection_progress.hpp"

#include <algorithm>

#include "core/base/mutation.hpp"

namespace tidemark::runtime {

ProjectionProgress::ProjectionProgress(const ProjectionSource& source, Scheduler& home) : source_(source), home_(home) {
  for (const auto& topic : source.topics) {
    for (std::uint32_t lane = 0; lane < source.log.lanes(); ++lane) {
      partitions_.push_back({topic.spec.name, topic.id, LaneId{lane}, source.log.begin(topic.id, LaneId{lane})});
    }
  }
}

ProjectionProgress::~ProjectionProgress() { *alive_ = false; }

std::optional<Result<void>> ProjectionProgress::outcome(const Waiter& waiter) const {
  bool applied = true;
  for (const auto& [index, at] : waiter.wants) {
    const Partition& partition = partitions_[index];
    if (at < partition.next) continue;
    applied = false;
    if (!partition.fault) continue;
    return make_error(Code::unavailable, "projection " + source_.name() + " is faulted at event " + partition.fault->event_id);
  }
  if (applied) return Result<void>();
  return std::nullopt;
}

bool ProjectionProgress::publish(std::size_t index, const ProjectionFold& fold) {
  const std::lock_guard lock(mutex_);
  Partition& partition = partitions_[index];
  const auto& fault = fold.fault(index);
  const bool stopped = fault && (!partition.fault || partition.fault->at != fault->at);
  partition.next = fold.next(index);
  partition.cut = fold.cut(index);
  partition.fault = fault;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    auto ended = outcome(at->second);
    if (!ended) {
      ++at;
      continue;
    }
    home_.post([this, alive = alive_, timer = at->second.timer, done = std::move(at->second.done), result = std::move(*ended)]() mutable {
      if (*alive) home_.cancel(timer);
      done(std::move(result));
    });
    at = waiters_.erase(at);
  }
  return stopped;
}

void ProjectionProgress::wait(Position position, SteadyTime deadline, Fn<void(Result<void>)> done) {
  Waiter waiter;
  std::unique_lock lock(mutex_);
  for (const auto& part : position.parts) {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (partitions_[i].lane == part.lane && partitions_[i].topic == part.topic) waiter.wants.emplace_back(i, part.last);
    }
  }
  if (TM_MUTANT(ignore_token)) waiter.wants.clear();
  if (auto ended = outcome(waiter)) {
    lock.unlock();
    return done(std::move(*ended));
  }
  const std::uint64_t id = ++last_waiter_;
  waiter.done = std::move(done);
  waiter.timer = home_.at(deadline, [this, alive = alive_, id] {
    if (!*alive) return;
    std::unique_lock relock(mutex_);
    const auto found = waiters_.find(id);
    if (found == waiters_.end()) return;  // completed meanwhile
    auto late = std::move(found->second.done);
    waiters_.erase(found);
    relock.unlock();
    late(make_error(Code::timed_out, "projection " + source_.name() + " has not applied the position in time"));
  });
  waiters_.emplace(id, std::move(waiter));
}

Tmseq ProjectionProgress::next(std::size_t partition) const {
  const std::lock_guard lock(mutex_);
  return partitions_[partition].next;
}

std::optional<ProjectionFault> ProjectionProgress::fault(std::string_view topic, LaneId lane) const {
  const std::lock_guard lock(mutex_);
  for (const auto& partition : partitions_) {
    if (partition.lane == lane && partition.topic == topic) return partition.fault;
  }
  return std::nullopt;
}

void ProjectionProgress::describe(ProjectionStatus& status) const {
  const std::lock_guard lock(mutex_);
  for (const auto& partition : partitions_) {
    const Tmseq end = source_.log.end(partition.id, partition.lane);
    status.applied += partition.next.value;
    status.cut += partition.cut;
    if (partition.fault) status.faults.push_back(*partition.fault);
    if (!(partition.next < end)) continue;
    status.behind += end.value - partition.next.value;
    status.unread.push_back({partition.id, partition.topic, partition.lane, partition.next});
  }
}

}  // namespace tidemark::runtime
