// GET /health: one word for everybody, the whole picture for the operator.

#include <algorithm>

#include "core/api/projection_json.hpp"
#include "core/api/route_docs.hpp"
#include "core/api/routes.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

/// "failed" and "starting" do not answer; "degraded" does, with a projection that has stopped.
std::string_view word_for(const runtime::Node& node, const std::vector<runtime::ProjectionStatus>& projections) {
  if (node.failure()) return "failed";
  if (!node.ready()) return "starting";
  const bool degraded = std::any_of(projections.begin(), projections.end(), [](const auto& p) { return !p.faults.empty() || p.rebuild_failure; });
  return degraded ? "degraded" : "ok";
}

Task<http::Response> health(Shared services, http::Request& request) {
  auto stranger = refuse_stranger(*services, request);
  if (stranger && stranger->status != 401) co_return std::move(*stranger);
  runtime::Node& node = services->node;
  const auto projections = node.projection_statuses();
  const std::string_view word = word_for(node, projections);
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("status", word);
  if (!stranger) {
    writer.member("version", services->version).member("epoch", to_string(node.log().epoch())).member("lanes", node.log().lanes());
    if (const auto failure = node.failure()) writer.member("failure", describe(*failure));
    writer.key("projections").begin_array();
    for (const auto& projection : projections) write_projection(projection, writer);
    writer.end_array();
  }
  writer.end_object();
  const bool answers = word == "ok" || word == "degraded";
  http::Response response = http::json_response(answers ? 200 : 503, std::move(json));
  response.header("Cache-Control", "no-store");
  if (!answers) response.header("Retry-After", "1");
  co_return response;
}

}  // namespace

http::Route health_route(Shared services) {
  http::Route route;
  route.pattern = "/health";
  route.handler = [services](http::Request& request) { return health(services, request); };
  route.doc = health_doc();
  return route;
}

}  // namespace tidemark::api
