// Streamed bodies: what arrives, who is told when either side goes, and peers that do not read.

#include <sys/socket.h>

#include <deque>

#include "tests/integration/http/harness.hpp"

namespace tidemark::http::testing {
namespace {

/// The producer of a stream, told by the test what to write. Everything on the loop, except what Server::feed does for the test.
struct Feed {
  std::deque<std::string> pieces;
  bool ended = false, throws = false;
  std::string last_words;  ///< written when the server drains
  std::size_t piece_bytes = 0;  ///< not 0: writes pieces of that size without end

  Fn<void()> wake;
  int running = 0, finished = 0, closes = 0;
  std::size_t written = 0;
  std::optional<Code> failure;

  void touch() {
    if (auto call = std::exchange(wake, nullptr)) call();
  }
};

Task<void> produce(Feed& feed, BodyStream& stream) {
  ++feed.running;
  stream.on_close([&feed] {
    ++feed.closes;
    feed.touch();
  });
  while (true) {
    while (!feed.pieces.empty() || feed.piece_bytes != 0) {
      std::string piece(feed.piece_bytes, 'x');
      if (!feed.pieces.empty()) {
        piece = std::move(feed.pieces.front());
        feed.pieces.pop_front();
      }
      feed.written += piece.size();
      Task<Result<void>> writing = stream.write(std::move(piece));
      const Result<void> wrote = co_await std::move(writing);
      if (!wrote) feed.failure = wrote.error().code;
      if (!wrote) break;
    }
    if (feed.ended || stream.closed()) break;
    Fn<void(Fn<void(bool)>)> start = [&feed](Fn<void(bool)> done) { feed.wake = [done = std::move(done)]() mutable { done(true); }; };
    Callback<bool> waiting(std::move(start));
    co_await waiting;
  }
  if (stream.draining() && !feed.last_words.empty()) {
    Task<Result<void>> writing = stream.write(feed.last_words);
    const Result<void> wrote = co_await std::move(writing);
    if (!wrote) feed.failure = wrote.error().code;
  }
  --feed.running;
  ++feed.finished;
  if (feed.throws) throw std::runtime_error("deliberate");
}

class HttpStream : public ::testing::Test {
 protected:
  void serve(ServerOptions options = {}, std::string heartbeat = {}, Duration heartbeat_interval = Duration(20)) {
    Surface surface;
    surface.cors.enabled = true;
    Route route;
    route.pattern = "/stream";
    route.handler = [this, heartbeat, heartbeat_interval](Request&) -> Task<Response> {
      Response response;
      response.header("Content-Type", "text/plain");
      StreamBody body;
      body.produce = [this](BodyStream& stream) { return produce(feed_, stream); };
      body.heartbeat = heartbeat;
      body.heartbeat_interval = heartbeat_interval;
      response.body = std::move(body);
      co_return response;
    };
    surface.routes.push_back(route);
    route.pattern = "/hello";
    route.handler = [](Request&) -> Task<Response> {
      Response response;
      response.body = std::string("hello");
      co_return response;
    };
    surface.routes.push_back(std::move(route));
    std::vector<Surface> surfaces;
    surfaces.push_back(std::move(surface));
    server_ = std::make_unique<TestServer>(std::move(surfaces), options);
  }
  void push(std::string piece) {
    server_->on_loop([&] {
      feed_.pieces.push_back(std::move(piece));
      feed_.touch();
    });
  }
  void end() {
    server_->on_loop([&] {
      feed_.ended = true;
      feed_.touch();
    });
  }
  bool started(int count = 1) {
    return server_->eventually([this, count] { return feed_.running == count; });
  }

  Feed feed_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(HttpStream, PiecesArriveAsTheyAreWrittenAndTheConnectionGoesOn) {
  serve();
  RawClient client(server_->port());
  client.send(get("/stream", "Origin: http://a.test\r\n"));
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->header("transfer-encoding"), "chunked");
  EXPECT_EQ(reply->header("content-type"), "text/plain");
  EXPECT_EQ(reply->header("access-control-allow-origin"), "http://a.test");
  EXPECT_FALSE(reply->header("content-length"));
  push("first");
  EXPECT_EQ(client.read_exactly(10), "5\r\nfirst\r\n");
  push(std::string(20, 'y'));
  EXPECT_EQ(client.read_exactly(26), "14\r\n" + std::string(20, 'y') + "\r\n");
  client.send(get("/hello"));  // before the stream has ended
  push("");                    // an empty piece must not look like the end
  end();
  EXPECT_EQ(client.read_exactly(5), "0\r\n\r\n");
  const auto next = client.read_reply();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->body, "hello");
  EXPECT_EQ(feed_.closes, 0);
}

TEST_F(HttpStream, ARequestWhoseBodyWasNotReadIsTheLastOfItsConnection) {
  serve();
  RawClient client(server_->port());
  client.send(get("/stream", "Content-Length: 5\r\n"));
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header("connection"), "close");
  end();
  client.send("12345" + get("/hello"));
  EXPECT_EQ(client.read_all(), "0\r\n\r\n");
}

TEST_F(HttpStream, OnHttp10TheBodyEndsWithTheConnection) {
  serve();
  RawClient client(server_->port());
  client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->header("connection"), "close");
  EXPECT_FALSE(reply->header("transfer-encoding"));
  push("one");
  push("two");
  end();
  EXPECT_EQ(client.read_all(), "onetwo");
}

TEST_F(HttpStream, HeadHasTheHeadAlone) {
  serve();
  RawClient client(server_->port());
  EXPECT_EQ(client.ask("HEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n", true).header("content-type"), "text/plain");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  EXPECT_EQ(feed_.running + feed_.finished, 0);
}

TEST_F(HttpStream, AnExceptionLeavesABodyThatIsSeenToBeCut) {
  serve();
  feed_.throws = true;
  RawClient chunked(server_->port()), old(server_->port());
  chunked.send(get("/stream"));
  ASSERT_TRUE(chunked.read_reply());
  push("part");
  EXPECT_EQ(chunked.read_exactly(9), "4\r\npart\r\n");
  end();
  EXPECT_EQ(chunked.read_all(), "");
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  old.read_all();
  EXPECT_TRUE(old.was_reset());
}

TEST_F(HttpStream, APeerThatGoesIsNoticedWhileNothingIsWritten) {
  serve();
  auto client = std::make_unique<RawClient>(server_->port());
  client->send(get("/stream"));
  ASSERT_TRUE(started());
  client.reset();
  EXPECT_TRUE(server_->eventually([this] { return feed_.finished == 1 && server_->server().connections() == 0; }));
  EXPECT_EQ(feed_.closes, 1);
}

TEST_F(HttpStream, APeerThatShutsItsSendingSideCountsAsGone) {
  serve();
  RawClient client(server_->port());
  client.send(get("/stream"));
  ASSERT_TRUE(started());
  client.half_close();
  EXPECT_TRUE(server_->eventually([this] { return feed_.finished == 1; }));
}

TEST_F(HttpStream, APeerThatGoesOnSendingIsCutAtTheSizeOfAHead) {
  serve();
  RawClient client(server_->port());
  client.send(get("/stream"));
  ASSERT_TRUE(started());
  client.send(std::string(200u << 10, 'G'));
  EXPECT_TRUE(server_->eventually([this] { return feed_.finished == 1 && server_->server().connections() == 0; }));
}

TEST_F(HttpStream, APeerThatDoesNotReadIsDisconnectedAndHoldsLittle) {
  ServerOptions options;
  options.stall_timeout = Duration(200);
  serve(options);
  feed_.piece_bytes = 16u << 10;
  RawClient client(server_->port(), 4096);
  client.send(get("/stream"));
  EXPECT_TRUE(server_->eventually([this] { return feed_.finished == 1 && server_->server().connections() == 0; }));
  EXPECT_EQ(feed_.failure, Code::timed_out);
  EXPECT_LT(feed_.written, 1u << 20);
}

TEST_F(HttpStream, AHeartbeatIsSentWhenNothingElseWas) {
  serve({}, ":\n\n");
  RawClient client(server_->port());
  client.send(get("/stream"));
  ASSERT_TRUE(client.read_reply());
  EXPECT_EQ(client.read_exactly(16), "3\r\n:\n\n\r\n3\r\n:\n\n\r\n");
  push("data");
  std::string seen;
  while (!seen.ends_with("4\r\ndata\r\n")) {
    const std::string more = client.read_exactly(1);
    ASSERT_FALSE(more.empty()) << seen;
    seen += more;
  }
  EXPECT_EQ(client.read_exactly(8), "3\r\n:\n\n\r\n");
}

TEST_F(HttpStream, APeerThatReadsNoHeartbeatIsDisconnected) {
  ServerOptions options;
  options.stall_timeout = std::chrono::minutes(5);
  serve(options, std::string(64u << 10, ':'), Duration(5));
  RawClient client(server_->port(), 4096);
  client.send(get("/stream"));
  EXPECT_TRUE(server_->eventually([this] { return feed_.finished == 1 && server_->server().connections() == 0; }));
}

TEST_F(HttpStream, ADrainingServerLetsAStreamSayItsLastWords) {
  serve();
  feed_.last_words = "bye";
  RawClient client(server_->port());
  client.send(get("/stream"));
  ASSERT_TRUE(client.read_reply());
  ASSERT_TRUE(started());
  server_->stop();
  EXPECT_EQ(client.read_all(), "3\r\nbye\r\n0\r\n\r\n");
  EXPECT_EQ(feed_.failure, std::nullopt);
}

TEST_F(HttpStream, AStreamThatNobodyReadsDoesNotHoldTheStopBeyondItsDeadline) {
  ServerOptions options;
  options.drain_deadline = Duration(50);
  serve(options);
  feed_.piece_bytes = 64u << 10;
  RawClient client(server_->port(), 4096);
  client.send(get("/stream"));
  ASSERT_TRUE(started());
  server_->stop();
  EXPECT_EQ(feed_.finished, 1);
  EXPECT_EQ(feed_.failure, Code::cancelled);
}

}  // namespace
}  // namespace tidemark::http::testing
