#pragma once
// What the coordinator of a consumer group says of its members.

#include "core/cluster/directory.hpp"
#include "core/log/kafka/handles.hpp"

namespace tidemark::cluster {

/// The members, by node id; nullopt when nobody answers in time, or the group is about to agree anew: then it does not say what they
/// are assigned. Blocks.
///   self  this node's member id
std::optional<std::vector<Member>> list_members(rd_kafka_s* client, const std::string& group, const std::string& topic, const std::string& self, Duration patience);

}  // namespace tidemark::cluster
