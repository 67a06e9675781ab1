#include "tests/support/memory_log/memory_inbox.hpp"

#include "tests/support/memory_log/memory_log.hpp"

namespace tidemark::testing {

class MemoryInbox::Reader final : public log::InboxReader {
 public:
  Reader(MemoryInbox& inbox, log::TopicId topic, LaneId lane, std::uint64_t from, Fn<void()> wake)
      : inbox_(inbox), topic_(topic), lane_(lane), next_(from), wake_(std::move(wake)) {
    inbox_.readers_.insert(this);
    wake_();
  }
  ~Reader() override { inbox_.readers_.erase(this); }

  log::InboxSlice take(std::size_t records_max, std::size_t bytes_max) override {
    log::InboxSlice slice;
    auto& topic = inbox_.history_->topics[topic_.value];
    if (const std::uint64_t begin = topic.commands_begin[lane_.value]; next_ < begin) {
      slice.gap = log::InboxGap{next_, begin};
      next_ = begin;
    }
    std::size_t bytes = 0;
    for (const auto& record : topic.commands[lane_.value]) {
      if (record.position < next_) continue;
      slice.more = slice.records.size() >= records_max || bytes >= bytes_max;
      if (slice.more) break;
      bytes += record.record.size_bytes();
      slice.records.push_back(record);
      next_ = record.position + 1;
    }
    return slice;
  }
  void wake() { wake_(); }

 private:
  MemoryInbox& inbox_;
  const log::TopicId topic_;
  const LaneId lane_;
  std::uint64_t next_;
  Fn<void()> wake_;
};

std::unique_ptr<log::InboxReader> MemoryInbox::read(log::TopicId topic, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) {
  return std::make_unique<Reader>(*this, topic, lane, from.value_or(history_->topics[topic.value].commands_begin[lane.value]), std::move(wake));
}

void MemoryInbox::send(log::TopicId topic, LaneId lane, log::OwnedRecord record, Fn<void(Result<void>)> done) {
  scheduler_.post([history = history_, topic, lane, record = std::move(record), done = std::move(done), fault = std::exchange(fault_, Fault::none)]() mutable {
    if (fault == Fault::none || fault == Fault::unknown_written) produce(*history, topic, lane, std::move(record));
    if (fault == Fault::none) return done({});
    done(make_error(fault == Fault::refuse_unwritten ? Code::unavailable : Code::outcome_unknown, "the test spoiled this record"));
  });
}

void MemoryInbox::grew() {
  for (Reader* reader : readers_) reader->wake();
}

void produce(LogHistory& history, log::TopicId topic, LaneId lane, log::OwnedRecord record) {
  auto& records = history.topics[topic.value].commands[lane.value];
  const std::uint64_t position = records.empty() ? history.topics[topic.value].commands_begin[lane.value] : records.back().position + 2;
  records.push_back({position, std::move(record)});
  for (MemoryLog* log : *history.logs) log->inbox_grew();
}

}  // namespace tidemark::testing
