#pragma once
// The bytes of response heads.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/http.hpp"

namespace tidemark::http {

struct ResponseHead {
  const Response* response = nullptr;
  std::optional<std::uint64_t> content_length;  ///< absent: none is written (204, 304)
  std::string_view extra;                       ///< finished lines, each with CR LF
  std::string_view etag;                        ///< empty: none
  bool accept_ranges = false;
  bool streamed = false;                        ///< a body without a known length follows
  bool keep_alive = true;
  bool http_1_0 = false;
};
/// Appends the head with its empty line. CR, LF and NUL in a handler's field become spaces, so that no input can split a
/// response.
void put_response_head(std::string& out, const ResponseHead& head);

/// `text` without what could begin another field.
std::string clean_field(std::string_view text);

/// "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n" of now; renewed once a second, one thread.
std::string_view date_line();

}  // namespace tidemark::http
