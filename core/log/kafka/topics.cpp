#include "core/log/kafka/topics.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <charconv>
#include <thread>

namespace tidemark::log::kafka {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kMessageBytesMax = 5 << 20;
constexpr std::int64_t kSegmentMsLeast = 600'000;

template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

int ms(Duration patience) { return static_cast<int>(std::max<std::int64_t>(patience.count(), 1)); }

/// Runs one admin call and waits for its event.
template <class Call>
Result<Owned<rd_kafka_event_t>> ask(rd_kafka_s* client, rd_kafka_admin_op_t operation, Duration patience, Call call) {
  char why[512];
  Owned<rd_kafka_AdminOptions_t> options(rd_kafka_AdminOptions_new(client, operation), &rd_kafka_AdminOptions_destroy);
  rd_kafka_AdminOptions_set_request_timeout(options.get(), ms(patience), why, sizeof why);
  QueueHandle queue(rd_kafka_queue_new(client));
  call(options.get(), queue.get());
  Owned<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), ms(patience) + 1000), &rd_kafka_event_destroy);
  if (!event) return make_error(Code::unavailable, "no broker answers");
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(Code::unavailable, rd_kafka_event_error_string(event.get()));
  return event;
}

Result<void> read_partitions(rd_kafka_s* client, const std::string& name, Duration patience, TopicFacts& facts) {
  TopicHandle topic(rd_kafka_topic_new(client, name.c_str(), nullptr));
  const rd_kafka_metadata_t* raw = nullptr;
  const auto failed = rd_kafka_metadata(client, 0, topic.get(), &raw, ms(patience));
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(Code::unavailable, "no broker answers: " + error_text(failed));
  const std::unique_ptr<const rd_kafka_metadata_t, decltype(&rd_kafka_metadata_destroy)> metadata(raw, &rd_kafka_metadata_destroy);
  if (metadata->topic_cnt != 1) return make_error(Code::not_found, "there is no topic " + name);
  const auto& found = metadata->topics[0];
  if (found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return make_error(Code::not_found, "there is no topic " + name);
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(Code::unavailable, name + ": " + error_text(found.err));
  facts.partitions = static_cast<std::uint32_t>(found.partition_cnt);
  for (int i = 0; i < found.partition_cnt; ++i) {
    const auto& partition = found.partitions[i];
    if (partition.leader < 0) return make_error(Code::unavailable, name + " partition " + std::to_string(partition.id) + " has no leader");
    facts.replicas = i == 0 ? partition.replica_cnt : std::min(facts.replicas, partition.replica_cnt);
  }
  return {};
}

Result<void> read_config(rd_kafka_s* client, rd_kafka_ResourceType_t type, const std::string& name, Duration patience, TopicFacts& facts) {
  const auto cannot = [&](const std::string& why) { return make_error(Code::unavailable, name + ": its settings cannot be read: " + why); };
  Owned<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(type, name.c_str()), &rd_kafka_ConfigResource_destroy);
  auto event = ask(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, patience, [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
    rd_kafka_ConfigResource_t* resources[] = {resource.get()};
    rd_kafka_DescribeConfigs(client, resources, 1, options, queue);
  });
  if (!event) return cannot(event.error().message);
  std::size_t count = 0;
  const auto* const* results = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  if (count != 1) return cannot("no answer");
  if (rd_kafka_ConfigResource_error(results[0]) != RD_KAFKA_RESP_ERR_NO_ERROR) return cannot(rd_kafka_ConfigResource_error_string(results[0]));
  const auto* const* entries = rd_kafka_ConfigResource_configs(results[0], &count);
  for (std::size_t i = 0; i < count; ++i) {
    const char* value = rd_kafka_ConfigEntry_value(entries[i]);
    if (value == nullptr) continue;
    facts.config[rd_kafka_ConfigEntry_name(entries[i])] = value;
    if (rd_kafka_ConfigEntry_source(entries[i]) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG) facts.own[rd_kafka_ConfigEntry_name(entries[i])] = value;
  }
  return {};
}

std::int64_t number(const TopicFacts& facts, const std::string& name, std::int64_t fallback) {
  const auto found = facts.config.find(name);
  if (found == facts.config.end()) return fallback;
  std::int64_t value = fallback;
  std::from_chars(found->second.data(), found->second.data() + found->second.size(), value);
  return value;
}

std::string text(const TopicFacts& facts, const std::string& name) {
  const auto found = facts.config.find(name);
  return found == facts.config.end() ? std::string() : found->second;
}

}  // namespace

Result<TopicFacts> describe_topic(rd_kafka_s* client, const std::string& name, Duration patience) {
  TopicFacts facts;
  if (auto read = read_partitions(client, name, patience, facts); !read) return read.take_error();
  if (auto read = read_config(client, RD_KAFKA_RESOURCE_TOPIC, name, patience, facts); !read) return read.take_error();
  return facts;
}

Result<TopicConfig> describe_broker(rd_kafka_s* client, Duration patience) {
  const rd_kafka_metadata_t* raw = nullptr;
  const auto failed = rd_kafka_metadata(client, 0, nullptr, &raw, ms(patience));
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(Code::unavailable, "no broker answers: " + error_text(failed));
  const std::string id = raw->broker_cnt > 0 ? std::to_string(raw->brokers[0].id) : "0";
  rd_kafka_metadata_destroy(raw);
  TopicFacts facts;
  if (auto read = read_config(client, RD_KAFKA_RESOURCE_BROKER, id, patience, facts); !read) return read.take_error();
  return std::move(facts.config);
}

Result<int> count_brokers(rd_kafka_s* client, Duration patience) {
  const rd_kafka_metadata_t* raw = nullptr;
  const auto failed = rd_kafka_metadata(client, 0, nullptr, &raw, ms(patience));
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return make_error(Code::unavailable, "no broker answers: " + error_text(failed));
  const int count = raw->broker_cnt;
  rd_kafka_metadata_destroy(raw);
  return count;
}

TopicConfig config_for(const TopicSpec& spec, int replicas) {
  TopicConfig config{{"cleanup.policy", "delete"},
                     {"retention.ms", spec.retention ? std::to_string(spec.retention->count()) : "-1"},
                     {"retention.bytes", spec.retention_bytes ? std::to_string(*spec.retention_bytes) : "-1"},
                     {"max.message.bytes", std::to_string(kMessageBytesMax)},
                     {"message.timestamp.type", "CreateTime"},
                     {"unclean.leader.election.enable", "false"},
                     {"min.insync.replicas", replicas >= 3 ? "2" : "1"}};
  // A segment in use is never cut.
  if (spec.retention) config["segment.ms"] = std::to_string(std::max(kSegmentMsLeast, std::min<std::int64_t>(spec.retention->count() / 4, 604'800'000)));
  return config;
}

Result<void> create_topic(rd_kafka_s* client, const std::string& name, std::uint32_t partitions, int replicas, const TopicConfig& config, Duration patience) {
  const auto deadline = Clock::now() + patience;
  char why[512];
  Owned<rd_kafka_NewTopic_t> topic(rd_kafka_NewTopic_new(name.c_str(), static_cast<int>(partitions), replicas, why, sizeof why), &rd_kafka_NewTopic_destroy);
  if (!topic) return make_error(Code::invalid_argument, name + " cannot be created: " + why);
  for (const auto& [setting, value] : config) rd_kafka_NewTopic_set_config(topic.get(), setting.c_str(), value.c_str());
  auto event = ask(client, RD_KAFKA_ADMIN_OP_CREATETOPICS, patience, [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
    rd_kafka_NewTopic_t* topics[] = {topic.get()};
    rd_kafka_CreateTopics(client, topics, 1, options, queue);
  });
  if (!event) return make_error(event.error().code, name + " cannot be created: " + event.error().message);
  std::size_t count = 0;
  const auto* const* results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  const auto failed = count == 1 ? rd_kafka_topic_result_error(results[0]) : RD_KAFKA_RESP_ERR_UNKNOWN;
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR && failed != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    const char* said = count == 1 ? rd_kafka_topic_result_error_string(results[0]) : nullptr;
    return make_error(Code::unavailable, name + " cannot be created: " + (said != nullptr ? said : error_text(failed)));
  }
  for (;;) {
    TopicFacts facts;
    auto read = read_partitions(client, name, patience, facts);
    if (read.ok()) return {};
    if (Clock::now() >= deadline) return read;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<void> alter_topic(rd_kafka_s* client, const std::string& name, const TopicFacts& facts, const TopicConfig& changes, Duration patience) {
  // This call of the protocol replaces all of a topic's own settings.
  TopicConfig wanted = facts.own;
  for (const auto& [setting, value] : changes) wanted[setting] = value;
  Owned<rd_kafka_ConfigResource_t> resource(rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name.c_str()), &rd_kafka_ConfigResource_destroy);
  for (const auto& [setting, value] : wanted) rd_kafka_ConfigResource_set_config(resource.get(), setting.c_str(), value.c_str());
  auto event = ask(client, RD_KAFKA_ADMIN_OP_ALTERCONFIGS, patience, [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
    rd_kafka_ConfigResource_t* resources[] = {resource.get()};
    rd_kafka_AlterConfigs(client, resources, 1, options, queue);
  });
  if (!event) return make_error(event.error().code, name + ": its settings cannot be changed: " + event.error().message);
  std::size_t count = 0;
  const auto* const* results = rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event->get()), &count);
  if (count == 1 && rd_kafka_ConfigResource_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return make_error(Code::unavailable, name + ": its settings cannot be changed" + (count == 1 ? std::string(": ") + rd_kafka_ConfigResource_error_string(results[0]) : ""));
}

std::vector<Finding> check_topic(const TopicSpec& spec, std::uint32_t lanes, const TopicFacts& facts, int brokers, Duration window) {
  using Kind = Finding::Kind;
  std::vector<Finding> out;
  const auto add = [&](Kind kind, std::string setting, std::string value, std::string reason) {
    out.push_back({kind, std::move(setting), std::move(value), kind == Kind::fine ? std::string() : std::move(reason)});
  };
  add(facts.partitions == lanes ? Kind::fine : Kind::loses, "partitions", std::to_string(facts.partitions),
      "the installation has " + std::to_string(lanes) + " lanes and lane p is partition p of every topic; with another number commands of one key would be decided in two places");

  add(facts.replicas >= 3 || facts.replicas >= brokers ? (facts.replicas >= 2 ? Kind::fine : Kind::weak) : Kind::weak, "replicas", std::to_string(facts.replicas),
      brokers < 2 ? "there is one broker: its disk is the only copy" : "with fewer than three copies a lost broker stops writing or leaves one copy");
  const std::int64_t least = number(facts, "min.insync.replicas", 1);
  if (least > facts.replicas) {
    add(Kind::loses, "min.insync.replicas", std::to_string(least), "there are " + std::to_string(facts.replicas) + " replicas, so nothing can be written");
  } else {
    add(facts.replicas >= 2 && least < 2 ? Kind::loses : facts.replicas >= 2 && least == facts.replicas ? Kind::weak : Kind::fine, "min.insync.replicas", std::to_string(least),
        least < 2 ? "an append is acknowledged when the leader alone has it; lost with the leader though other replicas exist"
                  : "every replica must be there: one lost broker stops writing");
  }
  const std::string unclean = text(facts, "unclean.leader.election.enable");
  add(unclean == "true" ? Kind::loses : Kind::fine, "unclean.leader.election.enable", unclean, "a replica that lags may become leader, and what it lacks is lost");
  const std::int64_t bytes = number(facts, "max.message.bytes", 1'048'588);
  add(bytes < kMessageBytesMax ? Kind::loses : Kind::fine, "max.message.bytes", std::to_string(bytes),
      "a record may have 4 MiB; a larger one than this could not be written, and what was decided with it would fail");
  const std::string policy = text(facts, "cleanup.policy");
  add(policy == "delete" ? Kind::fine : Kind::loses, "cleanup.policy", policy, "compaction removes all but the last record of a key, and the positions that readers check");
  const std::string stamps = text(facts, "message.timestamp.type");
  add(stamps == "CreateTime" ? Kind::fine : Kind::loses, "message.timestamp.type", stamps, "the broker would replace the time of the event by its own");

  const std::int64_t kept = number(facts, "retention.ms", -1), size = number(facts, "retention.bytes", -1);
  if (spec.topic_class == TopicClass::fact) {
    add(kept == -1 ? Kind::fine : Kind::loses, "retention.ms", std::to_string(kept), "the topic is kept for ever: state and read models are built from it");
    add(size == -1 ? Kind::fine : Kind::loses, "retention.bytes", std::to_string(size), "the topic is kept for ever: state and read models are built from it");
  } else if (spec.topic_class == TopicClass::decisions) {
    const bool short_lived = window.count() > 0 && kept != -1 && kept < window.count();
    add(short_lived ? Kind::loses : Kind::fine, "retention.ms", std::to_string(kept),
        "a repeated command gets its first answer for " + std::to_string(window.count()) + " ms, from this topic");
    add(size == -1 ? Kind::fine : Kind::loses, "retention.bytes", std::to_string(size), "a busy hour would cut decisions that the idempotency window needs");
  } else {
    add(Kind::fine, "retention.ms", std::to_string(kept), "");
    add(Kind::fine, "retention.bytes", std::to_string(size), "");
  }
  return out;
}

}  // namespace tidemark::log::kafka
