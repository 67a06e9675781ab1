// GET /projections, and what an operator may do to one: retry, skip, rebuild.

#include <boost/describe/class.hpp>

#include "core/api/command_answer.hpp"
#include "core/api/command_request.hpp"
#include "core/api/projection_json.hpp"
#include "core/api/route_docs.hpp"
#include "core/api/routes.hpp"
#include "core/event/json.hpp"
#include "core/event/json_schema.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kSkipBytesMax = 16u << 10;
constexpr std::string_view kActor = "operator";

/// Names the event as the operator saw it in the fault, so that no other is left out by mistake.
struct Skip {
  event::Text<1, 255> topic;
  std::uint32_t lane = 0;
  event::Text<1, 64> event_id;
  event::Text<1, 1000> reason;
};
BOOST_DESCRIBE_STRUCT(Skip, (), (topic, lane, event_id, reason))

std::optional<runtime::ProjectionStatus> status_of(const runtime::Node& node, std::string_view name) {
  for (auto& status : node.projection_statuses()) {
    if (status.name == name) return std::move(status);
  }
  return std::nullopt;
}

http::Response no_such_projection() { return problem(404, "no-such-projection", "No such projection", "GET /projections lists them"); }

http::Response show(const runtime::ProjectionStatus& status, int code = 200) {
  std::string json;
  event::JsonWriter writer(json);
  write_projection(status, writer);
  http::Response response = http::json_response(code, std::move(json));
  response.header("Cache-Control", "no-store");
  return response;
}

http::Response refuse(const Error& error, std::string_view conflict) {
  switch (error.code) {
    case Code::version_conflict: return problem(409, conflict, "Not now", error.message);
    case Code::invalid_argument: return problem(400, "bad-input", "Bad input", error.message);
    case Code::internal:
    case Code::corrupt: return problem(500, "internal", "Internal error", error.message);
    default: break;
  }
  http::Response response = problem(503, error.code == Code::outcome_unknown ? "outcome-unknown" : "unavailable", "Not done", error.message);
  response.header("Retry-After", "1");
  return response;
}

Task<http::Response> list(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().key("projections").begin_array();
  for (const auto& status : services->node.projection_statuses()) write_projection(status, writer);
  writer.end_array().end_object();
  http::Response response = http::json_response(200, std::move(json));
  response.header("Cache-Control", "no-store");
  co_return response;
}

Task<http::Response> one(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const auto status = status_of(services->node, request.param("name"));
  co_return status ? show(*status) : no_such_projection();
}

Task<http::Response> retry(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const std::string name(request.param("name"));
  if (!status_of(services->node, name)) co_return no_such_projection();
  auto retrying = services->node.retry_projection(name);
  const auto status = co_await std::move(retrying);
  co_return status.ok() ? show(*status) : refuse(status.error(), "not-stopped");
}

Task<http::Response> skip(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const std::string name(request.param("name"));
  if (!status_of(services->node, name)) co_return no_such_projection();
  auto body = co_await request.read_body(kSkipBytesMax);
  if (!body.ok()) co_return body_refusal(body.error());
  std::vector<event::FieldError> errors;
  const auto given = event::from_json<Skip>(*body, event::Decoding::strict, errors);
  if (!given) co_return bad_input(errors);
  runtime::SkipRequest wish;
  wish.projection = name;
  wish.topic = given->topic.value;
  wish.lane = LaneId{given->lane};
  wish.event_id = given->event_id.value;
  wish.reason = given->reason.value;
  wish.actor = kActor;
  auto skipping = services->node.skip_projection_event(std::move(wish));
  const auto status = co_await std::move(skipping);
  co_return status.ok() ? show(*status) : refuse(status.error(), "not-stopped-here");
}

Task<http::Response> rebuild(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const std::string name(request.param("name"));
  if (!status_of(services->node, name)) co_return no_such_projection();
  const auto begun = services->node.rebuild_projection(name);
  if (!begun.ok()) co_return refuse(begun.error(), "rebuild-under-way");
  co_return show(*status_of(services->node, name), 202);
}

http::Route make(http::Method method, std::string pattern, Task<http::Response> (*handler)(Shared, http::Request&), Shared services, http::RouteDoc doc) {
  http::Route route;
  route.method = method;
  route.pattern = std::move(pattern);
  route.handler = [handler, services](http::Request& request) { return handler(services, request); };
  route.doc = std::move(doc);
  return route;
}

}  // namespace

void write_projection(const runtime::ProjectionStatus& status, event::JsonWriter& writer) {
  writer.begin_object().member("name", status.name).member("version", status.version).member("applied", status.applied);
  writer.member("behind", status.behind).member("state", status.faults.empty() ? "following" : "faulted").key("faults").begin_array();
  for (const auto& fault : status.faults) {
    writer.begin_object().member("topic", fault.topic).member("lane", fault.lane.value).member("tmseq", fault.at.value);
    writer.member("event_id", fault.event_id).member("code", name_of(fault.error.code)).member("error", fault.error.message).end_object();
  }
  writer.end_array().key("skipped").begin_array();
  for (const auto& skipped : status.skipped) {
    writer.begin_object().member("topic", skipped.topic).member("lane", skipped.lane.value).member("tmseq", skipped.at.value);
    writer.member("event_id", skipped.event_id).member("reason", skipped.reason).member("actor", skipped.actor).end_object();
  }
  writer.end_array().key("rebuild");
  if (status.rebuild) writer.begin_object().member("applied", status.rebuild->applied).member("behind", status.rebuild->behind).end_object();
  else writer.null();
  if (status.rebuild_failure) writer.member("rebuild_failure", describe(*status.rebuild_failure));
  writer.end_object();
}

std::vector<http::Route> projection_routes(Shared services) {
  using http::Method;
  return {make(Method::get, "/projections", list, services, projections_doc()),
          make(Method::get, "/projections/:name", one, services, projection_doc()),
          make(Method::post, "/projections/:name/retry", retry, services, projection_retry_doc()),
          make(Method::post, "/projections/:name/skip", skip, services, projection_skip_doc(event::json_schema<Skip>())),
          make(Method::post, "/projections/:name/rebuild", rebuild, services, projection_rebuild_doc())};
}

}  // namespace tidemark::api
