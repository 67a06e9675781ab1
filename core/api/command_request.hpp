#pragma once
// Commands as clients write them: plain JSON at a path that names the command, or CloudEvents in binary and structured mode.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event/envelope.hpp"
#include "core/event/field_error.hpp"
#include "core/http/http.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

inline constexpr std::size_t kCommandBytesMax = 4u << 20;
inline constexpr std::size_t kBatchBytesMax = 16u << 20;
inline constexpr std::size_t kBatchItemsMax = 1000;

enum class CommandForm { plain, binary, structured, batch, ndjson, unsupported };
/// By Content-Type and the ce-* headers.
CommandForm form_of(const http::Request& request);

/// The body, or the refusal to send.
Task<Result<std::string>> read_command_body(http::Request& request, std::size_t bytes_max);
http::Response body_refusal(const Error& error);

/// A command from a CloudEvent: `type` names it, `source` and `id` name the intention (runtime::command_id_of_cloudevent),
/// correlationid, causationid, traceparent and tenant are carried on, partitionkey and time have no meaning for a command.
/// nullopt when the event is no command; errors says why.
std::optional<runtime::CommandRequest> command_of(event::Event event, std::vector<event::FieldError>& errors);

/// What the headers of a plain command add: Idempotency-Key and traceparent. The refusal when they cannot be used.
std::optional<http::Response> read_plain_headers(const http::Request& request, std::string_view route, runtime::CommandRequest& command);

}  // namespace tidemark::api
