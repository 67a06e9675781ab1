#pragma once
// How a domain's surface says that nothing can be recorded or asked now.

#include <algorithm>

#include "core/http/http.hpp"

namespace tidemark::cli {

/// For clients that read no body: the platform's code of what cannot be recorded or asked now.
inline constexpr const char* kNotReadyReason = "LEDGER_UNAVAILABLE";

/// `response`, what the surface says when it is overloaded, with the reason and the time to ask again in fields of its own.
inline http::Response not_ready(http::Response response) {
  std::erase_if(response.headers, [](const auto& field) { return field.first == "Retry-After"; });  // the surface may have said so
  response.header("X-Reason-Code", kNotReadyReason).header("Retry-After", "1");
  response.close = true;
  return response;
}

}  // namespace tidemark::cli
