#pragma once
// Blob stores of several nodes in one process, each with a server of its own, over one loop.

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/executors.hpp"
#include "core/blob/blob_store.hpp"
#include "core/blob/private_reader.hpp"
#include "core/blob/uses.hpp"
#include "core/cluster/blobs/blob_routes.hpp"
#include "core/cluster/blobs/copy_check.hpp"
#include "core/cluster/blobs/node_key.hpp"
#include "core/cluster/blobs/peer_copies.hpp"
#include "core/cluster/blobs/replicated_blobs.hpp"
#include "core/http/relay/peer_client.hpp"
#include "core/http/server.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::cluster::testing {

std::string content_of(std::size_t size, unsigned seed = 1);
blob::BlobRef ref_of(const std::string& content);
std::string file_content(const std::string& path);

class Nodes : public ::testing::Test {
 protected:
  struct Node {
    std::string id, directory, url;
    std::unique_ptr<blob::BlobStore> local, store;
    std::unique_ptr<NodeKey> key;
    std::unique_ptr<PeerCopies> copies;
    std::unique_ptr<http::Server> server;
    std::map<std::string, int> asked;      ///< "GET 200": answers of its server
    std::vector<Peer> peers;               ///< what it believes
    blob::FileUses uses;                   ///< what its domain says
    std::map<std::string, blob::Use> known;  ///< by name; what is not there is needed
    bool can_say = true;
    std::unique_ptr<CopyCheck> check;

    std::string object(const blob::BlobRef& ref) const { return directory + "/objects/" + ref.sha256.substr(0, 2) + "/" + ref.sha256; }
    std::string private_file(const std::string& name) const { return directory + "/private/" + name; }
  };

  Nodes();
  ~Nodes() override;

  /// Knows nobody.
  Node& add(const std::string& id);
  static void know(Node& node, const Node& other) { node.peers.push_back({other.id, other.url}); }
  void stop(Node& node);
  /// Looks at its files until the fixture goes.
  void check_copies(Node& node, CopyCheckOptions options);
  /// Waits for it while the nodes run.
  bool happens(std::function<bool()> condition);

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result), [this] { loop->stop(); });
    if (!result) loop->run();
    EXPECT_TRUE(result.has_value());
    return std::move(*result);
  }
  void run(Task<void> task) {
    bool done = false;
    spawn(std::move(task), [&] { done = true; loop->stop(); });
    if (!done) loop->run();
  }

  std::unique_ptr<blob::Upload> staged(blob::BlobStore& store, const std::string& content, bool is_private = false);
  Result<blob::BlobRef> commit(blob::BlobStore& store, const std::string& content) { return run(staged(store, content)->commit()); }
  Result<blob::BlobRef> commit_private(blob::BlobStore& store, const std::string& content, const std::string& name) {
    return run(store.commit_private(staged(store, content, true), name));
  }
  /// What the store gives for it; "(code)" when it gives nothing.
  std::string read(blob::BlobStore& store, const blob::BlobRef& ref);
  bool has(Node& node, const blob::BlobRef& ref) { return *run(node.local->exists(ref)); }
  static bool has_file(const Node& node, const blob::BlobRef& ref) { return std::filesystem::exists(node.object(ref)); }
  /// Uploads that were given up are removed on the pool.
  static bool staging_empties(const Node& node);
  /// Waits for it.
  static bool comes_true(const std::function<bool()>& condition);

  std::string root;
  std::unique_ptr<keys::KeyRing> ring;
  http::PeerClientOptions client_options{.ca_file = {}, .connect_deadline = std::chrono::seconds(10), .stall_timeout = std::chrono::seconds(30),
                                         .answer_deadline = std::chrono::seconds(60)};
  PeerCopiesOptions copies_options;
  std::unique_ptr<http::AsioLoop> loop = http::make_asio_loop();
  std::unique_ptr<Executor> pool = make_thread_pool("files", 2);
  std::unique_ptr<http::PeerClient> client;
  std::vector<std::unique_ptr<Node>> nodes;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
};

}  // namespace tidemark::cluster::testing
