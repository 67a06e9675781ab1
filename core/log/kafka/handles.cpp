#include "core/log/kafka/handles.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace tidemark::log::kafka {
namespace {

using Conf = std::unique_ptr<rd_kafka_conf_t, decltype(&rd_kafka_conf_destroy)>;

constexpr std::array kReserved{
    "bootstrap.servers", "metadata.broker.list", "transactional.id", "transaction.timeout.ms", "enable.idempotence", "acks", "request.required.acks",
    "isolation.level", "group.id", "enable.auto.commit", "auto.offset.reset", "enable.partition.eof", "check.crcs", "message.max.bytes",
    "queue.buffering.max.messages", "queue.buffering.max.kbytes", "socket.nagle.disable", "client.id",
    "statistics.interval.ms", "message.timeout.ms", "delivery.timeout.ms", "fetch.wait.max.ms", "queued.max.messages.kbytes", "enable.gapless.guarantee", "log_level",
    "session.timeout.ms", "heartbeat.interval.ms", "max.poll.interval.ms", "partition.assignment.strategy", "group.instance.id",
};
constexpr auto kAskAgain = std::chrono::milliseconds(50);
constexpr Duration kRejoinPatience = std::chrono::seconds(10);
constexpr const char* kStatisticsEveryMs = "5000";
constexpr const char* kMessageBytesMax = "5242880";  // a record of 4 MiB with its headers

void log_line(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  const auto* options = static_cast<const ClientOptions*>(rd_kafka_opaque(handle));
  if (options != nullptr && options->log) options->log(level, facility, text);
}

/// The delivery of one record: into the place that came with it.
void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  if (message->_private == nullptr) return;
  auto& offset = *static_cast<std::int64_t*>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) offset = kNotDelivered;
  else offset = message->offset >= 0 ? message->offset : kDeliveredSomewhere;
}

/// The same of a sender's.
void reported(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  const std::unique_ptr<Delivery> delivery(static_cast<Delivery*>(message->_private));
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return delivery->done({});
  const bool perhaps = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED;
  delivery->done(make_error(perhaps ? Code::outcome_unknown : Code::unavailable, "a record was not acknowledged: " + error_text(message->err)));
}

int give_statistics(rd_kafka_t* handle, char* json, std::size_t size, void*) {
  const auto* options = static_cast<const ClientOptions*>(rd_kafka_opaque(handle));
  if (options != nullptr && options->statistics) options->statistics(std::string_view(json, size));
  return 0;  // the text stays the handle's
}

Result<void> set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
  char why[512];
  if (rd_kafka_conf_set(conf, name, value.c_str(), why, sizeof why) == RD_KAFKA_CONF_OK) return {};
  return make_error(Code::invalid_argument, std::string("Kafka property ") + name + ": " + why);
}

Result<Conf> common(const ClientOptions& options) {
  Conf conf(rd_kafka_conf_new(), &rd_kafka_conf_destroy);
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"bootstrap.servers", options.brokers}, {"client.id", options.client_id}, {"socket.nagle.disable", "true"}, {"socket.keepalive.enable", "true"},
           {"socket.timeout.ms", "10000"}, {"reconnect.backoff.ms", "50"}, {"reconnect.backoff.max.ms", "1000"},
           {"log.connection.close", "false"}, {"message.max.bytes", kMessageBytesMax}, {"topic.metadata.refresh.interval.ms", "30000"}}) {
    if (auto done = set(conf.get(), name, value); !done) return done.take_error();
  }
  for (const auto& [name, value] : options.properties) {
    if (is_reserved_property(name)) return make_error(Code::invalid_argument, "Kafka property " + name + " is set by the log itself");
    if (auto done = set(conf.get(), name.c_str(), value); !done) return done.take_error();
  }
  char held[32];
  std::size_t size = sizeof held;
  if (rd_kafka_conf_get(conf.get(), "socket.timeout.ms", held, &size) == RD_KAFKA_CONF_OK && std::stoll(held) >= options.transaction_timeout.count()) {
    return make_error(Code::invalid_argument, "Kafka property socket.timeout.ms must be below the transaction timeout of " +
                                                  std::to_string(options.transaction_timeout.count()) + " ms");
  }
  rd_kafka_conf_set_opaque(conf.get(), const_cast<ClientOptions*>(&options));
  rd_kafka_conf_set_log_cb(conf.get(), log_line);
  return conf;
}

Result<Handle> open(rd_kafka_type_t type, Conf conf) {
  char why[512];
  rd_kafka_t* handle = rd_kafka_new(type, conf.get(), why, sizeof why);
  if (handle == nullptr) return make_error(Code::invalid_argument, std::string("no Kafka client: ") + why);
  conf.release();  // the handle's now
  return Handle(handle);
}

}  // namespace

void CloseHandle::operator()(rd_kafka_s* handle) const { rd_kafka_destroy(handle); }
void CloseTopic::operator()(rd_kafka_topic_s* topic) const { rd_kafka_topic_destroy(topic); }
void CloseQueue::operator()(rd_kafka_queue_s* queue) const { rd_kafka_queue_destroy(queue); }
void CloseMessage::operator()(rd_kafka_message_s* message) const { rd_kafka_message_destroy(message); }

bool is_reserved_property(std::string_view name) { return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end(); }

Result<Handle> make_producer(const ClientOptions& options, const std::string& transactional_id) {
  auto conf = common(options);
  if (!conf) return conf.take_error();
  const std::string timeout = std::to_string(options.transaction_timeout.count());
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"transactional.id", transactional_id}, {"transaction.timeout.ms", timeout}, {"message.timeout.ms", timeout},
           {"retry.backoff.ms", "50"},
           {"linger.ms", "5"},  // a commit flushes at once; until then records gather into one request
           {"queue.buffering.max.messages", "2000000"}, {"queue.buffering.max.kbytes", "131072"}}) {
    if (auto done = set(conf->get(), name, value); !done) return done.take_error();
  }
  // Of producers only: a consumer that makes statistics asks every few seconds where each of its partitions begins.
  if (options.statistics) {
    rd_kafka_conf_set_stats_cb(conf->get(), give_statistics);
    if (auto told = set(conf->get(), "statistics.interval.ms", kStatisticsEveryMs); !told) return told.take_error();
  }
  rd_kafka_conf_set_dr_msg_cb(conf->get(), delivered);
  return open(RD_KAFKA_PRODUCER, std::move(*conf));
}

Result<Handle> make_sender(const ClientOptions& options, Duration patience) {
  auto conf = common(options);
  if (!conf) return conf.take_error();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"enable.idempotence", "true"}, {"acks", "all"}, {"message.timeout.ms", std::to_string(patience.count())}, {"retry.backoff.ms", "50"},
           {"linger.ms", "0"}, {"queue.buffering.max.kbytes", "65536"}}) {
    if (auto done = set(conf->get(), name, value); !done) return done.take_error();
  }
  rd_kafka_conf_set_dr_msg_cb(conf->get(), reported);
  return open(RD_KAFKA_PRODUCER, std::move(*conf));
}

Result<Handle> make_consumer(const ClientOptions& options, Isolation isolation, ConsumerTuning tuning) {
  auto conf = common(options);
  if (!conf) return conf.take_error();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"isolation.level", isolation == Isolation::committed ? "read_committed" : "read_uncommitted"},
           {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"}, {"enable.partition.eof", "true"}, {"check.crcs", "true"},
           {"auto.offset.reset", "error"}, {"fetch.wait.max.ms", std::to_string(tuning.wait.count())}, {"fetch.error.backoff.ms", "50"},
           {"queued.min.messages", "20000"}, {"queued.max.messages.kbytes", std::to_string(tuning.prefetch_kilobytes)}}) {
    if (auto done = set(conf->get(), name, value); !done) return done.take_error();
  }
  return open(RD_KAFKA_CONSUMER, std::move(*conf));
}

Result<Handle> make_member(const ClientOptions& options, const std::string& group, Duration session) {
  auto conf = common(options);
  if (!conf) return conf.take_error();
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"group.id", group}, {"session.timeout.ms", std::to_string(session.count())}, {"heartbeat.interval.ms", std::to_string(std::max<std::int64_t>(session.count() / 5, 50))},
           // Also how long a member may keep the others waiting that has heard of a new round and does not join it.
           {"max.poll.interval.ms", std::to_string(std::max(session, kRejoinPatience).count())},
           {"partition.assignment.strategy", "range"}, {"enable.auto.commit", "false"}, {"enable.auto.offset.store", "false"}, {"auto.offset.reset", "error"}}) {
    if (auto done = set(conf->get(), name, value); !done) return done.take_error();
  }
  rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
  return open(RD_KAFKA_CONSUMER, std::move(*conf));
}

CallError take_error(rd_kafka_error_s* error) {
  CallError out;
  if (error == nullptr) return out;
  const auto code = rd_kafka_error_code(error);
  out.failed = true;
  out.retriable = rd_kafka_error_is_retriable(error) != 0;
  out.fenced = code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
  out.text = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  return out;
}

void learn_topics(rd_kafka_s* handle, Duration patience) {
  const rd_kafka_metadata_t* metadata = nullptr;
  if (rd_kafka_metadata(handle, 0, nullptr, &metadata, static_cast<int>(patience.count())) == RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_metadata_destroy(metadata);
}

std::string error_text(int code) { return rd_kafka_err2str(static_cast<rd_kafka_resp_err_t>(code)); }

namespace {

Result<std::vector<std::int64_t>> ask_once(rd_kafka_s* handle, const std::vector<PartitionName>& partitions, Edge edge, Duration patience) {
  std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())), &rd_kafka_topic_partition_list_destroy);
  for (const auto& [topic, partition] : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = edge == Edge::first ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
  }
  const auto failed = rd_kafka_offsets_for_times(handle, list.get(), static_cast<int>(patience.count()));
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(Code::unavailable, "no broker tells where the log ends: " + error_text(failed));
  std::vector<std::int64_t> out;
  for (const auto& [topic, partition] : partitions) {
    // The list may have been sorted by leader.
    const auto* found = rd_kafka_topic_partition_list_find(list.get(), topic.c_str(), partition);
    const auto why = found == nullptr ? RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION : found->err;
    if (why != RD_KAFKA_RESP_ERR_NO_ERROR || found->offset < 0) {
      return make_error(Code::unavailable, topic + " partition " + std::to_string(partition) + " does not tell where it ends: " + error_text(why));
    }
    out.push_back(found->offset);
  }
  return out;
}

}  // namespace

Result<std::vector<std::int64_t>> ask_offsets(rd_kafka_s* handle, const std::vector<PartitionName>& partitions, Edge edge, Duration patience) {
  if (partitions.empty()) return std::vector<std::int64_t>();
  // A leader may be new, or not known yet.
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left = std::chrono::duration_cast<Duration>(deadline - std::chrono::steady_clock::now());
    auto offsets = ask_once(handle, partitions, edge, std::clamp(left, Duration(1), Duration(5000)));
    if (offsets.ok() || std::chrono::steady_clock::now() + kAskAgain >= deadline) return offsets;
    std::this_thread::sleep_for(kAskAgain);
  }
}

}  // namespace tidemark::log::kafka
