#include "commands/builds/endpoint/route_docs.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/endpoint/status.hpp"

namespace tidemark::commands::builds::endpoint {

namespace {

http::Surface surface_of(const std::shared_ptr<Api>& api) {
  http::Surface surface;
  surface.name = kDomain;
  surface.doc = docs::surface();
  surface.fault = fault_answer;
  surface.cors.enabled = true;
  surface.method_mismatch_is_not_found = true;

  using Call = Task<http::Response> (*)(Api&, http::Request&);
  const auto route = [&](http::Method method, std::string pattern, Call call, http::RouteDoc doc, http::RouteOptions options = {}) {
    // Credentials are refused before lengths are looked at, hence no route lets the server check them.
    options.handler_checks_length = true;
    surface.routes.push_back(http::Route{method, std::move(pattern),
                                         [api, call](http::Request& request) { return call(*api, request); }, options, {}, std::move(doc)});
  };
  using enum http::Method;
  http::RouteOptions slash;
  slash.allow_trailing_slash = true;
  http::RouteOptions files;  // a slow line may take hours: only a stalled one is cut
  files.body_deadline = Duration(0);
  files.body_bytes_max = UINT64_MAX;
  http::RouteOptions files_slash = files;
  files_slash.allow_trailing_slash = true;

  route(post, "/api/builds/submit", submit, docs::submit(), files);
  route(post, "/api/builds", create, docs::create(), files_slash);
  route(get, "/api/builds", list_builds, docs::list_builds(), slash);
  route(get, "/api/builds/active", active_builds, docs::active_builds());
  route(get, "/api/builds/statistics", build_statistics, docs::build_statistics());
  route(get, "/api/builds/:id", build_detail, docs::build_detail());
  route(get, "/api/builds/:id/status", build_status, docs::build_status());
  route(get, "/api/builds/:id/logs", build_logs, docs::build_logs());
  route(post, "/api/builds/:id/logs", append_logs, docs::append_logs());
  route(get, "/api/builds/:id/download", download, docs::download());
  route(get, "/api/builds/:id/download/:type", download_type, docs::download_type());
  route(post, "/api/builds/:id/cancel", cancel, docs::cancel());
  route(post, "/api/builds/:id/retry", retry, docs::retry());
  route(get, "/api/builds/:id/source", source, docs::source());
  route(get, "/api/builds/:id/certs", certs, docs::certs());
  route(get, "/api/builds/:id/certs-secure", certs_secure, docs::certs_secure());
  route(post, "/api/builds/:id/heartbeat", build_heartbeat, docs::build_heartbeat());
  route(post, "/api/builds/:id/telemetry", telemetry, docs::telemetry());
  route(get, "/api/builds/:id/vm-status", vm_status, docs::vm_status());
  route(post, "/api/builds/:id/authenticate", authenticate, docs::authenticate());
  route(post, "/api/builds/:id/vm-ready", vm_ready, docs::vm_ready());
  route(post, "/api/builds/:id/artifact", artifact, docs::artifact(), files);

  route(post, "/api/workers/register", register_worker, docs::register_worker());
  route(get, "/api/workers/poll", poll, docs::poll());
  route(post, "/api/workers/upload", upload, docs::upload(), files);
  route(post, "/api/workers/result", result, docs::result(), files);
  route(post, "/api/workers/fail", fail, docs::fail());
  route(post, "/api/workers/heartbeat", worker_heartbeat, docs::worker_heartbeat());
  route(post, "/api/workers/abandon", abandon, docs::abandon());
  route(post, "/api/workers/unregister", unregister_self, docs::unregister_self());
  route(post, "/api/workers/:id/unregister", unregister_worker, docs::unregister_worker());
  route(get, "/api/workers/:id/stats", worker_stats, docs::worker_stats());

  route(post, "/api/diagnostics/report", report_diagnostics, docs::report_diagnostics());
  route(get, "/api/diagnostics/:worker_id", list_diagnostics, docs::list_diagnostics());
  route(get, "/api/diagnostics/:worker_id/latest", latest_diagnostics, docs::latest_diagnostics());

  route(get, "/health", health, docs::health());
  route(get, "/api/health", health, docs::health());
  route(get, "/api/stats", public_stats, docs::public_stats(), slash);
  route(get, "/public/stats", public_stats, docs::public_stats());
  route(get, "/metrics", surface_metrics, docs::surface_metrics());
  route(get, "/", home, docs::home());
  route(get, "/page/:file", page_part, docs::page_part());

  const auto board = api ? make_status_board(api) : nullptr;
  using BoardCall = Task<http::Response> (*)(Api&, http::LiveBoard&, http::Request&);
  const auto board_route = [&](std::string pattern, BoardCall call, http::RouteDoc doc) {
    surface.routes.push_back(http::Route{get, std::move(pattern),
                                         [api, board, call](http::Request& request) { return call(*api, *board, request); }, {}, {}, std::move(doc)});
  };
  board_route("/api/status", status, docs::status());
  board_route("/api/status/stream", status_stream, docs::status_stream());
  return surface;
}

}  // namespace

http::Surface make_builds_surface(BuildsServices services) {
  if (services.metrics != nullptr) expose_builds(*services.metrics, services.node);
  return surface_of(std::make_shared<Api>(std::move(services)));
}

http::Surface builds_surface_table() { return surface_of(nullptr); }

}  // namespace tidemark::commands::builds::endpoint
