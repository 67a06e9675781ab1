// A projection built anew beside its live rows. Read in order: begin, turns on the executor beside, following on the worker's
// own executor, and there, where no live step can be under way, the exchange.
//
// A crash before finish_bulk() leaves a directory without checkpoints, which the next start removes; after it a complete one,
// which the next start serves, whether the exchange had come or not.

#include "core/runtime/projection_worker.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::uint64_t kHandOverEvents = 4096;  // so near to the live rows the rest is followed on their executor
constexpr Duration kRetiredInterval = std::chrono::milliseconds(500);

}  // namespace

Result<void> ProjectionWorker::rebuild() {
  const std::lock_guard lock(mutex_);
  if (rebuild_applied_) return make_error(Code::version_conflict, "a rebuild of projection " + source_.name() + " is under way");
  rebuild_applied_ = 0;
  rebuild_failure_.reset();
  post(parts_.beside, building_life_, [](ProjectionWorker& worker) { worker.begin_rebuild(); });
  return {};
}

void ProjectionWorker::begin_rebuild() {
  if (stopping_) return;
  auto next = stores_.open_next(live_name_);
  if (!next) return give_up(building_, next.take_error());
  building_ = Candidate{std::move(next->name), std::make_unique<ProjectionFold>(source_, std::move(next->store))};
  if (auto opened = building_->fold->open(skips(), options_.bulk_bytes); !opened) return give_up(building_, opened.take_error());
  rebuild_turn();
}

void ProjectionWorker::rebuild_turn() {
  if (stopping_) return;
  ProjectionFold& fold = *building_->fold;
  const auto again = [this] { post(parts_.beside, building_life_, [](ProjectionWorker& worker) { worker.rebuild_turn(); }); };
  auto more = fold.bulk_some();
  if (!more) return give_up(building_, more.take_error());
  if (!*more && fold.take_skips(skips())) *more = true;  // an event was left out meanwhile, at which it had stopped
  if (!*more) {
    if (auto why = stuck(fold)) return give_up(building_, std::move(*why));
    if (auto complete = fold.finish_bulk(); !complete) return give_up(building_, complete.take_error());
    for (std::size_t i = 0; i < source_.partitions(); ++i) {
      if (auto some = fold.apply_some(i); !some) return give_up(building_, some.take_error());
    }
  }
  std::uint64_t applied = 0, behind = 0;
  for (std::size_t i = 0; i < source_.partitions(); ++i) {
    const std::uint64_t here = fold.next(i).value, live = progress_.next(i).value;
    applied += here;
    behind += live > here ? live - here : 0;
  }
  {
    const std::lock_guard lock(mutex_);
    rebuild_applied_ = applied;
  }
  if (*more || behind > kHandOverEvents) return again();
  post_fold([candidate = std::move(*building_)](ProjectionWorker& worker) mutable {
    worker.candidate_ = std::move(candidate);
    worker.step();
  });
  building_.reset();
}

/// One more step of the rows that are to take over. True when they have not yet.
bool ProjectionWorker::follow_candidate() {
  ProjectionFold& fold = *candidate_->fold;
  fold.take_skips(skips());
  bool behind = false;
  for (std::size_t i = 0; i < source_.partitions(); ++i) {
    if (auto some = fold.apply_some(i); !some) {
      give_up(candidate_, some.take_error());
      return false;
    }
    behind = behind || fold.next(i) < live_->next(i);
  }
  if (auto why = stuck(fold)) {
    give_up(candidate_, std::move(*why));
    return false;
  }
  if (!behind) take_over();
  return behind;
}

/// Set when the fold has stopped at an event that the live rows are past: it will never be where they are.
std::optional<Error> ProjectionWorker::stuck(const ProjectionFold& fold) const {
  for (std::size_t i = 0; i < source_.partitions(); ++i) {
    const auto& fault = fold.fault(i);
    if (!fault || !(fault->at < progress_.next(i))) continue;
    return make_error(fault->error.code, "the rebuild stopped at event " + fault->event_id + ", which the live rows have applied: " + fault->error.message);
  }
  return std::nullopt;
}

void ProjectionWorker::take_over() {
  retired_.push_back({std::exchange(live_name_, std::move(candidate_->name)), live_->store()});
  live_ = std::move(candidate_->fold);
  candidate_.reset();
  {
    const std::lock_guard lock(mutex_);
    rows_ = live_->store();
    rebuild_applied_.reset();
  }
  publish_all();  // after the exchange: who is told of a position finds it in the rows
  if (retired_.size() == 1) remove_retired();  // else a timer is armed
}

void ProjectionWorker::give_up(std::optional<Candidate>& candidate, Error error) {
  if (candidate) {
    (void)candidate->fold->store()->clear().ok();  // with checkpoints, the next start would serve what could not be removed
    candidate->fold.reset();
    (void)stores_.remove(candidate->name).ok();  // else at the next start
    candidate.reset();
  }
  const std::lock_guard lock(mutex_);
  rebuild_applied_.reset();
  rebuild_failure_ = std::move(error);
}

/// Removes what was taken over from once its last reader has gone.
void ProjectionWorker::remove_retired() {
  std::erase_if(retired_, [this](Retired& retired) {
    if (retired.store.use_count() > 1) return false;
    retired.store.reset();
    (void)stores_.remove(retired.name).ok();  // else at the next start
    return true;
  });
  if (retired_.empty()) return;
  parts_.home.post([this, alive = alive_] {
    if (!*alive) return;
    parts_.home.after(kRetiredInterval, [this, alive] {
      if (*alive) post_fold([](ProjectionWorker& worker) { worker.remove_retired(); });
    });
  });
}

}  // namespace tidemark::runtime
