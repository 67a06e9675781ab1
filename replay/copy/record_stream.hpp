#pragma once
// The records of one topic and lane, one after another.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::replay {

/// A record that lives on by itself.
struct HeldRecord {
  Tmseq position;
  event::RecordView view;  ///< of `bytes` and `headers`
  std::size_t size_bytes() const;
  std::shared_ptr<const std::string> bytes;
  std::vector<event::HeaderView> headers;
};

/// "builds.ledger lane 3", for messages.
std::string partition_text(std::string_view topic, LaneId lane);

class RecordStream {
 public:
  /// [from, end) of what `log` holds; it outlives the stream.
  RecordStream(const log::EventLog& log, log::TopicId topic, std::string name, LaneId lane, Tmseq from, Tmseq end)
      : log_(log), topic_(topic), name_(std::move(name)), lane_(lane), next_(from.value), end_(end.value) {}

  /// The record that is next; null at the end. Lives until take().
  ///   errors   not_found (retention has cut it), corrupt (a gap, damage), unavailable
  Result<const HeldRecord*> peek();
  /// Of what peek() has shown.
  HeldRecord take();
  Tmseq position() const { return Tmseq{next_}; }
  Tmseq end() const { return Tmseq{end_}; }

 private:
  Result<void> load();

  const log::EventLog& log_;
  log::TopicId topic_;
  std::string name_;
  LaneId lane_;
  std::uint64_t next_, end_;
  std::vector<log::StoredBatch> batches_;
  std::size_t at_ = 0;  ///< batch that is read
  std::optional<log::RecordBatchReader> reader_;
  std::optional<HeldRecord> held_;
};

}  // namespace tidemark::replay
