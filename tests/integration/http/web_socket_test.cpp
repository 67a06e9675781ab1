// WebSockets over raw sockets: what the RFC asks for, and peers that do something else.

#include <fcntl.h>
#include <sys/socket.h>

#include "tests/integration/http/harness.hpp"

namespace tidemark::http::testing {
namespace {

constexpr int kContinuation = 0, kText = 1, kBinary = 2, kClose = 8, kPing = 9, kPong = 10;

struct FrameShape {
  bool final = true;
  bool masked = true;
  int reserved = 0;
  std::size_t declared = ~std::size_t{0};  ///< length to claim instead of the payload's
};

/// A frame as a client sends it.
std::string frame(int opcode, std::string payload, FrameShape shape = {}) {
  std::string out;
  out += static_cast<char>((shape.final ? 0x80 : 0) | shape.reserved << 4 | opcode);
  const std::size_t size = shape.declared == ~std::size_t{0} ? payload.size() : shape.declared;
  const int mask_bit = shape.masked ? 0x80 : 0;
  if (size < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(size));
  } else if (size < 65536) {
    out += static_cast<char>(mask_bit | 126);
    for (int shift = 8; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  }
  if (!shape.masked) return out + payload;
  static constexpr char kMask[4] = {0x12, 0x5a, 0x7f, 0x31};
  out.append(kMask, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ kMask[i % 4]);
  return out + payload;
}

std::string close_frame(int code, std::string reason = {}) {
  return frame(kClose, std::string{static_cast<char>(code >> 8), static_cast<char>(code)} + reason);
}

struct Frame {
  int opcode = -1;  ///< -1: the connection ended
  std::string payload;
  int close_code() const {
    if (opcode != kClose || payload.size() < 2) return 0;
    return static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
  }
};

Frame read_frame(RawClient& client) {
  const std::string head = client.read_exactly(2);
  if (head.size() != 2) return {};
  EXPECT_TRUE(head[0] & 0x80) << "the server does not fragment";
  EXPECT_FALSE(head[1] & 0x80) << "a server does not mask";
  std::size_t size = static_cast<unsigned char>(head[1]);
  if (size > 125) {
    const std::string more = client.read_exactly(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : more) size = size << 8 | static_cast<unsigned char>(c);
  }
  Frame read;
  read.opcode = head[0] & 0x0f;
  read.payload = client.read_exactly(size);
  return read;
}

/// The next frame that is no ping, with pings left unanswered.
Frame read_past_pings(RawClient& client) {
  Frame read = read_frame(client);
  while (read.opcode == kPing) read = read_frame(client);
  return read;
}

const std::string kHandshake =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What the tasks of the routes saw last.
struct Seen {
  int running = 0, finished = 0, closes = 0;
  std::optional<Code> read_failure, write_failure;
  std::optional<std::uint16_t> close_code;
  std::size_t written = 0;
};

Task<void> echo(Seen& seen, WebSocket& socket) {
  socket.on_close([&seen] { ++seen.closes; });
  while (true) {
    Result<WebSocketMessage> message = co_await socket.read();
    if (!message) {
      seen.read_failure = message.error().code;
      co_return;
    }
    if (message->bytes == "throw") throw std::runtime_error("deliberate");
    if (message->bytes == "protocol") message->bytes = socket.protocol();
    if (message->bytes == "close") {
      co_await socket.close(4001, "as asked");
      co_return;
    }
    Task<Result<void>> writing = socket.write(std::move(*message));
    const Result<void> wrote = co_await std::move(writing);
    if (!wrote) seen.write_failure = wrote.error().code;
  }
}

Task<void> pour(Seen& seen, WebSocket& socket) {
  while (true) {
    WebSocketMessage message{false, std::string(16u << 10, 'x')};
    Task<Result<void>> writing = socket.write(std::move(message));
    const Result<void> wrote = co_await std::move(writing);
    if (!wrote) {
      seen.write_failure = wrote.error().code;
      co_return;
    }
    seen.written += 16u << 10;
  }
}

/// Never reads; says one last word when told to end.
Task<void> listen_only(Seen& seen, WebSocket& socket) {
  Fn<void(Fn<void(bool)>)> start = [&](Fn<void(bool)> done) {
    socket.on_close([&seen, done = std::move(done)]() mutable {
      ++seen.closes;
      done(true);
    });
  };
  Callback<bool> waiting(std::move(start));
  co_await waiting;
  if (!socket.draining()) co_return;
  WebSocketMessage message{true, "bye"};
  Task<Result<void>> writing = socket.write(std::move(message));
  const Result<void> wrote = co_await std::move(writing);
  if (!wrote) seen.write_failure = wrote.error().code;
}

class HttpWebSocket : public ::testing::Test {
 protected:
  void SetUp() override {
    body_.protocols = {"echo.v1", "echo.v2"};
    body_.options.message_bytes_max = 4096;
    options_.stall_timeout = Duration(400);  // also how long a peer may take over its goodbye, and what the sweep goes by
  }
  void serve(Task<void> (*run)(Seen&, WebSocket&) = echo) {
    body_.run = [this, run](WebSocket& socket) -> Task<void> {
      ++seen_.running;
      bool threw = false;
      try {
        Task<void> running = run(seen_, socket);
        co_await std::move(running);
      } catch (...) {
        threw = true;
      }
      seen_.close_code = socket.close_code();
      --seen_.running;
      ++seen_.finished;
      if (threw) throw std::runtime_error("deliberate");
    };
    Surface surface;
    Route route;
    route.pattern = "/live";
    route.handler = [this](Request&) -> Task<Response> {
      Response response;
      response.header("X-Extra", "a\r\nEvil: yes");
      response.body = body_;
      co_return response;
    };
    surface.routes.push_back(std::move(route));
    std::vector<Surface> surfaces;
    surfaces.push_back(std::move(surface));
    server_ = std::make_unique<TestServer>(std::move(surfaces), options_);
  }
  RawClient open(std::string_view extra = {}, int receive_buffer_bytes = 0) {
    RawClient client(server_->port(), receive_buffer_bytes);
    EXPECT_EQ(client.ask(get("/live", kHandshake + std::string(extra)), true).status, 101);
    return client;
  }
  bool over() {
    return server_->eventually([this] { return seen_.finished == 1 && seen_.running == 0 && server_->server().connections() == 0; });
  }
  /// What the server says to `bytes`, sent after the handshake: its close code, 0 when it just ended.
  int close_code_after(std::string_view bytes) {
    RawClient client = open();
    client.send(bytes);
    Frame read = read_frame(client);
    while (read.opcode != kClose && read.opcode != -1) read = read_frame(client);
    EXPECT_TRUE(client.closed_by_peer());
    return read.close_code();
  }

  ServerOptions options_;
  WebSocketBody body_;
  Seen seen_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(HttpWebSocket, TheHandshakeIsThatOfTheRfc) {
  serve();
  RawClient client(server_->port());
  const Reply reply = client.ask(get("/live", kHandshake + "Sec-WebSocket-Protocol: echo.v2, echo.v1\r\n"), true);
  EXPECT_EQ(reply.status, 101);
  EXPECT_EQ(reply.header("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");  // RFC 6455 section 1.3
  EXPECT_EQ(reply.header("sec-websocket-protocol"), "echo.v2");
  EXPECT_EQ(reply.header("server"), "tidemark");
  EXPECT_FALSE(reply.header("evil"));
  EXPECT_FALSE(reply.header("sec-websocket-extensions"));
  client.send(frame(kText, "protocol"));
  EXPECT_EQ(read_frame(client).payload, "echo.v2");
}

TEST_F(HttpWebSocket, RefusalsAreTheSurfacesAndTheConnectionGoesOn) {
  serve();
  RawClient client(server_->port());
  const Reply plain = client.ask(get("/live"));
  EXPECT_EQ(plain.status, 426);
  EXPECT_EQ(plain.header("upgrade"), "websocket");
  EXPECT_EQ(plain.header("sec-websocket-version"), "13");
  EXPECT_EQ(client.ask(get("/live", kHandshake + kHandshake)).status, 400);
  EXPECT_EQ(client.ask("HEAD /live HTTP/1.1\r\nHost: t\r\n" + kHandshake + "\r\n", true).status, 426);
  EXPECT_EQ(client.ask(get("/live", kHandshake), true).status, 101);
}

TEST_F(HttpWebSocket, AHandshakeWithABodySmugglesNothing) {
  serve();
  RawClient client(server_->port());
  const std::string smuggled = get("/live");
  const Reply reply = client.ask(get("/live", kHandshake + "Content-Length: " + std::to_string(smuggled.size()) + "\r\n") + smuggled);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(HttpWebSocket, MessagesComeBackWholeWhateverTheirFrames) {
  serve();
  RawClient client = open();
  const std::string large(4096, 'l');
  client.send(frame(kText, "h\xc3\xa9llo") + frame(kBinary, std::string("\0\xff", 2)) + frame(kText, ""));
  EXPECT_EQ(read_frame(client).payload, "h\xc3\xa9llo");
  EXPECT_EQ(read_frame(client).payload, std::string("\0\xff", 2));
  EXPECT_EQ(read_frame(client).payload, "");
  client.send(frame(kBinary, large));
  EXPECT_EQ(read_frame(client).payload, large);
  // A ping between fragments is answered at once; a UTF-8 sequence may be cut anywhere.
  client.send(frame(kText, "a\xc3", {.final = false}) + frame(kPing, "now") + frame(kContinuation, "\xa9", {.final = false}) +
              frame(kContinuation, ""));
  const Frame pong = read_frame(client);
  EXPECT_EQ(pong.opcode, kPong);
  EXPECT_EQ(pong.payload, "now");
  const Frame message = read_frame(client);
  EXPECT_EQ(message.opcode, kText);
  EXPECT_EQ(message.payload, "a\xc3\xa9");
}

TEST_F(HttpWebSocket, FramesRightBehindTheHandshakeCount) {
  serve();
  RawClient client(server_->port());
  client.send(get("/live", kHandshake) + frame(kText, "early"));
  EXPECT_EQ(client.read_reply(true)->status, 101);
  EXPECT_EQ(read_frame(client).payload, "early");
}

TEST_F(HttpWebSocket, ByteByByteIsTheSame) {
  serve();
  RawClient client = open();
  for (const char c : frame(kText, std::string(200, 'b'))) client.send({&c, 1});
  EXPECT_EQ(read_frame(client).payload, std::string(200, 'b'));
}

TEST_F(HttpWebSocket, ACloseOfThePeerIsAnsweredAndTold) {
  serve();
  RawClient client = open();
  client.send(close_frame(4002, "done"));
  EXPECT_EQ(read_frame(client).close_code(), 4002);
  EXPECT_TRUE(client.closed_by_peer());
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.read_failure, Code::cancelled);
  EXPECT_EQ(seen_.close_code, 4002);
  EXPECT_EQ(seen_.closes, 1);
}

TEST_F(HttpWebSocket, ACloseWithoutACodeIs1005) {
  serve();
  RawClient client = open();
  client.send(frame(kClose, ""));
  EXPECT_EQ(read_frame(client).opcode, kClose);
  client.closed_by_peer();
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.close_code, 1005);
}

TEST_F(HttpWebSocket, TheTaskClosesWithItsOwnCodeItsEndWith1000AndAnExceptionWith1011) {
  serve();
  EXPECT_EQ(close_code_after(frame(kText, "close")), 4001);
  EXPECT_EQ(close_code_after(frame(kText, "throw")), 1011);
}

TEST_F(HttpWebSocket, ViolationsAreAnsweredWithTheirCode) {
  struct Case {
    const char* name;
    std::string bytes;
    int code;
  };
  const FrameShape open_ended{.final = false};
  const Case cases[] = {
      {"unmasked", frame(kText, "hello", {.masked = false}), 1002},
      {"reserved bit", frame(kText, "hello", {.reserved = 4}), 1002},
      {"reserved opcode", frame(3, "hello"), 1002},
      {"reserved control opcode", frame(11, "hello"), 1002},
      {"continuation of nothing", frame(kContinuation, "hello"), 1002},
      {"new message within a message", frame(kText, "a", open_ended) + frame(kText, "b"), 1002},
      {"fragmented ping", frame(kPing, "a", open_ended), 1002},
      {"long ping", frame(kPing, std::string(126, 'p')), 1002},
      {"long close", frame(kClose, std::string(126, '\x03')), 1002},
      {"close of one byte", frame(kClose, "\x03"), 1002},
      {"close 999", close_frame(999), 1002},
      {"close 1004", close_frame(1004), 1002},
      {"close 1005", close_frame(1005), 1002},
      {"close 1006", close_frame(1006), 1002},
      {"close 1016", close_frame(1016), 1002},
      {"close reason no UTF-8", close_frame(1000, "\xff\xfe"), 1002},
      {"length not minimal", std::string("\x81\xfe\x00\x05", 4) + "\x12\x5a\x7f\x31" + "hello", 1002},
      {"length over 2^63", std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10) + "\x12\x5a\x7f\x31", 0},
      {"text no UTF-8", frame(kText, "a\xff"), 1007},
      {"text cut in a character", frame(kText, "a\xc3"), 1007},
      {"surrogate", frame(kText, "\xed\xa0\x80"), 1007},
      {"overlong", frame(kText, "\xc0\xaf"), 1007},
      {"no UTF-8 over fragments", frame(kText, "a\xc3", open_ended) + frame(kContinuation, "a"), 1007},
      {"large frame", frame(kBinary, "", {.declared = 4097}), 1009},
      {"huge frame", frame(kBinary, "", {.declared = std::size_t{1} << 40}), 1009},
      {"large in fragments", frame(kBinary, std::string(4096, 'x'), open_ended) + frame(kContinuation, "y"), 1009},
      {"not WebSocket at all", get("/live"), 1002},
  };
  serve();
  for (const Case& each : cases) {
    SCOPED_TRACE(each.name);
    const int finished = seen_.finished;
    const int code = close_code_after(each.bytes);
    if (each.code != 0) {
      EXPECT_EQ(code, each.code);
    }
    EXPECT_TRUE(server_->eventually([&] { return seen_.finished == finished + 1; }));
  }
  EXPECT_TRUE(server_->eventually([this] { return server_->server().connections() == 0; }));
}

TEST_F(HttpWebSocket, AViolationIsTheReadersError) {
  serve();
  EXPECT_EQ(close_code_after(frame(kText, "a\xff")), 1007);
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.read_failure, Code::invalid_argument);
}

TEST_F(HttpWebSocket, APeerThatVanishesEndsTheTask) {
  serve(listen_only);
  {
    RawClient client = open();
    client.send(frame(kText, "half", {.final = false}));
  }
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.closes, 1);
}

TEST_F(HttpWebSocket, AHalfClosedPeerIsGone) {
  serve();
  RawClient client = open();
  client.half_close();
  EXPECT_TRUE(client.closed_by_peer());
  EXPECT_TRUE(over());
  EXPECT_EQ(seen_.read_failure, Code::cancelled);
}

TEST_F(HttpWebSocket, APeerThatNeverReadsIsDisconnectedAndHoldsLittle) {
  options_.stall_timeout = Duration(200);
  serve(pour);
  RawClient client = open({}, 4096);
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.write_failure, Code::timed_out);
  EXPECT_LT(seen_.written, 1u << 20);
}

TEST_F(HttpWebSocket, APeerThatOnlySendsIsHeldBackByTheReader) {
  options_.drain_deadline = Duration(50);
  serve(listen_only);
  RawClient client = open();
  ::fcntl(client.fd(), F_SETFL, ::fcntl(client.fd(), F_GETFL) | O_NONBLOCK);
  const std::string message = frame(kBinary, std::string(4096, 'x'));
  std::size_t sent = 0;
  // The sockets' buffers fill up; the server takes one message into memory and leaves the rest to the peer.
  for (int refused = 0; refused < 100 && sent < 256u << 20;) {
    const auto got = ::send(client.fd(), message.data(), message.size(), MSG_NOSIGNAL);
    if (got > 0) sent += static_cast<std::size_t>(got);
    else ++refused;
    if (got <= 0) server_->on_loop([] {});
  }
  EXPECT_LT(sent, 256u << 20);
}

TEST_F(HttpWebSocket, ASilentPeerIsPingedThenCut) {
  body_.options.ping_interval = Duration(50);
  body_.options.pong_deadline = Duration(1500);
  serve();
  RawClient client = open();
  EXPECT_EQ(read_frame(client).opcode, kPing);
  client.send(frame(kPong, ""));
  EXPECT_EQ(read_frame(client).opcode, kPing);
  EXPECT_EQ(read_past_pings(client).opcode, -1);
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.read_failure, Code::timed_out);
}

TEST_F(HttpWebSocket, AMessageThatNeverEndsIsCut) {
  body_.options.message_deadline = Duration(100);
  serve();
  RawClient client = open();
  client.send(frame(kText, "begun", {.final = false}));
  EXPECT_EQ(read_past_pings(client).opcode, -1);
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.read_failure, Code::timed_out);
}

TEST_F(HttpWebSocket, AFloodOfPingsIsClosedWith1008) {
  body_.options.control_frames_max = 20;
  serve();
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += frame(kPing, "p");
  EXPECT_EQ(close_code_after(flood), 1008);
  ASSERT_TRUE(over());
  EXPECT_EQ(seen_.read_failure, Code::invalid_argument);
}

TEST_F(HttpWebSocket, ADrainingServerSaysGoingAway) {
  serve(listen_only);
  RawClient client = open();
  ASSERT_TRUE(server_->eventually([this] { return seen_.running == 1; }));
  std::thread stopping([this] { server_->stop(); });
  EXPECT_EQ(read_frame(client).payload, "bye");
  EXPECT_EQ(read_frame(client).close_code(), 1001);
  client.send(close_frame(1001));
  EXPECT_TRUE(client.closed_by_peer());
  stopping.join();
  EXPECT_EQ(seen_.finished, 1);
}

TEST_F(HttpWebSocket, AWaitingReaderLearnsOfTheDrain) {
  serve();
  RawClient client = open();
  ASSERT_TRUE(server_->eventually([this] { return seen_.running == 1; }));
  std::thread stopping([this] { server_->stop(); });
  EXPECT_EQ(read_frame(client).close_code(), 1001);
  client.send(close_frame(1001));
  stopping.join();
  EXPECT_EQ(seen_.read_failure, Code::cancelled);
}

TEST_F(HttpWebSocket, AStopDoesNotWaitForPeersThatIgnoreTheClose) {
  options_.drain_deadline = Duration(50);
  serve(pour);
  RawClient client = open({}, 4096);
  ASSERT_TRUE(server_->eventually([this] { return seen_.running == 1; }));
  server_->stop();
  EXPECT_EQ(seen_.finished, 1);
}

}  // namespace
}  // namespace tidemark::http::testing
