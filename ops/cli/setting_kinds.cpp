#include "ops/cli/setting_kinds.hpp"

#include <algorithm>
#include <charconv>

namespace tidemark::cli {

Kind text(std::string expected, std::size_t size_max) {
  return {Kind::Toml::text, std::move(expected), [size_max](std::string_view value) { return !value.empty() && value.size() <= size_max; }};
}

Kind integer(std::int64_t least, std::int64_t most) {
  return {Kind::Toml::number, "an integer from " + std::to_string(least) + " to " + std::to_string(most),
          [least, most](std::string_view value) {
            std::int64_t number = 0;
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
            return error == std::errc() && end == value.data() + value.size() && number >= least && number <= most;
          }};
}

Kind duration(std::string_view least_text, std::string_view most_text) {
  const Duration least = *parse_duration(least_text), most = *parse_duration(most_text);
  return {Kind::Toml::text,
          "a duration from " + std::string(least_text) + " to " + std::string(most_text) + ", such as 500ms, 30s, 5m, 24h or 7d",
          [least, most](std::string_view value) {
            const auto parsed = parse_duration(value);
            return parsed && *parsed >= least && *parsed <= most;
          }};
}

Kind boolean() {
  return {Kind::Toml::boolean, "true or false", [](std::string_view value) { return value == "true" || value == "false"; }};
}

Kind api_key() {
  return {Kind::Toml::text, "at least 16 visible ASCII characters", [](std::string_view value) {
            return value.size() >= 16 && value.size() <= 4096 &&
                   std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
          }};
}

Setting make_setting(std::string key, Kind kind, std::string fallback, std::string help, bool secret) {
  Setting made{std::move(key), std::move(kind), std::move(fallback), std::move(help), secret, "--", "TIDEMARK_"};
  for (const char c : made.key) {
    made.flag += c == '.' || c == '_' ? '-' : c;
    made.environment += c == '.' ? '_' : c >= 'a' && c <= 'z' ? char(c - 32) : c;
  }
  return made;
}

}  // namespace tidemark::cli
