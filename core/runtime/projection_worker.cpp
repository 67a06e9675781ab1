#include "core/runtime/projection_worker.hpp"

#include <algorithm>

namespace tidemark::runtime {
namespace {

constexpr std::size_t kEventsPerWrite = 1024;

}  // namespace

ProjectionWorker::ProjectionWorker(std::shared_ptr<const Projection> projection, std::vector<OpenTopic> topics, std::unique_ptr<store::Store> store,
                                   log::EventLog& log, Scheduler& home, Executor& executor, const NodeOptions& options,
                                   std::function<void(Error)> failed)
    : projection_(std::move(projection)), topics_(std::move(topics)), store_(std::move(store)), log_(log), home_(home), executor_(executor),
      options_(options), failed_(std::move(failed)), metrics_(options.metrics, projection_->spec().name) {
  life_->worker = this;
}

ProjectionWorker::~ProjectionWorker() {
  *alive_ = false;
  if (watch_ != 0) log_.stop_watching(watch_);
  std::lock_guard folding(life_->folding);  // waits for the step under way
  life_->worker = nullptr;
}

void ProjectionWorker::post_to_worker(Fn<void(ProjectionWorker&)> work) {
  executor_.post([life = life_, work = std::move(work)]() mutable {
    std::lock_guard folding(life->folding);
    if (life->worker != nullptr) work(*life->worker);
  });
}

Result<void> ProjectionWorker::start() {
  auto checkpoints = store_->checkpoints();
  if (!checkpoints) return checkpoints.take_error();
  auto same = store_matches_log(*store_, topics_, log_);
  if (!same) return same.take_error();
  if (!*same) {
    if (auto cleared = store_->clear(); !cleared) return cleared;
    checkpoints->clear();
  }
  for (std::size_t t = 0; t < topics_.size(); ++t) {
    for (std::uint32_t lane = 0; lane < log_.lanes(); ++lane) {
      Tmseq next = log_.begin(topics_[t].id, LaneId{lane});
      const auto found = checkpoints->find(store::CheckpointKey{topics_[t].spec.name, LaneId{lane}});
      if (found != checkpoints->end()) next = std::max(next, found->second.next);
      partitions_.push_back(Partition{t, LaneId{lane}, LogCursor(log_, topics_[t].id, topics_[t].spec.name, LaneId{lane}, next), next, false});
    }
  }
  watch_ = log_.watch([this] { wake(); });
  wake();
  return {};
}

void ProjectionWorker::wake() {
  if (stopping_.load(std::memory_order_relaxed)) return;
  if (!scheduled_.exchange(true)) post_to_worker([](ProjectionWorker& worker) { worker.step(); });
}

void ProjectionWorker::stop(Fn<void()> done) {
  if (watch_ != 0) {
    log_.stop_watching(watch_);
    watch_ = 0;
  }
  stopping_ = true;
  post_to_worker([done = std::move(done)](ProjectionWorker& worker) mutable {
    if (auto flushed = worker.store_->flush(); !flushed) {
      worker.home_.post([&worker, alive = worker.alive_, error = flushed.take_error()] { if (*alive) worker.failed_(error); });
    }
    worker.home_.post(std::move(done));
  });
}

void ProjectionWorker::step() {
  scheduled_.store(false);
  if (stopping_) return;
  bool more = false;
  for (auto& partition : partitions_) {
    if (partition.faulted) continue;
    auto some = apply_some(partition);
    if (!some) {
      stopping_ = true;
      home_.post([this, alive = alive_, error = some.take_error()] { if (*alive) failed_(error); });
      return;
    }
    more = more || *some;
  }
  if (store_->unflushed_bytes() >= options_.store_flush_bytes || unflushed_records_ >= options_.store_flush_records) {
    if (auto flushed = store_->flush(); !flushed) {
      home_.post([this, alive = alive_, error = flushed.take_error()] { if (*alive) failed_(error); });
      return;
    }
    unflushed_records_ = 0;
  }
  if (more) wake();
}

/// Applies up to kEventsPerWrite events of the partition in one write. True when there may be more.
Result<bool> ProjectionWorker::apply_some(Partition& partition) {
  if (!(partition.cursor.next() < log_.end(topics_[partition.topic].id, partition.lane))) return false;
  const auto applying = metrics_.applying();
  store::Overlay overlay(*store_);
  std::size_t applied = 0;
  std::optional<ProjectionFault> fault;
  try {
    while (applied < kEventsPerWrite) {
      auto head = partition.cursor.peek();
      if (!head) return head.take_error();
      if (*head == nullptr) break;
      const event::Event& event = **head;
      if (auto done = projection_->apply_from({topics_[partition.topic].spec.name, partition.lane}, event, overlay); !done) {
        fault = ProjectionFault{topics_[partition.topic].spec.name, partition.lane, partition.cursor.next(), event.envelope.id, done.take_error()};
        break;
      }
      partition.cursor.pop();
      ++applied;
    }
  } catch (const RowsUnavailable& error) {
    return make_error(Code::internal, "rows of projection " + projection_->spec().name + ": " + error.what());
  }
  if (applied > 0) {
    const std::vector<std::pair<store::CheckpointKey, store::Checkpoint>> checkpoints{
        {{topics_[partition.topic].spec.name, partition.lane}, {log_.epoch(), partition.cursor.next(), partition.cursor.last_id()}}};
    if (auto written = store_->write(overlay, checkpoints); !written) return written.take_error();
    unflushed_records_ += applied;
    metrics_.applied(applied);
    applying.stop();
  }
  if (fault) tell_fault(*fault);
  std::unique_lock lock(mutex_);
  partition.applied = partition.cursor.next();
  if (fault) {
    partition.faulted = true;
    faults_.push_back(std::move(*fault));
  }
  settle(lock);
  return applied == kEventsPerWrite && !partition.faulted;
}

void ProjectionWorker::tell_fault(const ProjectionFault& fault) {
  metrics_.faulted();
  if (!options_.on_projection_fault) return;
  home_.post([this, alive = alive_, fault] { if (*alive) options_.on_projection_fault(projection_->spec().name, fault); });
}

bool ProjectionWorker::satisfied(const Waiter& waiter) const {
  return std::all_of(waiter.wants.begin(), waiter.wants.end(), [&](const auto& want) { return want.second < partitions_[want.first].applied; });
}

const ProjectionFault* ProjectionWorker::fault_of(const Waiter& waiter) const {
  for (const auto& [index, at] : waiter.wants) {
    const auto& partition = partitions_[index];
    if (!partition.faulted || at < partition.applied) continue;
    for (const auto& fault : faults_) {
      if (fault.topic == topics_[partition.topic].spec.name && fault.lane == partition.lane) return &fault;
    }
  }
  return nullptr;
}

/// Completes the waiters that have what they want.
void ProjectionWorker::settle(std::unique_lock<std::mutex>&) {
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const bool good = satisfied(at->second);
    const ProjectionFault* fault = good ? nullptr : fault_of(at->second);
    if (!good && fault == nullptr) {
      ++at;
      continue;
    }
    Result<void> result;
    if (fault != nullptr) result = make_error(Code::unavailable, "projection " + projection_->spec().name + " is faulted at event " + fault->event_id);
    home_.post([this, alive = alive_, timer = at->second.timer, done = std::move(at->second.done), result = std::move(result)]() mutable {
      if (*alive) home_.cancel(timer);
      done(std::move(result));
    });
    at = waiters_.erase(at);
  }
}

void ProjectionWorker::wait(Position position, SteadyTime deadline, Fn<void(Result<void>)> done) {
  Waiter waiter;
  std::unique_lock lock(mutex_);
  for (const auto& part : position.parts) {
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
      if (topics_[partitions_[i].topic].spec.name == part.topic && partitions_[i].lane == part.lane) waiter.wants.emplace_back(i, part.last);
    }
  }
  if (satisfied(waiter)) {
    lock.unlock();
    return done({});
  }
  if (const auto* fault = fault_of(waiter)) {
    auto error = make_error(Code::unavailable, "projection " + projection_->spec().name + " is faulted at event " + fault->event_id);
    lock.unlock();
    return done(std::move(error));
  }
  const std::uint64_t id = next_waiter_++;
  waiter.done = std::move(done);
  waiter.timer = home_.at(deadline, [this, alive = alive_, id] {
    if (!*alive) return;
    std::unique_lock relock(mutex_);
    auto found = waiters_.find(id);
    if (found == waiters_.end()) return;  // settled meanwhile
    auto late = std::move(found->second.done);
    waiters_.erase(found);
    relock.unlock();
    late(make_error(Code::timed_out, "projection " + projection_->spec().name + " has not applied the position in time"));
  });
  waiters_.emplace(id, std::move(waiter));
}

ProjectionStatus ProjectionWorker::status() const {
  ProjectionStatus status;
  status.name = projection_->spec().name;
  status.version = projection_->spec().version;
  std::lock_guard lock(mutex_);
  for (const auto& partition : partitions_) {
    const Tmseq end = log_.end(topics_[partition.topic].id, partition.lane);
    status.applied += partition.applied.value;
    if (!(partition.applied < end)) continue;
    status.behind += end.value - partition.applied.value;
    status.unread.push_back({topics_[partition.topic].id, topics_[partition.topic].spec.name, partition.lane, partition.applied});
  }
  status.faults = faults_;
  return status;
}

}  // namespace tidemark::runtime
