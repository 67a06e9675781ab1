#pragma once
// How a node stands to the others that share its log: on Kafka by a group that hands out lanes, on an embedded log alone.

#include <memory>

#include "core/cluster/directory.hpp"
#include "core/http/server.hpp"
#include "core/keys/key_ring.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/lane_group.hpp"
#include "core/runtime/node_proof.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

struct NodeCluster {
  std::unique_ptr<runtime::LaneGroup> group;  ///< null: every lane is this node's
  std::unique_ptr<runtime::NodeProof> proof;  ///< with a group: of the commands that its nodes send each other
  std::unique_ptr<cluster::Directory> lone;   ///< without a group
  const cluster::Directory* directory = nullptr;
  Duration session{0};                        ///< of the group: after so long without a sign of life a node is none of it any more
};

/// Joins nothing yet. Blocks until the brokers have answered.
///   ring, home  outlive it
Result<NodeCluster> open_node_cluster(const Settings& settings, const std::vector<http::Listener>& listeners, const log::EventLog& log, const keys::KeyRing& ring,
                                      Executor& home);

/// Where other nodes and clients reach this one: as `advertise_url` says, or the main port, with the machine's name when that listens
/// on every interface. Empty when there is no main port.
std::string advertised_url(const Settings& settings, const std::vector<http::Listener>& listeners);

}  // namespace tidemark::cli
