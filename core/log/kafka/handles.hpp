#pragma once
// librdkafka's handles as values, and its errors as ours. Its header is included by the .cpp files of this folder only.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

struct rd_kafka_s;
struct rd_kafka_error_s;
struct rd_kafka_message_s;
struct rd_kafka_topic_s;
struct rd_kafka_queue_s;

namespace tidemark::log::kafka {

struct CloseHandle {
  void operator()(rd_kafka_s* handle) const;  ///< waits for its threads
};
using Handle = std::unique_ptr<rd_kafka_s, CloseHandle>;

struct CloseTopic {
  void operator()(rd_kafka_topic_s* topic) const;
};
using TopicHandle = std::unique_ptr<rd_kafka_topic_s, CloseTopic>;

struct CloseQueue {
  void operator()(rd_kafka_queue_s* queue) const;
};
using QueueHandle = std::unique_ptr<rd_kafka_queue_s, CloseQueue>;

struct CloseMessage {
  void operator()(rd_kafka_message_s* message) const;
};
using Message = std::unique_ptr<rd_kafka_message_s, CloseMessage>;

/// What librdkafka has to say, by its own facility names ("FAIL", "GETPID").
using ClientLog = std::function<void(int level, std::string_view facility, std::string_view text)>;

/// How every handle reaches the cluster.
struct ClientOptions {
  std::string brokers;                            ///< "host:port,host:port"
  std::map<std::string, std::string> properties;  ///< of librdkafka: security, addresses, time limits. See is_reserved_property()
  std::string client_id = "tidemark";
  Duration transaction_timeout = std::chrono::seconds(20);
  ClientLog log = nullptr;                        ///< any thread; null: nothing is told
  std::function<void(std::string_view json)> statistics = nullptr;  ///< of producers, as librdkafka writes them; null: none are made
};

/// Those that the log sets itself, since its promises depend on them.
bool is_reserved_property(std::string_view name);

/// Where a record is, when it is not known.
inline constexpr std::int64_t kNotDelivered = -1;
inline constexpr std::int64_t kDeliveredSomewhere = -2;  ///< a repeat that the broker had already

/// Transactional: one lane's. Not initialised. Tells its statistics while it flushes or is polled.
Result<Handle> make_producer(const ClientOptions& options, const std::string& transactional_id);
/// Of single records, by nobody's lane: idempotent, in no transaction. Each record's opaque is a Delivery, which its report deletes.
struct Delivery {
  std::function<void(Result<void>)> done;  ///< within rd_kafka_poll()
};
Result<Handle> make_sender(const ClientOptions& options, Duration patience);
enum class Isolation { committed, uncommitted };
struct ConsumerTuning {
  Duration wait = std::chrono::milliseconds(100);  ///< how long a broker may hold a fetch that finds nothing
  std::size_t prefetch_kilobytes = 1024;           ///< for each partition
};
/// For assigned partitions only; never in a group.
Result<Handle> make_consumer(const ClientOptions& options, Isolation isolation, ConsumerTuning tuning);
/// In a group, for what it is assigned, by the eager range assignor; never to read anything. What the group says comes as events.
///   session  after so long without a sign of life the brokers leave it out
Result<Handle> make_member(const ClientOptions& options, const std::string& group, Duration session);

/// Takes the error object. null: ok.
struct CallError {
  bool failed = false;
  bool retriable = false;   ///< the call may be made again to go on with it
  bool fenced = false;      ///< another producer has the transactional id
  std::string text;
};
CallError take_error(rd_kafka_error_s* error);
std::string error_text(int code);  ///< of an rd_kafka_resp_err_t

/// Makes the handle know the leaders of every topic it has met. By itself it would ask for those of a new one within a second.
void learn_topics(rd_kafka_s* handle, Duration patience);

/// Offsets that a broker gives, asked of many partitions at once.
enum class Edge { first, end };  ///< the end that this handle's isolation sees: of a committed one the last stable offset
struct PartitionName {
  std::string topic;
  std::int32_t partition = 0;
  auto operator<=>(const PartitionName&) const = default;
};
/// In the order asked, once for each partition. unavailable when not all of them have a leader that answers within the patience.
Result<std::vector<std::int64_t>> ask_offsets(rd_kafka_s* handle, const std::vector<PartitionName>& partitions, Edge edge, Duration patience);

}  // namespace tidemark::log::kafka
