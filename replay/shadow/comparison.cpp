#include "replay/shadow/comparison.hpp"

#include "replay/shadow/compare.hpp"
#include "replay/shadow/routes.hpp"

namespace tidemark::shadow {
namespace {

using event::JsonDocument;
using event::JsonNode;

JsonNode root_of(const std::optional<JsonDocument>& document) { return document ? document->root() : JsonNode(); }

}  // namespace

void Comparison::learn(const Exchange& exchange) {
  if (exchange.primary.status != exchange.shadow.status || exchange.primary.status / 100 != 2) return;
  for (const IdentityPlace& place : rules_.identities()) {
    if (!exchange.is(place.method, place.path)) continue;
    const auto primary = exchange.primary_json[place.member].as_string(), shadow = exchange.shadow_json[place.member].as_string();
    if (primary && shadow) identities_.learn(*primary, *shadow);
  }
}

void Comparison::add(std::uint64_t line, const Pair& pair) {
  const auto request_json = json_of(pair.request);
  auto primary_json = json_of(pair.primary), shadow_json = json_of(*pair.shadow);
  if (!primary_json || !shadow_json) primary_json.reset(), shadow_json.reset();
  Exchange exchange{.request = pair.request, .primary = pair.primary, .shadow = *pair.shadow, .route = nullptr, .path_values = {},
                    .request_json = root_of(request_json), .primary_json = root_of(primary_json), .shadow_json = root_of(shadow_json)};
  exchange.route = find_route(rules_.routes(), pair.request, exchange.path_values);
  learn(exchange);
  // From here on both speak of a thing by one name, as the rules remember it by that.
  Response renamed;
  if (shadow_json) {
    renamed.headers = pair.shadow->headers;
    renamed.body.bytes = identities_.in_primary_words(pair.shadow->body.bytes);
    auto again = renamed.body.bytes == pair.shadow->body.bytes ? std::nullopt : json_of(renamed);
    if (again) {
      shadow_json = std::move(again);
      exchange.shadow_json = shadow_json->root();
    }
  }

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
