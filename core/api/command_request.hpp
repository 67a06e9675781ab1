#pragma once
// Commands as clients write them: plain JSON at a path that names the command, or CloudEvents in binary and structured mode.

#include <optional>
#include <string>
#include <string_view>

#include "core/http/http.hpp"
#include "core/runtime/cloudevent_command.hpp"

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

/// What the headers of a plain command add: Idempotency-Key and traceparent. The refusal when they cannot be used.
std::optional<http::Response> read_plain_headers(const http::Request& request, std::string_view route, runtime::CommandRequest& command);

}  // namespace tidemark::api
