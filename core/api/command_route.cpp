// POST /commands/:domain/:command.

#include <algorithm>

#include "core/api/routes.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kCommandBytesMax = 4u << 20;
constexpr std::size_t kIdempotencyKeyBytesMax = 255;
constexpr std::string_view kActor = "operator";

std::string quoted(std::string_view text) { return event::escape_json_string(text); }

/// "application/json", in any case, with any parameters; nothing at all passes too.
bool is_json(const http::Request& request) {
  const auto type = request.header("Content-Type");
  if (!type) return true;
  std::string_view media = type->substr(0, type->find(';'));
  while (!media.empty() && media.back() == ' ') media.remove_suffix(1);
  constexpr std::string_view kJson = "application/json";
  return std::equal(media.begin(), media.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? char(a + 32) : a) == b; });
}

bool is_usable_key(std::string_view key) {
  return !key.empty() && key.size() <= kIdempotencyKeyBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

std::string decided_json(const runtime::Outcome& outcome, const std::string& position) {
  std::string json;
  event::JsonWriter writer(json);
  writer.begin_object().member("id", outcome.command_id).key("position");
  if (position.empty()) writer.null();
  else writer.value(position);
  writer.key("events").begin_array();
  for (const runtime::RecordedEvent& event : outcome.events) {
    writer.begin_object().member("id", event.id).member("type", event.type).member("subject", event.subject);
    if (event.sequence) writer.member("sequence", *event.sequence);
    writer.end_object();
  }
  writer.end_array().key("reply").raw(outcome.reply).end_object();
  return json;
}

http::Response bad_input(const runtime::Outcome& outcome) {
  std::string errors;
  event::JsonWriter writer(errors);
  writer.begin_array();
  for (const event::FieldError& error : outcome.bad_input.errors) {
    writer.begin_object().member("pointer", error.pointer).member("detail", error.message).end_object();
  }
  writer.end_array();
  return problem(400, "bad-input", "Bad input", "The command does not fit its schema; nothing was recorded", {{"errors", errors}});
}

http::Response failed(const runtime::Outcome& outcome) {
  const Error& error = outcome.error;
  const bool not_applied = error.code == Code::unavailable || error.code == Code::fenced || error.code == Code::timed_out ||
                           error.code == Code::cancelled || error.code == Code::exhausted;
  const std::string id = quoted(outcome.command_id);
  if (not_applied) {
    http::Response response = problem(503, "unavailable", "Not applied", error.message + "; nothing was recorded, try again",
                                      {{"outcome", quoted("not_applied")}, {"code", quoted(name_of(error.code))}, {"id", id}});
    response.header("Retry-After", "1");
    return response;
  }
  http::Response response = problem(503, "outcome-unknown", "Outcome unknown",
                                    error.message + "; it may have been recorded: ask again with the same Idempotency-Key",
                                    {{"outcome", quoted("unknown")}, {"code", quoted(name_of(error.code))}, {"id", id}});
  response.header("Retry-After", "1");
  return response;
}

http::Response render(const PlatformServices& services, const runtime::Outcome& outcome) {
  using Kind = runtime::Outcome::Kind;
  switch (outcome.kind) {
    case Kind::accepted:
    case Kind::nothing: {
      const std::string position =
          outcome.position.empty() ? std::string() : runtime::encode_position(outcome.position, services.position_tag);
      http::Response response = http::json_response(200, decided_json(outcome, position));
      if (!position.empty()) response.header("Tidemark-Position", position);
      if (outcome.replayed) response.header("Tidemark-Replayed", "true");
      return response;
    }
    case Kind::refused: {
      http::Response response = problem(outcome.status, "refused", "Command refused", outcome.detail,
                                        {{"reason", quoted(outcome.reason)}, {"id", quoted(outcome.command_id)}});
      if (outcome.replayed) response.header("Tidemark-Replayed", "true");
      return response;
    }
    case Kind::bad_input: return bad_input(outcome);
    case Kind::unknown: return problem(404, "unknown-command", "Unknown command", "There is no such domain or command");
    case Kind::key_reused:
      return problem(422, "idempotency-key-reused", "Idempotency key reused",
                     "This Idempotency-Key was used with another body within the window");
    case Kind::version_conflict: return problem(412, "version-conflict", "Version conflict", "The stream is at another version");
    case Kind::failed: return failed(outcome);
  }
  return problem(500, "internal", "Internal error", "The outcome has no rendering");
}

Task<http::Response> command(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  if (!is_json(request)) {
    co_return problem(415, "not-json", "Unsupported media type", "Send the command's data as application/json");
  }
  runtime::CommandRequest command;
  command.domain = request.param("domain");
  command.name = request.param("command");
  command.actor = kActor;
  if (request.header_count("Idempotency-Key") > 1) {
    co_return problem(400, "idempotency-key-malformed", "Bad Idempotency-Key", "The header may be given once");
  }
  if (const auto key = request.header("Idempotency-Key")) {
    if (!is_usable_key(*key)) {
      co_return problem(400, "idempotency-key-malformed", "Bad Idempotency-Key", "1 to 255 visible ASCII characters are expected");
    }
    const std::string route = "/commands/" + command.domain + "/" + command.name;
    command.command_id = runtime::command_id_of_key(command.tenant, command.actor, route, *key);
    command.keyed = true;
  }
  command.traceparent = request.traceparent();

  auto body = co_await request.read_body(kCommandBytesMax);
  if (!body.ok()) {
    const Code code = body.error().code;
    const auto fault = code == Code::exhausted   ? http::Fault::body_too_large
                       : code == Code::timed_out ? http::Fault::timed_out
                                                 : http::Fault::bad_request;
    http::Response response = http::problem_fault(fault, body.error().message, {});
    response.close = true;
    co_return response;
  }
  command.data = body->empty() ? std::string("{}") : std::move(*body);
  const runtime::Outcome outcome = co_await services->node.execute(std::move(command));
  co_return render(*services, outcome);
}

}  // namespace

http::Route command_route(Shared services) {
  http::Route route;
  route.method = http::Method::post;
  route.pattern = "/commands/:domain/:command";
  route.handler = [services](http::Request& request) { return command(services, request); };
  route.options.body_bytes_max = kCommandBytesMax;
  return route;
}

}  // namespace tidemark::api
