// Whose answer it is: surfaces by prefix and by listener, faults, CORS, methods.

#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

struct HttpSurface : ::testing::Test {
  TestServer server{test_surfaces(), ServerOptions(), {"", "shop"}};
  RawClient main{server.port(0)};
  RawClient shop{server.port(1)};
};

constexpr auto kProblem = "application/problem+json";

TEST_F(HttpSurface, IsMountedByPrefixAndAtTheRootOfItsListener) {
  EXPECT_EQ(main.ask(get("/shop/items/7?q=a%20b")).body, "/items/7|7|a b");
  EXPECT_EQ(shop.ask(get("/items/7")).body, "/items/7|7|-");
  EXPECT_EQ(main.ask(get("/items/7")).body, "/items/7|7|-");
  EXPECT_EQ(main.ask(get("/shop")).body, "hello");
  EXPECT_EQ(main.ask(get("/shop/")).body, "hello");
  EXPECT_EQ(main.ask(get("/shop/hello/")).body, "hello");
  EXPECT_EQ(shop.ask(get("/shop/hello")).status, 404);
  EXPECT_EQ(main.ask(get("/shopping")).header("content-type"), kProblem);
}

TEST_F(HttpSurface, AnswersFaultsInItsOwnManner) {
  const Reply platform = main.ask(get("/nowhere"));
  EXPECT_EQ(platform.status, 404);
  EXPECT_EQ(platform.header("content-type"), kProblem);
  const Reply by_prefix = main.ask(get("/shop/nowhere"));
  EXPECT_EQ(by_prefix.status, 404);
  EXPECT_EQ(by_prefix.header("content-type"), "text/x-shop");
  EXPECT_EQ(shop.ask(get("/nowhere")).header("content-type"), "text/x-shop");
  EXPECT_EQ(main.ask(get("/throws")).status, 500);
  EXPECT_EQ(shop.ask(get("/throws")).body, "{\"error\":\"the request could not be handled\"}");
  EXPECT_EQ(shop.ask(post("/small", std::string(1001, 'x'))).status, 413);
}

TEST_F(HttpSurface, AnswersForTheParserToo) {
  const Reply by_prefix = main.ask("GET /shop/hello HTTP/1.1\r\n\r\n");
  EXPECT_EQ(by_prefix.status, 400);
  EXPECT_EQ(by_prefix.header("content-type"), "text/x-shop");
  EXPECT_EQ(shop.ask("garbage\r\n\r\n").header("content-type"), "text/x-shop");
  RawClient again(server.port(0));
  EXPECT_EQ(again.ask("garbage\r\n\r\n").header("content-type"), kProblem);
}

TEST_F(HttpSurface, RefusesPathsThatDecodeToSomethingElse) {
  for (const char* path : {"/items/%2e%2e", "/items/..", "/items/a%2Fb", "/items/%00", "/items/./x", "//hello", "/items/"}) EXPECT_EQ(main.ask(get(path)).status, 404) << path;
  EXPECT_EQ(main.ask(get("/items/%zz")).status, 400);
  EXPECT_EQ(main.ask(get("/items/a%20b")).body, "/items/a b|a b|-");
}

TEST_F(HttpSurface, TellsWhichMethodsAPathTakes) {
  const Reply refused = main.ask(post("/hello", ""));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.header("allow"), "GET, HEAD, OPTIONS");
  const Reply options = main.ask("OPTIONS /echo HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("allow"), "POST, PUT, OPTIONS");
  EXPECT_EQ(main.ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n").status, 204);
  EXPECT_EQ(main.ask("BREW /hello HTTP/1.1\r\nHost: t\r\n\r\n").status, 405);
  EXPECT_EQ(shop.ask(post("/hello", "")).status, 404);
}

TEST_F(HttpSurface, ReflectsOriginsWhereItAllowsThem) {
  const Reply simple = shop.ask(get("/hello", "Origin: https://a.example\r\n"));
  EXPECT_EQ(simple.header("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(simple.header("access-control-allow-credentials"), "true");
  EXPECT_EQ(simple.header("vary"), "Origin");
  EXPECT_EQ(shop.ask(get("/nowhere", "Origin: https://a.example\r\n")).header("access-control-allow-origin"), "https://a.example");
  EXPECT_FALSE(shop.ask(get("/hello")).header("access-control-allow-origin"));
  EXPECT_FALSE(main.ask(get("/hello", "Origin: https://a.example\r\n")).header("access-control-allow-origin"));
  const Reply preflight = shop.ask(
      "OPTIONS /echo HTTP/1.1\r\nHost: t\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-key, x-b\r\n\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(preflight.header("access-control-allow-methods"), "PUT");
  EXPECT_EQ(preflight.header("access-control-allow-headers"), "x-key, x-b");
  EXPECT_EQ(preflight.header("access-control-max-age"), "86400");
}

TEST_F(HttpSurface, AHandlersHeaderCannotSplitTheResponse) {
  const Reply reply = main.ask(get("/splitting"));
  EXPECT_FALSE(reply.header("evil"));
  EXPECT_EQ(reply.header("x-name"), "a  Evil: yes");
}

TEST_F(HttpSurface, SpeaksHttp10) {
  const Reply once = main.ask("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(once.body, "hello");
  EXPECT_EQ(once.header("connection"), "close");
  EXPECT_TRUE(main.closed_by_peer());
  EXPECT_EQ(shop.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").header("connection"), "keep-alive");
  EXPECT_EQ(shop.ask(get("/hello", "Connection: close\r\n")).header("connection"), "close");
  EXPECT_TRUE(shop.closed_by_peer());
}

}  // namespace
}  // namespace tidemark::http::testing
