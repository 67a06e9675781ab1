#pragma once
// Record batches as brokers keep them are the log's own format but for a few fields: they are given to readers without a copy.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::log::kafka {

struct RawBatches {
  std::vector<StoredBatch> batches;  ///< without a gap; the first holds the tmseq that was due
  std::int64_t first_offset = 0;     ///< of the first of them
  std::int64_t next_offset = 0;      ///< behind the last whole batch, of whatever kind
};

/// Of committed records that a broker has sent, at [at, at + size) of `bytes`. What ends transactions, batches that end before `due`
/// and one cut off at the end are passed over. Checksums are left to RecordBatchReader.
///   due      tmseq of the first record wanted
///   nullopt  there is something else: compressed batches, records that no owner wrote, a gap, a repeat
std::optional<RawBatches> take_batches(std::shared_ptr<std::string> bytes, std::size_t at, std::size_t size, std::uint64_t due);

}  // namespace tidemark::log::kafka
