#pragma once
// Kafka's record batch, format version 2 ("magic 2"), https://kafka.apache.org/documentation/#recordbatch:
// what the embedded journal keeps, and what a lane's append carries.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/record.hpp"

namespace tidemark::log {

/// Headers that the log on Kafka adds to records (docs/formats/kafka.md). Batches of a transaction, as brokers keep them, have them
/// still: their reader leaves them out.
inline constexpr std::string_view kPositionHeader = "tmseq";
inline constexpr std::string_view kCommitHeader = "tmcommit";

/// Builds the records of one batch in their final encoding. Offsets are relative, so the base offset may be set last.
class RecordBatchBuilder {
 public:
  void add(const event::RecordView& record);  ///< offset is ignored: records are numbered in the order added
  std::size_t count() const { return count_; }
  std::size_t size_bytes() const;             ///< of the encoded batch
  bool empty() const { return count_ == 0; }
  /// Appends the whole batch (header with CRC-32C, records) to `out`.
  void encode(std::int64_t base_offset, std::string& out) const;
  void clear();

 private:
  std::string records_;
  std::size_t count_ = 0;
  std::int64_t first_timestamp_ms_ = 0;
  std::int64_t max_timestamp_ms_ = 0;
};

/// What a batch's header claims, nothing of it checked but that the size fits in `bytes`.
struct BatchExtent {
  std::uint64_t first = 0;  ///< base offset
  std::uint32_t count = 0;
  std::size_t size = 0;
};
/// nullopt when `bytes` do not begin with a whole batch of ours (leader epoch -1, at least one record).
std::optional<BatchExtent> measure_batch(std::string_view bytes);

struct BatchTimes {
  std::int64_t first_ms = 0;   ///< of the first record
  std::int64_t latest_ms = 0;  ///< the greatest of all
};
/// Of a batch that is known to be whole.
BatchTimes batch_times(std::string_view batch);

/// Reads a batch it does not own; the views it gives out live as long as `bytes` and this reader's current record.
class RecordBatchReader {
 public:
  /// Checks length, magic, CRC and attributes (uncompressed only, no control batch). corrupt, or unsupported_version for another magic or a codec.
  static Result<RecordBatchReader> open(std::string_view bytes);
  std::int64_t base_offset() const { return base_offset_; }
  std::size_t count() const { return count_; }
  std::size_t size_bytes() const { return size_bytes_; }  ///< of the batch, `bytes` may hold more behind it
  /// The next record, until count() of them. corrupt when a record does not decode exactly.
  Result<event::RecordView> next();
  bool done() const { return index_ == count_; }

 private:
  RecordBatchReader() = default;
  std::string_view records_;
  std::int64_t base_offset_ = 0;
  std::int64_t base_timestamp_ms_ = 0;
  std::size_t size_bytes_ = 0;
  std::size_t count_ = 0;
  std::size_t index_ = 0;
  std::size_t at_ = 0;
  bool has_own_headers_ = false;
  std::vector<event::HeaderView> headers_;
};

}  // namespace tidemark::log
