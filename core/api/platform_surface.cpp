#include "core/api/platform_surface.hpp"

#include <algorithm>
#include <charconv>

#include "core/api/routes.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

http::Response plain(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.header("Content-Type", "text/plain; charset=utf-8").header("Cache-Control", "no-store");
  response.body = std::move(text);
  return response;
}

Task<http::Response> ready(Shared services) {
  const runtime::Node& node = services->node;
  if (const auto failure = node.failure()) co_return plain(503, "failed: " + describe(*failure) + "\n");
  if (!node.ready()) {
    http::Response response = plain(503, "starting\n");
    response.header("Retry-After", "1");
    co_return response;
  }
  co_return plain(200, "ready\n");
}

Task<http::Response> live() { co_return plain(200, "live\n"); }

Task<http::Response> version(Shared services) {
  std::string json;
  event::JsonWriter(json).begin_object().member("name", "tidemark").member("version", services->version).end_object();
  co_return http::json_response(200, std::move(json));
}

http::Route open_route(std::string pattern, http::RouteDoc doc, http::Handler handler) {
  http::Route route;
  route.pattern = std::move(pattern);
  route.handler = std::move(handler);
  route.doc = std::move(doc);
  route.doc.tags = {"node"};
  return route;
}

http::AnswerDoc text_answer(int status, std::string description) {
  return {status, std::move(description), {{"text/plain", R"({"type":"string"})", {}}}};
}

/// The key a request carries, or nothing.
std::optional<std::string_view> given_key(const http::Request& request) {
  if (const auto key = request.header("X-Operator-Key")) return key;
  const auto authorization = request.header("Authorization");
  if (!authorization || authorization->size() < 7) return std::nullopt;
  std::string scheme(authorization->substr(0, 7));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (scheme != "bearer ") return std::nullopt;
  return authorization->substr(7);
}

}  // namespace

http::Response problem(int status, std::string_view name, std::string title, std::string detail,
                       std::vector<std::pair<std::string, std::string>> members) {
  http::Problem document;
  document.status = status;
  document.type = "/problems/" + std::string(name);
  document.title = std::move(title);
  document.detail = std::move(detail);
  document.members = std::move(members);
  return http::problem_response(document);
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void set_header(http::Response& response, std::string_view name, std::string value) {
  for (auto& [given, present] : response.headers) {
    if (given == name) {
      present = std::move(value);
      return;
    }
  }
  response.header(std::string(name), std::move(value));
}

const runtime::Domain* find_domain(runtime::Node& node, std::string_view name) {
  for (const runtime::Domain& domain : node.domains()) {
    if (domain.name == name) return &domain;
  }
  return nullptr;
}

std::optional<log::TopicId> topic_id(log::EventLog& log, std::string_view name) {
  for (const log::TopicSpec& spec : log.topics()) {
    if (spec.name != name) continue;
    if (const auto id = log.open_topic(spec); id.ok()) return *id;
  }
  return std::nullopt;
}

std::optional<http::Response> refuse_stranger(const PlatformServices& services, const http::Request& request) {
  const auto given = given_key(request);
  if (given && http::same_secret(*given, services.operator_key)) return std::nullopt;
  if (given) return problem(403, "operator-key-wrong", "Wrong operator key", "The operator key of this request is not the installation's");
  http::Response response = problem(401, "operator-key-missing", "Operator key missing",
                                    "Send the operator key as Authorization: Bearer <key> or X-Operator-Key");
  response.header("WWW-Authenticate", "Bearer realm=\"tidemark\"");
  return response;
}

namespace {

http::Surface surface_of(const Shared& shared) {
  http::Surface surface;
  surface.fault = http::problem_fault;
  surface.doc.title = "Platform";
  surface.doc.description = "Commands, events and the state of the node, the same for every domain. Errors are RFC 9457 problem documents.";
  surface.doc.credentials = {{"operator", http::CredentialDoc::Kind::bearer, {}, "The installation's operator key; X-Operator-Key takes it too"}};
  surface.routes.push_back(command_route(shared));
  surface.routes.push_back(commands_route(shared));
  surface.routes.push_back(decision_route(shared));
  surface.routes.push_back(stream_by_path_route(shared));
  surface.routes.push_back(stream_by_query_route(shared));
  surface.routes.push_back(events_route(shared));
  for (http::Route& route : projection_routes(shared)) surface.routes.push_back(std::move(route));
  surface.routes.push_back(health_route(shared));
  if (!shared || shared->directory != nullptr) surface.routes.push_back(cluster_route(shared));
  surface.routes.push_back(topics_route(shared));
  if (!shared || shared->metrics != nullptr) surface.routes.push_back(metrics_route(shared, !shared || !shared->metrics_open));
  surface.routes.push_back(records_route(shared));
  if (!shared || shared->signing_secrets) surface.routes.push_back(signing_secret_route(shared));
  surface.routes.push_back(open_route("/livez", {.summary = "The process answers", .answers = {text_answer(200, "It does")}},
                                      [](http::Request&) { return live(); }));
  surface.routes.push_back(open_route(
      "/readyz", {.summary = "The node serves", .answers = {text_answer(200, "It does"), text_answer(503, "It starts, or has failed")}},
      [shared](http::Request&) { return ready(shared); }));
  surface.routes.push_back(open_route(
      "/version",
      {.summary = "Version of the program",
       .answers = {{200, "The version", {{"application/json", http::object_schema({{"name", "string"}, {"version", "string"}}), {}}}}}},
      [shared](http::Request&) { return version(shared); }));
  return surface;
}

}  // namespace

http::Surface make_platform_surface(PlatformServices services) {
  return surface_of(std::make_shared<const PlatformServices>(std::move(services)));
}

http::Surface platform_surface_table() { return surface_of(nullptr); }

}  // namespace tidemark::api
