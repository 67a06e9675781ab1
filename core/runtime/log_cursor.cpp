#include "core/runtime/log_cursor.hpp"

namespace tidemark::runtime {

Result<void> LogCursor::fill() {
  head_ = 0;
  if (ahead_ != nullptr) {
    if (ahead_->take(job_, run_)) return {};
    ahead_.reset();
  }
  auto read = events_.read(next_, run_);
  while (!read && read.error().code == Code::not_found && at_cut_ == Cut::pass && next_ < events_.log->begin(events_.topic, events_.lane)) {
    pass_cut();
    read = events_.read(next_, run_);
  }
  if (!read) run_.count = 0;
  return read;
}

void LogCursor::read_ahead(std::shared_ptr<ReadAhead> ahead, Tmseq end) {
  if (at_cut_ == Cut::pass || head_ != run_.count) return;
  job_ = ahead->begin(events_, next_, end);
  ahead_ = std::move(ahead);
}

void LogCursor::pass_cut() {
  const Tmseq begin = events_.log->begin(events_.topic, events_.lane);
  if (!(next_ < begin)) return;
  passed_ += begin.value - next_.value;
  next_ = begin;
}

Result<const event::Event*> LogCursor::peek() {
  if (head_ == run_.count) {
    if (!(next_ < events_.log->end(events_.topic, events_.lane))) return static_cast<const event::Event*>(nullptr);
    if (auto filled = fill(); !filled) return filled.take_error();
    if (run_.count == 0) return static_cast<const event::Event*>(nullptr);
  }
  return static_cast<const event::Event*>(&run_.events[head_]);
}

void LogCursor::pop() {
  last_id_ = run_.events[head_].envelope.id;
  ++head_;
  next_ = next_.next();
}

Result<LogCursor> follow(const log::EventLog& log, const OpenTopic& topic, LaneId lane, Tmseq next) {
  const bool is_fact = topic.spec.topic_class == log::TopicClass::fact;
  if (is_fact && next < log.begin(topic.id, lane)) {
    return make_error(Code::corrupt, topic.spec.name + " lane " + std::to_string(lane.value) + " begins at " +
                                         std::to_string(log.begin(topic.id, lane).value) + ", though the topic is kept for ever and a store needs it from " +
                                         std::to_string(next.value));
  }
  return LogCursor(log, topic, lane, next);
}

Result<event::Event> read_event(const log::EventLog& log, log::TopicId topic, const std::string& topic_name, LaneId lane, Tmseq at) {
  auto batches = log.read(topic, lane, at, 1);
  if (!batches) return batches.take_error();
  for (const auto& stored : *batches) {
    auto reader = log::RecordBatchReader::open(stored.view());
    if (!reader) return reader.take_error();
    for (Tmseq here = stored.first; !reader->done(); here = here.next()) {
      auto record = reader->next();
      if (!record) return record.take_error();
      if (here == at) return event::decode_record(*record);
    }
  }
  return make_error(Code::not_found, place_of(topic_name, lane, at) + " is not in the log");
}

}  // namespace tidemark::runtime
