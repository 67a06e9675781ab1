#include "core/schema/json_text.hpp"

#include <algorithm>

#include "core/event/json_writer.hpp"

namespace tidemark::schema {
namespace {

using event::JsonNode;

constexpr std::string_view kDefinitions = "#/$defs/";
constexpr std::size_t kLineBytesMax = 110;

bool is_container(JsonNode node) { return node.is_object() || node.is_array(); }

bool fits_one_line(JsonNode node) {
  if (!node.is_array()) return node.size() == 0;
  std::size_t bytes = 2;
  for (const JsonNode item : node.items()) {
    if (is_container(item)) return false;
    bytes += item.raw().size() + 2;
  }
  return bytes <= kLineBytesMax;
}

void indent(JsonNode node, std::size_t depth, std::string& out) {
  if (!is_container(node)) {
    out += node.raw();
    return;
  }
  const bool is_object = node.is_object();
  const bool one_line = fits_one_line(node);
  const auto separate = [&](bool first, std::size_t level) {
    if (!first) out += ',';
    if (one_line) out += first ? "" : " ";
    else out.append(1, '\n').append(2 * level, ' ');
  };
  out += is_object ? '{' : '[';
  bool first = true;
  for (const auto& [name, value] : node.members()) {
    separate(first, depth + 1);
    event::write_json_string(out, name);
    out += ": ";
    indent(value, depth + 1, out);
    first = false;
  }
  for (const JsonNode item : node.items()) {
    separate(first, depth + 1);
    indent(item, depth + 1, out);
    first = false;
  }
  if (!one_line) out.append(1, '\n').append(2 * depth, ' ');
  out += is_object ? '}' : ']';
}

}  // namespace

std::string indented(std::string_view json) {
  const auto document = event::JsonDocument::parse(json);
  TM_ASSERT(document.ok(), "what is indented is JSON");
  std::string out;
  indent(document->root(), 0, out);
  out += '\n';
  return out;
}

void copy_schema(JsonNode node, std::string_view references, std::string& out) {
  if (!is_container(node)) {
    out += node.raw();
    return;
  }
  event::JsonWriter json(out);
  if (node.is_array()) {
    json.begin_array();
    for (const JsonNode item : node.items()) {
      std::string value;
      copy_schema(item, references, value);
      json.raw(value);
    }
    json.end_array();
    return;
  }
  json.begin_object();
  for (const auto& [name, value] : node.members()) {
    if (name == "$defs") continue;
    json.key(name);
    const auto reference = name == "$ref" ? value.as_string() : std::nullopt;
    if (reference && reference->starts_with(kDefinitions)) {
      json.value(std::string(references) + std::string(reference->substr(kDefinitions.size())));
      continue;
    }
    std::string copied;
    copy_schema(value, references, copied);
    json.raw(copied);
  }
  json.end_object();
}

}  // namespace tidemark::schema
