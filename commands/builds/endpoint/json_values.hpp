#pragma once
// What old clients mean by a JSON value: they are written in languages that tell numbers, texts and nothing less apart than we do.

#include <optional>
#include <string>

#include "core/event/json_document.hpp"

namespace tidemark::commands::builds::endpoint {

/// What JavaScript takes for false is missing to the old contract.
bool is_given(event::JsonNode node);

/// Text of a scalar: clients have sent numbers for names.
std::string text_of(event::JsonNode node);

/// A finite number, or a text that is one.
std::optional<double> number_of(event::JsonNode node);

/// That number as the client wrote it, when it took at most 32 characters to do so.
std::optional<std::string> number_text(event::JsonNode node);

/// The value without white space. Every text in it is UTF-8: what was cut inside a character has been mended.
std::string compact_json(event::JsonNode node);

}  // namespace tidemark::commands::builds::endpoint
