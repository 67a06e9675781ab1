// The background work of the journal: full segments become sealed files, and retention removes sealed files.
#include "core/log/embedded/journal.hpp"

namespace tidemark::log {

void Journal::tend() {
  if (options_.sealer == nullptr || seal_scheduled_.exchange(true)) return;
  options_.sealer->post([life = sealing_] {
    std::lock_guard working(life->io);
    if (Journal* journal = life->journal) journal->seal_step();
  });
}

void Journal::seal_step() {
  seal_scheduled_ = false;
  // After a failed sync nobody knows what of the last segments is on the disk: the next start decides.
  if (failure() || sealer_.is_stuck()) return;
  const bool more = seal_next();
  if (!sealer_.is_stuck() && !seal_stop_) keep_retention();
  if (more) tend();
}

/// True when there is more to seal now.
bool Journal::seal_next() {
  std::optional<FullSegment> full;
  {
    std::shared_lock lock(published_);
    if (full_.empty()) return false;
    full = full_.front();
  }
  auto change = sealer_.seal(*full, topics(), seal_stop_);
  if (!change) {
    if (change.error().code != Code::cancelled) report(change.error());
    return false;
  }
  adopt(std::move(*change));
  std::shared_lock lock(published_);
  return !full_.empty();
}

void Journal::keep_retention() {
  auto change = sealer_.cut(topics(), options_.now ? std::optional(options_.now()) : std::nullopt);
  if (!change) return report(change.error());
  for (const Error& damage : change->damage) report(damage);
  if (!change->dropped.empty()) adopt(std::move(*change));
}

/// Shows readers the new catalogue, then removes what it no longer names. What cannot be removed now goes at the next start.
void Journal::adopt(CatalogueChange change) {
  const bool is_cut = change.added.empty();
  const std::uint64_t sealed_through = change.catalogue.segment - 1;
  sealed_.publish(std::move(change.catalogue));
  std::vector<std::string> unnamed;
  {
    std::unique_lock lock(published_);
    for (PartitionIndex& index : index_) index.forget_through(sealed_through);
    for (; !full_.empty() && full_.front().segment.number <= sealed_through; full_.pop_front()) {
      files_.erase(full_.front().segment.number);
      unnamed.push_back(segment_name(full_.front().segment.number));
    }
  }
  for (const CataloguedFile& file : change.dropped) unnamed.push_back(file.name());
  for (const std::string& name : unnamed) {
    if (auto done = disk_.remove(options_.directory + "/" + name); !done) report(done.error());
  }
  for (const CataloguedFile& file : change.added) report(SealingReport::Kind::sealed, file);
  for (const CataloguedFile& file : change.dropped) {
    if (is_cut) report(SealingReport::Kind::removed, file);
  }
}

void Journal::report(SealingReport::Kind kind, const CataloguedFile& file) const {
  if (kind == SealingReport::Kind::sealed) metrics_.sealed(file.size);
  else metrics_.cut(file.size);
  if (options_.on_sealing) options_.on_sealing(SealingReport{kind, file.name(), file.size, {}});
}

void Journal::report(const Error& error) const {
  metrics_.sealing_failed();
  if (options_.on_sealing) options_.on_sealing(SealingReport{SealingReport::Kind::failed, {}, 0, error});
}

}  // namespace tidemark::log
