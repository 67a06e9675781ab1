#pragma once
// ProjectionFold: the log folded into one store of a projection, partition by partition; from nothing by the bulk path,
// then by small writes. The live rows are one fold, a rebuild beside them another.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/runtime/domain.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/node.hpp"
#include "core/store/bulk_rows.hpp"
#include "core/store/store.hpp"

namespace tidemark::runtime {

/// What a projection is folded from; borrowed by its folds.
struct ProjectionSource {
  std::shared_ptr<const Projection> projection;
  std::vector<OpenTopic> topics;
  log::EventLog& log;

  const std::string& name() const { return projection->spec().name; }
  std::size_t partitions() const { return topics.size() * log.lanes(); }
};

/// One thread at a time. An error ends the fold: the store or the log failed.
class ProjectionFold {
 public:
  /// `store` may be read by others meanwhile.
  ProjectionFold(const ProjectionSource& source, std::shared_ptr<store::Store> store) : source_(source), store_(std::move(store)) {}

  /// Reads the checkpoints. Rows of another history, or of a fold that was not finished, are removed. With nothing applied and
  /// something to apply the bulk path begins, up to the present end of the log.
  ///   bulk_bytes  memory of the bulk path
  Result<void> open(const std::vector<SkippedEvent>& skips, std::size_t bulk_bytes);
  /// Some more of the bulk path; false when it has read all it began for, or there is none.
  Result<bool> bulk_some();
  /// Makes the rows of the bulk path the store's, with their checkpoints.
  Result<void> finish_bulk();
  /// Applies some events of one partition in one write. True when there may be more.
  Result<bool> apply_some(std::size_t partition);
  /// Flushes when that much was written since the last time.
  Result<void> flush_when_due(const NodeOptions& options);

  /// Leaves these events out, and goes on where it had stopped at one of them. True when it had.
  bool take_skips(const std::vector<SkippedEvent>& skips);
  /// Goes on in every partition that had stopped.
  void clear_faults();

  const std::shared_ptr<store::Store>& store() const { return store_; }
  Tmseq next(std::size_t partition) const { return partitions_[partition].cursor.next(); }
  /// Records of the partition that retention had cut before they could be read.
  std::uint64_t cut(std::size_t partition) const { return partitions_[partition].cut_before + partitions_[partition].cursor.passed(); }
  const std::optional<ProjectionFault>& fault(std::size_t partition) const { return partitions_[partition].fault; }

 private:
  struct Partition {
    std::size_t topic;
    LaneId lane;
    LogCursor cursor;
    Tmseq bulk_end;           ///< where the bulk path ends
    std::uint64_t cut_before;  ///< what cursors that were rewound had passed
    std::set<Tmseq> skips;
    std::optional<ProjectionFault> fault{};
  };
  /// Whether each event is applied to rows of its own first. Not until one has thrown: it costs copies.
  enum class Care { together, apart };
  Result<std::optional<std::size_t>> fold(Partition& partition, Tmseq end, std::size_t events_max, RowWriter& rows, Care care);
  Result<void> restart_bulk();
  Result<void> rewind(Partition& partition, Tmseq to, std::uint64_t cut_before);
  std::pair<store::CheckpointKey, store::Checkpoint> checkpoint(const Partition& partition) const;

  const ProjectionSource& source_;
  std::shared_ptr<store::Store> store_;
  std::vector<Partition> partitions_;
  std::unique_ptr<store::BulkRows> bulk_;
  Care bulk_care_ = Care::together;
  std::size_t bulk_bytes_ = 0;
  std::shared_ptr<ReadAhead> ahead_;   ///< of the bulk path, when it is long
  const Partition* read_ahead_ = nullptr;  ///< the one that it was begun for
  std::uint64_t unflushed_records_ = 0;
};

}  // namespace tidemark::runtime
