// POST /commands/:domain/:command and POST /commands, one command at a time.

#include "core/api/command_answer.hpp"
#include "core/api/command_request.hpp"
#include "core/api/preconditions.hpp"
#include "core/api/route_docs.hpp"
#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"

namespace tidemark::api {
namespace {

http::Response no_media(std::string detail) { return problem(415, "media-type-unsupported", "Unsupported media type", std::move(detail)); }

Task<http::Response> execute(Shared services, http::Request& request, runtime::CommandRequest command, Precondition precondition,
                             std::string pointer_prefix) {
  if (auto refusal = read_precondition(request, precondition)) co_return std::move(*refusal);
  command.expected = std::move(precondition.expected);
  const runtime::Outcome outcome = co_await services->node.execute(std::move(command));
  co_return answer_command(outcome, {std::move(precondition.subject), std::move(pointer_prefix), &services->position_tag});
}

Task<http::Response> plain(Shared services, http::Request& request) {
  runtime::CommandRequest command;
  command.domain = request.param("domain");
  command.name = request.param("command");
  const std::string route = "/commands/" + command.domain + "/" + command.name;
  if (auto refusal = read_plain_headers(request, route, command)) co_return std::move(*refusal);
  auto body = co_await read_command_body(request, kCommandBytesMax);
  if (!body.ok()) co_return body_refusal(body.error());
  command.data = std::move(*body);
  auto executed = execute(services, request, std::move(command), {}, {});
  co_return co_await std::move(executed);
}

/// The event of a request in binary or structured mode.
std::optional<event::Event> read_event(const http::Request& request, CommandForm form, std::string body, Time now,
                                       std::vector<event::FieldError>& errors) {
  if (form == CommandForm::structured) return event::from_cloudevent(body, errors, now);
  const auto header = [&](std::string_view name) -> std::optional<std::string_view> {
    const std::string full = "ce-" + std::string(name);
    if (request.header_count(full) > 1) errors.push_back({'/' + std::string(name), "may be given once"});
    return request.header(full);
  };
  auto envelope = event::envelope_from_headers(header, errors, now);
  if (!envelope) return std::nullopt;
  return event::Event{std::move(*envelope), std::move(body)};
}

/// `domain` and `name` are those of the path; empty: any.
Task<http::Response> cloudevent(Shared services, http::Request& request, CommandForm form, std::string domain, std::string name) {
  if (request.header("Idempotency-Key")) {
    co_return problem(400, "idempotency-key-with-cloudevent", "Idempotency-Key with a CloudEvent", "A CloudEvent is named by its source and id");
  }
  auto body = co_await read_command_body(request, kCommandBytesMax);
  if (!body.ok()) co_return body_refusal(body.error());
  std::vector<event::FieldError> errors;
  auto event = read_event(request, form, std::move(*body), services->node.scheduler().wall(), errors);
  if (!event || !errors.empty()) co_return bad_input(errors);
  Precondition precondition;
  precondition.subject = event->envelope.subject;
  if (const auto type = event::parse_type(event->envelope.type); type && !domain.empty() && (type->domain != domain || type->name != name)) {
    errors.push_back({"/type", "must name the command of the path"});
  }
  if (event->envelope.traceparent.empty()) event->envelope.traceparent = request.traceparent();
  auto command = runtime::command_of(std::move(*event), errors);
  if (!command) co_return bad_input(errors);
  auto executed = execute(services, request, std::move(*command), std::move(precondition), form == CommandForm::structured ? "/data" : "");
  co_return co_await std::move(executed);
}

Task<http::Response> one_command(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const CommandForm form = form_of(request);
  switch (form) {
    case CommandForm::plain: co_return co_await plain(services, request);
    case CommandForm::binary:
    case CommandForm::structured: {
      std::string name(request.param("command"));
      name.resize(std::min(name.size(), name.find(".v")));
      auto executed = cloudevent(services, request, form, std::string(request.param("domain")), std::move(name));
      co_return co_await std::move(executed);
    }
    default: co_return no_media("Send the command's data as application/json, or a CloudEvent; batches go to /commands");
  }
}

Task<http::Response> any_command(Shared services, http::Request& request) {
  if (auto refusal = refuse_stranger(*services, request)) co_return std::move(*refusal);
  const CommandForm form = form_of(request);
  switch (form) {
    case CommandForm::binary:
    case CommandForm::structured: {
      auto executed = cloudevent(services, request, form, {}, {});
      co_return co_await std::move(executed);
    }
    case CommandForm::batch:
    case CommandForm::ndjson: co_return co_await command_batch(services, request);
    default:
      co_return no_media("Send a CloudEvent: structured, binary (ce-* headers), a batch or application/x-ndjson; plain JSON goes to "
                         "/commands/<domain>/<Command>");
  }
}

}  // namespace

http::Route command_route(Shared services) {
  http::Route route;
  route.method = http::Method::post;
  route.pattern = "/commands/:domain/:command";
  route.handler = [services](http::Request& request) { return one_command(services, request); };
  route.options.body_bytes_max = kCommandBytesMax;
  route.doc = command_doc();
  return route;
}

http::Route commands_route(Shared services) {
  http::Route route;
  route.method = http::Method::post;
  route.pattern = "/commands";
  route.handler = [services](http::Request& request) { return any_command(services, request); };
  route.options.body_bytes_max = kBatchBytesMax;
  route.doc = commands_doc();
  return route;
}

}  // namespace tidemark::api
