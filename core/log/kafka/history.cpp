#include "core/log/kafka/history.hpp"

#include <librdkafka/rdkafka.h>

namespace tidemark::log::kafka {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kIdle = std::chrono::seconds(2);
// A reader that is at the end learns so when the broker has held its fetch that long.
constexpr ConsumerTuning kTuning{std::chrono::milliseconds(10), 4096};
constexpr int kTurnMs = 100;
constexpr Duration kLearnPatience = std::chrono::seconds(5);

}  // namespace

Result<std::unique_ptr<History>> History::open(const ClientOptions& options, std::size_t clients) {
  std::unique_ptr<History> history(new History);
  for (std::size_t i = 0; i < clients; ++i) {
    auto handle = make_consumer(options, Isolation::committed, kTuning);
    if (!handle) return handle.take_error();
    history->clients_.push_back({std::move(*handle), {}, {}});
  }
  return history;
}

History::~History() {
  for (Client& client : clients_) {
    for (auto& [partition, reader] : client.readers) {
      if (reader.started) rd_kafka_consume_stop(reader.topic.get(), partition.partition);
    }
    client.readers.clear();
  }
}

std::pair<History::Client*, History::Reader*> History::borrow(const PartitionName& partition, std::uint64_t resume, bool& goes_on) {
  std::unique_lock lock(mutex_);
  for (;;) {
    Client* best = nullptr;
    for (Client& client : clients_) {
      Reader& reader = client.readers[partition];
      if (reader.busy) continue;
      goes_on = resume != kNowhere && reader.started && reader.resume == resume;
      if (goes_on || best == nullptr || reader.used < best->readers[partition].used) best = &client;
      if (goes_on) break;
    }
    if (best != nullptr) {
      Reader& reader = best->readers[partition];
      reader.busy = true;
      return {best, &reader};
    }
    returned_.wait(lock);
  }
}

void History::give_back(Reader& reader) {
  {
    std::lock_guard lock(mutex_);
    reader.busy = false;
    reader.used = Clock::now();
  }
  returned_.notify_all();  // who waits, waits for a partition of his own
}

void History::meet_topic(Client& client, Reader& reader, const Request& request) {
  reader.topic.reset(rd_kafka_topic_new(client.handle.get(), request.partition.topic.c_str(), nullptr));
  {
    std::lock_guard lock(mutex_);
    if (!client.topics.insert(request.partition.topic).second) return;
  }
  learn_topics(client.handle.get(), std::min(request.patience, kLearnPatience));
}

Result<void> History::read(const Request& request, std::uint64_t& resume, FnRef<bool(const rd_kafka_message_s&)> take) {
  if (request.offset >= request.until) return {};
  bool goes_on = false;
  const auto [client, reader] = borrow(request.partition, resume, goes_on);
  const std::int32_t partition = request.partition.partition;
  if (!reader->topic) meet_topic(*client, *reader, request);
  if (!goes_on) {
    if (reader->started) rd_kafka_consume_stop(reader->topic.get(), partition);
    reader->started = rd_kafka_consume_start(reader->topic.get(), partition, request.offset) == 0;
    if (!reader->started) {
      const auto why = rd_kafka_last_error();
      give_back(*reader);
      return make_error(Code::unavailable, request.partition.topic + " cannot be read: " + error_text(why));
    }
  }
  auto goes_further = pull(request, *reader, take);
  if (!goes_further.ok() || !*goes_further || resume == kNowhere) {
    rd_kafka_consume_stop(reader->topic.get(), partition);
    reader->started = false;
  }
  reader->resume = resume;
  give_back(*reader);
  if (!goes_further) return goes_further.take_error();
  return {};
}

/// True: `take` has enough, and there may be more. False: the end.
Result<bool> History::pull(const Request& request, Reader& reader, FnRef<bool(const rd_kafka_message_s&)> take) {
  auto deadline = Clock::now() + request.patience;
  std::string last_trouble = "no answer";
  for (;;) {
    Message message(rd_kafka_consume(reader.topic.get(), request.partition.partition, kTurnMs));
    if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      deadline = Clock::now() + request.patience;
      if (message->offset >= request.until) return false;  // it lies behind what was asked for
      if (!take(*message)) return true;
      if (message->offset + 1 >= request.until) return false;
      continue;
    }
    if (message && message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (request.until != kNoOffset && message->offset >= request.until) return false;
    } else if (message && (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)) {
      return make_error(Code::not_found, request.partition.topic + " partition " + std::to_string(request.partition.partition) + " no longer has offset " +
                                             std::to_string(request.offset));
    } else if (message) {
      last_trouble = error_text(message->err);
    }
    if (Clock::now() >= deadline) {
      return make_error(Code::unavailable, request.partition.topic + " partition " + std::to_string(request.partition.partition) + " cannot be read: " + last_trouble);
    }
  }
}

void History::tend() {
  const auto now = Clock::now();
  std::vector<std::pair<Reader*, std::int32_t>> idle;
  {
    std::lock_guard lock(mutex_);
    for (Client& client : clients_) {
      for (auto& [partition, reader] : client.readers) {
        if (!reader.started || reader.busy || now - reader.used < kIdle) continue;
        reader.busy = true;
        idle.emplace_back(&reader, partition.partition);
      }
    }
  }
  for (auto [reader, partition] : idle) {
    rd_kafka_consume_stop(reader->topic.get(), partition);
    reader->started = false;
    give_back(*reader);
  }
}

}  // namespace tidemark::log::kafka
