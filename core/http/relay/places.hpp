#pragma once
// Internal to core/http/relay: where other nodes are.

#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "core/base/error.hpp"
#include "core/http/client/url.hpp"

namespace tidemark::http {

/// Blocks. unavailable with what went wrong.
Result<std::vector<boost::asio::ip::tcp::endpoint>> look_up(const CallUrl& url);

}  // namespace tidemark::http
