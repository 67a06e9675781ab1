#include "core/schema/components.hpp"

#include "core/base/assert.hpp"
#include "core/event/json_writer.hpp"
#include "core/schema/json_text.hpp"

namespace tidemark::schema {
namespace {

std::string prefix_of(std::string_view domain) { return domain.empty() ? std::string() : std::string(domain) + '.'; }
std::string references_of(std::string_view domain) { return "#/components/schemas/" + prefix_of(domain); }

std::string rewritten(std::string_view schema, std::string_view domain) {
  const auto document = event::JsonDocument::parse(schema);
  TM_ASSERT(document.ok(), "a definition is JSON");
  std::string out;
  copy_schema(document->root(), references_of(domain), out);
  return out;
}

}  // namespace

void Components::put(std::string name, std::string schema) {
  const auto [entry, added] = schemas_.try_emplace(std::move(name), std::move(schema));
  TM_ASSERT(added || entry->second == schema, "two schemas of a document have the same name");
}

std::string Components::lift(std::string_view schema, std::string_view domain) {
  const auto document = event::JsonDocument::parse(schema);
  TM_ASSERT(document.ok(), "the schema of a route is JSON");
  for (const auto& [name, definition] : document->root()["$defs"].members()) {
    std::string copied;
    copy_schema(definition, references_of(domain), copied);
    put(prefix_of(domain) + std::string(name), std::move(copied));
  }
  std::string out;
  copy_schema(document->root(), references_of(domain), out);
  return out;
}

void Components::add(const event::SchemaDefinitions& definitions, std::string_view domain) {
  for (const auto& [name, schema] : definitions.schemas) put(prefix_of(domain) + name, rewritten(schema, domain));
}

std::string Components::reference(std::string_view name, std::string_view domain) {
  std::string out;
  event::JsonWriter(out).begin_object().member("$ref", references_of(domain) + std::string(name)).end_object();
  return out;
}

}  // namespace tidemark::schema
