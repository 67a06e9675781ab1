#pragma once
// URLs to call: http and https, with a host, without user information.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace tidemark::http {

struct CallUrl {
  bool tls = true;
  std::string host;        ///< name in lower case, or an address without brackets
  bool is_address = false;
  std::uint16_t port = 443;
  std::string target;      ///< path and query, begins with '/'; a fragment is dropped

  std::string authority() const;  ///< as the Host field has it
};

/// invalid_argument with what is wrong. Only ASCII: other names are given in their xn-- form, other paths percent-encoded.
Result<CallUrl> parse_call_url(std::string_view url);

}  // namespace tidemark::http
