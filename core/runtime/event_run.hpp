#pragma once
// A run of events: what one read of a partition gives, decoded and checked.

#include <memory>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/record.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/personal_fields.hpp"

namespace tidemark::runtime {

/// Events that follow each other. Those behind `count` are memory to use again.
struct EventRun {
  std::vector<event::Event> events;
  std::size_t count = 0;
};

/// One topic of one lane, as a reader wants it. Any thread.
struct PartitionEvents {
  const log::EventLog* log;
  log::TopicId topic;
  std::string topic_name;
  LaneId lane;
  std::size_t read_bytes;                          ///< about how much is read at once
  std::shared_ptr<const PersonalFields> personal;  ///< opens what was sealed; null: events come as recorded

  /// Makes `run` the events from `from` on; none at the durable end.
  ///   errors   not_found (retention has cut the position, or a key is missing that was never destroyed), corrupt (a gap, a
  ///            repeat, or a record that does not decode; names topic, lane and tmseq). `run` holds what came before it
  Result<void> read(Tmseq from, EventRun& run) const;
};

/// "topic lane 3 tmseq 57", for messages.
std::string place_of(const std::string& topic, LaneId lane, Tmseq at);

}  // namespace tidemark::runtime
