#include "core/schema/parsed_schema.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace tidemark::schema {
namespace {

using event::JsonKind;
using event::JsonNode;

struct TypeName {
  std::string_view name;
  unsigned bits;
};
constexpr std::array kTypes{TypeName{"null", ParsedSchema::null},     TypeName{"boolean", ParsedSchema::boolean},
                            TypeName{"integer", ParsedSchema::integer}, TypeName{"number", ParsedSchema::number | ParsedSchema::integer},
                            TypeName{"string", ParsedSchema::string}, TypeName{"array", ParsedSchema::array},
                            TypeName{"object", ParsedSchema::object}};

/// What people read and nothing depends on.
constexpr std::array<std::string_view, 10> kNotes{"description", "title", "writeOnly", "readOnly", "examples", "example", "default",
                                                  "deprecated", "contentEncoding", "x-personal"};
constexpr std::string_view kClaimedNote = "x-claimed";

class Reader {
 public:
  explicit Reader(std::string_view references) : references_(references) {}

  bool read(JsonNode node, const std::string& place, ParsedSchema& out) {
    if (node.kind() == JsonKind::boolean) return node.as_bool() == true || fail(place, "must not be false");
    if (!node.is_object()) return fail(place, "must be a schema: an object or true");
    std::vector<std::string> required;
    std::optional<std::uint64_t> min_length, max_length;
    std::vector<std::string_view> seen;
    for (const auto& [name, value] : node.members()) {
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) return fail(place + "/" + std::string(name), "is there twice");
      seen.push_back(name);
      if (!keyword(name, value, place + "/" + std::string(name), required, min_length, max_length, out)) return false;
    }
    if (!out.min_bytes) out.min_bytes = min_length;
    if (!out.max_bytes) out.max_bytes = max_length;
    for (const std::string& name : required) {
      const auto at = std::find_if(out.properties.begin(), out.properties.end(), [&](const Property& p) { return p.name == name; });
      if (at == out.properties.end()) out.properties.push_back({name, {}, true});
      else at->required = true;
    }
    return true;
  }

  Error error() const { return Error{Code::corrupt, what_}; }

 private:
  bool fail(const std::string& place, std::string_view what) {
    what_ = (place.empty() ? std::string("the document") : place) + " " + std::string(what);
    return false;
  }

  bool keyword(std::string_view name, JsonNode value, const std::string& place, std::vector<std::string>& required,
               std::optional<std::uint64_t>& min_length, std::optional<std::uint64_t>& max_length, ParsedSchema& out) {
    if (name == "$ref") return reference(value, place, out);
    if (name == "type") return types(value, place, out);
    if (name == "minimum") return limit(value, place, out.minimum);
    if (name == "maximum") return limit(value, place, out.maximum);
    if (name == "minLength") return count(value, place, min_length);
    if (name == "maxLength") return count(value, place, max_length);
    if (name == "minItems") return count(value, place, out.min_items);
    if (name == "maxItems") return count(value, place, out.max_items);
    if (name == "x-bytes") {
      if (!value.is_object()) return fail(place, "must be an object");
      return count(value["min"], place + "/min", out.min_bytes) && count(value["max"], place + "/max", out.max_bytes);
    }
    if (name == "format") return text(value, place, out.format);
    if (name == "pattern") return text(value, place, out.pattern);
    if (name == "enum") {
      if (!value.is_array() || value.size() == 0) return fail(place, "must be an array of values");
      for (const JsonNode item : value.items()) out.values.emplace_back(item.raw());
      return true;
    }
    if (name == "const") {
      out.values.assign(1, std::string(value.raw()));
      return true;
    }
    if (name == "properties") return properties(value, place, out.properties);
    if (name == "x-dropped") return properties(value, place, out.dropped);
    if (name == "required") return names(value, place, required);
    if (name == "additionalProperties") {
      if (value.kind() == JsonKind::boolean) {
        out.closed = !value.as_bool().value_or(true);
        return true;
      }
      return nested(value, place, out.others);
    }
    if (name == "items") return nested(value, place, out.items);
    if (name == "oneOf" || name == "anyOf") {
      if (!value.is_array() || value.size() == 0) return fail(place, "must be an array of schemas");
      std::size_t index = 0;
      for (const JsonNode item : value.items()) {
        if (!read(item, place + "/" + std::to_string(index++), out.alternatives.emplace_back())) return false;
      }
      return true;
    }
    if (name == "$defs" || name == kClaimedNote || std::find(kNotes.begin(), kNotes.end(), name) != kNotes.end()) return true;
    return fail(place, "is a keyword that no exported schema has");
  }

  bool reference(JsonNode value, const std::string& place, ParsedSchema& out) {
    const auto target = value.as_string();
    if (!target || !target->starts_with(references_) || target->size() == references_.size()) {
      return fail(place, "must be a reference to " + std::string(references_) + "<name>");
    }
    out.ref = target->substr(references_.size());
    return true;
  }

  bool types(JsonNode value, const std::string& place, ParsedSchema& out) {
    out.types = 0;
    const auto one = [&](JsonNode name) {
      const auto wanted = name.as_string();
      const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) { return wanted && t.name == *wanted; });
      if (type == kTypes.end()) return fail(place, "must be a type of JSON Schema");
      out.types |= type->bits;
      return true;
    };
    if (!value.is_array()) return one(value);
    for (const JsonNode name : value.items()) {
      if (!one(name)) return false;
    }
    return out.types != 0 || fail(place, "must name a type");
  }

  bool limit(JsonNode value, const std::string& place, std::optional<long double>& out) {
    if (value.kind() != JsonKind::integer && value.kind() != JsonKind::number) return fail(place, "must be a number");
    out = std::strtold(std::string(value.raw()).c_str(), nullptr);
    return true;
  }

  bool count(JsonNode value, const std::string& place, std::optional<std::uint64_t>& out) {
    out = value.as_uint64();
    return out.has_value() || fail(place, "must be an integer from 0");
  }

  bool text(JsonNode value, const std::string& place, std::string& out) {
    const auto given = value.as_string();
    if (!given) return fail(place, "must be a string");
    out = *given;
    return true;
  }

  bool names(JsonNode value, const std::string& place, std::vector<std::string>& out) {
    if (!value.is_array()) return fail(place, "must be an array of names");
    for (const JsonNode item : value.items()) {
      const auto name = item.as_string();
      if (!name) return fail(place, "must be an array of names");
      out.emplace_back(*name);
    }
    return true;
  }

  bool properties(JsonNode value, const std::string& place, std::vector<Property>& out) {
    if (!value.is_object()) return fail(place, "must be an object of schemas");
    for (const auto& [name, schema] : value.members()) {
      const std::string here = place + "/" + std::string(name);
      if (find(out, name) != nullptr) return fail(here, "is there twice");
      Property& property = out.emplace_back();
      property.name = name;
      if (!read(schema, here, property.schema)) return false;
    }
    return true;
  }

  bool nested(JsonNode value, const std::string& place, std::shared_ptr<ParsedSchema>& out) {
    out = std::make_shared<ParsedSchema>();
    return read(value, place, *out);
  }

  std::string_view references_;
  std::string what_;
};

}  // namespace

const Property* find(const std::vector<Property>& properties, std::string_view name) {
  for (const Property& property : properties) {
    if (property.name == name) return &property;
  }
  return nullptr;
}

Result<ParsedSchema> parse_schema(JsonNode node, std::string_view references, const std::string& place) {
  ParsedSchema out;
  Reader reader(references);
  if (!reader.read(node, place, out)) return reader.error();
  return out;
}

Result<SchemaTable> parse_schemas(JsonNode node, std::string_view references, const std::string& place) {
  if (!node.is_object()) return make_error(Code::corrupt, place + " must be an object of schemas");
  SchemaTable table;
  for (const auto& [name, value] : node.members()) {
    const std::string here = place + "/" + std::string(name);
    auto schema = parse_schema(value, references, here);
    if (!schema.ok()) return schema.take_error();
    if (!table.try_emplace(std::string(name), std::move(*schema)).second) return make_error(Code::corrupt, here + " is there twice");
  }
  for (const auto& [name, schema] : table) {
    const std::string missing = missing_reference(schema, table);
    if (!missing.empty()) return make_error(Code::corrupt, place + "/" + name + " refers to " + missing + ", which is not there");
  }
  return table;
}

std::string missing_reference(const ParsedSchema& schema, const SchemaTable& table) {
  if (!schema.ref.empty()) return table.contains(schema.ref) ? std::string() : schema.ref;
  std::string missing;
  const auto look = [&](const ParsedSchema& inner) {
    if (missing.empty()) missing = missing_reference(inner, table);
  };
  for (const Property& property : schema.properties) look(property.schema);
  for (const Property& property : schema.dropped) look(property.schema);
  for (const ParsedSchema& alternative : schema.alternatives) look(alternative);
  if (schema.items) look(*schema.items);
  if (schema.others) look(*schema.others);
  return missing;
}

}  // namespace tidemark::schema
