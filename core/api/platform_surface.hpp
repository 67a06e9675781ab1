#pragma once
// The platform's own HTTP surface, at the root of the main port: commands by hand, the log's topics, health.
//
//   POST /commands/:domain/:command          operator; plain JSON in, what was decided out
//   GET  /cluster                            operator; nodes that share the log, lanes and their owners
//   GET  /topics                             operator; class, retention, begin and end of every lane
//   GET  /topics/:topic/lanes/:lane/records  operator; NDJSON of structured CloudEvents, `from` and `limit`
//   GET  /metrics                            operator, unless open; Prometheus text
//   GET  /signing-secrets/:name              operator; what a receiver of signed calls is given
//   GET  /livez, /readyz, /version           open
//
// Errors are RFC 9457 problem documents with a stable `type` under /problems/.

#include <string>

#include "core/api/outbound.hpp"
#include "core/base/scheduler.hpp"
#include "core/cluster/directory.hpp"
#include "core/http/http.hpp"
#include "core/observe/metrics_registry.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

/// What the surface needs; the references must outlive it.
struct PlatformServices {
  runtime::Node& node;
  Executor& blocking;                 ///< for reads of the log; resumes on the node's scheduler
  runtime::PositionTag position_tag;
  std::string operator_key;           ///< sent as `Authorization: Bearer <key>` or `X-Operator-Key`
  std::string version;                ///< shown by /version
  observe::MetricsRegistry* metrics = nullptr;  ///< null: there is no /metrics
  bool metrics_open = false;          ///< /metrics needs no operator key
  SigningSecrets signing_secrets = nullptr;     ///< null: there is no /signing-secrets
  const cluster::Directory* directory = nullptr;  ///< null: there is no /cluster
};

http::Surface make_platform_surface(PlatformServices services);
/// The same routes for documents: without a node, so no handler may be called.
http::Surface platform_surface_table();

/// /metrics alone and without key, for a listener of its own: nothing of it is on the main port.
http::Surface make_metrics_surface(PlatformServices services);
inline constexpr std::string_view kMetricsSurface = "metrics";

/// Tag of position tokens: the first 8 bytes of a MAC under the ring's current key.
inline constexpr std::string_view kPositionPurpose = "position";

}  // namespace tidemark::api
