#include "core/api/command_request.hpp"

#include <algorithm>

#include "core/api/routes.hpp"
#include "core/event/cloudevents.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kIdempotencyKeyBytesMax = 255;

/// Media type of the body in lower case, without parameters; empty when none is given.
std::string media_type(const http::Request& request) {
  const auto type = request.header("Content-Type");
  if (!type) return {};
  std::string media(type->substr(0, type->find(';')));
  while (!media.empty() && (media.back() == ' ' || media.back() == '\t')) media.pop_back();
  std::transform(media.begin(), media.end(), media.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return media;
}

bool is_usable_key(std::string_view key) {
  return !key.empty() && key.size() <= kIdempotencyKeyBytesMax &&
         std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

}  // namespace

CommandForm form_of(const http::Request& request) {
  const std::string media = media_type(request);
  if (media == event::kCloudEventsMediaType) return CommandForm::structured;
  if (media == event::kCloudEventsBatchMediaType) return CommandForm::batch;
  if (media == "application/x-ndjson") return CommandForm::ndjson;
  if (!media.empty() && media != "application/json") return CommandForm::unsupported;
  for (const std::string_view header : {"ce-specversion", "ce-id", "ce-source", "ce-type"}) {
    if (request.header(header)) return CommandForm::binary;
  }
  return CommandForm::plain;
}

Task<Result<std::string>> read_command_body(http::Request& request, std::size_t bytes_max) {
  auto body = co_await request.read_body(bytes_max);
  if (body.ok() && body->empty()) *body = "{}";
  co_return body;
}

http::Response body_refusal(const Error& error) {
  const auto fault = error.code == Code::exhausted   ? http::Fault::body_too_large
                     : error.code == Code::timed_out ? http::Fault::timed_out
                                                     : http::Fault::bad_request;
  http::Response response = http::problem_fault(fault, error.message, {});
  response.close = true;
  return response;
}

std::optional<http::Response> read_plain_headers(const http::Request& request, std::string_view route, runtime::CommandRequest& command) {
  command.actor = runtime::kOperator;
  command.traceparent = request.traceparent();
  if (request.header_count("Idempotency-Key") > 1) {
    return problem(400, "idempotency-key-malformed", "Bad Idempotency-Key", "The header may be given once");
  }
  const auto key = request.header("Idempotency-Key");
  if (!key) return std::nullopt;
  if (!is_usable_key(*key)) {
    return problem(400, "idempotency-key-malformed", "Bad Idempotency-Key", "1 to 255 visible ASCII characters are expected");
  }
  command.command_id = runtime::command_id_of_key(command.tenant, command.actor, route, *key);
  command.keyed = true;
  return std::nullopt;
}

}  // namespace tidemark::api
