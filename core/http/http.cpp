#include "core/http/http.hpp"

#include "core/base/constant_time.hpp"
#include "core/http/status.hpp"

namespace tidemark::http {
namespace {

void put_json_string(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string_view name_of(Method method) {
  switch (method) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::patch: return "PATCH";
    case Method::delete_: return "DELETE";
    case Method::options: return "OPTIONS";
    case Method::other: return "other";
  }
  return "other";
}

int status_of(Fault fault) {
  switch (fault) {
    case Fault::bad_request: return 400;
    case Fault::head_too_large: return 431;
    case Fault::uri_too_long: return 414;
    case Fault::not_found: return 404;
    case Fault::method_not_allowed: return 405;
    case Fault::body_too_large: return 413;
    case Fault::timed_out: return 408;
    case Fault::unsupported_version: return 505;
    case Fault::overloaded: return 503;
    case Fault::internal: return 500;
    case Fault::upgrade_required: return 426;
  }
  return 500;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "Unknown";
  }
}

Response problem_response(const Problem& problem) {
  std::string body = "{\"type\":";
  put_json_string(body, problem.type);
  body += ",\"title\":";
  put_json_string(body, problem.title.empty() ? reason_phrase(problem.status) : std::string_view(problem.title));
  body += ",\"status\":" + std::to_string(problem.status);
  if (!problem.detail.empty()) {
    body += ",\"detail\":";
    put_json_string(body, problem.detail);
  }
  for (const auto& [name, json] : problem.members) {
    body += ',';
    put_json_string(body, name);
    body += ':';
    body += json;
  }
  body += '}';
  Response response;
  response.status = problem.status;
  response.header("Content-Type", "application/problem+json");
  response.body = std::move(body);
  return response;
}

Response json_response(int status, std::string json) {
  Response response;
  response.status = status;
  response.header("Content-Type", "application/json");
  response.body = std::move(json);
  return response;
}

Response event_stream_response(std::function<Task<void>(BodyStream& stream)> produce) {
  StreamBody body;
  body.produce = std::move(produce);
  append_sse_comment("", body.heartbeat);
  Response response;
  response.header("Content-Type", "text/event-stream");
  response.header("Cache-Control", "no-cache");
  response.header("X-Accel-Buffering", "no");
  response.body = std::move(body);
  return response;
}

Response problem_fault(Fault fault, std::string_view detail, std::string_view allow) {
  Problem problem;
  problem.status = status_of(fault);
  problem.detail = std::string(detail);
  Response response = problem_response(problem);
  if (!allow.empty()) response.header("Allow", std::string(allow));
  return response;
}

bool same_secret(std::string_view given, std::string_view expected) {
  // Every byte of `given` is looked at whatever `expected` is; an empty expectation matches nothing.
  const bool comparable = given.size() == expected.size() && !expected.empty();
  const bool same = same_bytes(given, comparable ? expected : given);
  return comparable && same;
}

}  // namespace tidemark::http
