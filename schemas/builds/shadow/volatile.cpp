// Values that each server makes for itself, and facts that are written in two ways.

#include <algorithm>
#include <array>

#include "core/base/bytes.hpp"
#include "core/base/time.hpp"
#include "schemas/builds/shadow/rule.hpp"

namespace tidemark::schemas::builds::shadow {
namespace {

using event::JsonKind;
using event::JsonNode;
using Format = bool (*)(JsonNode);

bool is_epoch_ms(JsonNode node) {
  const auto ms = node.as_int64();
  return ms && *ms > 1'000'000'000'000 && *ms < 100'000'000'000'000;
}
bool is_iso(JsonNode node) {
  const auto text = node.as_string();
  return text && parse_rfc3339(*text).has_value();
}
bool is_token(JsonNode node) {
  const auto text = node.as_string();
  return text && text->size() >= 16 && std::all_of(text->begin(), text->end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}
bool is_base64(JsonNode node) {
  const auto text = node.as_string();
  return text && !text->empty() && from_base64(*text).has_value();
}
// "2d 5h", "3h 15m", "5m 30s", "12s": the two largest units, whole.
bool is_uptime(JsonNode node) {
  const auto text = node.as_string();
  if (!text) return false;
  std::string shape;
  for (const char c : *text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || shape.empty() || shape.back() != '0') shape.push_back(digit ? '0' : c);
  }
  return shape == "0d 0h" || shape == "0h 0m" || shape == "0m 0s" || shape == "0s";
}
bool is_text(JsonNode node) { return node.is_string(); }
bool is_boolean(JsonNode node) { return node.kind() == JsonKind::boolean; }

struct VolatileField {
  std::string_view name;
  std::array<Format, 2> formats;  // one of them, the same on both sides
};
constexpr std::array kFields = std::to_array<VolatileField>({
    {"access_token", {is_token, nullptr}}, {"otp", {is_token, nullptr}}, {"vm_token", {is_token, nullptr}},
    {"keychainPassword", {is_base64, nullptr}}, {"submitted_at", {is_epoch_ms, is_iso}}, {"started_at", {is_epoch_ms, is_iso}},
    {"completed_at", {is_epoch_ms, is_iso}}, {"createdAt", {is_iso, nullptr}}, {"completedAt", {is_iso, nullptr}},
    {"updated_at", {is_iso, nullptr}}, {"timestamp", {is_epoch_ms, is_iso}}, {"run_at", {is_epoch_ms, is_iso}},
    {"expires_at", {is_iso, is_epoch_ms}}, {"vm_ready_at", {is_iso, nullptr}}, {"uptime", {is_uptime, nullptr}},
});

bool changed_in_body(const Difference& d) { return d.where == Where::body && d.kind == Kind::changed; }

bool volatile_value(const Exchange&, const Difference& d, const Memory&) {
  if (!changed_in_body(d)) return false;
  for (const VolatileField& field : kFields) {
    if (field.name != d.name) continue;
    for (const Format format : field.formats) {
      if (format && format(d.primary) && format(d.shadow)) return true;
    }
  }
  return false;
}

bool storage(const Exchange& x, const Difference& d, const Memory&) {
  if (!changed_in_body(d) || !(x.is("GET", "/health") || x.is("GET", "/api/health"))) return false;
  if (d.at == "/storage/path") return is_text(d.primary) && is_text(d.shadow);
  return d.at == "/storage/exists" && is_boolean(d.primary) && is_boolean(d.shadow);
}

// Sums of durations; no time is the same twice.
bool durations(const Exchange& x, const Difference& d, const Memory&) {
  if (!changed_in_body(d) || !(x.is("GET", "/api/stats") || x.is("GET", "/public/stats"))) return false;
  if (d.at != "/totalBuildTimeMs" && d.at != "/totalCpuCycles") return false;
  const auto primary = d.primary.as_double(), shadow = d.shadow.as_double();
  return primary && shadow && *primary >= 0 && *shadow >= 0;
}

bool own_page(const Exchange& x, const Difference& d, const Memory&) {
  return d.where == Where::body && d.at.empty() && (x.is("GET", "/") || x.is("GET", "/metrics"));
}

bool building_is_assigned(const Exchange&, const Difference& d, const Memory&) {
  const std::string_view p = text_of(d.primary), s = text_of(d.shadow);
  return changed_in_body(d) && d.name == "status" && ((p == "assigned" && s == "building") || (p == "building" && s == "assigned"));
}

bool same_instant(const Exchange&, const Difference& d, const Memory&) {
  if (!changed_in_body(d)) return false;
  const auto p = parse_rfc3339(text_of(d.primary)), s = parse_rfc3339(text_of(d.shadow));
  return p && s && to_ms(*p) / 1000 == to_ms(*s) / 1000 && (to_ms(*p) % 1000 == 0 || to_ms(*s) % 1000 == 0);
}

bool elixir_error_body(const Exchange& x, const Difference& d, const Memory&) {
  return x.primary.status == x.shadow.status && x.shadow.status >= 400 && d.where != Where::status;
}

bool elixir_null_times(const Exchange& x, const Difference& d, const Memory&) {
  return x.primary.status == 200 && (d.name == "started_at" || d.name == "completed_at" || d.name == "completedAt") &&
         (d.primary.is_null() || !d.primary) && (is_epoch_ms(d.shadow) || is_iso(d.shadow));
}

constexpr std::array kVolatile = std::to_array<Rule>({
    {"volatile", "times, tokens and uptime that each server makes for itself: same type and format", kOwnValues, false, volatile_value},
    {"volatile-storage", "label and presence of the storage in a health answer: same type", kOwnValues, false, storage},
    {"volatile-durations", "sums of durations in the public statistics: numbers, none negative", kOwnValues, false, durations},
});

constexpr std::array kEquivalences = std::to_array<Rule>({
    {"building-is-assigned", "against TypeScript, building and assigned are one state", kTypeScript, false, building_is_assigned},
    {"seconds-are-milliseconds", "one instant, with and without milliseconds", kLegacy, false, same_instant},
    {"elixir-error-body", "against Elixir, the same status with another error body", kElixir, false, elixir_error_body},
    {"elixir-null-times", "Elixir never tells when a build was started or finished", kElixir, false, elixir_null_times},
    {"replaced-page", "the pages / and /metrics are this server's own", kLegacy, false, own_page},
});

}  // namespace

std::span<const Rule> volatile_rules() { return kVolatile; }
std::span<const Rule> equivalences() { return kEquivalences; }

}  // namespace tidemark::schemas::builds::shadow
