#pragma once
// The blobs of one node: its own store, and on a log that nodes share their copies on other nodes, or a directory that all see.

#include <memory>
#include <string>
#include <vector>

#include "core/cluster/blobs/blob_routes.hpp"
#include "core/cluster/blobs/copy_check.hpp"
#include "core/cluster/blobs/peer_copies.hpp"
#include "core/http/relay/peer_client.hpp"
#include "core/http/server.hpp"
#include "ops/cli/node_cluster.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

/// In the order it is made.
struct NodeBlobs {
  std::unique_ptr<blob::BlobStore> local;
  std::unique_ptr<blob::FileUses> uses = std::make_unique<blob::FileUses>();
  std::unique_ptr<cluster::NodeKey> key;          ///< null with the five below: nothing is copied
  std::unique_ptr<http::PeerClient> client;
  std::unique_ptr<cluster::PeerCopies> copies;
  std::unique_ptr<blob::BlobStore> replicated;
  std::unique_ptr<cluster::CopyCheck> check;      ///< not begun

  blob::BlobStore& store() { return replicated ? *replicated : *local; }
  /// For the platform's surface.
  std::vector<http::Route> routes() { return key ? cluster::blob_routes(*local, *key, *uses) : std::vector<http::Route>(); }
};

/// Borrowed; outlives what is made.
struct NodeBlobsPlace {
  const Settings& settings;
  const std::string& data;  ///< absolute
  const keys::KeyRing& ring;
  http::AsioLoop& loop;
  Executor& files;
  Executor& lookups;
  metrics::Registry* metrics;
  cluster::Peers peers;     ///< empty: no other node can share the log
  Duration session{0};      ///< of the group
};
/// Those of the group; none without one. While the group has not been seen yet there is one that cannot be reached, so that nothing
/// is taken for the only copy that there can be.
cluster::Peers blob_peers(const NodeCluster& cluster);

/// invalid_argument names the setting; unavailable: the directory is in use.
Result<NodeBlobs> open_node_blobs(const NodeBlobsPlace& place);

/// Settings that do not fit each other: invalid_argument with the setting's name.
Result<void> check_blob_settings(const Settings& settings);

}  // namespace tidemark::cli
