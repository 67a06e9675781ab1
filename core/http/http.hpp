#pragma once
// HTTP as endpoints see it: requests, responses, routes, surfaces. No Beast here; server.hpp runs it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/task.hpp"
#include "core/base/time.hpp"
#include "core/http/live.hpp"
#include "core/http/route_doc.hpp"

namespace tidemark::http {

enum class Method { get, head, post, put, patch, delete_, options, other };
std::string_view name_of(Method method);

using Headers = std::vector<std::pair<std::string, std::string>>;

/// A piece of a multipart/form-data body as it arrives (RFC 7578).
struct PartHead {
  std::string name;          ///< of the form field
  std::string filename;      ///< for display only, never a path
  bool is_file = false;      ///< a filename parameter was given
  std::string content_type;  ///< empty when absent
};
/// Receives a multipart body. A returned error stops reading and is what read_multipart() returns.
class MultipartSink {
 public:
  virtual ~MultipartSink() = default;
  virtual Task<Result<void>> begin_part(PartHead head) = 0;
  virtual Task<Result<void>> part_data(std::string_view bytes) = 0;  ///< view valid until the task ends
  virtual Task<Result<void>> end_part() = 0;
};
struct MultipartLimits {
  std::size_t parts_max = 20;
  std::size_t part_head_bytes_max = 16u << 10;
  std::uint64_t body_bytes_max = 0;  ///< of the whole body
};

/// One request. The head is complete; the body is read when the handler asks, so that credentials can be checked before.
/// `Expect: 100-continue` is answered by the first read. Lives until the handler's task ends.
class Request {
 public:
  virtual ~Request() = default;
  virtual Method method() const = 0;
  virtual std::string_view method_name() const = 0;
  virtual std::string_view target() const = 0;     ///< as sent
  virtual std::string_view path() const = 0;       ///< within the surface, percent-decoded per segment; begins with '/'
  virtual std::string_view param(std::string_view name) const = 0;  ///< decoded path parameter; "" when the route has none
  virtual std::optional<std::string> query(std::string_view name) const = 0;  ///< decoded; the first of that name
  virtual std::optional<std::string_view> header(std::string_view name) const = 0;  ///< the first; case-insensitive
  virtual std::size_t header_count(std::string_view name) const = 0;
  virtual Headers fields() const = 0;                  ///< all of the head's, in order
  virtual std::string_view surface_target() const = 0; ///< target() without the surface's prefix, which it has on the main port only
  virtual std::string_view peer_address() const = 0;
  /// This exchange as a step of the client's trace, or of a new one (core/base/trace_context.hpp); what the handler causes carries
  /// it. An answer that is part of a trace says so in `traceresponse`.
  virtual std::string_view traceparent() const { return {}; }
  virtual std::optional<std::uint64_t> content_length() const = 0;  ///< absent when chunked or without body
  virtual bool has_body() const = 0;                ///< false also for Content-Length: 0

  /// Reads the whole body. exhausted when it is (or is declared) over `bytes_max`: nothing more is read then;
  /// timed_out, cancelled (peer gone), invalid_argument (broken chunking).
  virtual Task<Result<std::string>> read_body(std::size_t bytes_max) = 0;
  /// Streams a multipart body through `sink`. invalid_argument when it is not well-formed multipart/form-data,
  /// has too many parts or too large a part head; exhausted over body_bytes_max; else as read_body.
  virtual Task<Result<void>> read_multipart(MultipartSink& sink, MultipartLimits limits) = 0;
  /// Streams a raw body; `consume` gets each piece.
  virtual Task<Result<void>> read_stream(std::function<Task<Result<void>>(std::string_view)> consume, std::uint64_t bytes_max) = 0;
};

/// A file to send. Range, If-Range, If-None-Match and HEAD are handled by the server from `etag` and `size`.
struct FileBody {
  std::shared_ptr<int> fd;    ///< open for reading, closed with the last owner
  std::uint64_t offset = 0;   ///< of the content in the file
  std::uint64_t size = 0;     ///< bytes of content
  std::string etag;           ///< quoted, or empty
  /// Asked about each piece of the content just before it is sent, with the very bytes: pieces of kFilePieceBytes from the start,
  /// the last shorter, whole also where a range begins or ends within. False cuts the connection, so that the peer sees that the
  /// body is not whole. Empty: the file is sent as it is, straight from the page cache.
  std::function<bool(std::uint64_t index, std::string_view piece)> holds{};
};
inline constexpr std::size_t kFilePieceBytes = 64u << 10;

struct Response {
  int status = 200;
  Headers headers;             ///< Content-Length, Date, Connection are the server's
  std::variant<std::string, FileBody, StreamBody, WebSocketBody> body;
  bool close = false;          ///< close the connection after this response

  Response& header(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

using Handler = std::function<Task<Response>(Request&)>;

struct RouteOptions {
  std::uint64_t body_bytes_max = 1u << 20;   ///< a declared length above it is refused by the surface's too_large before the handler
  bool handler_checks_length = false;        ///< the handler refuses lengths itself (its order of errors is a contract)
  Duration body_deadline = std::chrono::seconds(30);   ///< for the whole body; 0: only the idle timeout
  bool allow_trailing_slash = false;
};

struct Route {
  Method method = Method::get;  ///< a get route answers HEAD too
  std::string pattern;          ///< "/api/builds/:id/logs"; literal segments win over parameters
  Handler handler;
  RouteOptions options;
  std::string name;             ///< low-cardinality label for metrics and logs; the pattern when empty
  RouteDoc doc = {};
};

/// Why the server itself answers.
enum class Fault {
  bad_request,        ///< parser refused the head (400)
  head_too_large,     ///< 431
  uri_too_long,       ///< 414
  not_found,          ///< no route for the path
  method_not_allowed, ///< path known, method not; `allow` lists the methods
  body_too_large,     ///< 413
  timed_out,          ///< 408
  unsupported_version,///< 505
  overloaded,         ///< 503, connection or request limit
  internal,           ///< handler threw or failed: 500
  upgrade_required,   ///< the path speaks WebSocket only: 426
};
int status_of(Fault fault);

struct CorsPolicy {
  bool enabled = false;          ///< reflects Origin, allows credentials, answers preflight 204
  Duration max_age = std::chrono::hours(24);
};

/// A set of routes with its own manners, mounted under "/<name>" on the main port and at the root of its own listener.
struct Surface {
  std::string name;              ///< "builds"; "" is the platform's own, at the root of the main port
  std::vector<Route> routes;
  SurfaceDoc doc = {};
  /// Error body for what the server itself refuses; `detail` is one sentence, `allow` for method_not_allowed.
  std::function<Response(Fault fault, std::string_view detail, std::string_view allow)> fault;
  CorsPolicy cors;
  bool on_main_port = true;           ///< false: only on its own listener
  bool options_is_not_found = false;  ///< OPTIONS without a route is a fault instead of 204 + Allow
  bool method_mismatch_is_not_found = false;  ///< unknown method on a known path: not_found instead of method_not_allowed
};

/// application/problem+json (RFC 9457). `type` is a path like "/problems/read-model-behind".
struct Problem {
  int status = 500;
  std::string type = "about:blank";
  std::string title;
  std::string detail;
  std::vector<std::pair<std::string, std::string>> members;  ///< extra members; values are raw JSON
};
Response problem_response(const Problem& problem);
Response json_response(int status, std::string json);
/// A text/event-stream that proxies neither store nor hold back, with a comment as its heartbeat.
Response event_stream_response(std::function<Task<void>(BodyStream& stream)> produce);
/// The platform's fault(): problem+json.
Response problem_fault(Fault fault, std::string_view detail, std::string_view allow);

/// Constant-time comparison (in the length of `given`) of credentials.
bool same_secret(std::string_view given, std::string_view expected);

}  // namespace tidemark::http
