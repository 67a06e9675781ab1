#include "core/api/event_filter.hpp"

#include <algorithm>

#include "core/api/routes.hpp"
#include "core/base/bytes.hpp"

namespace tidemark::api {
namespace {

constexpr std::size_t kValuesMax = 100;
constexpr std::string_view kPlatformTypes = "tidemark.platform.";

bool contains(const std::vector<std::string>& sorted, std::string_view value) { return std::binary_search(sorted.begin(), sorted.end(), value); }
bool allows(const std::vector<std::string>& sorted, std::string_view value) { return sorted.empty() || contains(sorted, value); }

http::Response refuse(std::string detail) { return problem(400, "bad-query", "Bad query", std::move(detail)); }

std::optional<http::Response> read_list(const http::Request& request, std::string_view name, std::vector<std::string>& out) {
  const auto text = request.query(name);
  if (!text) return std::nullopt;
  if (!is_utf8(*text)) return refuse(std::string(name) + " is UTF-8");
  std::string_view rest = *text;
  for (;;) {
    const std::string_view one = rest.substr(0, rest.find(','));
    if (one.empty()) return refuse(std::string(name) + " lists values between commas, none of them empty");
    out.emplace_back(one);
    if (one.size() == rest.size()) break;
    rest.remove_prefix(one.size() + 1);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > kValuesMax) return refuse(std::string(name) + " lists at most " + std::to_string(kValuesMax) + " values");
  return std::nullopt;
}

std::optional<http::Response> read_time(const http::Request& request, std::string_view name, std::optional<Time>& out) {
  const auto text = request.query(name);
  if (!text) return std::nullopt;
  out = parse_rfc3339(*text);
  if (!out) return refuse(std::string(name) + " is a time as RFC 3339 writes it");
  return std::nullopt;
}

}  // namespace

bool EventFilter::wants_topic(std::string_view topic) const {
  return allows(topics, topic) && allows(domains, topic.substr(0, topic.find('.')));
}

bool EventFilter::matches(const event::Event& event, std::string_view second) const {
  const auto& envelope = event.envelope;
  if (types.empty()) {
    if (envelope.type.starts_with(kPlatformTypes)) return false;
  } else if (!contains(types, envelope.type)) {
    const auto type = event::parse_type(envelope.type);
    if (!type || !contains(types, type->name)) return false;
  }
  if (!subjects.empty() && !contains(subjects, envelope.subject) && (second.empty() || !contains(subjects, second))) return false;
  if (!allows(tenants, envelope.tenant)) return false;
  const Time recorded = envelope.recordedtime.value_or(envelope.time);
  return (!since || recorded >= *since) && (!until || recorded < *until);
}

std::string EventFilter::canonical() const {
  std::string out;
  for (const auto* list : {&domains, &topics, &types, &subjects, &tenants}) {
    put_varint(out, list->size());
    for (const std::string& value : *list) {
      put_varint(out, value.size());
      out += value;
    }
  }
  if (until) put_zigzag(out, to_ms(*until));
  return out;
}

std::optional<http::Response> read_filter(const http::Request& request, EventFilter& out) {
  const std::pair<std::string_view, std::vector<std::string>*> lists[] = {
      {"domain", &out.domains}, {"topic", &out.topics}, {"type", &out.types}, {"subject", &out.subjects}, {"tenant", &out.tenants}};
  for (const auto& [name, list] : lists) {
    if (auto refusal = read_list(request, name, *list)) return refusal;
  }
  if (auto refusal = read_time(request, "since", out.since)) return refusal;
  return read_time(request, "until", out.until);
}

}  // namespace tidemark::api
