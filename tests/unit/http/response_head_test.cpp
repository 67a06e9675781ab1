#include "core/http/response_head.hpp"

#include <gtest/gtest.h>

namespace tidemark::http {
namespace {

TEST(ResponseHead, CannotBeSplitByAHandlersValue) {
  Response response = json_response(200, "{}");
  response.header("X-A", "a\r\nSet-Cookie: evil=1").header("Content-Length", "77").header("Connection", "upgrade");
  ResponseHead head;
  head.response = &response;
  head.content_length = 2;
  std::string out;
  put_response_head(out, head);
  EXPECT_NE(out.find("\r\nX-A: a  Set-Cookie: evil=1\r\n"), std::string::npos);
  EXPECT_EQ(out.find("77"), std::string::npos);
  EXPECT_EQ(out.find("upgrade"), std::string::npos);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 200 OK\r\nServer: tidemark\r\nDate: "));
  EXPECT_TRUE(out.ends_with("Content-Length: 2\r\n\r\n"));
}

TEST(ResponseHead, SaysWhetherTheConnectionGoesOn) {
  Response response;
  response.status = 204;
  ResponseHead head;
  head.response = &response;
  head.keep_alive = false;
  std::string out;
  put_response_head(out, head);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 204 No Content\r\n"));
  EXPECT_TRUE(out.ends_with("Connection: close\r\n\r\n"));
  EXPECT_EQ(out.find("Content-Length"), std::string::npos);
  head.keep_alive = head.http_1_0 = true;
  out.clear();
  put_response_head(out, head);
  EXPECT_TRUE(out.ends_with("Connection: keep-alive\r\n\r\n"));
}

TEST(ResponseHead, NamesUpgradeAsAFieldOfTheConnection) {
  Response response;
  response.status = 426;
  ResponseHead head;
  head.response = &response;
  head.content_length = 0;
  std::string out;
  put_response_head(out, head);
  EXPECT_TRUE(out.ends_with("\r\nConnection: upgrade\r\n\r\n")) << out;
}

TEST(ResponseHead, DateIsAnImfFixdate) {
  const std::string_view line = date_line();
  ASSERT_EQ(line.size(), 37u);
  EXPECT_TRUE(line.starts_with("Date: "));
  EXPECT_TRUE(line.ends_with(" GMT\r\n"));
}

}  // namespace
}  // namespace tidemark::http
