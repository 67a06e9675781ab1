#include "ops/cli/node_blobs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/disk.hpp"
#include "core/blob/files.hpp"
#include "core/cluster/blobs/replicated_blobs.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/installation.hpp"

namespace tidemark::cli {
namespace {

constexpr const char* kRingFile = "/ring-id";
constexpr std::size_t kRingIdBytesMax = 256;
// An upload waits until the group has noticed that a node is gone, and has its answer before those give up who passed it on (90 s).
constexpr Duration kNoticed = std::chrono::seconds(15), kPatienceMost = std::chrono::seconds(60);

/// A directory outside the data says whose it is: a collection by another installation would take its files for unneeded.
Result<void> check_installation(const std::string& directory, const std::string& node, const std::string& ring_id) {
  if (auto made = make_posix_disk()->make_directories(directory); !made.ok()) return made;
  const std::string path = directory + kRingFile, mine = path + "." + node;
  {
    if (auto removed = blob::remove_file(mine); !removed.ok()) return removed;
    auto file = blob::create_file(mine);
    if (!file.ok()) return file.take_error();
    if (auto written = blob::write_all(file->get(), 0, ring_id, mine); !written.ok()) return written;
    if (auto synced = blob::sync_file(file->get(), mine); !synced.ok()) return synced;
  }
  // Whole or not at all, by whichever node is the first.
  const bool linked = ::link(mine.c_str(), path.c_str()) == 0 || errno == EEXIST;
  const int error = errno;
  if (auto removed = blob::remove_file(mine); !removed.ok()) return removed;
  if (!linked) return blob::system_error(error, "creating", path);
  if (auto synced = blob::sync_directory(directory); !synced.ok()) return synced;
  auto file = blob::open_file(path);
  if (!file.ok()) return file.take_error();
  std::string there(kRingIdBytesMax, '\0');
  auto read = blob::read_some(file->get(), 0, there.data(), there.size(), path);
  if (!read.ok()) return read.take_error();
  there.resize(*read);
  if (there == ring_id) return {};
  return make_error(Code::invalid_argument, "the blob directory " + directory + " belongs to the installation of key ring " + there + ", and this node has ring " + ring_id);
}

}  // namespace

Result<void> check_blob_settings(const Settings& settings) {
  const bool on_kafka = settings.text("log") != "embedded";
  if (settings.is_set("blobs") && !on_kafka) {
    return bad_setting("blobs", settings.value("blobs"), "no value with the embedded log, whose blobs are beside it in the data directory");
  }
  if (settings.flag("blobs_shared") && !settings.is_set("blobs")) {
    return bad_setting("blobs_shared", settings.value("blobs_shared"), "the directory that all nodes see, as blobs");
  }
  return {};
}

cluster::Peers blob_peers(const NodeCluster& cluster) {
  if (!cluster.group) return nullptr;
  return [directory = cluster.directory] {
    std::vector<cluster::Peer> peers;
    if (directory->sight()->members.empty()) peers.push_back({"(group not seen yet)", ""});
    for (cluster::Member& member : directory->peers()) peers.push_back({std::move(member.node_id), std::move(member.url)});
    return peers;
  };
}

Result<NodeBlobs> open_node_blobs(const NodeBlobsPlace& place) {
  const bool elsewhere = place.settings.is_set("blobs");
  const bool shared = place.settings.flag("blobs_shared");
  const std::string directory = elsewhere ? absolute_path(place.settings.text("blobs")) : place.data + "/blobs";
  const std::string node = place.settings.text("node_id");
  blob::Sharing sharing;
  if (elsewhere) {
    if (auto checked = check_installation(directory, node, place.ring.id()); !checked.ok()) return checked.take_error();
    sharing = shared ? blob::Sharing{blob::Sharing::Kind::shared, node} : blob::Sharing{blob::Sharing::Kind::alone, {}};
  }
  NodeBlobs made;
  auto local = blob::make_blob_store(directory, place.loop.scheduler(), place.files, &place.ring, place.metrics, std::move(sharing));
  if (!local.ok()) return local.take_error();
  made.local = std::move(*local);
  if (shared || !place.peers) return made;
  http::PeerClientOptions options;
  options.ca_file = place.settings.text("outbound_ca_file");
  auto client = http::make_peer_client(place.loop, place.lookups, std::move(options));
  if (!client.ok()) return bad_setting("outbound_ca_file", place.settings.value("outbound_ca_file"), "a PEM file: " + client.error().message);
  made.client = std::move(*client);
  made.key = std::make_unique<cluster::NodeKey>(place.ring, place.loop.scheduler(), node);
  cluster::PeerCopiesParts parts{place.loop.scheduler(), place.files, *made.local, *made.client, *made.key, place.peers, place.metrics};
  cluster::PeerCopiesOptions copying;
  copying.patience = std::min(place.session + kNoticed, kPatienceMost);
  made.copies = std::make_unique<cluster::PeerCopies>(std::move(parts), copying);
  made.replicated = cluster::make_replicated_blobs(*made.local, *made.copies);
  cluster::CopyCheckOptions checking;
  checking.interval = place.settings.duration("blobs_check_interval");
  checking.settle = std::min(checking.settle, checking.interval);
  cluster::CopyCheckParts of_check{place.loop.scheduler(), *made.local, *made.copies, *made.uses, place.metrics};
  made.check = std::make_unique<cluster::CopyCheck>(of_check, checking);
  return made;
}

}  // namespace tidemark::cli
