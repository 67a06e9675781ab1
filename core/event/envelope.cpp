#include "core/event/envelope.hpp"

#include <charconv>

namespace tidemark::event {

namespace {
constexpr std::string_view kPrefix = "tidemark.";
}

std::optional<TypeName> parse_type(std::string_view type) {
  if (!type.starts_with(kPrefix)) return std::nullopt;
  type.remove_prefix(kPrefix.size());
  const std::size_t dot = type.find('.');
  const std::size_t suffix = type.rfind(".v");
  if (dot == std::string_view::npos || suffix == std::string_view::npos || dot == 0 || suffix <= dot + 1) return std::nullopt;
  TypeName out;
  out.domain = type.substr(0, dot);
  out.name = type.substr(dot + 1, suffix - dot - 1);
  const std::string_view digits = type.substr(suffix + 2);
  // One spelling for each version, so that types can be compared as text.
  if (digits.empty() || digits[0] < '1' || digits[0] > '9' || out.name.find('.') != std::string_view::npos) return std::nullopt;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out.version);
  if (code != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

std::string make_type(std::string_view domain, std::string_view name, int version) {
  std::string out;
  out.reserve(kPrefix.size() + domain.size() + name.size() + 6);
  out.append(kPrefix).append(domain).append(".").append(name).append(".v").append(std::to_string(version));
  return out;
}

}  // namespace tidemark::event
