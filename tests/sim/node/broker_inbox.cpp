#include "tests/sim/node/broker_inbox.hpp"

namespace tidemark::sim {
namespace {

constexpr std::int64_t kHopMicros = 4'000;

}  // namespace

class BrokerInbox::Reader final : public log::InboxReader {
 public:
  Reader(BrokerInbox& inbox, std::size_t topic, std::uint32_t lane, std::uint64_t from, Fn<void()> wake)
      : inbox_(inbox), topic_(topic), lane_(lane), next_(from), wake_(std::move(wake)) {
    inbox_.readers_.insert(this);
    wake_();
  }
  ~Reader() override { inbox_.readers_.erase(this); }

  log::InboxSlice take(std::size_t records_max, std::size_t bytes_max) override {
    log::InboxSlice slice;
    std::size_t bytes = 0;
    const auto& records = inbox_.brokers_.commands_[{topic_, lane_}];
    auto at = std::partition_point(records.begin(), records.end(), [&](const log::InboxRecord& record) { return record.position < next_; });
    for (; at != records.end(); ++at) {
      slice.more = slice.records.size() >= records_max || bytes >= bytes_max;
      if (slice.more) break;
      bytes += at->record.size_bytes();
      slice.records.push_back(*at);
      next_ = at->position + 1;
    }
    return slice;
  }
  void wake(std::size_t topic, std::uint32_t lane) {
    if (topic == topic_ && lane == lane_) wake_();
  }

 private:
  BrokerInbox& inbox_;
  const std::size_t topic_;
  const std::uint32_t lane_;
  std::uint64_t next_;
  Fn<void()> wake_;
};

std::unique_ptr<log::InboxReader> BrokerInbox::read(log::TopicId topic, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) {
  return std::make_unique<Reader>(*this, topic.value, lane.value, from.value_or(0), std::move(wake));
}

void BrokerInbox::grew(std::size_t topic, std::uint32_t lane) {
  for (Reader* reader : readers_) reader->wake(topic, lane);
}

void BrokerInbox::send(log::TopicId topic, LaneId lane, log::OwnedRecord record, Fn<void(Result<void>)> done) {
  World& world = brokers_.world_;
  world.after(std::chrono::microseconds(brokers_.faults_.random().delay(kHopMicros)), world.network(),
              [this, alive = alive_, brokers = &brokers_, topic, lane, record = std::move(record), done = std::move(done)]() mutable {
    brokers->produce(topic.value, lane.value, std::move(record));
    if (*alive) home_.post([done = std::move(done)]() mutable { done({}); });
  });
}

}  // namespace tidemark::sim
