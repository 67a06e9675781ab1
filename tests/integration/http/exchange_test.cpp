// Ordinary conversations over real sockets.

#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

struct HttpExchange : ::testing::Test {
  TestServer server{test_surfaces(), ServerOptions(), {"", "shop"}};
};

TEST_F(HttpExchange, KeepsTheConnectionForFurtherRequests) {
  RawClient client(server.port());
  for (int i = 0; i < 100; ++i) {
    const Reply reply = client.ask(get("/hello"));
    ASSERT_EQ(reply.status, 200);
    ASSERT_EQ(reply.body, "hello");
    ASSERT_TRUE(reply.header("date"));
    ASSERT_FALSE(reply.header("connection"));
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(HttpExchange, AnswersPipelinedRequestsInOrder) {
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += post("/echo", "body " + std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 500; ++i) {
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply);
    ASSERT_EQ(reply->body, "body " + std::to_string(i));
  }
}

TEST_F(HttpExchange, AnswersRequestsThatArriveByteByByte) {
  RawClient client(server.port());
  for (const char c : post("/echo", "slow")) client.send(std::string_view(&c, 1));
  EXPECT_EQ(client.read_reply()->body, "slow");
}

TEST_F(HttpExchange, EchoesBodiesOfEverySize) {
  RawClient client(server.port());
  for (const std::size_t size : {0u, 1u, 4000u, 4096u, 70000u, 1000000u, 3000000u}) {
    const std::string body(size, 'b');
    const Reply reply = client.ask(post("/echo", body));
    ASSERT_EQ(reply.status, 200);
    ASSERT_EQ(reply.body, body);
  }
}

TEST_F(HttpExchange, PassesOverEmptyLinesBetweenRequests) {
  RawClient client(server.port());
  client.send("\r\n" + get("/hello") + "\r\n\r\n" + get("/hello") + "\r");
  EXPECT_EQ(client.read_reply()->body, "hello");
  EXPECT_EQ(client.read_reply()->body, "hello");
  EXPECT_EQ(client.ask("\n" + get("/hello")).body, "hello");
}

TEST_F(HttpExchange, HeadIsGetWithoutTheBody) {
  RawClient client(server.port());
  const Reply reply = client.ask("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n", true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-length"), "5");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

}  // namespace
}  // namespace tidemark::http::testing
