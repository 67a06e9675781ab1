#include "core/log/kafka/bulk_reader.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>

#include "core/log/kafka/fetch_request.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr std::uint64_t kWorthwhile = 4096;          // records: fewer are read as fast by readers that run already
constexpr std::int32_t kFetchBytes = 4 << 20;
constexpr std::size_t kAnswerBytesMax = 64u << 20;   // a batch that is larger than kFetchBytes comes whole
constexpr std::int32_t kWaitMs = 100;
constexpr auto kPatience = std::chrono::seconds(5);
constexpr auto kConnectPatience = std::chrono::seconds(2);
constexpr auto kIdle = std::chrono::seconds(2);
constexpr auto kLeftToHistory = std::chrono::seconds(1);

bool is_plaintext(const ClientOptions& options) {
  const auto found = options.properties.find("security.protocol");
  return found == options.properties.end() || found->second == "plaintext" || found->second == "PLAINTEXT";
}

struct Address {
  std::string host;
  int port = 0;
};
std::optional<Address> leader_of(rd_kafka_s* client, const PartitionName& partition) {
  const TopicHandle topic(rd_kafka_topic_new(client, partition.topic.c_str(), nullptr));
  const rd_kafka_metadata_t* answer = nullptr;
  constexpr int kPatienceMs = std::chrono::milliseconds(kPatience).count();
  if (rd_kafka_metadata(client, 0, topic.get(), &answer, kPatienceMs) != RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> metadata(answer, &rd_kafka_metadata_destroy);
  for (int t = 0; t < metadata->topic_cnt; ++t) {
    for (int p = 0; p < metadata->topics[t].partition_cnt; ++p) {
      const auto& told = metadata->topics[t].partitions[p];
      if (told.id != partition.partition || partition.topic != metadata->topics[t].topic) continue;
      for (int b = 0; b < metadata->broker_cnt; ++b) {
        if (metadata->brokers[b].id == told.leader) return Address{metadata->brokers[b].host, metadata->brokers[b].port};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

BulkReader::BulkReader(const ClientOptions& options) : able_(is_plaintext(options)), client_id_(options.client_id) {}

/// Null: History reads this.
BulkReader::Stream* BulkReader::borrow(const Request& request) {
  std::lock_guard lock(mutex_);
  const auto found = streams_.find(request.partition);
  const bool goes_on = found != streams_.end() && found->second.next == request.from;
  if (!goes_on && request.end - request.from < kWorthwhile) return nullptr;
  Stream& stream = found != streams_.end() ? found->second : streams_[request.partition];
  if (stream.busy || Clock::now() < stream.not_before) return nullptr;
  stream.busy = true;
  return &stream;
}

BulkReader::Answer BulkReader::read(const Request& request, rd_kafka_s* client, FnRef<std::optional<std::int64_t>()> offset) {
  Answer out;
  Stream* const stream = able_ ? borrow(request) : nullptr;
  if (stream == nullptr) return out;
  bool fine = true;
  if (stream->next != request.from || !stream->connection.is_open()) {
    const auto begin = offset();
    fine = begin.has_value();
    if (stream->asked) stream->connection = Connection();
    stream->asked = false;
    stream->ready.clear();
    stream->offset = begin.value_or(0);
    stream->due = request.from;
  }
  while (fine && stream->ready.empty()) fine = fill(request, *stream, client, out.mark);
  std::size_t bytes = 0;
  while (!stream->ready.empty() && (out.batches.empty() || bytes < request.bytes_max)) {
    const StoredBatch& batch = stream->ready.front();
    if (batch.first.value + batch.count > request.end) break;  // committed, and not known yet
    bytes += batch.size;
    stream->next = batch.first.value + batch.count;
    out.batches.push_back(std::move(stream->ready.front()));
    stream->ready.pop_front();
  }
  fine = fine && !out.batches.empty();
  if (!fine) {
    stream->connection = Connection();
    stream->asked = false;
    stream->ready.clear();
    stream->next = UINT64_MAX;
  }
  std::lock_guard lock(mutex_);
  stream->busy = false;
  stream->used = Clock::now();
  if (!fine) stream->not_before = stream->used + kLeftToHistory;
  return out;
}

bool BulkReader::ask(const Request& request, Stream& stream) {
  const FetchRequest fetch{client_id_, ++stream.number, request.partition, stream.offset, kFetchBytes, kWaitMs};
  stream.asked = stream.connection.send(encode_fetch(fetch), Clock::now() + kPatience);
  return stream.asked;
}

/// One answer more. False: this is History's.
bool BulkReader::fill(const Request& request, Stream& stream, rd_kafka_s* client, std::optional<Mark>& mark) {
  if (!stream.connection.is_open()) {
    const auto leader = leader_of(client, request.partition);
    if (!leader) return false;
    stream.connection = Connection::open(leader->host, leader->port, Clock::now() + kConnectPatience);
    if (!stream.connection.is_open()) return false;
  }
  if (!stream.asked && !ask(request, stream)) return false;
  auto bytes = stream.connection.receive(kAnswerBytesMax, Clock::now() + kPatience);
  stream.asked = false;
  if (bytes == nullptr) return false;
  const auto fetched = decode_fetched(*bytes, FetchRequest{client_id_, stream.number, request.partition});
  if (!fetched || fetched->error != 0 || fetched->has_aborted || fetched->records.empty()) return false;
  const auto at = static_cast<std::size_t>(fetched->records.data() - bytes->data());
  const std::size_t size = fetched->records.size();
  auto taken = take_batches(std::move(bytes), at, size, stream.due);
  if (!taken || taken->next_offset <= stream.offset) return false;
  stream.offset = taken->next_offset;
  if (!taken->batches.empty()) {
    const StoredBatch& last = taken->batches.back();
    mark = Mark{taken->batches.front().first.value, taken->first_offset};
    stream.due = last.first.value + last.count;
    stream.ready.insert(stream.ready.end(), taken->batches.begin(), taken->batches.end());
  }
  return stream.due >= request.end || ask(request, stream);
}

void BulkReader::tend() {
  const auto now = Clock::now();
  std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&](const auto& entry) {
    const Stream& stream = entry.second;
    return !stream.busy && now - stream.used >= kIdle && now >= stream.not_before;
  });
}

}  // namespace tidemark::log::kafka
