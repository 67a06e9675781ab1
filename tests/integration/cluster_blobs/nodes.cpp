#include "tests/integration/cluster_blobs/nodes.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <thread>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::cluster::testing {

namespace fs = std::filesystem;

std::string content_of(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}
blob::BlobRef ref_of(const std::string& content) { return {to_hex(sha256(content)), content.size()}; }
std::string file_content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Nodes::Nodes() {
  std::string name = (fs::temp_directory_path() / "tm-cluster-blobs-XXXXXX").string();
  root = ::mkdtemp(name.data());
  auto opened = keys::open_key_ring(root + "/keys", true);
  EXPECT_TRUE(opened.ok());
  ring = std::move(*opened);
}

Nodes::~Nodes() {
  for (auto& node : nodes) {
    if (node->check) node->check->end();
  }
  EXPECT_TRUE(happens([this] {
    return std::none_of(nodes.begin(), nodes.end(), [](const auto& node) { return node->check && node->check->under_way(); });
  }));
  for (auto& node : nodes) stop(*node);
  pool.reset();  // what was posted runs before the stores go
  nodes.clear();
  client.reset();
  loop.reset();
  fs::remove_all(root);
}

Nodes::Node& Nodes::add(const std::string& id) {
  if (!client) {
    auto made = http::make_peer_client(*loop, *pool, client_options);
    EXPECT_TRUE(made.ok()) << describe(made.error());
    client = std::move(*made);
  }
  Node& node = *nodes.emplace_back(std::make_unique<Node>());
  node.id = id;
  node.directory = root + "/" + id;
  auto local = blob::make_blob_store(node.directory, loop->scheduler(), *pool, ring.get());
  EXPECT_TRUE(local.ok()) << describe(local.error());
  node.local = std::move(*local);
  node.key = std::make_unique<NodeKey>(*ring, loop->scheduler(), id);
  PeerCopiesParts parts{loop->scheduler(), *pool, *node.local, *client, *node.key, [&node] { return node.peers; }};
  node.copies = std::make_unique<PeerCopies>(std::move(parts), copies_options);
  node.store = make_replicated_blobs(*node.local, *node.copies);
  http::Surface surface;
  surface.fault = http::problem_fault;
  node.uses.add([&node](const blob::StoredFile& file) -> std::optional<blob::Use> {
    if (!node.can_say) return std::nullopt;
    const auto found = node.known.find(file.name);
    return found == node.known.end() ? blob::Use::needed : found->second;
  });
  surface.routes = blob_routes(*node.local, *node.key, node.uses);
  std::vector<http::Surface> surfaces;
  surfaces.push_back(std::move(surface));
  http::ServerOptions serving;
  serving.on_answer = [&node](const http::Exchange& exchange) { ++node.asked[std::string(exchange.method) + " " + std::to_string(exchange.status)]; };
  node.server = http::make_server(*loop, std::move(surfaces), serving);
  auto bound = node.server->listen({http::Listener{}});
  EXPECT_TRUE(bound.ok());
  node.url = "http://127.0.0.1:" + std::to_string(bound->front().listener.port);
  return node;
}

void Nodes::check_copies(Node& node, CopyCheckOptions options) {
  CopyCheckParts parts{loop->scheduler(), *node.local, *node.copies, node.uses};
  node.check = std::make_unique<CopyCheck>(parts, options);
  node.check->begin();
}

bool Nodes::happens(std::function<bool()> condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  bool is_true = false;
  auto looking = [](Scheduler& home, std::function<bool()> met, bool& result, std::chrono::steady_clock::time_point end) -> Task<void> {
    while (!(result = met()) && std::chrono::steady_clock::now() < end) {
      auto pausing = sleep_for(home, Duration(2));  // between two looks, for which the scheduler must go on
      co_await pausing;
    }
  };
  run(looking(loop->scheduler(), std::move(condition), is_true, until));
  return is_true;
}

void Nodes::stop(Node& node) {
  if (!node.server) return;
  loop->scheduler().post([&] { node.server->stop([this] { loop->stop(); }); });
  loop->run();
  node.server.reset();
}

std::unique_ptr<blob::Upload> Nodes::staged(blob::BlobStore& store, const std::string& content, bool is_private) {
  auto upload = is_private ? store.stage_private(content.size()) : store.stage(content.size());
  EXPECT_TRUE(upload.ok());
  auto written = run((*upload)->write(content));
  EXPECT_TRUE(written.ok()) << describe(written.error());
  return std::move(*upload);
}

std::string Nodes::read(blob::BlobStore& store, const blob::BlobRef& ref) {
  auto opened = run(store.open_verified(ref));
  if (!opened.ok()) return "(" + std::string(name_of(opened.error().code)) + ")";
  std::string content(opened->size, '\0');
  const auto read = ::pread(*opened->fd, content.data(), content.size(), 0);
  EXPECT_EQ(read, static_cast<ssize_t>(content.size()));
  return content;
}

bool Nodes::comes_true(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // nothing tells of a file that goes
  }
  return true;
}

bool Nodes::staging_empties(const Node& node) {
  return comes_true([&] { return fs::directory_iterator(node.directory + "/staging") == fs::directory_iterator(); });
}

}  // namespace tidemark::cluster::testing
