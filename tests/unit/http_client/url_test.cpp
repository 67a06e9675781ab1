#include <gtest/gtest.h>

#include "core/http/client/client.hpp"
#include "core/http/client/url.hpp"

namespace tidemark::http {
namespace {

TEST(CallUrlTest, ItIsTakenApart) {
  struct Case {
    const char *url, *host, *target, *authority;
    int port;
  };
  for (const Case& c : {Case{"https://hooks.example", "hooks.example", "/", "hooks.example", 443},
                        Case{"HTTPS://Hooks.Example:8443/a/b?c=d#e", "hooks.example", "/a/b?c=d", "hooks.example:8443", 8443},
                        Case{"http://10.0.0.1?x", "10.0.0.1", "/?x", "10.0.0.1", 80},
                        Case{"https://[2606:4700::1111]:444/", "2606:4700::1111", "/", "[2606:4700::1111]:444", 444},
                        Case{"https://xn--bcher-kva.example/%C3%A4", "xn--bcher-kva.example", "/%C3%A4", "xn--bcher-kva.example", 443}}) {
    const auto url = parse_call_url(c.url);
    ASSERT_TRUE(url.ok()) << c.url << describe(url.error());
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->target, c.target);
    EXPECT_EQ(url->authority(), c.authority);
    EXPECT_EQ(url->port, c.port);
  }
}

TEST(CallUrlTest, WhatCouldBeReadInTwoWaysIsRefused) {
  for (const char* text : {"", "hooks.example", "//hooks.example", "ftp://hooks.example", "https:/hooks.example", "https://", "https:///x", "https://user@hooks.example",
                           "https://hooks.example:x", "https://hooks.example:0", "https://hooks.example:70000", "https://hooks.example:", "https://hooks example",
                           "https://hooks.example/\r\nX: y", "https://hooks.example\\@evil.example", "https://[::1", "https://[::1]x", "https://[1.2.3.4]/",
                           "https://127.1/", "https://0x7f000001/", "https://2130706433/", "https://0177.0.0.1/", "https://.example", "https://a..b", "https://b\xc3\xbc.example",
                           "https://hooks.example%2f", "https://[fe80::1%25eth0]/", "file:///etc/passwd", "javascript://x"}) {
    EXPECT_FALSE(parse_call_url(text).ok()) << text;
  }
  EXPECT_FALSE(parse_call_url("https://hooks.example/" + std::string(9000, 'a')).ok());
}

TEST(RetryAfterTest, SecondsAndDatesAreRead) {
  const Time now = *parse_rfc3339("2026-11-21T10:00:00Z");
  EXPECT_EQ(retry_after({{"retry-after", "120"}}, now), std::chrono::seconds(120));
  EXPECT_EQ(retry_after({{"Retry-After", "Sat, 21 Nov 2026 10:01:30 GMT"}}, now), std::chrono::seconds(90));
  EXPECT_EQ(retry_after({{"Retry-After", "Sat, 21 Nov 2026 09:00:00 GMT"}}, now), Duration(0));
  for (const char* text : {"", "-1", "1.5", "soon", "99999999999999999999", "Sat, 21 Nov 2026 10:01:30 GMT+1"}) EXPECT_FALSE(retry_after({{"Retry-After", text}}, now)) << text;
  EXPECT_FALSE(retry_after({}, now));
}

}  // namespace
}  // namespace tidemark::http
