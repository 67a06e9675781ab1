// Requests that are passed on to another node: every answer as if that one had been asked, and what happens when it is not there,
// does not answer, lies, or goes away in the middle.

#include "core/http/relay/relay.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "core/base/executors.hpp"
#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

struct Passing {
  std::unique_ptr<Relay> relay;
  std::string url;
  std::atomic<int> failed{0};
  Code last = Code::uninitialised;
};

Task<Response> pass_on(std::shared_ptr<Passing> passing, std::string surface, Request& request) {
  auto going = passing->relay->pass_on(request, std::move(surface), passing->url);
  auto answer = co_await std::move(going);
  if (answer.ok()) co_return std::move(*answer);
  passing->last = answer.error().code;
  ++passing->failed;
  Response refused;
  refused.status = 503;
  refused.body = describe(answer.error());
  co_return refused;
}

/// The routes of `surfaces`, each passed on.
std::vector<Surface> passed_on(std::vector<Surface> surfaces, std::shared_ptr<Passing> passing) {
  std::erase_if(surfaces, [](const Surface& surface) { return surface.name != "shop"; });
  for (Surface& surface : surfaces) {
    for (Route& route : surface.routes) {
      route.handler = [passing, name = surface.name](Request& request) { return pass_on(passing, name, request); };
      route.options.handler_checks_length = true;
    }
  }
  Surface platform;
  platform.fault = problem_fault;
  surfaces.push_back(std::move(platform));
  return surfaces;
}

std::vector<Surface> with_stream(std::vector<Surface> surfaces, std::function<Task<void>(BodyStream&)> produce) {
  for (Surface& surface : surfaces) {
    Route route;
    route.pattern = "/live";
    route.handler = [produce](Request&) -> Task<Response> {
      Response response = event_stream_response(produce);
      co_return response;
    };
    surface.routes.push_back(std::move(route));
  }
  return surfaces;
}

/// A node that passes everything of "shop" on to `url`.
class Front {
 public:
  explicit Front(std::string url, std::vector<Surface> surfaces = test_surfaces(), RelayOptions options = {})
      : passing(std::make_shared<Passing>()), server_(passed_on(std::move(surfaces), passing), ServerOptions{}, {"", "shop"}) {
    passing->url = std::move(url);
    server_.on_loop([&] {
      auto relay = make_relay(server_.loop(), *resolver_, std::move(options));
      if (!relay.ok()) std::abort();
      passing->relay = std::move(*relay);
    });
  }
  std::uint16_t main_port() const { return server_.port(0); }
  std::uint16_t shop_port() const { return server_.port(1); }
  TestServer& server() { return server_; }
  std::shared_ptr<Passing> passing;

 private:
  std::unique_ptr<Executor> resolver_ = make_thread_pool("resolver", 1);
  TestServer server_;
};

std::string url_of(std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); }

class HttpRelay : public ::testing::Test {
 protected:
  TestServer owner{test_surfaces(), ServerOptions{}, {"", "shop"}};
  Front front{url_of(owner.port())};
};

/// Headers that differ from exchange to exchange, or concern the connection.
Headers kept(const Reply& reply) {
  Headers out = reply.headers;
  std::erase_if(out, [](const auto& field) { return field.first == "date" || field.first == "Date" || field.first == "connection" || field.first == "Connection"; });
  std::sort(out.begin(), out.end());
  return out;
}

TEST_F(HttpRelay, GivesTheAnswersThatTheOtherNodeWouldGive) {
  const std::string requests[] = {
      get("/hello"), get("/hello?q=1"), get("/items/a%2Fb%20c?q=%C3%BC"), get("/file"), get("/file", "Range: bytes=100-199\r\n"),
      get("/file", "Range: bytes=2000000-\r\n"), get("/file", "If-None-Match: \"pattern\"\r\n"), get("/throws"), get("/splitting"),
      post("/echo", "body"), post("/echo", ""), post("/guarded", "1234", "X-Key: open sesame\r\n"), post("/guarded", "1234"), post("/small", std::string(5000, 's')),
      get("/hello", "Origin: http://elsewhere.example\r\n"),
      "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n yo\r\n0\r\n\r\n",
  };
  for (const std::string& request : requests) {
    const std::string shown = request.substr(0, request.find('\r'));
    RawClient direct(owner.port(1)), passed(front.shop_port());
    const Reply expected = direct.ask(request), got = passed.ask(request);
    ASSERT_NE(got.status, 0) << shown;
    EXPECT_EQ(got.status, expected.status) << shown;
    EXPECT_EQ(got.body, expected.body) << shown;
    EXPECT_EQ(kept(got), kept(expected)) << shown;
  }
  EXPECT_EQ(front.passing->failed, 0);
}

TEST_F(HttpRelay, ReachesTheSurfaceWhetherTheClientNamesItOrHasItsPort) {
  RawClient main(front.main_port()), own(front.shop_port());
  EXPECT_EQ(main.ask(get("/shop/items/7?q=z")).body, "/items/7|7|z");
  EXPECT_EQ(own.ask(get("/items/7?q=z")).body, "/items/7|7|z");
  EXPECT_EQ(main.ask(get("/shop")).body, "hello");
}

TEST_F(HttpRelay, AnswersHeadWithTheLengthAndWithoutTheBody) {
  RawClient direct(owner.port(1)), passed(front.shop_port());
  const std::string head = "HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n";
  const Reply expected = direct.ask(head, true), got = passed.ask(head, true);
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.header("content-length"), expected.header("content-length"));
  EXPECT_EQ(passed.ask(get("/hello")).body, "hello");  // nothing of a body was sent
}

TEST_F(HttpRelay, PassesLargeBodiesInBothDirections) {
  RawClient client(front.shop_port());
  EXPECT_EQ(client.ask(post("/count", std::string(20u << 20, 'b'))).body, std::to_string(20u << 20));
  RawClient down(front.shop_port());
  const Reply huge = down.ask(get("/huge"));
  EXPECT_EQ(huge.body.size(), 64u << 20);
  EXPECT_EQ(huge.body.find_first_not_of('h'), std::string::npos);
}

TEST_F(HttpRelay, AnEarlyRefusalOfALargeBodyArrives) {
  RawClient client(front.shop_port());
  const Reply reply = client.ask(post("/guarded", std::string(8u << 20, 'b')));
  // What the other node said, unless its refusal was lost to the reset that follows it.
  EXPECT_TRUE(reply.status == 401 || reply.status == 503) << reply.status;
}

TEST_F(HttpRelay, DoesNotPassOnWhatConcernsTheConnection) {
  RawClient client(front.shop_port());
  const Reply reply = client.ask("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: X-Secret-Hop\r\nX-Secret-Hop: 1\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(reply.status, 200);
}

TEST(HttpRelayFaults, ANodeThatIsNotThereIsUnavailable) {
  std::uint16_t free = 0;
  {
    TestServer gone(test_surfaces(), ServerOptions{});
    free = gone.port();
  }
  Front front(url_of(free));
  RawClient client(front.shop_port());
  EXPECT_EQ(client.ask(get("/hello")).status, 503);
  EXPECT_EQ(front.passing->last, Code::unavailable);
}

/// Answers the first request on its port with given bytes, once its head has come; then ends the connection, or stays silent.
class Liar {
 public:
  Liar(std::string says, bool ends) : says_(std::move(says)), ends_(ends) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 4) != 0) std::abort();
    ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Liar() {
    ::shutdown(listening_, SHUT_RDWR);
    if (talking_ >= 0) ::shutdown(talking_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    if (talking_ >= 0) ::close(talking_);
  }
  std::uint16_t port = 0;

 private:
  void serve() {
    talking_ = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (talking_ < 0) return;
    std::string heard;
    char bytes[4096];
    while (heard.find("\r\n\r\n") == std::string::npos) {
      const auto got = ::recv(talking_, bytes, sizeof bytes, 0);
      if (got <= 0) return;
      heard.append(bytes, static_cast<std::size_t>(got));
    }
    (void)!::send(talking_, says_.data(), says_.size(), MSG_NOSIGNAL);
    if (ends_) ::shutdown(talking_, SHUT_RDWR);
  }
  std::string says_;
  bool ends_;
  int listening_ = -1;
  std::atomic<int> talking_{-1};
  std::thread thread_;
};

TEST(HttpRelayFaults, WhatIsNoAnswerIsUnavailable) {
  for (const std::string says : {"", "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"}) {
    Liar liar(says, true);
    Front front(url_of(liar.port));
    RawClient client(front.shop_port());
    const Reply reply = client.ask(get("/hello"));
    // One whose length was not known had begun when it turned out to be none: it has no end.
    const bool begun = reply.status == 200 && !reply.header("content-length");
    EXPECT_TRUE(reply.status == 503 || reply.status == 0 || begun) << says << reply.status;
    if (begun) EXPECT_EQ(client.read_all().find("0\r\n\r\n"), std::string::npos) << says;
  }
}

TEST(HttpRelayFaults, ANodeThatDoesNotAnswerIsNotWaitedForForEver) {
  Liar liar("", false);
  RelayOptions options;
  options.answer_deadline = Duration(200);
  Front front(url_of(liar.port), test_surfaces(), options);
  RawClient client(front.shop_port());
  EXPECT_EQ(client.ask(get("/hello")).status, 503);
  EXPECT_EQ(front.passing->last, Code::timed_out);
}

TEST(HttpRelayFaults, ANodeThatEndsInTheMiddleOfALargeBodyCutsTheClient) {
  Liar liar("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + std::string(1000, 'x'), true);
  Front front(url_of(liar.port));
  RawClient client(front.shop_port());
  client.send(get("/huge"));
  EXPECT_FALSE(client.read_reply()) << "a body that is not whole must not look whole";
}

TEST(HttpRelayFaults, InterimAnswersArePassedOver) {
  Liar liar("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", true);
  Front front(url_of(liar.port));
  RawClient client(front.shop_port());
  const Reply reply = client.ask(get("/hello"));
  EXPECT_EQ(reply.status, 201);
  EXPECT_EQ(reply.body, "ok");
}

TEST(HttpRelayStreams, EventsArriveAsTheyComeAndAClientThatGoesEndsThem) {
  std::atomic<int> running{0};
  std::atomic<bool> more{false};
  TestServer* serving = nullptr;
  auto produce = [&](BodyStream& stream) -> Task<void> {
    ++running;
    std::string first = "data: one\n\n";
    auto writing = stream.write(std::move(first));
    (void)co_await std::move(writing);
    while (!stream.closed()) {
      if (more.exchange(false)) {
        std::string next = "data: two\n\n";
        auto again = stream.write(std::move(next));
        (void)co_await std::move(again);
      }
      auto resting = sleep_for(serving->loop().scheduler(), Duration(5));
      co_await std::move(resting);
    }
    --running;
  };
  auto surfaces = with_stream(test_surfaces(), produce);
  TestServer owner(surfaces, ServerOptions{});
  serving = &owner;
  Front front(url_of(owner.port()), surfaces);
  {
    RawClient client(front.shop_port());
    client.send(get("/live"));
    std::string seen;
    while (seen.find("data: one") == std::string::npos) {
      const std::string byte = client.read_exactly(1);
      ASSERT_FALSE(byte.empty());
      seen += byte;
    }
    more = true;
    while (seen.find("data: two") == std::string::npos) {
      const std::string byte = client.read_exactly(1);
      ASSERT_FALSE(byte.empty());
      seen += byte;
    }
    EXPECT_EQ(running, 1);
  }
  EXPECT_TRUE(owner.eventually([&] { return running == 0; })) << "the other node's stream goes on without a reader";
}

TEST_F(HttpRelay, AClientThatGoesInTheMiddleOfItsBodyEndsTheOtherNodesRequest) {
  {
    RawClient client(front.shop_port());
    client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + std::string(1000, 'b'));
    ASSERT_TRUE(owner.eventually([&] { return owner.server().connections() == 1; }));
  }
  EXPECT_TRUE(owner.eventually([&] { return owner.server().connections() == 0; }));
}

}  // namespace
}  // namespace tidemark::http::testing
