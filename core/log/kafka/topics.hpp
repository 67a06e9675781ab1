#pragma once
// Topics on the brokers: how ours are created, and whether one that exists keeps what is written to it.

#include <map>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"
#include "core/log/kafka/handles.hpp"

namespace tidemark::log::kafka {

using TopicConfig = std::map<std::string, std::string>;

struct TopicFacts {
  std::uint32_t partitions = 0;
  int replicas = 0;      ///< least of any partition
  TopicConfig config;    ///< every setting in force
  TopicConfig own;       ///< those set for this topic
};

/// not_found when there is none; unavailable when nobody answers.
Result<TopicFacts> describe_topic(rd_kafka_s* client, const std::string& name, Duration patience);
/// As many of the brokers as can be asked.
Result<int> count_brokers(rd_kafka_s* client, Duration patience);

/// What one of the brokers is set to.
Result<TopicConfig> describe_broker(rd_kafka_s* client, Duration patience);

/// How a topic of ours is set. `replicas` as given to create_topic().
TopicConfig config_for(const TopicSpec& spec, int replicas);
/// Creates it and waits until it can be written. One that exists already is no error.
Result<void> create_topic(rd_kafka_s* client, const std::string& name, std::uint32_t partitions, int replicas, const TopicConfig& config, Duration patience);
/// Changes settings of one topic; the others stay.
Result<void> alter_topic(rd_kafka_s* client, const std::string& name, const TopicFacts& facts, const TopicConfig& changes, Duration patience);

/// What a topic's settings mean for the log.
struct Finding {
  enum class Kind {
    loses,   ///< what was acknowledged could be lost, or not written: the node refuses
    weak,    ///< it works, and a failure costs more than it need
    fine,
  } kind = Kind::fine;
  std::string setting, value, reason;
};
/// All settings that matter, with those that are well.
///   window  the idempotency window, which decisions must outlive; 0: not looked at
///   brokers  how many there are
std::vector<Finding> check_topic(const TopicSpec& spec, std::uint32_t lanes, const TopicFacts& facts, int brokers, Duration window);

}  // namespace tidemark::log::kafka
