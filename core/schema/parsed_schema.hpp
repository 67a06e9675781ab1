#pragma once
// A JSON Schema as the comparison sees it. Reading one is strict: a keyword or form that this program does not write is an
// error with its place, because what is not understood cannot be compared.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/event/json_document.hpp"

namespace tidemark::schema {

struct Property;

struct ParsedSchema {
  enum Type : unsigned { null = 1, boolean = 2, integer = 4, number = 8, string = 16, array = 32, object = 64, any = 127 };
  unsigned types = any;
  std::string ref;                              ///< name of a definition; nothing else is set then
  std::optional<long double> minimum, maximum;  ///< wide enough for every 64-bit integer
  std::optional<std::uint64_t> min_bytes, max_bytes;  ///< x-bytes, else minLength and maxLength
  std::optional<std::uint64_t> min_items, max_items;
  std::string format, pattern;
  std::vector<std::string> values;              ///< enum and const, as JSON texts; none: any
  std::vector<Property> properties, dropped;
  bool closed = false;                          ///< additionalProperties: false
  std::shared_ptr<ParsedSchema> items, others;  ///< of an array; additionalProperties of a map
  std::vector<ParsedSchema> alternatives;       ///< oneOf, anyOf
};

struct Property {
  std::string name;
  ParsedSchema schema;
  bool required = false;
};

const Property* find(const std::vector<Property>& properties, std::string_view name);

using SchemaTable = std::map<std::string, ParsedSchema, std::less<>>;

/// Reads a schema at `place` (a JSON Pointer, for errors). References begin with `references` ("#/$defs/").
///   errors  corrupt: "<place> ..."
Result<ParsedSchema> parse_schema(event::JsonNode node, std::string_view references, const std::string& place);
/// Reads an object of named schemas, and sees that every reference in them has its target.
Result<SchemaTable> parse_schemas(event::JsonNode node, std::string_view references, const std::string& place);
/// The first reference in `schema` that `table` does not have; "" when there is none.
std::string missing_reference(const ParsedSchema& schema, const SchemaTable& table);

}  // namespace tidemark::schema
