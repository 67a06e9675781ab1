#pragma once
// Two logs, record by record.

#include <optional>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::replay {

/// One topic and lane in two logs.
struct PartitionPair {
  const log::EventLog& source;
  log::TopicId source_topic;
  const log::EventLog& target;
  log::TopicId target_topic;
  std::string name;
  LaneId lane;
};
/// First position in [from, end) at which they differ; nullopt: nowhere. Both hold all of it.
Result<std::optional<Tmseq>> first_difference(const PartitionPair& pair, Tmseq from, Tmseq end);

struct ComparedPartition {
  std::string topic;
  LaneId lane;
  Tmseq source_begin, source_end, target_begin, target_end;
  Tmseq from, end;          ///< compared: what both hold
  std::string source_sha256, target_sha256;  ///< of that, hex; docs/formats/copy.md
  std::optional<Tmseq> difference;           ///< the first record that is not the same
  std::string problem;                       ///< why the target is no copy here; "": it is
  std::uint64_t records() const { return end.value - from.value; }
};

struct Comparison {
  std::vector<ComparedPartition> partitions;  ///< by topic as the source has them, then lane
  std::uint64_t records = 0;
  std::string source_sha256, target_sha256;   ///< over all of them
  bool equal = true;                          ///< the target holds what the source holds; it may go on further
};

/// Reads all of both. The target may have gone on, and its retention may have cut what is not kept for ever.
///   errors   invalid_argument (another number of lanes), what reading says
Result<Comparison> compare_logs(const log::EventLog& source, const log::EventLog& target);

}  // namespace tidemark::replay
