#include "core/http/web_socket_handshake.hpp"

#include <gtest/gtest.h>

namespace tidemark::http {
namespace {

constexpr std::string_view kUpgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
constexpr std::string_view kVersion = "Sec-WebSocket-Version: 13\r\n";
constexpr std::string_view kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct Checked {
  std::optional<Refusal> refused;
  WebSocketHandshake handshake;
};

Checked check(std::string fields, const WebSocketBody& body = {}, std::string_view line = "GET /live HTTP/1.1") {
  const std::string bytes = std::string(line) + "\r\nHost: t\r\n" + fields + "\r\n";
  Head head;
  EXPECT_EQ(parse_head(bytes, HeadLimits(), head), std::nullopt) << bytes;
  Checked checked;
  checked.refused = check_handshake(head, body, checked.handshake);
  return checked;
}

std::string whole(std::string_view extra = {}) {
  return std::string(kUpgrade) + std::string(kVersion) + std::string(kKey) + std::string(extra);
}

TEST(WebSocketHandshake, TakesWhatBrowsersSend) {
  const auto plain = check(whole());
  EXPECT_FALSE(plain.refused);
  EXPECT_EQ(plain.handshake.key, "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_FALSE(check("Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" + std::string(kVersion) + std::string(kKey)).refused);
}

TEST(WebSocketHandshake, ChoosesTheFirstOfTheClientsProtocolsThatIsSpoken) {
  WebSocketBody body;
  body.protocols = {"chat.v1", "chat.v2"};
  EXPECT_EQ(check(whole("Sec-WebSocket-Protocol: other, chat.v2, chat.v1\r\n"), body).handshake.protocol, "chat.v2");
  EXPECT_EQ(check(whole("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: chat.v1\r\n"), body).handshake.protocol, "chat.v1");
  EXPECT_EQ(check(whole("Sec-WebSocket-Protocol: CHAT.V1\r\n"), body).handshake.protocol, "");
  EXPECT_FALSE(check(whole(), body).refused);
  body.protocol_required = true;
  EXPECT_EQ(check(whole(), body).refused->fault, Fault::bad_request);
  EXPECT_EQ(check(whole("Sec-WebSocket-Protocol: other\r\n"), body).refused->fault, Fault::bad_request);
}

TEST(WebSocketHandshake, WhatIsNoHandshakeIsToldToUpgrade) {
  const std::string rest = std::string(kVersion) + std::string(kKey);
  const std::string cases[] = {
      "", rest, "Upgrade: websocket\r\n" + rest, "Connection: Upgrade\r\n" + rest,
      "Upgrade: h2c\r\nConnection: Upgrade\r\n" + rest, "Upgrade: websockets\r\nConnection: Upgrade\r\n" + rest,
      std::string(kUpgrade) + std::string(kKey) + "Sec-WebSocket-Version: 8\r\n",
  };
  for (const std::string& each : cases) {
    const auto checked = check(each);
    ASSERT_TRUE(checked.refused) << each;
    EXPECT_EQ(checked.refused->fault, Fault::upgrade_required) << each;
  }
  EXPECT_EQ(check(whole(), {}, "GET /live HTTP/1.0").refused->fault, Fault::upgrade_required);
  EXPECT_EQ(check(whole(), {}, "HEAD /live HTTP/1.1").refused->fault, Fault::upgrade_required);
  EXPECT_EQ(check(whole(), {}, "POST /live HTTP/1.1").refused->fault, Fault::upgrade_required);
}

TEST(WebSocketHandshake, BrokenHandshakesAreRefused) {
  const std::string upgrade(kUpgrade), version(kVersion), key(kKey);
  const std::string cases[] = {
      upgrade + key,
      upgrade + version,
      upgrade + version + version + key,
      upgrade + version + key + key,
      upgrade + version + "Sec-WebSocket-Key: \r\n",
      upgrade + version + "Sec-WebSocket-Key: c2hvcnQ=\r\n",
      upgrade + version + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===\r\n",
      upgrade + version + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n",
      whole("Content-Length: 5\r\n"),
      whole("Transfer-Encoding: chunked\r\n"),
      whole("Sec-WebSocket-Protocol: a b\r\n"),
      whole("Sec-WebSocket-Protocol: a,,b\r\n"),
      whole("Sec-WebSocket-Protocol:\r\n"),
  };
  for (const std::string& each : cases) {
    const auto checked = check(each);
    ASSERT_TRUE(checked.refused) << each;
    EXPECT_EQ(checked.refused->fault, Fault::bad_request) << each;
  }
}

}  // namespace
}  // namespace tidemark::http
