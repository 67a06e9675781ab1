#include "core/api/command_answer.hpp"

#include "core/api/preconditions.hpp"
#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::api {
namespace {

std::string quoted(std::string_view text) { return event::escape_json_string(text); }

http::Response decided(const runtime::Outcome& outcome, const AnswerOptions& options) {
  std::string position, json;
  event::JsonWriter writer(json);
  writer.begin_object().member("id", outcome.command_id);
  if (options.position_tag != nullptr) {
    writer.key("position");
    if (outcome.position.empty()) {
      writer.null();
    } else {
      position = runtime::encode_position(outcome.position, *options.position_tag);
      writer.value(position);
    }
  }
  const runtime::RecordedEvent* last = nullptr;  // of the stream that the ETag speaks of
  writer.key("events").begin_array();
  for (const runtime::RecordedEvent& event : outcome.events) {
    writer.begin_object().member("id", event.id).member("type", event.type).member("subject", event.subject);
    if (event.sequence) writer.member("sequence", *event.sequence);
    writer.end_object();
    const std::string_view wanted = !options.subject.empty() ? options.subject : last != nullptr ? last->subject : event.subject;
    if (event.sequence && event.subject == wanted) last = &event;
  }
  writer.end_array().key("reply").raw(outcome.reply).end_object();
  http::Response response = http::json_response(200, std::move(json));
  if (!position.empty()) response.header("Tidemark-Position", position);
  if (last != nullptr) response.header("ETag", entity_tag(*last->sequence)).header("Tidemark-Subject", event::encode_header_value(last->subject));
  if (outcome.replayed) response.header("Tidemark-Replayed", "true");
  return response;
}

http::Response refused(const runtime::Outcome& outcome) {
  http::Response response = problem(outcome.status, "refused", "Command refused", outcome.detail,
                                    {{"reason", quoted(outcome.reason)}, {"id", quoted(outcome.command_id)}});
  if (outcome.replayed) response.header("Tidemark-Replayed", "true");
  return response;
}

http::Response conflict(const runtime::Outcome& outcome, const AnswerOptions& options) {
  const std::string version = outcome.version ? std::to_string(*outcome.version) : "null";
  http::Response response = problem(412, "version-conflict", "Version conflict", "The stream is at another version; nothing was recorded",
                                    {{"subject", quoted(options.subject)}, {"version", version}, {"id", quoted(outcome.command_id)}});
  if (outcome.version) response.header("ETag", entity_tag(*outcome.version));
  return response;
}

http::Response failed(const runtime::Outcome& outcome) {
  const Error& error = outcome.error;
  const bool not_applied = error.code == Code::unavailable || error.code == Code::fenced || error.code == Code::timed_out ||
                           error.code == Code::cancelled || error.code == Code::exhausted;
  const std::string id = quoted(outcome.command_id), code = quoted(name_of(error.code));
  http::Response response =
      not_applied ? problem(503, "unavailable", "Not applied", error.message + "; nothing was recorded, try again",
                            {{"outcome", quoted("not_applied")}, {"code", code}, {"id", id}})
                  : problem(503, "outcome-unknown", "Outcome unknown",
                            error.message + "; it may have been recorded: ask GET /decisions/<id>, or again with the same name",
                            {{"outcome", quoted("unknown")}, {"code", code}, {"id", id}});
  response.header("Retry-After", "1");
  return response;
}

}  // namespace

http::Response bad_input(const std::vector<event::FieldError>& errors, std::string_view pointer_prefix) {
  std::string list;
  event::JsonWriter writer(list);
  writer.begin_array();
  for (const event::FieldError& error : errors) {
    writer.begin_object().member("pointer", std::string(pointer_prefix) + error.pointer).member("detail", error.message).end_object();
  }
  writer.end_array();
  return problem(400, "bad-input", "Bad input", "The command does not fit its schema; nothing was recorded", {{"errors", list}});
}

http::Response answer_command(const runtime::Outcome& outcome, const AnswerOptions& options) {
  using Kind = runtime::Outcome::Kind;
  switch (outcome.kind) {
    case Kind::accepted:
    case Kind::nothing: return decided(outcome, options);
    case Kind::refused: return refused(outcome);
    case Kind::bad_input: return bad_input(outcome.bad_input.errors, options.pointer_prefix);
    case Kind::unknown: return problem(404, "unknown-command", "Unknown command", "There is no such domain or command");
    case Kind::key_reused:
      return problem(422, "idempotency-key-reused", "Idempotency key reused",
                     "This name was used with another body within the window", {{"id", quoted(outcome.command_id)}});
    case Kind::version_conflict: return conflict(outcome, options);
    case Kind::failed: return failed(outcome);
  }
  return problem(500, "internal", "Internal error", "The outcome has no rendering");
}

}  // namespace tidemark::api
