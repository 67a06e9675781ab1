#pragma once
// Internal to core/http: whom outgoing TLS believes.

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "core/base/error.hpp"

namespace tidemark::http {

/// Certificates are verified against the file (PEM), or the system's store when it is ""; TLS 1.2 or later. invalid_argument names the file.
Result<void> trust_authorities(boost::asio::ssl::context& tls, const std::string& ca_file);

}  // namespace tidemark::http
