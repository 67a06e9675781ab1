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

void append_hex(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
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
  std::string text;
  text.reserve(kVersion00Size);
  text += "00-";
  text += context.trace_id;
  text += '-';
  text += context.parent_id;
  text += context.sampled ? "-01" : "-00";
  return text;
}

TraceContext next_step(const std::optional<TraceContext>& parent, std::uint64_t random_parent_id, std::uint64_t random_high,
                       std::uint64_t random_low) {
  TraceContext step;
  // An id of zeros is none.
  append_hex(step.parent_id, random_parent_id | (random_parent_id == 0));
  if (parent) {
    step.trace_id = parent->trace_id;
    step.sampled = parent->sampled;
    return step;
  }
  step.trace_id.reserve(32);
  append_hex(step.trace_id, random_high);
  append_hex(step.trace_id, random_low | (random_low == 0));
  return step;
}

}  // namespace tidemark
