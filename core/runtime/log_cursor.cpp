#include "core/runtime/log_cursor.hpp"

namespace tidemark::runtime {
namespace {

std::string place(const std::string& topic, LaneId lane, Tmseq at) {
  return topic + " lane " + std::to_string(lane.value) + " tmseq " + std::to_string(at.value);
}

}  // namespace

Result<void> LogCursor::fill() {
  head_ = count_ = 0;
  auto batches = log_->read(topic_, lane_, next_, read_bytes_);
  while (!batches && batches.error().code == Code::not_found && at_cut_ == Cut::pass && next_ < log_->begin(topic_, lane_)) {
    pass_cut();
    batches = log_->read(topic_, lane_, next_, read_bytes_);
  }
  if (!batches) return batches.take_error();
  for (const auto& stored : *batches) {
    auto reader = log::RecordBatchReader::open(stored.view());
    if (!reader) return reader.take_error();
    Tmseq at = stored.first;
    for (; !reader->done(); at = at.next()) {
      auto record = reader->next();
      if (!record) return record.take_error();
      const Tmseq wanted{next_.value + count_};
      if (at < wanted) continue;
      if (count_ == events_.size()) events_.emplace_back();
      event::Event& event = events_[count_];
      if (auto decoded = event::decode_record(*record, event); !decoded) {
        return make_error(decoded.error().code, place(name_, lane_, at) + ": " + decoded.error().message);
      }
      if (personal_) {
        if (auto opened = personal_->open(event); !opened) {
          return make_error(opened.error().code, place(name_, lane_, at) + ": " + opened.error().message);
        }
      }
      const auto said = event.envelope.tmseq;
      if (at != wanted || !said || *said != at) {
        return make_error(Code::corrupt, place(name_, lane_, wanted) + ": the log has a gap, a repeat or a fork here (found " +
                                             (said ? std::to_string(said->value) : std::string("no tmseq")) + ")");
      }
      ++count_;
    }
  }
  return {};
}

void LogCursor::pass_cut() {
  const Tmseq begin = log_->begin(topic_, lane_);
  if (!(next_ < begin)) return;
  passed_ += begin.value - next_.value;
  next_ = begin;
}

Result<const event::Event*> LogCursor::peek() {
  if (head_ == count_) {
    if (!(next_ < log_->end(topic_, lane_))) return static_cast<const event::Event*>(nullptr);
    if (auto filled = fill(); !filled) return filled.take_error();
    if (count_ == 0) return static_cast<const event::Event*>(nullptr);
  }
  return static_cast<const event::Event*>(&events_[head_]);
}

void LogCursor::pop() {
  last_id_ = events_[head_].envelope.id;
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
  return make_error(Code::not_found, place(topic_name, lane, at) + " is not in the log");
}

}  // namespace tidemark::runtime
