#include "core/http/range.hpp"

#include <algorithm>
#include <limits>

#include "core/http/head.hpp"

namespace tidemark::http {
namespace {

/// Digits only; more than fit are the greatest number, which lies past every end.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

std::string_view opaque_tag(std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; }

}  // namespace

RangeChoice choose_range(std::string_view field, std::uint64_t content_size) {
  const auto equals = field.find('=');
  if (equals == std::string_view::npos || !same_token(trimmed(field.substr(0, equals)), "bytes")) return {};
  const std::string_view spec = trimmed(field.substr(equals + 1));
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos || spec.find(',') != std::string_view::npos) return {};
  const std::string_view left = trimmed(spec.substr(0, dash)), right = trimmed(spec.substr(dash + 1));
  if (left.empty()) {
    const auto suffix = parse_position(right);
    if (!suffix) return {};
    if (*suffix == 0 || content_size == 0) return {RangeKind::unsatisfiable, 0, 0};
    const auto size = std::min(*suffix, content_size);
    return {RangeKind::part, content_size - size, size};
  }
  const auto first = parse_position(left);
  if (!first) return {};
  auto last = std::numeric_limits<std::uint64_t>::max();
  if (!right.empty()) {
    const auto given = parse_position(right);
    if (!given || *given < *first) return {};
    last = *given;
  }
  if (*first >= content_size) return {RangeKind::unsatisfiable, 0, 0};
  last = std::min(last, content_size - 1);
  return {RangeKind::part, *first, last - *first + 1};
}

bool if_range_holds(std::string_view field, std::string_view etag) {
  return !etag.empty() && !etag.starts_with("W/") && trimmed(field) == etag;
}

bool none_match_fails(std::string_view field, std::string_view etag) {
  field = trimmed(field);
  if (field == "*") return true;
  if (etag.empty()) return false;
  while (!field.empty()) {
    // Commas may stand inside a quoted tag.
    std::size_t end = 0;
    for (bool quoted = false; end < field.size() && (quoted || field[end] != ','); ++end) {
      if (field[end] == '"') quoted = !quoted;
    }
    if (opaque_tag(trimmed(field.substr(0, end))) == opaque_tag(etag)) return true;
    field.remove_prefix(std::min(end + 1, field.size()));
  }
  return false;
}

}  // namespace tidemark::http
