#include "core/schema/parsed_bundle.hpp"

#include <algorithm>

#include "core/schema/message_kind.hpp"

namespace tidemark::schema {
namespace {

using event::JsonNode;

constexpr std::string_view kReferences = "#/$defs/";

Error bad(const std::string& place, std::string_view what) { return Error{Code::corrupt, place + " " + std::string(what)}; }

Result<void> read_topics(JsonNode list, ParsedBundle& out) {
  if (!list.is_array()) return bad("/x-topics", "must be an array");
  for (const JsonNode node : list.items()) {
    const std::string place = "/x-topics/" + std::to_string(out.topics.size());
    const auto name = node["name"].as_string(), topic_class = node["class"].as_string();
    if (!name || !topic_class) return bad(place, "must have name and class");
    ParsedTopic topic{std::string(*name), std::string(*topic_class), node["retention_ms"].as_int64()};
    if (node["retention_ms"] && !topic.retention_ms) return bad(place + "/retention_ms", "must be an integer");
    out.topics.push_back(std::move(topic));
  }
  return {};
}

Result<void> read_messages(JsonNode list, ParsedBundle& out) {
  if (!list.is_array()) return bad("/x-messages", "must be an array");
  for (const JsonNode node : list.items()) {
    const std::string place = "/x-messages/" + std::to_string(out.messages.size());
    const auto kind = parse_kind(node["kind"].as_string().value_or(""));
    const auto name = node["name"].as_string(), schema = node["schema"]["$ref"].as_string();
    const auto version = node["version"].as_uint64();
    if (!kind) return bad(place + "/kind", "must be command, event, reply or settings");
    if (!name || !version) return bad(place, "must have name and version");
    if (!schema || !schema->starts_with(kReferences) || !out.definitions.contains(schema->substr(kReferences.size()))) {
      return bad(place + "/schema", "must refer to a definition that is there");
    }
    const auto topic = node["topic"].as_string();
    if (*kind == runtime::Message::Kind::event && !topic) return bad(place + "/topic", "must name the event's topic");
    out.messages.push_back({*kind, std::string(*name), *version, std::string(topic.value_or("")), std::string(schema->substr(kReferences.size()))});
  }
  return {};
}

}  // namespace

Result<ParsedBundle> parse_bundle(std::string_view json) {
  const auto document = event::JsonDocument::parse(json);
  if (!document.ok()) return make_error(Code::corrupt, document.error().message);
  const JsonNode root = document->root();
  ParsedBundle out;
  if (root["$schema"].as_string() != kDialect) return bad("/$schema", "must be " + std::string(kDialect));
  const auto domain = root["x-domain"].as_string();
  if (!domain || domain->empty()) return bad("/x-domain", "must name the domain");
  out.domain = *domain;
  auto definitions = parse_schemas(root["$defs"], kReferences, "/$defs");
  if (!definitions.ok()) return definitions.take_error();
  out.definitions = std::move(*definitions);
  if (auto read = read_topics(root["x-topics"], out); !read.ok()) return read.take_error();
  if (auto read = read_messages(root["x-messages"], out); !read.ok()) return read.take_error();
  return out;
}

}  // namespace tidemark::schema
