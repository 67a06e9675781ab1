// What a route says while its node cannot answer for the domain: 503 with the text of its own 500.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "commands/builds/endpoint/registration.hpp"
#include "core/keys/key_ring.hpp"
#include "tests/support/domain_node/domain_node.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"
#include "tests/unit/api/surface_rig.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace tidemark::testing;

constexpr const char* kKey = "an-api-key-of-the-test";

/// The surface over a node that has not started.
struct BuildsLedger : ::testing::Test {
  BuildsLedger() {
    std::string pattern = std::filesystem::temp_directory_path() / "tidemark-ledger-XXXXXX";
    root = ::mkdtemp(pattern.data());
    ring = std::move(*keys::open_key_ring(root + "/keys", true));
    blobs = std::move(*blob::make_blob_store(root + "/blobs", scheduler, scheduler, ring.get()));
    node = std::make_unique<DomainNode>(scheduler, *log, stores, make_builds_domain({}));
    http::Surface surface = make_builds_surface(BuildsServices{**node, *blobs, *ring, scheduler, nullptr, kKey, {}, {}, false});
    router = std::make_unique<http::Router>(std::move(surface.routes));
  }
  ~BuildsLedger() override {
    router.reset();
    node.reset();
    std::filesystem::remove_all(root);
  }

  http::Response ask(http::Method method, std::string path, http::Headers headers) {
    api::testing::RigRequest request(method, std::move(path), std::move(headers), {});
    const http::Route* route = request.find(*router);
    EXPECT_NE(route, nullptr);
    return node->run(route->handler(request));
  }

  std::string root;
  VirtualScheduler scheduler{1};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryStores stores;
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  std::unique_ptr<keys::KeyRing> ring;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<DomainNode> node;
  std::unique_ptr<http::Router> router;
};

TEST_F(BuildsLedger, ThatCannotBeAskedIsSaidInTheRoutesOwnWords) {
  using enum http::Method;
  const http::Headers owner = {{"X-API-Key", kKey}, {"X-Worker-Id", "w"}, {"X-Build-Id", "b"}};
  const http::Headers vm = {{"X-VM-Token", "t"}}, worker = {{"X-Worker-Token", "t"}}, build = {{"X-Build-Token", "t"}};
  const std::tuple<http::Method, const char*, http::Headers, const char*> cases[] = {
      {post, "/api/workers/upload", worker, "Upload failed"},
      {post, "/api/workers/result", worker, "Upload failed"},
      {post, "/api/builds/b/artifact", vm, "Upload failed"},
      {post, "/api/builds/b/vm-ready", vm, "Failed to mark VM as ready"},
      {get, "/api/builds/b/certs-secure", vm, "Failed to process certs file"},
      {get, "/api/builds/b/certs-secure", owner, "Failed to process certs file"},
      {post, "/api/builds/b/logs", vm, "Failed to store logs"},
      {post, "/api/builds/b/logs", owner, "Failed to store logs"},
      {post, "/api/builds/b/telemetry", vm, "Failed to process telemetry"},
      {post, "/api/builds/b/telemetry", owner, "Failed to process telemetry"},
      {post, "/api/builds/b/heartbeat", vm, "Heartbeat failed"},
      {post, "/api/workers/heartbeat", worker, "Heartbeat failed"},
      {post, "/api/builds/b/retry", build, "Build retry failed"},
      {post, "/api/builds/b/retry", owner, "Build retry failed"},
      {get, "/api/builds/b/source", owner, "Internal server error"},
      {get, "/api/workers/poll", worker, "Internal server error"},
  };
  for (const auto& [method, path, headers, text] : cases) {
    const http::Response response = ask(method, path, headers);
    EXPECT_EQ(response.status, 503) << path;
    EXPECT_EQ(std::get<std::string>(response.body), "{\"error\":\"" + std::string(text) + "\"}") << path;
    const auto reason = std::find(response.headers.begin(), response.headers.end(), std::pair<std::string, std::string>("X-Reason-Code", "LEDGER_UNAVAILABLE"));
    EXPECT_NE(reason, response.headers.end()) << path;
  }
}

}  // namespace
}  // namespace tidemark::commands::builds::endpoint
