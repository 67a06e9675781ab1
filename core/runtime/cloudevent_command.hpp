#pragma once
// A command that a client wrote as a CloudEvent, over HTTP or into a commands topic.

#include <optional>
#include <vector>

#include "core/event/envelope.hpp"
#include "core/event/field_error.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

/// Who speaks on the platform's own ways in.
inline constexpr std::string_view kOperator = "operator";

/// A command from a CloudEvent: `type` names it, `source` and `id` name the intention (command_id_of_cloudevent), correlationid,
/// causationid, traceparent and tenant are carried on, partitionkey and time have no meaning for a command.
/// nullopt when the event is no command; errors says why.
std::optional<CommandRequest> command_of(event::Event event, std::vector<event::FieldError>& errors);

}  // namespace tidemark::runtime
