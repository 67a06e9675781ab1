#pragma once
// "<prefix>tidemark.lanes": one partition for each lane, always empty. Nodes that share a log form a consumer group over it, and
// who is assigned partition p should own lane p (core/cluster).

#include "core/log/kafka/topics.hpp"

namespace tidemark::log::kafka {

std::string lanes_topic(const std::string& prefix);
std::string lanes_group(const std::string& prefix);  ///< the consumer group's id

/// Creates it when it is missing. True when it was.
///   errors  invalid_argument (its partitions are not the installation's lanes), unavailable
Result<bool> open_lanes_topic(rd_kafka_s* client, const std::string& prefix, std::uint32_t lanes, int replicas, Duration patience);
std::vector<Finding> check_lanes_topic(std::uint32_t lanes, const TopicFacts& facts);

/// The least time after which the brokers may leave a silent node out, and what that means for those who wait.
///   broker  what one of them is set to; empty when it may not be asked: then as a stock one
Duration least_session(const TopicConfig& broker);
Finding check_session(const TopicConfig& broker);

}  // namespace tidemark::log::kafka
