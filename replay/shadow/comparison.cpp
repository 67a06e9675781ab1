#include "replay/shadow/comparison.hpp"

#include "replay/shadow/compare.hpp"

namespace tidemark::shadow {
namespace {

using event::JsonDocument;
using event::JsonNode;

constexpr event::JsonLimits kBodyLimits{.bytes = 1u << 30, .depth = 64, .replace_lone_surrogates = true};

std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end == std::string_view::npos ? path.size() : end);
  return segment;
}

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string_view>& values) {
  values.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern), given = next_segment(path);
    if (wanted.starts_with(":")) {
      if (given.empty()) return false;
      values.push_back(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

std::optional<JsonDocument> parse_json(const Message& message) {
  if (message.body.hashed || message.body.bytes.empty()) return std::nullopt;
  if (!is_json_type(message.header("content-type").value_or(""))) return std::nullopt;
  auto document = JsonDocument::parse(message.body.bytes, kBodyLimits);
  if (!document.ok()) return std::nullopt;
  return std::optional<JsonDocument>(std::move(*document));
}

JsonNode root_of(const std::optional<JsonDocument>& document) { return document ? document->root() : JsonNode(); }

}  // namespace

const Route* Comparison::route_of(const Request& request, std::vector<std::string_view>& values) const {
  std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (!path.starts_with('/')) return nullptr;
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  const Route* best = nullptr;
  std::vector<std::string_view> found;
  for (const Route& route : rules_.routes()) {
    // Fewer ':' segments win: /api/builds/active is not a build.
    if (route.method != method || !fits(route.path, path, found) || (best && found.size() >= values.size())) continue;
    best = &route;
    values = found;
  }
  return best;
}

void Comparison::learn(const Exchange& exchange) {
  if (exchange.primary.status != exchange.shadow.status || exchange.primary.status / 100 != 2) return;
  for (const IdentityPlace& place : rules_.identities()) {
    if (!exchange.is(place.method, place.path)) continue;
    const auto primary = exchange.primary_json[place.member].as_string(), shadow = exchange.shadow_json[place.member].as_string();
    if (primary && shadow) identities_.learn(*primary, *shadow);
  }
}

void Comparison::add(std::uint64_t line, const Pair& pair) {
  const auto request_json = parse_json(pair.request);
  auto primary_json = parse_json(pair.primary), shadow_json = parse_json(*pair.shadow);
  if (!primary_json || !shadow_json) primary_json.reset(), shadow_json.reset();
  Exchange exchange{.request = pair.request, .primary = pair.primary, .shadow = *pair.shadow, .route = nullptr, .path_values = {},
                    .request_json = root_of(request_json), .primary_json = root_of(primary_json), .shadow_json = root_of(shadow_json)};
  exchange.route = route_of(pair.request, exchange.path_values);
  learn(exchange);

  const std::string name = exchange.route ? std::string(exchange.route->method) + " " + std::string(exchange.route->path) : "(no route)";
  std::uint64_t explained = 0, unexplained = 0;
  Found found;
  found.left_out = [&](std::string_view rule) {
    ++explained;
    ++summary_.rules[std::string(rule)];
  };
  found.difference = [&](Difference difference) {
    const std::string_view rule = rules_.explain(exchange, difference);
    if (!rule.empty()) {
      ++explained;
      ++summary_.rules[std::string(rule)];
      return;
    }
    if (++unexplained <= kFindingsPerPairMax) on_finding_(Finding{line, name, pair.request, difference});
  };
  compare(exchange, rules_, identities_, found);
  rules_.seen(exchange);

  RouteCounts& route = summary_.routes[name];
  ++summary_.pairs, ++route.pairs;
  summary_.unexplained += unexplained;
  if (unexplained > 0) ++summary_.unexplained_pairs, ++route.unexplained;
  else if (explained > 0) ++route.explained;
  else ++route.equal;
}

}  // namespace tidemark::shadow
