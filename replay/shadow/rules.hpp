#pragma once
// What a domain knows about its two servers: its routes, where they make ids, and which differences are meant.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/json_document.hpp"
#include "replay/shadow/pair.hpp"

namespace tidemark::shadow {

/// A path template: "/api/builds/:id/status"; a segment that begins with ':' stands for any.
struct Route {
  std::string_view method, path;
};

/// A pair as the rules see it. Every view lives as long as the call.
struct Exchange {
  const Request& request;
  const Response& primary;
  const Response& shadow;
  const Route* route;                           ///< null when no route fits
  std::vector<std::string_view> path_values;    ///< of the route's ':' segments, as sent
  event::JsonNode request_json;                 ///< missing when the body is no JSON
  event::JsonNode primary_json, shadow_json;    ///< missing unless both are JSON

  bool is(std::string_view method, std::string_view path) const { return route && route->method == method && route->path == path; }
  std::string_view path_value() const { return path_values.empty() ? std::string_view() : path_values.front(); }
};

enum class Where { status, content_type, header, body };
enum class Kind { changed, only_primary, only_shadow };

/// One difference. When the status differs it is the only one: of two different answers the bodies are not compared.
struct Difference {
  Where where = Where::body;
  Kind kind = Kind::changed;
  std::string at;                                  ///< JSON Pointer in the body, or name of the header
  std::string_view name;                           ///< last member name in the pointer: "timestamp" in /logs/3/timestamp
  event::JsonNode primary, shadow;                 ///< missing outside JSON bodies, and on the side that has none
  event::JsonNode primary_parent, shadow_parent;   ///< innermost objects that hold the values
  std::string primary_text, shadow_text;           ///< for a person; the shadow's with the primary's ids
};

/// Where both servers answer with an id of something new.
struct IdentityPlace {
  std::string_view method, path;  ///< of the route
  std::string_view member;        ///< of the answer's top object
};

/// Where clients name the key that a server was configured with.
struct ApiKeyPlace {
  std::string_view header;        ///< lower case; empty: the domain has none
  std::span<const Route> routes;  ///< that no other credential opens: a 2xx there shows that the header holds the primary's key
};

/// The rules of one comparison. They may remember what they have seen, within a bound.
///   threads   any one at a time
class Rules {
 public:
  virtual ~Rules() = default;
  virtual std::span<const Route> routes() const = 0;
  virtual std::span<const IdentityPlace> identities() const = 0;
  /// Where both servers answer with a value of their own that later requests name: ids, tokens, passwords. For a replay, which
  /// sends the shadow its own. `member` may be a path: "job/otp".
  virtual std::span<const IdentityPlace> generated() const { return identities(); }
  virtual ApiKeyPlace api_key() const { return {}; }
  /// Response headers that are compared when the primary sent them, in lower case. Content-Type always is.
  virtual std::span<const std::string_view> headers() const = 0;
  /// The value to compare instead of a whole answer, for one that is wrapped. The node itself otherwise.
  virtual event::JsonNode unwrapped(const Exchange&, event::JsonNode body) const { return body; }
  /// Name of the rule by which an array's element is left out on the primary's side; empty: it is compared.
  virtual std::string_view left_out(const Exchange&, std::string_view /*pointer*/, event::JsonNode /*element*/) const { return {}; }
  /// Name of the rule that explains the difference; empty when none does.
  virtual std::string_view explain(const Exchange& exchange, const Difference& difference) = 0;
  /// Called after each pair, explained or not.
  virtual void seen(const Exchange&) {}
};

}  // namespace tidemark::shadow
