// GET /decisions/:id.

#include "core/api/read_your_writes.hpp"
#include "core/api/route_docs.hpp"
#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"
#include "core/runtime/domain_index.hpp"
#include "core/runtime/log_cursor.hpp"

namespace tidemark::api {
namespace {

/// The record at `place`, read on the blocking executor; not_found when retention has cut it.
Task<Result<event::Event>> read_record(Shared services, runtime::RecordPlace place) {
  log::EventLog& log = services->node.log();
  const auto topic = topic_id(log, place.topic);
  if (!topic) co_return make_error(Code::internal, "an index names a topic that the log does not have");
  auto read = [&log, topic = *topic, place = std::move(place)]() -> Result<event::Event> {
    if (place.at < log.begin(topic, place.lane)) return make_error(Code::not_found, place.topic + " no longer holds the record");
    return runtime::read_event(log, topic, place.topic, place.lane, place.at);
  };
  auto running = run_on(services->blocking, services->node.scheduler(), std::move(read));
  co_return co_await running;
}

Task<http::Response> decision(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  runtime::Node& node = services->node;
  const auto id = parse_uuid(request.param("id"));
  if (!id) co_return problem(400, "command-id-malformed", "Malformed command id", "A command id is a UUID");
  runtime::Position at_least;
  if (auto refusal = read_at_least(request, services->position_tag, node.log().epoch(), at_least)) co_return std::move(*refusal);
  const auto only = request.query("domain");
  const Duration patience = patience_of(request);
  if (only && find_domain(node, *only) == nullptr) co_return problem(404, "no-such-domain", "No such domain", "GET /topics shows their topics");
  std::optional<http::Response> cut;
  for (const runtime::Domain& domain : node.domains()) {
    if (only && domain.name != *only) continue;
    // "There is none" must be true of every command that was answered before this question.
    auto waiting = wait_for_model(node, runtime::index_name(domain.name), runtime::index_end(node, domain.name), patience);
    auto behind = co_await std::move(waiting);
    if (behind) co_return std::move(*behind);
    const auto rows = node.projection_rows(runtime::index_name(domain.name));
    auto place = runtime::find_decision(*rows, domain.name, *id);
    if (!place) continue;
    auto reading = read_record(services, std::move(*place));
    const auto record = co_await std::move(reading);
    if (record.ok()) {
      http::Response response = http::json_response(200, event::to_cloudevent(*record));
      set_header(response, "Content-Type", std::string(event::kCloudEventsMediaType));
      co_return response;
    }
    const bool gone = record.error().code == Code::not_found;
    cut = problem(gone ? 410 : 500, gone ? "retention-cut" : "unreadable", gone ? "Cut by retention" : "Unreadable", record.error().message);
  }
  if (cut) co_return std::move(*cut);
  co_return problem(404, "no-such-decision", "No such decision", "No command with this id has been decided, or its trace has been cut long ago");
}

}  // namespace

http::Route decision_route(Shared services) {
  http::Route route;
  route.pattern = "/decisions/:id";
  route.handler = [services](http::Request& request) { return decision(services, request); };
  route.doc = decision_doc();
  return route;
}

}  // namespace tidemark::api
