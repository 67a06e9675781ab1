#pragma once
// What a domain promises to those who write commands to it and read its events: every message in every version that is read,
// with its JSON Schema. Derived from the contract types by contract_of() in typed_domain.hpp.

#include <string>
#include <vector>

#include "core/event/json_schema.hpp"

namespace tidemark::runtime {

struct Message {
  enum class Kind { command, event, reply, settings };
  Kind kind = Kind::event;
  std::string name;          ///< "SubmitBuild"
  int version = 1;           ///< replies and settings have no other
  bool current = true;       ///< false: written by older builds, read through an upcaster
  std::string topic;         ///< of an event: where it is recorded
  bool ignorable = false;    ///< of an event: an owner that does not know it goes on
  std::string description;
  std::string schema;        ///< name of its definition
};

struct Contract {
  std::vector<Message> messages;   ///< in the order of the domain's variants; of one name the current version first
  event::SchemaDefinitions definitions;
};

}  // namespace tidemark::runtime
