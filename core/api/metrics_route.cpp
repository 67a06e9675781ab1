// GET /metrics: what the registry holds, with the gauges of the node set at this moment.

#include "core/api/routes.hpp"
#include "core/runtime/node_gauges.hpp"

namespace tidemark::api {
namespace {

Task<http::Response> metrics(Shared services, bool with_key, http::Request& request) {
  if (with_key) {
    if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  }
  auto asking = runtime::set_node_gauges(*services->metrics, services->node, services->blocking);
  co_await std::move(asking);
  auto work = [registry = services->metrics] { return registry->expose(); };
  auto exposing = run_on(services->blocking, services->node.scheduler(), std::move(work));
  http::Response response;
  response.header("Content-Type", std::string(observe::kExpositionType)).header("Cache-Control", "no-store");
  response.body = co_await exposing;
  co_return response;
}

}  // namespace

http::Route metrics_route(Shared services, bool with_key) {
  http::Route route;
  route.pattern = "/metrics";
  route.handler = [services, with_key](http::Request& request) { return metrics(services, with_key, request); };
  route.doc = {.summary = "Metrics",
               .description = "Text for Prometheus. With the setting metrics_open no key is needed.",
               .tags = {"node"},
               .answers = {{200, "The metrics", {{"text/plain", R"({"type":"string"})", {}}}}, http::problem_doc(401, "No operator key"),
                           http::problem_doc(403, "Not the operator key")},
               .credentials = {"operator"}};
  return route;
}

http::Surface make_metrics_surface(PlatformServices services) {
  http::Surface surface;
  surface.name = kMetricsSurface;
  surface.on_main_port = false;
  surface.fault = http::problem_fault;
  surface.routes.push_back(metrics_route(std::make_shared<const PlatformServices>(std::move(services)), false));
  return surface;
}

}  // namespace tidemark::api
