#pragma once
// EventLog: what the runtime knows of a log, embedded or Kafka. Topics have one partition per lane; a lane has one owner.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/fn.hpp"
#include "core/base/ids.hpp"
#include "core/base/time.hpp"
#include "core/log/command_inbox.hpp"
#include "core/log/record_batch.hpp"

namespace tidemark::log {

enum class TopicClass {
  fact,       ///< event topic kept for ever
  ephemeral,  ///< event topic of bounded retention; what is folded from it is no part of "equal to a fold from zero"
  commands,   ///< inbox of many writers; records carry no tmseq
  decisions,  ///< one record per command handled; kept at least the idempotency window
  dead_letters,
};
std::string_view name_of(TopicClass topic_class);
std::optional<TopicClass> parse_topic_class(std::string_view name);
/// "<domain>.<topic>", [a-z0-9-]+ on both sides, at most 200 bytes.
bool is_topic_name(std::string_view name);

struct TopicSpec {
  std::string name;  ///< "<domain>.<topic>", [a-z0-9-]+ on both sides
  TopicClass topic_class = TopicClass::fact;
  std::optional<Duration> retention = {};             ///< age up to which records are kept; nullopt: for ever. Never for a fact topic
  std::optional<std::uint64_t> retention_bytes = {};  ///< beyond this the oldest are cut, whatever their age; nullopt: no bound
};

/// Number of a topic in this log, stable for the log's life; never shown outside.
struct TopicId {
  std::uint16_t value = 0;
  auto operator<=>(const TopicId&) const = default;
};

/// Proof that this process owns a lane. A newer epoch fences it.
struct Ownership {
  LaneId lane;
  std::uint64_t epoch = 0;
};

struct TopicRecords {
  TopicId topic;
  Tmseq first;  ///< tmseq of the first record: must be the topic's end in this lane
  RecordBatchBuilder records;
};

/// Commands that lay in this lane and are another's: they go there as they came, by the same append.
struct MovedRecords {
  TopicId topic;  ///< of class commands
  LaneId lane;    ///< another one
  std::vector<OwnedRecord> records;
};

/// Everything that one append writes: several topics of one lane, at most one entry per topic, none empty. With moves at least one topic.
struct LaneBatch {
  std::vector<TopicRecords> topics;
  std::vector<MovedRecords> moves = {};  ///< invalid_argument where the log has no inbox()
  std::size_t size_bytes() const;
};
inline constexpr std::size_t kLaneBatchBytesMax = 32u << 20;
inline constexpr std::size_t kRecordBytesMax = 4u << 20;

/// One stored record batch, bytes owned. Open it with RecordBatchReader; base_offset() is the tmseq of the first record.
struct StoredBatch {
  Tmseq first;
  std::uint32_t count = 0;
  std::shared_ptr<const std::string> bytes;  ///< may hold other batches too: this one is [at, at + size)
  std::size_t at = 0;
  std::size_t size = 0;
  std::string_view view() const { return std::string_view(*bytes).substr(at, size); }
};

/// The log. One object per process.
///   threads   append, take and release on the scheduler's thread; completions run there too; everything else from any thread
class EventLog {
 public:
  virtual ~EventLog() = default;

  /// Identity of this history: drawn at creation, carried by position tokens and checkpoints. Another copy is another epoch.
  virtual const Uuid& epoch() const = 0;
  virtual std::uint32_t lanes() const = 0;
  virtual std::vector<TopicSpec> topics() const = 0;
  /// Declares a topic, creating it when missing; a known one gets the retention given here. invalid_argument when it exists
  /// with another class, or is of class fact and has a retention.
  virtual Result<TopicId> open_topic(const TopicSpec& spec) = 0;

  /// Takes a lane, fencing whoever had it. When it succeeds nobody else can append to it any more, every earlier append
  /// is settled, and end() is exact.
  virtual void take(LaneId lane, Fn<void(Result<Ownership>)> done) = 0;
  virtual void release(Ownership ownership) = 0;
  /// How long after the start of a successful append the owner may go on answering owner calls; nullopt when only this
  /// process can ever own the lane while it lives (the embedded log's directory lock).
  virtual std::optional<Duration> lease() const = 0;

  /// Appends all of `batch` or nothing, durable when the result is ok.
  ///   errors   fenced; exhausted (not written: disk full, or over kLaneBatchBytesMax); unavailable (not written);
  ///            outcome_unknown (the lane must be taken again before anything else is decided or answered)
  ///   order    appends of a lane complete in the order of the calls
  virtual void append(Ownership ownership, LaneBatch batch, Fn<void(Result<void>)> done) = 0;

  /// First tmseq still there, and one past the last durable one. Retention moves begin() forward at any time, whole files at once.
  virtual Tmseq begin(TopicId topic, LaneId lane) const = 0;
  virtual Tmseq end(TopicId topic, LaneId lane) const = 0;

  /// Durable batches from the one that holds `from` (whole batches: the first may begin earlier), at least one when
  /// from < end(), until about `bytes_max` bytes. Empty at the end.
  ///   errors   not_found (retention has cut `from`: see begin()), corrupt (names segment and offset), internal
  virtual Result<std::vector<StoredBatch>> read(TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const = 0;

  /// Calls `wake` (from any thread, cheap, must not block) after end() of anything has grown, or the log has failed. Returns an id for stop_watching,
  /// after which `wake` is not running and will not be called.
  virtual std::uint64_t watch(Fn<void()> wake) = 0;
  virtual void stop_watching(std::uint64_t id) = 0;

  /// Where commands of other writers come in; null: nobody else writes to this log.
  virtual CommandInbox* inbox() { return nullptr; }

  /// Set once the log can no longer append (a failed sync, damage): why. The node stops then.
  virtual std::optional<Error> failure() const = 0;
};

}  // namespace tidemark::log
