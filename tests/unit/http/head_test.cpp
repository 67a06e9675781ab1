#include "core/http/head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::http {
namespace {

/// Scans byte by byte and at once, then parses; the status refused with, or 0.
int status(const std::string& bytes, Head* head = nullptr, HeadLimits limits = {}) {
  Head local;
  Head& parsed = head != nullptr ? *head : local;
  HeadScanner slow;
  auto state = HeadScanner::State::need_more;
  for (std::size_t size = 1; size <= bytes.size() && state == HeadScanner::State::need_more; ++size) state = slow.scan(std::string_view(bytes).substr(0, size), limits);
  HeadScanner fast;
  const auto at_once = fast.scan(bytes, limits);
  EXPECT_EQ(at_once, state) << bytes;
  if (state == HeadScanner::State::need_more) return -1;
  if (state == HeadScanner::State::refused) return status_of(slow.refusal().fault);
  EXPECT_EQ(fast.head_bytes(), slow.head_bytes());
  const auto refused = parse_head(std::string_view(bytes).substr(0, fast.head_bytes()), limits, parsed);
  return refused ? status_of(refused->fault) : 0;
}

int with(const std::string& fields, Head* head = nullptr) { return status("POST / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n", head); }

TEST(HttpHead, ParsesARequest) {
  static const std::string kBytes = "POST /a?b=c HTTP/1.1\r\nHost: h:80\r\nX-A:  1 \r\nx-a:2\r\nEmpty:\r\nContent-Length: 12\r\nExpect: 100-Continue\r\n\r\nrest";
  Head head;
  ASSERT_EQ(status(kBytes, &head), 0);
  EXPECT_EQ(head.method, Method::post);
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.field("x-A"), "1");
  EXPECT_EQ(head.field("empty"), "");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_FALSE(head.chunked);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_EQ(head.fields.size(), 6u);
}

TEST(HttpHead, DecidesWhetherTheConnectionGoesOn) {
  Head head;
  ASSERT_EQ(with("Connection: foo, Close\r\n", &head), 0);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(status("GET / HTTP/1.0\r\n\r\n", &head), 0);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(status("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &head), 0);
  EXPECT_TRUE(head.keep_alive);
}

TEST(HttpHead, RefusesAmbiguousFraming) {
  for (const char* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5, 5\r\n", "Content-Length: -5\r\n", "Content-Length: +5\r\n", "Content-Length: 5a\r\n",
        "Content-Length: 0x5\r\n", "Content-Length:\r\n", "Content-Length: 5 5\r\n", "Content-Length: 99999999999999999999\r\n", "Content-Length: 18446744073709551617\r\n",
        "Transfer-Encoding: gzip\r\n", "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: identity\r\n", "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding:\r\n",
        "Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding: chunked;q=1\r\n", "Transfer-Encoding:\x0b chunked\r\n"}) {
    EXPECT_EQ(with(fields), 400) << fields;
  }
  EXPECT_EQ(status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  Head head;
  EXPECT_EQ(with("Transfer-Encoding: Chunked\r\n", &head), 0);
  EXPECT_TRUE(head.chunked);
}

TEST(HttpHead, RefusesMalformedFields) {
  for (const std::string& fields : {std::string("No colon\r\n"), std::string(": v\r\n"), std::string("A : v\r\n"), std::string(" A: v\r\n"), std::string("A: v\r\n folded\r\n"),
                                    std::string("A: v\r\n\tfolded\r\n"), std::string("A: a\rb\r\n"), std::string("A: a\nb: c\r\n"), std::string("A: a\0b\r\n", 8),
                                    std::string("A\0: b\r\n", 7), std::string("A: \x01\r\n"), std::string("A: \x7f\r\n"), std::string("(A): v\r\n"), std::string("A\x80: v\r\n"),
                                    std::string("\r: v\r\n"), std::string("A: v\r\r\n")}) {
    EXPECT_EQ(with(fields), 400) << fields;
  }
  EXPECT_EQ(with("A: caf\xC3\xA9\ttab\r\n"), 0);
}

TEST(HttpHead, RefusesMalformedRequestLines) {
  for (const std::string& line : {std::string("GET /"), std::string("GET  / HTTP/1.1"), std::string("GET / HTTP/1.1 "), std::string(" GET / HTTP/1.1"), std::string("GET /a b HTTP/1.1"),
                                  std::string("GET\t/ HTTP/1.1"), std::string("G(T / HTTP/1.1"), std::string("GET / http/1.1"), std::string("GET / HTTP/1"), std::string("GET / HTTP/11"),
                                  std::string("GET / HTTP/1.1x"), std::string("GET / HTTX/1.1"), std::string("GET /\x01 HTTP/1.1"), std::string("GET /\0 HTTP/1.1", 15),
                                  std::string("GET /\xC3\xA9 HTTP/1.1"), std::string("GET /a#b HTTP/1.1"), std::string("GET http://h/ HTTP/1.1"), std::string("GET h:80 HTTP/1.1"),
                                  std::string("CONNECT h:443 HTTP/1.1"), std::string("GET * HTTP/1.1"), std::string("GET a HTTP/1.1"), std::string("GET / \rHTTP/1.1")}) {
    EXPECT_EQ(status(line + "\r\nHost: h\r\n\r\n"), 400) << line;
  }
  EXPECT_EQ(status("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  EXPECT_EQ(status("BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
}

TEST(HttpHead, SpeaksTwoVersionsOnly) {
  for (const char* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/9.9"}) {
    EXPECT_EQ(status(std::string("GET / ") + version + "\r\nHost: h\r\n\r\n"), 505) << version;
  }
  EXPECT_EQ(status("PRI * HTTP/2.0\r\n\r\n"), 505);
}

TEST(HttpHead, WantsOneHost) {
  EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 0);
}

TEST(HttpHead, RefusesEarlyWhatIsNoHttp) {
  EXPECT_EQ(status("\x16\x03\x01"), 400);
  EXPECT_EQ(status("GET / HTTP/1.1\n"), 400);
  EXPECT_EQ(status(std::string("\0", 1)), 400);
}

TEST(HttpHead, BoundsTargetHeadAndNumberOfFields) {
  HeadLimits limits;
  limits.header_bytes_max = 2000;
  limits.target_bytes_max = 500;
  limits.fields_max = 20;
  const auto request = [](std::size_t target, std::size_t field) {
    return "GET /" + std::string(target - 1, 't') + " HTTP/1.1\r\nHost: h\r\nA: " + std::string(field, 'v') + "\r\n\r\n";
  };
  EXPECT_EQ(status(request(500, 10), nullptr, limits), 0);
  EXPECT_EQ(status(request(501, 10), nullptr, limits), 414);
  EXPECT_EQ(status(request(10000, 10), nullptr, limits), 414);
  EXPECT_EQ(status(request(10, 1900), nullptr, limits), 0);
  EXPECT_EQ(status(request(10, 2000), nullptr, limits), 431);
  EXPECT_EQ(status(request(10, 100000), nullptr, limits), 431);
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 20; ++i) many += "A: b\r\n";
  EXPECT_EQ(status(many + "\r\n", nullptr, limits), 431);
}

}  // namespace
}  // namespace tidemark::http
