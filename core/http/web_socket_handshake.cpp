#include "core/http/web_socket_handshake.hpp"

#include <algorithm>

namespace tidemark::http {
namespace {

Refusal refuse(std::string_view detail) { return {Fault::bad_request, detail}; }
Refusal upgrade(std::string_view detail) { return {Fault::upgrade_required, detail}; }

bool any_lists(const Head& head, std::string_view name, std::string_view token) {
  return std::any_of(head.fields.begin(), head.fields.end(),
                     [&](const auto& field) { return same_token(field.first, name) && list_has(field.second, token); });
}

std::size_t count(const Head& head, std::string_view name) {
  const auto same = [&](const auto& field) { return same_token(field.first, name); };
  return static_cast<std::size_t>(std::count_if(head.fields.begin(), head.fields.end(), same));
}

/// 16 bytes in base64.
bool is_key(std::string_view text) {
  if (text.size() != 24 || !text.ends_with("==")) return false;
  return std::all_of(text.begin(), text.end() - 2, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

/// False when a protocol of the client is no token.
bool choose_protocol(const Head& head, const std::vector<std::string>& offered, std::string& chosen) {
  for (const auto& [name, value] : head.fields) {
    if (!same_token(name, "sec-websocket-protocol")) continue;
    for (std::string_view list = value;;) {
      const auto comma = std::min(list.find(','), list.size());
      const std::string_view protocol = trimmed(list.substr(0, comma));
      if (!is_token(protocol)) return false;
      // Names of sub-protocols are compared as they are written.
      if (chosen.empty() && std::find(offered.begin(), offered.end(), protocol) != offered.end()) chosen = protocol;
      if (comma == list.size()) break;
      list.remove_prefix(comma + 1);
    }
  }
  return true;
}

}  // namespace

std::optional<Refusal> check_handshake(const Head& head, const WebSocketBody& body, WebSocketHandshake& out) {
  if (head.chunked || head.content_length.value_or(0) != 0) return refuse("a WebSocket handshake has no body");
  if (head.method != Method::get || head.minor_version == 0) return upgrade("a WebSocket begins with GET and HTTP/1.1");
  if (!any_lists(head, "upgrade", "websocket") || !any_lists(head, "connection", "upgrade")) {
    return upgrade("this path speaks WebSocket");
  }
  if (count(head, "sec-websocket-version") != 1) return refuse("not one Sec-WebSocket-Version");
  if (*head.field("sec-websocket-version") != "13") return upgrade("the only WebSocket version spoken here is 13");
  if (count(head, "sec-websocket-key") != 1 || !is_key(*head.field("sec-websocket-key"))) {
    return refuse("Sec-WebSocket-Key is not 16 bytes in base64");
  }
  out.key = *head.field("sec-websocket-key");
  out.protocol.clear();
  if (!choose_protocol(head, body.protocols, out.protocol)) return refuse("a sub-protocol in Sec-WebSocket-Protocol is no token");
  if (out.protocol.empty() && body.protocol_required) return refuse("none of the sub-protocols is spoken here");
  return std::nullopt;
}

}  // namespace tidemark::http
