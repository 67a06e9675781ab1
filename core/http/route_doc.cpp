#include "core/http/route_doc.hpp"

#include "core/base/assert.hpp"

namespace tidemark::http {

SchemaText member_schema(std::string_view words) {
  if (words.starts_with('{')) return std::string(words);
  constexpr std::string_view kOrNull = "|null";
  const bool nullable = words.ends_with(kOrNull);
  if (nullable) words.remove_suffix(kOrNull.size());
  if (words == "any") return "{}";
  const bool is_uint = words == "uint", is_time = words == "date-time";
  const std::string type = is_uint ? "integer" : is_time ? "string" : std::string(words);
  TM_ASSERT(type == "string" || type == "integer" || type == "number" || type == "boolean" || type == "object", "a type of member_schema()");
  std::string out = nullable ? R"({"type":[")" + type + R"(","null"])" : R"({"type":")" + type + '"';
  if (is_uint) out += R"(,"minimum":0)";
  if (is_time) out += R"(,"format":"date-time")";
  return out + '}';
}

SchemaText object_schema(const std::vector<MemberDoc>& members) {
  std::string properties, required;
  for (const MemberDoc& member : members) {
    std::string_view name = member.name;
    const bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    const std::string quoted = '"' + std::string(name) + '"';
    properties += (properties.empty() ? "" : ",") + quoted + ':' + member_schema(member.words);
    if (!optional) required += (required.empty() ? "" : ",") + quoted;
  }
  return R"({"type":"object","properties":{)" + properties + '}' + (required.empty() ? "" : R"(,"required":[)" + required + ']') + '}';
}

SchemaText array_schema(std::string_view item_schema) { return R"({"type":"array","items":)" + std::string(item_schema) + '}'; }

}  // namespace tidemark::http
