#include "core/log/kafka/sender.hpp"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "core/log/kafka/records.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr int kPollMs = 1;

}  // namespace

Sender::Sender(Shared& shared) : shared_(shared), thread_([this] { run(); }) { pthread_setname_np(thread_.native_handle(), "tm-send"); }

Sender::~Sender() {
  *alive_ = false;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Sender::send(PartitionName to, OwnedRecord record, Fn<void(Result<void>)> done) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(to), std::move(record), std::move(done)});
  }
  wake_.notify_one();
}

void Sender::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (under_way_ == 0) wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) break;
    std::deque<Sending> taken = std::exchange(queue_, {});
    lock.unlock();
    for (Sending& sending : taken) hand_over(std::move(sending));
    if (producer_) rd_kafka_poll(producer_.get(), kPollMs);
    lock.lock();
  }
  lock.unlock();
  if (!producer_) return;
  // Reports of what is dropped come within this, and give back their memory.
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (under_way_ > 0) rd_kafka_poll(producer_.get(), kPollMs);
  producer_.reset();
}

void Sender::hand_over(Sending sending) {
  if (sending.record.size_bytes() > kRecordBytesMax) return answer(std::move(sending.done), make_error(Code::exhausted, "a record of " + std::to_string(sending.record.size_bytes()) + " bytes"));
  if (!producer_) {
    auto made = make_sender(shared_.options.client, shared_.options.append_patience);
    if (!made) return answer(std::move(sending.done), made.take_error());
    producer_ = std::move(*made);
  }
  // A std::function must be copyable, though this one is not copied.
  auto done = std::make_shared<Fn<void(Result<void>)>>(std::move(sending.done));
  auto delivery = std::make_unique<Delivery>(Delivery{[this, done](Result<void> result) {
    --under_way_;
    answer(std::move(*done), std::move(result));
  }});
  ++under_way_;
  auto taken = produce_as_is(producer_.get(), sending.to.topic, sending.to.partition, sending.record, delivery.get());
  if (taken.ok()) {
    delivery.release();  // its report's
    return;
  }
  --under_way_;
  answer(std::move(*done), std::move(taken));
}

void Sender::answer(Fn<void(Result<void>)> done, Result<void> result) {
  shared_.home.post([alive = alive_, done = std::move(done), result = std::move(result)]() mutable {
    if (*alive) done(std::move(result));
  });
}

}  // namespace tidemark::log::kafka
