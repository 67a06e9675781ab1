#pragma once
// Internal to core/http/relay: where other nodes are, and whom this one believes that they are.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/http/client/url.hpp"

namespace tidemark::http {

/// Blocks. unavailable with what went wrong.
Result<std::vector<boost::asio::ip::tcp::endpoint>> look_up(const CallUrl& url);

/// Certificates are verified against the file (PEM), or the system's store when it is "". invalid_argument names the file.
Result<void> trust_authorities(boost::asio::ssl::context& tls, const std::string& ca_file);

}  // namespace tidemark::http
