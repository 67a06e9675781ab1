#pragma once
// CommandInbox: the topics of class `commands` of a log into which anybody may write, one partition for each lane. A record there
// has no tmseq. Its input position is a number of this log that grows from record to record of a partition, with holes, and says
// nothing about another log.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/fn.hpp"
#include "core/base/ids.hpp"
#include "core/event/record.hpp"

namespace tidemark::log {

struct TopicId;

/// A record as somebody wrote it, bytes owned.
struct OwnedRecord {
  std::optional<std::string> key, value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::int64_t timestamp_ms = 0;

  std::size_t size_bytes() const;  ///< with what a log needs beside the bytes
};
/// Lives as long as both.
event::RecordView view_of(const OwnedRecord& record, std::vector<event::HeaderView>& headers);

struct InboxRecord {
  std::uint64_t position = 0;
  OwnedRecord record;
};

/// The record due at a position was gone, deleted by retention: the partition goes on at `found`.
struct InboxGap {
  std::uint64_t due = 0, found = 0;
};

struct InboxSlice {
  std::optional<InboxGap> gap;       ///< before the records
  std::vector<InboxRecord> records;  ///< in order
  bool more = false;                 ///< there may be more now; else its wake tells when there is
};

/// Reads one partition on. Ends when it is destroyed, after which its wake is not called; before the log.
class InboxReader {
 public:
  virtual ~InboxReader() = default;
  /// What has come, at most so many records and until their bytes are so many. Does not block. Nothing is given out twice; what is not
  /// taken waits at the log, and only a bounded part of it in memory.
  virtual InboxSlice take(std::size_t records_max, std::size_t bytes_max) = 0;
};

/// On the scheduler's thread.
class CommandInbox {
 public:
  virtual ~CommandInbox() = default;
  /// Reads from the first record at or behind `from` on; nullopt: from the first there is. Records of transactions that were not
  /// committed are left out. A partition has one reader at a time.
  ///   wake   from any thread, cheap, must not block: something has come since take() said that there was no more
  virtual std::unique_ptr<InboxReader> read(TopicId topic, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) = 0;
  /// Writes one record into a lane's partition. Anybody may, not its owner only.
  ///   errors   unavailable (not written), exhausted (larger than a record may be), outcome_unknown
  virtual void send(TopicId topic, LaneId lane, OwnedRecord record, Fn<void(Result<void>)> done) = 0;
};

}  // namespace tidemark::log
