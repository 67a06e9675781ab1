#pragma once
// A schema bundle read back from its file.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/runtime/contract.hpp"
#include "core/schema/parsed_schema.hpp"

namespace tidemark::schema {

inline constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";

struct ParsedTopic {
  std::string name, topic_class;
  std::optional<std::int64_t> retention_ms;  ///< nullopt: for ever
};

struct ParsedMessage {
  runtime::Message::Kind kind = runtime::Message::Kind::event;
  std::string name;
  std::uint64_t version = 1;
  std::string topic;   ///< of an event
  std::string schema;  ///< name of its definition
};

struct ParsedBundle {
  std::string domain;
  std::vector<ParsedTopic> topics;
  std::vector<ParsedMessage> messages;
  SchemaTable definitions;
};

/// errors  corrupt: not JSON, or not a bundle as it is exported; the message begins with the place (JSON Pointer or byte offset)
Result<ParsedBundle> parse_bundle(std::string_view json);

}  // namespace tidemark::schema
