#pragma once
// Reads the topics of a mapping forward from positions, in batches.

#include <optional>
#include <string>
#include <vector>

#include "core/runtime/log_cursor.hpp"
#include "core/runtime/position.hpp"
#include "replay/export/export_database.hpp"

namespace tidemark::replay {

struct FollowedBatch {
  std::vector<FollowedEvent> events;
  std::vector<ExportPosition> positions;  ///< of partitions that have moved
  runtime::Position needed;               ///< what read models must have applied for this batch
  std::optional<Time> oldest;             ///< when the oldest of the events was recorded
};

/// One thread at a time.
class LogFollower {
 public:
  /// Goes on from `positions`; partitions without one begin at the start of the log. Topics are declared when missing.
  ///   errors  version_conflict: a position is not of this log, or what it names is not there any more
  static Result<LogFollower> open(log::EventLog& log, const std::vector<log::TopicSpec>& topics, const std::vector<ExportPosition>& positions);

  /// Some more; without events at the end of the log. When there is more than that, every partition has its share by what is
  /// unread in it, so that all come to the end together: a record may then come before records of earlier topics that were there
  /// when it was appended. `needed` holds those, too.
  Result<FollowedBatch> read(std::size_t events_max, std::size_t bytes_max);

 private:
  struct Partition {
    std::size_t topic;
    log::TopicId id;
    runtime::LogCursor cursor;
    LaneId lane;
  };
  explicit LogFollower(log::EventLog& log) : log_(&log) {}
  log::EventLog* log_;
  std::vector<Partition> partitions_;  ///< by topic, then lane
};

/// Records of those topics that are not applied at `positions`.
std::uint64_t unread_records(log::EventLog& log, const std::vector<log::TopicSpec>& topics, const std::vector<ExportPosition>& positions);

}  // namespace tidemark::replay
