#pragma once
// KafkaLaneGroup: lanes handed out by a consumer group over the topic "<prefix>tidemark.lanes", of which nothing is ever read. A
// member's client id carries its node id and url, so that the group is the directory of nodes too. It has a thread of its own;
// proposals are posted to the scheduler.
//
// The group proposes, the log's fence disposes: a round in which all members join again takes no lane from anybody; a node keeps
// what it has until it is proposed something else, or is fenced.

#include "core/base/scheduler.hpp"
#include "core/cluster/directory.hpp"
#include "core/log/kafka/kafka_log.hpp"
#include "core/runtime/lane_group.hpp"

namespace tidemark::cluster {

struct KafkaLaneGroupOptions {
  log::kafka::ClientOptions client;       ///< its client_id is not used
  std::string prefix;                     ///< of the installation
  std::uint32_t lanes = 0;                ///< of the installation
  int replication = -1;                   ///< of the topic, when it is created
  std::string node_id;                    ///< without '@'
  std::string url;                        ///< where other nodes reach this one; may be empty
  std::optional<Duration> session;        ///< silence after which the others take this node's lanes; nullopt: the least that the brokers allow, from a second
  Duration patience = std::chrono::seconds(30);  ///< for a cluster that does not answer, at start
};

class KafkaLaneGroup : public runtime::LaneGroup, public Directory {
 public:
  virtual Duration session() const = 0;
};

/// Makes the topic when it is missing. Joins nothing yet. Blocks until the cluster has answered.
///   home     where proposals are posted; outlives the group
///   errors   unavailable (no broker answers), invalid_argument (the topic has another number of partitions, or the brokers do not
///            allow so short a session)
/// The destructor leaves without a word when leave() was not called: the others notice after the session's time.
Result<std::unique_ptr<KafkaLaneGroup>> open_kafka_lane_group(Executor& home, KafkaLaneGroupOptions options);

}  // namespace tidemark::cluster
