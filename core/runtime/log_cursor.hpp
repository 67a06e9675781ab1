#pragma once
// Reads one topic of one lane forward, event by event, checking that tmseq is dense.

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/record.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/domain_runtime.hpp"

namespace tidemark::runtime {

class LogCursor {
 public:
  /// Gives events as recorded: personal fields stay sealed.
  ///   read_bytes   about how much is read at once; less for readers of many partitions
  LogCursor(const log::EventLog& log, log::TopicId topic, std::string topic_name, LaneId lane, Tmseq next,
            std::size_t read_bytes = kReadBytes)
      : log_(&log), topic_(topic), name_(std::move(topic_name)), lane_(lane), read_bytes_(read_bytes), next_(next) {}
  /// Gives events with their personal fields opened.
  LogCursor(const log::EventLog& log, const OpenTopic& topic, LaneId lane, Tmseq next)
      : log_(&log), topic_(topic.id), name_(topic.spec.name), personal_(topic.personal), lane_(lane), read_bytes_(kReadBytes), next_(next) {}

  /// The next event, or nullptr at the durable end. Valid until pop().
  ///   errors   not_found (retention has cut the position, or a key is missing that was never destroyed), corrupt (a gap, a
  ///            repeat, or a record that does not decode; names topic, lane and tmseq)
  Result<const event::Event*> peek();
  void pop();

  const std::string& topic_name() const { return name_; }
  Tmseq next() const { return next_; }                      ///< first tmseq not popped
  const std::string& last_id() const { return last_id_; }   ///< id of the record popped last; empty before the first

 private:
  static constexpr std::size_t kReadBytes = 256u << 10;

  Result<void> fill();
  const log::EventLog* log_;
  log::TopicId topic_;
  std::string name_;
  std::shared_ptr<const PersonalFields> personal_;
  LaneId lane_;
  std::size_t read_bytes_;
  Tmseq next_;
  std::string last_id_;
  std::vector<event::Event> events_;  ///< [head_, count_) are read and not popped; the rest is memory to use again
  std::size_t head_ = 0, count_ = 0;
};

/// The event at one position, as recorded.
Result<event::Event> read_event(const log::EventLog& log, log::TopicId topic, const std::string& topic_name, LaneId lane, Tmseq at);

}  // namespace tidemark::runtime
