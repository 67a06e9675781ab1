#pragma once
// Definitions of many schemas gathered in one place of one document, "#/components/schemas/".

#include <map>
#include <string>
#include <string_view>

#include "core/event/json_schema.hpp"

namespace tidemark::schema {

class Components {
 public:
  /// `schema` with its references into here; what it defines is gathered under "<domain>.<name>" (or <name>, without a domain).
  /// Asserts that it is JSON, and that a name means one thing.
  std::string lift(std::string_view schema, std::string_view domain);
  /// Gathers a contract's definitions.
  void add(const event::SchemaDefinitions& definitions, std::string_view domain);
  /// {"$ref": "#/components/schemas/..."}
  static std::string reference(std::string_view name, std::string_view domain);

  const std::map<std::string, std::string>& schemas() const { return schemas_; }

 private:
  void put(std::string name, std::string schema);
  std::map<std::string, std::string> schemas_;
};

}  // namespace tidemark::schema
