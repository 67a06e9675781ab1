#include "commands/builds/endpoint/answers.hpp"

#include "core/event/json_writer.hpp"

namespace tidemark::commands::builds::endpoint {

http::Response answer(int status, std::string json) {
  http::Response response;
  response.status = status;
  response.header("Content-Type", "application/json; charset=utf-8");
  response.body = std::move(json);
  return response;
}

http::Response error_answer(int status, std::string_view text, std::string_view reason) {
  auto response = answer(status, "{\"error\":" + event::escape_json_string(text) + "}");
  if (!reason.empty()) response.header("X-Reason-Code", std::string(reason));
  return response;
}

http::Response ledger_unavailable(std::string_view text) {
  auto response = error_answer(503, text, "LEDGER_UNAVAILABLE");
  response.header("Retry-After", "1");
  return response;
}

http::Response fault_answer(http::Fault fault, std::string_view, std::string_view) {
  const int status = http::status_of(fault);
  switch (fault) {
    case http::Fault::bad_request: return error_answer(status, "Bad request");
    case http::Fault::head_too_large: return error_answer(status, "Request header fields too large");
    case http::Fault::uri_too_long: return error_answer(status, "URI too long");
    case http::Fault::not_found:
    case http::Fault::method_not_allowed: return error_answer(404, "Not found");
    case http::Fault::body_too_large: return error_answer(status, "Request body too large");
    case http::Fault::timed_out: return error_answer(status, "Request timeout");
    case http::Fault::unsupported_version: return error_answer(status, "HTTP version not supported");
    case http::Fault::overloaded: {
      auto response = error_answer(status, "Service unavailable");
      response.header("Retry-After", "1");
      return response;
    }
    case http::Fault::upgrade_required:
    case http::Fault::internal: break;
  }
  return error_answer(500, kInternalText);
}

}  // namespace tidemark::commands::builds::endpoint
