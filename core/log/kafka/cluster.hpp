#pragma once
// A Kafka cluster as a home of the log: what an operator asks before a node starts on it.

#include <string>
#include <vector>

#include "core/log/kafka/kafka_log.hpp"
#include "core/log/kafka/topics.hpp"

namespace tidemark::log {

struct KafkaTopicReport {
  std::string name;  ///< as the brokers have it
  bool exists = false;
  std::vector<kafka::Finding> findings;
};

struct KafkaReport {
  std::uint32_t lanes = 0;      ///< of the installation, or those that it would be made with
  bool has_installation = false;
  int brokers = 0;
  std::vector<kafka::Finding> cluster;
  std::vector<KafkaTopicReport> topics;
};

/// Looks at the cluster, at these topics and at that of the lanes, changing nothing.
///   window  the idempotency window
Result<KafkaReport> examine_kafka(const KafkaLogOptions& options, const std::vector<TopicSpec>& topics, Duration window);

/// Creates those that are missing, and that of the lanes, with the lanes of the installation there, or else of the options. Names of those created.
Result<std::vector<std::string>> create_kafka_topics(const KafkaLogOptions& options, const std::vector<TopicSpec>& topics);

}  // namespace tidemark::log
