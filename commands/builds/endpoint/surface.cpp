#include "commands/builds/endpoint/routes.hpp"

namespace tidemark::commands::builds::endpoint {

http::Surface make_builds_surface(BuildsServices services) {
  auto api = std::make_shared<Api>(std::move(services));
  http::Surface surface;
  surface.name = kDomain;
  surface.fault = fault_answer;
  surface.cors.enabled = true;
  surface.method_mismatch_is_not_found = true;

  using Call = Task<http::Response> (*)(Api&, http::Request&);
  const auto route = [&](http::Method method, std::string pattern, Call call, http::RouteOptions options = {}) {
    // Credentials are refused before lengths are looked at, hence no route lets the server check them.
    options.handler_checks_length = true;
    surface.routes.push_back(http::Route{method, std::move(pattern),
                                         [api, call](http::Request& request) { return call(*api, request); }, options, {}});
  };
  using enum http::Method;
  http::RouteOptions slash;
  slash.allow_trailing_slash = true;
  http::RouteOptions files;  // a slow line may take hours: only a stalled one is cut
  files.body_deadline = Duration(0);
  files.body_bytes_max = UINT64_MAX;
  http::RouteOptions files_slash = files;
  files_slash.allow_trailing_slash = true;

  route(post, "/api/builds/submit", submit, files);
  route(post, "/api/builds", create, files_slash);
  route(get, "/api/builds", list_builds, slash);
  route(get, "/api/builds/active", active_builds);
  route(get, "/api/builds/statistics", build_statistics);
  route(get, "/api/builds/:id", build_detail);
  route(get, "/api/builds/:id/status", build_status);
  route(get, "/api/builds/:id/logs", build_logs);
  route(post, "/api/builds/:id/logs", append_logs);
  route(get, "/api/builds/:id/download", download);
  route(get, "/api/builds/:id/download/:type", download_type);
  route(post, "/api/builds/:id/cancel", cancel);
  route(post, "/api/builds/:id/retry", retry);
  route(get, "/api/builds/:id/source", source);
  route(get, "/api/builds/:id/certs", certs);
  route(post, "/api/builds/:id/heartbeat", build_heartbeat);
  route(get, "/api/builds/:id/vm-status", vm_status);
  route(post, "/api/builds/:id/authenticate", authenticate);
  route(post, "/api/builds/:id/vm-ready", vm_ready);
  route(post, "/api/builds/:id/artifact", artifact, files);

  route(post, "/api/workers/register", register_worker);
  route(get, "/api/workers/poll", poll);
  route(post, "/api/workers/upload", upload, files);
  route(post, "/api/workers/result", result, files);
  route(post, "/api/workers/fail", fail);
  route(post, "/api/workers/heartbeat", worker_heartbeat);
  route(post, "/api/workers/abandon", abandon);
  route(post, "/api/workers/unregister", unregister_self);
  route(post, "/api/workers/:id/unregister", unregister_worker);
  route(get, "/api/workers/:id/stats", worker_stats);

  route(get, "/health", health);
  route(get, "/api/health", health);
  route(get, "/api/stats", public_stats, slash);
  route(get, "/public/stats", public_stats);
  route(get, "/", home);
  return surface;
}

}  // namespace tidemark::commands::builds::endpoint
