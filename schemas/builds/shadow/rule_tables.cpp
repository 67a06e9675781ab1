// Routes of both generations, the places of new ids and tokens, and the headers that the contract names.

#include <array>

#include "schemas/builds/shadow/rule.hpp"

namespace tidemark::schemas::builds::shadow {
namespace {

constexpr std::array kRoutes = std::to_array<tidemark::shadow::Route>({
    {"POST", "/api/builds/submit"}, {"POST", "/api/builds"}, {"GET", "/api/builds"}, {"GET", "/api/builds/active"},
    {"GET", "/api/builds/statistics"}, {"GET", "/api/builds/:id"}, {"GET", "/api/builds/:id/status"}, {"GET", "/api/builds/:id/logs"},
    {"GET", "/api/builds/:id/download"}, {"GET", "/api/builds/:id/download/:type"}, {"POST", "/api/builds/:id/cancel"},
    {"POST", "/api/builds/:id/retry"}, {"POST", "/api/workers/register"}, {"GET", "/api/workers/poll"}, {"POST", "/api/workers/upload"},
    {"POST", "/api/workers/result"}, {"POST", "/api/workers/fail"}, {"POST", "/api/workers/heartbeat"}, {"POST", "/api/workers/abandon"},
    {"POST", "/api/workers/unregister"}, {"POST", "/api/workers/:id/unregister"}, {"GET", "/api/workers/:id/stats"},
    {"GET", "/api/builds/:id/source"}, {"GET", "/api/builds/:id/certs"}, {"GET", "/api/builds/:id/certs-secure"},
    {"POST", "/api/builds/:id/logs"}, {"POST", "/api/builds/:id/heartbeat"}, {"POST", "/api/builds/:id/telemetry"},
    {"GET", "/api/builds/:id/vm-status"}, {"POST", "/api/diagnostics/report"}, {"GET", "/api/diagnostics/:worker_id"},
    {"GET", "/api/diagnostics/:worker_id/latest"}, {"POST", "/api/builds/:id/authenticate"}, {"POST", "/api/builds/:id/vm-ready"},
    {"POST", "/api/builds/:id/artifact"}, {"GET", "/health"}, {"GET", "/api/health"}, {"GET", "/api/stats"}, {"GET", "/public/stats"},
    {"GET", "/metrics"}, {"GET", "/"},
});

constexpr std::array kIdentities = std::to_array<tidemark::shadow::IdentityPlace>({
    {"POST", "/api/builds/submit", "id"}, {"POST", "/api/builds", "id"}, {"POST", "/api/builds/:id/retry", "id"},
    {"POST", "/api/workers/register", "id"}, {"POST", "/api/diagnostics/report", "id"},
});

constexpr std::array kGenerated = std::to_array<tidemark::shadow::IdentityPlace>({
    {"POST", "/api/builds/submit", "id"}, {"POST", "/api/builds/submit", "access_token"},
    {"POST", "/api/builds", "id"}, {"POST", "/api/builds", "access_token"},
    {"POST", "/api/builds/:id/retry", "id"}, {"POST", "/api/builds/:id/retry", "access_token"},
    {"POST", "/api/workers/register", "id"}, {"POST", "/api/workers/register", "access_token"},
    {"GET", "/api/workers/poll", "access_token"}, {"GET", "/api/workers/poll", "job/otp"},
    {"POST", "/api/builds/:id/authenticate", "vm_token"}, {"GET", "/api/builds/:id/vm-status", "vm_token"},
    {"POST", "/api/diagnostics/report", "id"},
});

// Registration is not among them: it can be open to all.
constexpr std::array kKeyRoutes = std::to_array<tidemark::shadow::Route>({
    {"POST", "/api/builds/submit"}, {"POST", "/api/builds"}, {"GET", "/api/builds"}, {"GET", "/api/builds/active"},
    {"GET", "/api/builds/statistics"}, {"POST", "/api/builds/:id/cancel"}, {"POST", "/api/workers/:id/unregister"},
    {"GET", "/api/workers/:id/stats"}, {"POST", "/api/diagnostics/report"}, {"GET", "/api/diagnostics/:worker_id"},
    {"GET", "/api/diagnostics/:worker_id/latest"},
});

constexpr std::array<std::string_view, 6> kHeaders{"x-reason-code", "content-disposition", "content-range",
                                                   "accept-ranges", "etag",                "cache-control"};

}  // namespace

std::span<const tidemark::shadow::Route> all_routes() { return kRoutes; }
std::span<const tidemark::shadow::IdentityPlace> identity_places() { return kIdentities; }
std::span<const tidemark::shadow::IdentityPlace> generated_places() { return kGenerated; }
tidemark::shadow::ApiKeyPlace api_key_place() { return {.header = "x-api-key", .routes = kKeyRoutes}; }
std::span<const std::string_view> contract_headers() { return kHeaders; }

std::string_view text_of(event::JsonNode node) { return node.as_string().value_or(std::string_view()); }
std::string_view error_text(event::JsonNode body) { return text_of(body["error"]); }

std::string_view query(const Exchange& exchange, std::string_view name) {
  const std::string_view target = exchange.request.target;
  std::size_t at = target.find('?');
  while (at != std::string_view::npos) {
    const std::string_view rest = target.substr(at + 1);
    if (rest.starts_with(name) && rest.substr(name.size()).starts_with("=")) {
      return rest.substr(name.size() + 1, rest.find('&') == std::string_view::npos ? std::string_view::npos : rest.find('&') - name.size() - 1);
    }
    at = target.find('&', at + 1);
  }
  return {};
}

}  // namespace tidemark::schemas::builds::shadow
