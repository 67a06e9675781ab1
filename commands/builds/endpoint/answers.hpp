#pragma once
// What the old controller's clients read: compact JSON, error bodies {"error":"<text>"}, reason codes in X-Reason-Code.

#include <string>
#include <string_view>

#include "core/http/http.hpp"

namespace tidemark::commands::builds::endpoint {

/// A 2xx answer.
http::Response answer(int status, std::string json);

/// An error answer: `text` is what the client reads, `reason` the machine code of the header (none when empty).
http::Response error_answer(int status, std::string_view text, std::string_view reason = {});

/// 503 of a route whose 500 text is `text`: the ledger cannot be reached now.
http::Response ledger_unavailable(std::string_view text);

/// The surface's own error bodies.
http::Response fault_answer(http::Fault fault, std::string_view detail, std::string_view allow);

/// Text for what has no route text of its own.
inline constexpr std::string_view kInternalText = "Internal server error";

}  // namespace tidemark::commands::builds::endpoint
