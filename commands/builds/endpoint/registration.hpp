#pragma once
// The builds domain as ops/cli introduces it: its part of the node, and the surface that the old controller's clients speak to.

#include <optional>
#include <string>

#include "core/blob/blob_store.hpp"
#include "core/http/http.hpp"
#include "core/keys/key_ring.hpp"
#include "core/observe/metrics_registry.hpp"
#include "core/runtime/node.hpp"
#include "schemas/builds/settings.hpp"

namespace tidemark::commands::builds::endpoint {

/// Borrowed services outlive the surface and every request under way.
struct BuildsServices {
  runtime::Node& node;
  blob::BlobStore& blobs;
  const keys::KeyRing& keys;
  Executor& blocking;                        ///< for work that takes a while; resumes on the node's scheduler
  observe::MetricsRegistry* metrics;         ///< null: nothing is counted, and there is no /metrics
  std::string api_key;                       ///< at least kApiKeyBytesMin
  std::optional<std::string> base_image_id;  ///< absent: kDefaultBaseImageId for clients that authenticate by key
  schemas::builds::Settings settings;
  bool open_registration = false;            ///< workers register without the API key
};

inline constexpr std::size_t kApiKeyBytesMin = 16;
inline constexpr const char* kDefaultBaseImageId = "ghcr.io/sethwebster/expo-free-agent-base:0.1.23";

/// Topics, decider and read models, for make_node().
runtime::Domain make_builds_domain(const schemas::builds::Settings& settings);

/// Surface "builds". Its handlers run on the scheduler's thread.
http::Surface make_builds_surface(BuildsServices services);
/// The same routes for documents: without services, so no handler may be called.
http::Surface builds_surface_table();

}  // namespace tidemark::commands::builds::endpoint
