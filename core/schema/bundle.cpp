// The schema bundle of a domain: JSON Schema 2020-12 with every message, by name and version, in "$defs", and beside them what
// is needed to compare two of them: topics, messages, and the names of members that are gone ("x-dropped").

#include "core/event/json_writer.hpp"
#include "core/schema/documents.hpp"
#include "core/schema/json_text.hpp"
#include "core/schema/message_kind.hpp"
#include "core/schema/parsed_bundle.hpp"

namespace tidemark::schema {
namespace {

using event::JsonNode;

/// Enters into `definitions` those of the earlier bundle that `schema` refers to and that are gone.
void keep_definitions(JsonNode schema, JsonNode earlier, std::map<std::string, std::string, std::less<>>& definitions) {
  for (const JsonNode item : schema.items()) keep_definitions(item, earlier, definitions);
  for (const auto& [name, value] : schema.members()) {
    const auto reference = name == "$ref" ? value.as_string() : std::nullopt;
    if (!reference) {
      keep_definitions(value, earlier, definitions);
      continue;
    }
    const std::string_view target = reference->substr(reference->rfind('/') + 1);
    const JsonNode definition = earlier[target];
    if (definition && definitions.try_emplace(std::string(target), definition.raw()).second) {
      keep_definitions(definition, earlier, definitions);
    }
  }
}

/// Members of `was`, gone now or before, as a JSON object by name; empty when there are none.
std::string dropped_members(JsonNode was, JsonNode is, JsonNode earlier, std::map<std::string, std::string, std::less<>>& definitions) {
  std::map<std::string, std::string> dropped;
  for (const std::string_view list : {"properties", "x-dropped"}) {
    for (const auto& [name, schema] : was[list].members()) {
      if (is["properties"][name]) continue;
      std::string compact;
      copy_schema(schema, "#/$defs/", compact);
      dropped.try_emplace(std::string(name), std::move(compact));
      keep_definitions(schema, earlier, definitions);
    }
  }
  if (dropped.empty()) return {};
  std::string out;
  event::JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, schema] : dropped) json.key(name).raw(schema);
  json.end_object();
  return out;
}

void remember_dropped(JsonNode earlier, std::map<std::string, std::string, std::less<>>& definitions) {
  const auto present = definitions;
  for (const auto& [name, text] : present) {
    const auto document = event::JsonDocument::parse(text);
    TM_ASSERT(document.ok(), "a definition is JSON");
    const std::string dropped = dropped_members(earlier[name], document->root(), earlier, definitions);
    if (dropped.empty()) continue;
    std::string& definition = definitions[name];
    definition.pop_back();
    definition += ",\"x-dropped\":" + dropped + "}";
  }
}

void write_topics(event::JsonWriter& json, const DomainContract& domain) {
  json.key("x-topics").begin_array();
  for (const log::TopicSpec& topic : domain.topics) {
    json.begin_object().member("name", topic.name).member("class", log::name_of(topic.topic_class));
    if (topic.retention) json.member("retention_ms", topic.retention->count());
    json.end_object();
  }
  json.end_array();
}

void write_messages(event::JsonWriter& json, const DomainContract& domain) {
  json.key("x-messages").begin_array();
  for (const runtime::Message& message : domain.contract.messages) {
    json.begin_object().member("kind", name_of(message.kind)).member("name", message.name).member("version", message.version);
    json.member("current", message.current);
    if (!message.topic.empty()) json.member("topic", message.topic);
    if (message.ignorable) json.member("ignorable", true);
    json.key("schema").begin_object().member("$ref", "#/$defs/" + message.schema).end_object().end_object();
  }
  json.end_array();
}

}  // namespace

Result<std::string> make_bundle(const DomainContract& domain, std::string_view earlier) {
  auto definitions = domain.contract.definitions.schemas;
  if (!earlier.empty()) {
    auto checked = parse_bundle(earlier);
    if (!checked.ok()) return checked.take_error();
    const auto document = event::JsonDocument::parse(earlier);
    remember_dropped(document->root()["$defs"], definitions);
  }
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().member("$schema", kDialect).member("$id", "urn:tidemark:contract:" + domain.name);
  json.member("title", "The " + domain.name + " domain").member("x-domain", domain.name);
  write_topics(json, domain);
  write_messages(json, domain);
  json.key("$defs").begin_object();
  for (const auto& [name, schema] : definitions) json.key(name).raw(schema);
  json.end_object().end_object();
  return indented(out);
}

}  // namespace tidemark::schema
