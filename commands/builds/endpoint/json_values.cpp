#include "commands/builds/endpoint/json_values.hpp"

#include <charconv>
#include <cmath>

#include "core/event/json_writer.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

constexpr std::size_t kNumberTextBytesMax = 32;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

void write_compact(event::JsonNode node, event::JsonWriter& json) {
  if (node.is_object()) {
    json.begin_object();
    for (const auto& [name, value] : node.members()) {
      json.key(name);
      write_compact(value, json);
    }
    json.end_object();
  } else if (node.is_array()) {
    json.begin_array();
    for (const event::JsonNode item : node.items()) write_compact(item, json);
    json.end_array();
  } else if (const auto text = node.as_string()) {
    json.value(*text);
  } else {
    json.raw(node.raw());
  }
}

}  // namespace

bool is_given(event::JsonNode node) {
  switch (node.kind()) {
    case event::JsonKind::missing:
    case event::JsonKind::null: return false;
    case event::JsonKind::boolean: return node.as_bool().value_or(false);
    case event::JsonKind::string: return !node.as_string().value_or("").empty();
    case event::JsonKind::integer:
    case event::JsonKind::number: return node.as_double().value_or(0) != 0;
    default: return true;
  }
}

std::string text_of(event::JsonNode node) {
  if (const auto text = node.as_string()) return std::string(*text);
  return std::string(node.raw());
}

std::optional<double> number_of(event::JsonNode node) {
  if (const auto text = node.as_string()) return parse_number(trimmed(*text));
  return node.as_double();
}

std::optional<std::string> number_text(event::JsonNode node) {
  if (!number_of(node)) return std::nullopt;
  const auto text = node.as_string();
  std::string written(text ? trimmed(*text) : node.raw());
  if (written.size() > kNumberTextBytesMax) return std::nullopt;
  return written;
}

std::string compact_json(event::JsonNode node) {
  std::string out;
  event::JsonWriter json(out);
  if (node) write_compact(node, json);
  return out;
}

}  // namespace tidemark::commands::builds::endpoint
