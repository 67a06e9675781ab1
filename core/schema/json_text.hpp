#pragma once
// Text forms of JSON documents that people read and keep under version control.

#include <string>
#include <string_view>

#include "core/event/json_document.hpp"

namespace tidemark::schema {

/// `json` with two spaces per level and a line end at the end; short arrays of scalars stay on one line. The same text gives
/// the same bytes. Asserts that it is JSON.
std::string indented(std::string_view json);

/// Appends `node` with every "#/$defs/<name>" of a $ref become `references` + <name>, and without the "$defs" beside them.
void copy_schema(event::JsonNode node, std::string_view references, std::string& out);

}  // namespace tidemark::schema
