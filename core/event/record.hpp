#pragma once
// A log record as Kafka has it (key, value, headers, timestamp), and the mapping of an Event to one.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/envelope.hpp"

namespace tidemark::event {

struct HeaderView {
  std::string_view name;
  std::optional<std::string_view> value;  ///< Kafka headers may be null
};

/// Borrowed bytes of one record; whoever hands it out says how long they live.
struct RecordView {
  std::int64_t offset = 0;        ///< the log's own number; never stored or shown
  std::int64_t timestamp_ms = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const HeaderView> headers;

  /// The first header of that name, or nullopt.
  std::optional<std::string_view> header(std::string_view name) const;
};

/// Encodes `envelope` as ce_* headers (content-type: application/json first), key = partitionkey (null when that is
/// absent), value = data, timestamp = time. docs/formats/envelope.md has the bytes. Reused between records: the views from record() point into this object and the arguments of the
/// last encode() and live until the next.
class RecordEncoder {
 public:
  const RecordView& encode(const Envelope& envelope, std::string_view data);

 private:
  std::string_view keep(std::string_view text);
  std::string_view keep_time(Time time);

  std::string scratch_;     // never grows while an encode() runs: views point into it
  Time formatted_{};        // the events of a batch share their time
  std::string time_text_;
  std::vector<HeaderView> headers_;
  RecordView record_;
};

/// The reverse. corrupt with the name of the attribute when a required one (specversion, id, source, type) is missing, or
/// one is malformed or repeated. Unknown ce_* headers are kept as extensions, other headers ignored; without ce_time the
/// record's timestamp is taken, without ce_partitionkey its key. Structured mode (content-type
/// application/cloudevents+json) is read too, as other writers to a commands topic may use it.
Result<Event> decode_record(const RecordView& record);
/// The same into an event that is used again and again, for bulk readers: its strings keep their memory. Unspecified
/// content after an error.
Result<void> decode_record(const RecordView& record, Event& into);
/// Only the envelope; for readers that filter before they copy data.
Result<Envelope> decode_envelope(const RecordView& record);

}  // namespace tidemark::event
