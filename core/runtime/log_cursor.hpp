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
  /// What to do where retention has cut the log: say so, or go on where the log begins now.
  enum class Cut { stop, pass };
  static constexpr std::size_t kReadBytes = 256u << 10;

  /// Gives events as recorded: personal fields stay sealed.
  ///   read_bytes   about how much is read at once; less for readers of many partitions
  LogCursor(const log::EventLog& log, log::TopicId topic, std::string topic_name, LaneId lane, Tmseq next,
            std::size_t read_bytes = kReadBytes, Cut cut = Cut::stop)
      : log_(&log), topic_(topic), name_(std::move(topic_name)), lane_(lane), read_bytes_(read_bytes), at_cut_(cut), next_(next) {
    if (at_cut_ == Cut::pass) pass_cut();
  }
  /// Gives events with their personal fields opened. Passes what retention has cut, unless the topic is one of facts.
  LogCursor(const log::EventLog& log, const OpenTopic& topic, LaneId lane, Tmseq next)
      : LogCursor(log, topic.id, topic.spec.name, lane, next, kReadBytes,
                  topic.spec.topic_class == log::TopicClass::fact ? Cut::stop : Cut::pass) {
    personal_ = topic.personal;
  }

  /// The next event, or nullptr at the durable end. Valid until pop().
  ///   errors   not_found (retention has cut the position, and Cut::stop, or a key is missing that was never destroyed), corrupt
  ///            (a gap, a repeat, or a record that does not decode; names topic, lane and tmseq)
  Result<const event::Event*> peek();
  void pop();

  const std::string& topic_name() const { return name_; }
  Tmseq next() const { return next_; }                      ///< first tmseq not popped
  const std::string& last_id() const { return last_id_; }   ///< id of the record popped last; empty before the first
  std::uint64_t passed() const { return passed_; }          ///< records that retention had cut before they were read

 private:
  Result<void> fill();
  void pass_cut();
  const log::EventLog* log_;
  log::TopicId topic_;
  std::string name_;
  std::shared_ptr<const PersonalFields> personal_;
  LaneId lane_;
  std::size_t read_bytes_;
  Cut at_cut_;
  Tmseq next_;
  std::uint64_t passed_ = 0;
  std::string last_id_;
  std::vector<event::Event> events_;  ///< [head_, count_) are read and not popped; the rest is memory to use again
  std::size_t head_ = 0, count_ = 0;
};

/// A cursor from `next` on, which a store has not applied yet. Where retention has cut the topic it goes on at the topic's begin.
///   errors   corrupt: a topic of class fact, which is kept for ever, begins behind `next`
Result<LogCursor> follow(const log::EventLog& log, const OpenTopic& topic, LaneId lane, Tmseq next);

/// The event at one position, as recorded.
Result<event::Event> read_event(const log::EventLog& log, log::TopicId topic, const std::string& topic_name, LaneId lane, Tmseq at);

}  // namespace tidemark::runtime
