#include "core/event/json_schema.hpp"

#include "core/base/assert.hpp"
#include "core/event/json_writer.hpp"

namespace tidemark::event {

std::string with_definitions(std::string schema, const SchemaDefinitions& definitions) {
  if (definitions.schemas.empty()) return schema;
  schema.pop_back();
  JsonWriter json(schema);
  schema.append(schema.size() > 1 ? ",\"$defs\":" : "\"$defs\":");
  json.begin_object();
  for (const auto& [name, definition] : definitions.schemas) json.key(name).raw(definition);
  json.end_object();
  schema.push_back('}');
  return schema;
}

namespace json_detail {

std::string schema_of_signed(std::int64_t min, std::int64_t max) {
  std::string out;
  JsonWriter(out).begin_object().member("type", "integer").member("minimum", min).member("maximum", max).end_object();
  return out;
}

std::string schema_of_unsigned(std::uint64_t min, std::uint64_t max) {
  std::string out;
  JsonWriter(out).begin_object().member("type", "integer").member("minimum", min).member("maximum", max).end_object();
  return out;
}

bool enter(SchemaDefinitions& definitions, const std::string& name, const void* type) {
  const auto [entry, added] = definitions.types.try_emplace(name, type);
  TM_ASSERT(entry->second == type, "two contract types have the same name: give one a kSchemaName");
  if (added) definitions.schemas.try_emplace(name);
  return added;
}

std::string schema_of_text(std::size_t min, std::size_t max) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("type", "string");
  if (min > 0) json.member("minLength", (min + 3) / 4);  // a character has at most four bytes
  json.member("maxLength", max).key("x-bytes").begin_object().member("min", min).member("max", max).end_object().end_object();
  return out;
}

std::string schema_of_enum(const std::string_view* names, std::size_t count) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("type", "string").key("enum").begin_array();
  for (std::size_t i = 0; i < count; ++i) json.value(names[i]);
  json.end_array().end_object();
  return out;
}

std::string schema_of_struct(std::string_view description, const std::vector<PropertySchema>& properties, Openness openness) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("type", "object");
  if (!description.empty()) json.member("description", description);
  json.key("properties").begin_object();
  bool any_required = false;
  for (const PropertySchema& property : properties) {
    json.key(property.name).raw(property.schema);
    any_required = any_required || property.required;
  }
  json.end_object();
  if (any_required) {
    json.key("required").begin_array();
    for (const PropertySchema& property : properties) {
      if (property.required) json.value(property.name);
    }
    json.end_array();
  }
  if (openness == Openness::closed) json.member("additionalProperties", false);
  json.end_object();
  return out;
}

std::string schema_of_personal(std::string_view inner) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("type", "object").member("x-personal", true).key("oneOf").begin_array();
  json.begin_object().key("properties").begin_object().key("plain").raw(inner).end_object();
  json.key("required").raw(R"(["plain"])").end_object();
  json.raw(R"({"properties":{"tmkey":{"type":"string"},"cipher":{"type":"string","contentEncoding":"base64url"}},"required":["tmkey","cipher"]})");
  json.raw(R"({"properties":{"erased":{"const":true}},"required":["erased"]})");
  json.end_array().end_object();
  return out;
}

std::string schema_of_secret(std::string_view inner) {
  std::string out(inner);
  out.pop_back();
  out.append(out.size() > 1 ? R"(,"writeOnly":true})" : R"("writeOnly":true})");
  return out;
}

std::string schema_of_claimed() {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("type", "object").member("x-claimed", true).key("oneOf").begin_array();
  json.begin_object().key("properties").begin_object().key("inline").raw(schema_of_text(0, kClaimedInlineMax)).end_object();
  json.key("required").raw(R"(["inline"])").end_object();
  json.begin_object().key("properties").begin_object();
  json.key("sha256").raw(R"({"type":"string","pattern":"^[0-9a-f]{64}$"})");
  json.key("size").raw(schema_of_unsigned(0, std::uint64_t{1} << 53)).end_object();
  json.key("required").raw(R"(["sha256","size"])").end_object();
  json.end_array().end_object();
  return out;
}

std::string reference_to(std::string_view name) {
  std::string pointer = "#/$defs/", out;
  pointer.append(name);
  JsonWriter(out).begin_object().member("$ref", pointer).end_object();
  return out;
}

std::string bare_type_name(std::string_view pretty) {
  // "... schema_name() [with T = a::b::Name; std::string = ...]" by GCC, "... [T = a::b::Name]" by clang.
  const auto begin = pretty.find("T = ") + 4;
  std::string_view name = pretty.substr(begin, pretty.find_first_of(";]", begin) - begin);
  if (const auto colons = name.rfind("::"); colons != std::string_view::npos) name.remove_prefix(colons + 2);
  return std::string(name);
}

}  // namespace json_detail
}  // namespace tidemark::event
