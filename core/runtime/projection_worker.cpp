#include "core/runtime/projection_worker.hpp"

namespace tidemark::runtime {

ProjectionWorker::ProjectionWorker(ProjectionSource source, Parts parts, const NodeOptions& options, std::function<void(Error)> failed)
    : source_(std::move(source)), parts_(parts), options_(options), failed_(std::move(failed)),
      metrics_(options.metrics, source_.name()), stores_(parts.stores, source_.projection->spec()), progress_(source_, parts.home) {
  folding_->worker = building_life_->worker = this;
}

ProjectionWorker::~ProjectionWorker() {
  *alive_ = false;
  stopping_ = true;
  if (watch_ != 0) source_.log.stop_watching(watch_);
  for (const auto& life : {building_life_, folding_}) {
    const std::lock_guard busy(life->busy);  // waits for the work under way
    life->worker = nullptr;
  }
}

void ProjectionWorker::post(Executor& executor, const std::shared_ptr<Life>& life, Fn<void(ProjectionWorker&)> work) {
  executor.post([life, work = std::move(work)]() mutable {
    const std::lock_guard busy(life->busy);
    if (life->worker != nullptr) work(*life->worker);
  });
}

Result<void> ProjectionWorker::open() {
  auto current = stores_.open_current();
  if (!current) return current.take_error();
  live_name_ = std::move(current->name);
  rows_ = current->store;
  live_ = std::make_unique<ProjectionFold>(source_, std::move(current->store));
  return {};
}

void ProjectionWorker::start(std::vector<SkippedEvent> skips, Fn<void(Result<void>)> done) {
  skipped_ = std::move(skips);
  post_fold([done = std::move(done)](ProjectionWorker& worker) mutable {
    auto opened = worker.live_->open(worker.skips(), worker.options_.bulk_bytes);
    if (opened.ok()) {
      for (std::size_t i = 0; i < worker.source_.partitions(); ++i) worker.progress_.publish(i, *worker.live_);
      return worker.first_fold(std::move(done));
    }
    worker.parts_.home.post([done = std::move(done), error = opened.take_error()]() mutable { done(std::move(error)); });
  });
}

/// A turn of the bulk path at a time, so that others on the executor have theirs.
void ProjectionWorker::first_fold(Fn<void(Result<void>)> done) {
  Result<void> result;
  if (stopping_) {
    result = make_error(Code::cancelled, "the start was abandoned");
  } else {
    auto more = live_->bulk_some();
    if (more.ok() && *more) return post_fold([done = std::move(done)](ProjectionWorker& worker) mutable { worker.first_fold(std::move(done)); });
    if (!more) result = more.take_error();
  }
  if (result.ok()) result = live_->finish_bulk();
  if (result.ok()) result = stores_.remove_other_versions();
  if (result.ok()) publish_all();
  parts_.home.post([this, alive = alive_, done = std::move(done), result = std::move(result)]() mutable {
    if (*alive && result.ok()) {
      watch_ = source_.log.watch([this] { wake(); });
      wake();
    }
    done(std::move(result));
  });
}

void ProjectionWorker::stop(Fn<void()> done) {
  if (watch_ != 0) {
    source_.log.stop_watching(watch_);
    watch_ = 0;
  }
  stopping_ = true;
  post_fold([done = std::move(done)](ProjectionWorker& worker) mutable {
    if (auto flushed = worker.live_->store()->flush(); !flushed) worker.fail(flushed.take_error());
    worker.parts_.home.post(std::move(done));
  });
}

void ProjectionWorker::wake() {
  if (stopping_.load(std::memory_order_relaxed)) return;
  if (!scheduled_.exchange(true)) post_fold([](ProjectionWorker& worker) { worker.step(); });
}

void ProjectionWorker::step() {
  scheduled_.store(false);
  if (stopping_) return;
  bool more = false;
  for (std::size_t i = 0; i < source_.partitions(); ++i) {
    const Tmseq before = live_->next(i);
    const auto applying = metrics_.applying();
    auto some = live_->apply_some(i);
    if (!some) return fail(some.take_error());
    if (before < live_->next(i)) applying.stop();
    if (before < live_->next(i) || live_->fault(i)) publish(i);
    more = more || *some;
  }
  if (candidate_) more = follow_candidate() || more;
  if (auto flushed = live_->flush_when_due(options_); !flushed) return fail(flushed.take_error());
  if (more) wake();
}

void ProjectionWorker::fail(Error error) {
  stopping_ = true;
  parts_.home.post([this, alive = alive_, error = std::move(error)] { if (*alive) failed_(error); });
}

void ProjectionWorker::publish(std::size_t partition) {
  const Tmseq before = progress_.next(partition), now = live_->next(partition);
  const bool stopped = progress_.publish(partition, *live_);
  if (before < now) metrics_.applied(now.value - before.value);
  if (stopped) tell_fault(*live_->fault(partition));
}

void ProjectionWorker::publish_all() {
  for (std::size_t i = 0; i < source_.partitions(); ++i) publish(i);
}

void ProjectionWorker::tell_fault(const ProjectionFault& fault) {
  metrics_.faulted();
  if (!options_.on_projection_fault) return;
  parts_.home.post([this, alive = alive_, fault] { if (*alive) options_.on_projection_fault(source_.name(), fault); });
}

std::shared_ptr<const store::Store> ProjectionWorker::rows() const {
  const std::lock_guard lock(mutex_);
  return rows_;
}

std::vector<SkippedEvent> ProjectionWorker::skips() const {
  const std::lock_guard lock(mutex_);
  return skipped_;
}

ProjectionStatus ProjectionWorker::status() const {
  ProjectionStatus status;
  status.name = source_.name();
  status.version = projection().spec().version;
  progress_.describe(status);
  const std::lock_guard lock(mutex_);
  status.skipped = skipped_;
  status.rebuild_failure = rebuild_failure_;
  if (rebuild_applied_) {
    const std::uint64_t end = status.applied + status.behind;
    status.rebuild = {*rebuild_applied_, end > *rebuild_applied_ ? end - *rebuild_applied_ : 0};
  }
  return status;
}

void ProjectionWorker::retry(Fn<void(ProjectionStatus)> done) {
  post_fold([done = std::move(done)](ProjectionWorker& worker) mutable {
    worker.live_->clear_faults();
    worker.step();
    worker.publish_all();
    worker.parts_.home.post([status = worker.status(), done = std::move(done)]() mutable { done(std::move(status)); });
  });
}

void ProjectionWorker::skip(SkippedEvent skip, Fn<void(ProjectionStatus)> done) {
  {
    const std::lock_guard lock(mutex_);
    skipped_.push_back(std::move(skip));
  }
  post_fold([done = std::move(done)](ProjectionWorker& worker) mutable {
    worker.live_->take_skips(worker.skips());
    worker.step();
    worker.publish_all();
    worker.parts_.home.post([status = worker.status(), done = std::move(done)]() mutable { done(std::move(status)); });
  });
}

}  // namespace tidemark::runtime
