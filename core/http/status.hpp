#pragma once
// Reason phrases (RFC 9110 section 15).

#include <string_view>

namespace tidemark::http {

std::string_view reason_phrase(int status);

}  // namespace tidemark::http
