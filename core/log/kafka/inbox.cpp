#include "core/log/kafka/inbox.hpp"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "core/log/kafka/records.hpp"

namespace tidemark::log::kafka {
namespace {

// A client that has fetched so much ahead fetches nothing for a second: it is what a lane can read of a backlog in that time.
constexpr ConsumerTuning kTuning{std::chrono::milliseconds(250), 4096};
constexpr Duration kAskPatience = std::chrono::seconds(5);
constexpr auto kTryAgain = std::chrono::milliseconds(200);

}  // namespace

/// One that is read. Its handles are made and ended by the inbox's thread; `mutex` guards what both sides see.
struct Inbox::Partition {
  Partition(PartitionName named, Fn<void()> waker) : name(std::move(named)), wake(std::move(waker)) {}
  const PartitionName name;
  Fn<void()> wake;

  std::mutex mutex;
  bool closed = false;   ///< its reader has ended
  bool started = false;  ///< records may be taken
  TopicHandle topic;
  QueueHandle queue;
  std::optional<InboxGap> gap;

  /// Within the client, when its queue was empty and no longer is.
  static void arrived(rd_kafka_t*, void* opaque) { static_cast<Partition*>(opaque)->wake(); }
};

class Inbox::Reader final : public InboxReader {
 public:
  Reader(Inbox& inbox, std::shared_ptr<Partition> partition, std::int64_t from) : inbox_(inbox), partition_(std::move(partition)), due_(from) {}
  ~Reader() override {
    {
      std::lock_guard lock(partition_->mutex);
      partition_->closed = true;
      partition_->started = false;
      if (partition_->queue) rd_kafka_queue_cb_event_enable(partition_->queue.get(), nullptr, nullptr);
    }
    inbox_.push([&inbox = inbox_, partition = partition_] { inbox.stop(*partition); });
  }

  InboxSlice take(std::size_t records_max, std::size_t bytes_max) override {
    InboxSlice slice;
    std::lock_guard lock(partition_->mutex);
    if (!partition_->started) return slice;
    slice.gap = std::exchange(partition_->gap, std::nullopt);
    std::size_t bytes = 0;
    while (slice.records.size() < records_max && bytes < bytes_max) {
      Message message(rd_kafka_consume_queue(partition_->queue.get(), 0));
      if (!message) return slice;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        due_ = message->offset + 1;
        slice.records.push_back({static_cast<std::uint64_t>(message->offset), owned_record(*message)});
        bytes += slice.records.back().record.size_bytes();
        continue;
      }
      if (message->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && message->err != RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) continue;  // the client tries again
      partition_->started = false;
      inbox_.push([&inbox = inbox_, partition = partition_, due = due_] { inbox.go_on_at_begin(*partition, due); });
      return slice;
    }
    slice.more = true;
    return slice;
  }

 private:
  Inbox& inbox_;
  std::shared_ptr<Partition> partition_;
  std::int64_t due_;
};

Inbox::Inbox(Shared& shared) : shared_(shared), thread_([this] { run(); }) { pthread_setname_np(thread_.native_handle(), "tm-inbox"); }

Inbox::~Inbox() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::unique_ptr<InboxReader> Inbox::read(TopicId id, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) {
  const auto topic = shared_.inbox_topic(id);
  TM_ASSERT(topic && lane.value < shared_.lanes, "an inbox is read that is not open");
  auto partition = std::make_shared<Partition>(partition_of(*topic, lane), std::move(wake));
  const std::int64_t offset = from ? static_cast<std::int64_t>(*from) : std::int64_t{RD_KAFKA_OFFSET_BEGINNING};
  push([this, partition, offset] { start(*partition, offset); });
  return std::make_unique<Reader>(*this, std::move(partition), from ? offset : 0);
}

void Inbox::send(TopicId id, LaneId lane, OwnedRecord record, Fn<void(Result<void>)> done) {
  const auto topic = shared_.inbox_topic(id);
  TM_ASSERT(topic && lane.value < shared_.lanes, "a command is sent to an inbox that is not open");
  if (!sender_) sender_ = std::make_unique<Sender>(shared_);
  sender_->send(partition_of(*topic, lane), std::move(record), std::move(done));
}

void Inbox::push(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void Inbox::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !work_.empty(); });
    if (work_.empty()) return;  // stopping, and all readers have ended before
    auto work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

void Inbox::start(Partition& partition, std::int64_t offset) {
  if (!consumer_) {
    auto made = make_consumer(shared_.options.client, Isolation::committed, kTuning);
    if (!made) return shared_.damaged(made.error());
    consumer_ = std::move(*made);
  }
  TopicHandle topic(rd_kafka_topic_new(consumer_.get(), partition.name.topic.c_str(), nullptr));
  if (met_.insert(partition.name.topic).second) learn_topics(consumer_.get(), kAskPatience);
  if (rd_kafka_consume_start(topic.get(), partition.name.partition, offset) != 0) {
    return shared_.damaged(make_error(Code::internal, partition.name.topic + " cannot be read: " + error_text(rd_kafka_last_error())));
  }
  QueueHandle queue(rd_kafka_queue_get_partition(consumer_.get(), partition.name.topic.c_str(), partition.name.partition));
  std::lock_guard lock(partition.mutex);
  partition.topic = std::move(topic);
  partition.queue = std::move(queue);
  if (partition.closed) return;  // what stops it comes next
  partition.started = true;
  rd_kafka_queue_cb_event_enable(partition.queue.get(), Partition::arrived, &partition);
  partition.wake();  // of what came before
}

void Inbox::stop(Partition& partition) {
  TopicHandle topic;
  QueueHandle queue;
  {
    std::lock_guard lock(partition.mutex);
    topic = std::move(partition.topic);
    queue = std::move(partition.queue);
    partition.started = false;
    if (queue) rd_kafka_queue_cb_event_enable(queue.get(), nullptr, nullptr);
  }
  if (topic) rd_kafka_consume_stop(topic.get(), partition.name.partition);
}

void Inbox::go_on_at_begin(Partition& partition, std::int64_t due) {
  stop(partition);
  {
    std::lock_guard lock(partition.mutex);
    if (partition.closed) return;
  }
  auto first = ask_offsets(consumer_.get(), {partition.name}, Edge::first, kAskPatience);
  if (!first) {
    std::this_thread::sleep_for(kTryAgain);
    return start(partition, due);  // which fails again, and so comes back here
  }
  {
    std::lock_guard lock(partition.mutex);
    partition.gap = InboxGap{static_cast<std::uint64_t>(due), static_cast<std::uint64_t>(first->front())};
  }
  start(partition, first->front());
}

}  // namespace tidemark::log::kafka
