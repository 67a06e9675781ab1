#pragma once
// Reads one topic of one lane forward, event by event, checking that tmseq is dense.

#include <memory>
#include <string>

#include "core/base/error.hpp"
#include "core/event/record.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/event_run.hpp"
#include "core/runtime/read_ahead.hpp"

namespace tidemark::runtime {

class LogCursor {
 public:
  /// What to do where retention has cut the log: say so, or go on where the log begins now.
  enum class Cut { stop, pass };
  static constexpr std::size_t kReadBytes = 256u << 10;

  /// Gives events as recorded: personal fields stay sealed.
  ///   read_bytes   about how much is read at once; less for readers of many partitions
  LogCursor(const log::EventLog& log, log::TopicId topic, std::string topic_name, LaneId lane, Tmseq next,
            std::size_t read_bytes = kReadBytes, Cut cut = Cut::stop)
      : events_{&log, topic, std::move(topic_name), lane, read_bytes, nullptr}, at_cut_(cut), next_(next) {
    if (at_cut_ == Cut::pass) pass_cut();
  }
  /// Gives events with their personal fields opened. Passes what retention has cut, unless the topic is one of facts.
  LogCursor(const log::EventLog& log, const OpenTopic& topic, LaneId lane, Tmseq next)
      : LogCursor(log, topic.id, topic.spec.name, lane, next, kReadBytes,
                  topic.spec.topic_class == log::TopicClass::fact ? Cut::stop : Cut::pass) {
    events_.personal = topic.personal;
  }

  /// The next event, or nullptr at the durable end. Valid until pop().
  ///   errors   not_found (retention has cut the position, and Cut::stop, or a key is missing that was never destroyed), corrupt
  ///            (a gap, a repeat, or a record that does not decode; names topic, lane and tmseq)
  Result<const event::Event*> peek();
  void pop();
  /// What lies before `end` is read and decoded by `ahead` from now on, until that begins with something else. Nothing happens when
  /// events were peeked at that are not popped, or with Cut::pass.
  void read_ahead(std::shared_ptr<ReadAhead> ahead, Tmseq end);
  void read_alone() { ahead_.reset(); }

  const std::string& topic_name() const { return events_.topic_name; }
  Tmseq next() const { return next_; }                      ///< first tmseq not popped
  const std::string& last_id() const { return last_id_; }   ///< id of the record popped last; empty before the first
  std::uint64_t passed() const { return passed_; }          ///< records that retention had cut before they were read

 private:
  Result<void> fill();
  void pass_cut();
  PartitionEvents events_;
  Cut at_cut_;
  Tmseq next_;
  std::uint64_t passed_ = 0;
  std::string last_id_;
  EventRun run_;
  std::size_t head_ = 0;  ///< events of the run from here on are read and not popped
  std::shared_ptr<ReadAhead> ahead_;
  std::uint64_t job_ = 0;
};

/// A cursor from `next` on, which a store has not applied yet. Where retention has cut the topic it goes on at the topic's begin.
///   errors   corrupt: a topic of class fact, which is kept for ever, begins behind `next`
Result<LogCursor> follow(const log::EventLog& log, const OpenTopic& topic, LaneId lane, Tmseq next);

/// The event at one position, as recorded.
Result<event::Event> read_event(const log::EventLog& log, log::TopicId topic, const std::string& topic_name, LaneId lane, Tmseq at);

}  // namespace tidemark::runtime
