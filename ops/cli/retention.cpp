#include "ops/cli/retention.hpp"

#include <charconv>

namespace tidemark::cli {

std::optional<RetentionEntry> parse_retention(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || text.substr(0, equals).find('.') == text.npos) return std::nullopt;
  RetentionEntry entry;
  entry.topic = text.substr(0, equals);
  text.remove_prefix(equals + 1);
  if (const auto slash = text.find('/'); slash != text.npos) {
    const auto digits = text.substr(slash + 1);
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bytes);
    if (error != std::errc() || end != digits.data() + digits.size() || bytes == 0) return std::nullopt;
    entry.bytes = bytes;
    text = text.substr(0, slash);
  }
  if (text == "forever") return entry;
  entry.age = parse_duration(text);
  if (!entry.age || entry.age->count() == 0) return std::nullopt;
  return entry;
}

}  // namespace tidemark::cli
