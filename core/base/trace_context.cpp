#include "core/base/trace_context.hpp"

#include <algorithm>

namespace tidemark {
namespace {

constexpr std::size_t kVersion00Size = 55;  // 2 + 32 + 16 + 2 digits and three dashes

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
bool is_id(std::string_view text) { return is_hex(text) && text.find_first_not_of('0') != text.npos; }

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

std::string hex(std::uint64_t value) {
  std::string text(16, '0');
  for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4) *at = "0123456789abcdef"[value & 15];
  return text;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  if (text.size() < kVersion00Size || text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = text.substr(0, 2), trace_id = text.substr(3, 32), parent_id = text.substr(36, 16), flags = text.substr(53, 2);
  if (!is_hex(version) || version == "ff" || !is_id(trace_id) || !is_id(parent_id) || !is_hex(flags)) return std::nullopt;
  if (text.size() > kVersion00Size && (version == "00" || text[kVersion00Size] != '-')) return std::nullopt;
  return TraceContext{std::string(trace_id), std::string(parent_id), (digit(flags[1]) & 1) != 0};
}

std::string to_traceparent(const TraceContext& context) {
  return "00-" + context.trace_id + '-' + context.parent_id + (context.sampled ? "-01" : "-00");
}

TraceContext next_step(const std::optional<TraceContext>& parent, std::uint64_t random_parent_id, std::uint64_t random_high,
                       std::uint64_t random_low) {
  // An id of zeros is none.
  const std::string own = hex(random_parent_id | (random_parent_id == 0));
  if (parent) return {parent->trace_id, own, parent->sampled};
  return {hex(random_high) + hex(random_low | (random_low == 0)), own, false};
}

}  // namespace tidemark
