#pragma once
// Is a request the opening handshake of a WebSocket (RFC 6455 section 4.2.1)? Pure.

#include <optional>
#include <string>

#include "core/http/head.hpp"

namespace tidemark::http {

struct WebSocketHandshake {
  std::string key;
  std::string protocol;  ///< the first of the client's that `body` offers; "" when there is none
};

/// nullopt when it is, with `out` filled. upgrade_required when it is no handshake of this version at all, bad_request when it is a
/// broken one.
std::optional<Refusal> check_handshake(const Head& head, const WebSocketBody& body, WebSocketHandshake& out);

}  // namespace tidemark::http
