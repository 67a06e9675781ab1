// TLS listeners: what they speak, what they refuse, and how their certificate changes.

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include "tests/integration/http/certificates.hpp"
#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

TEST(TlsIdentity, NamesWhatIsWrongWithTheFiles) {
  const TemporaryDirectory directory;
  const auto good = make_certificate(directory, "good");
  const auto other = make_certificate(directory, "other");
  const auto expired = make_certificate(directory, "expired", std::chrono::hours(-48), std::chrono::hours(-24));
  const auto early = make_certificate(directory, "early", std::chrono::hours(1));
  const std::string garbage = directory.file("garbage.pem");
  write_file(garbage, "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n");
  const std::string locked = directory.file("locked.pem");
  write_file(locked, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nbm90aGluZw==\n-----END ENCRYPTED PRIVATE KEY-----\n");
  struct Case {
    TlsFiles files;
    const char* says;
  };
  const Case cases[] = {
      {{directory.file("absent"), good.key}, "cannot read "},
      {{good.certificate, directory.file("absent")}, "cannot read "},
      {{garbage, good.key}, "holds no usable certificate"},
      {{good.key, good.key}, "holds no usable certificate"},
      {{good.certificate, garbage}, "holds no usable private key"},
      {{good.certificate, good.certificate}, "holds no usable private key"},
      {{good.certificate, locked}, "without a passphrase"},
      {{good.certificate, other.key}, "does not belong to the certificate"},
      {expired, "expired at "},
      {early, "is not valid before "},
  };
  for (const Case& each : cases) {
    const auto loaded = load_tls_identity(each.files, wall_now());
    ASSERT_FALSE(loaded.ok()) << each.says;
    EXPECT_EQ(loaded.error().code, Code::invalid_argument);
    EXPECT_NE(loaded.error().message.find(each.says), std::string::npos) << loaded.error().message;
  }
  const auto loaded = load_tls_identity(good, wall_now());
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded->subject, "CN = good");
  EXPECT_GT(loaded->valid_until, wall_now());
}

class HttpTls : public ::testing::Test {
 protected:
  TlsIdentity identity(const std::string& name = "first") {
    auto loaded = load_tls_identity(make_certificate(directory_, name), wall_now());
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    return *loaded;
  }
  void serve(ServerOptions options = {}, std::vector<Surface> surfaces = test_surfaces()) {
    server_ = std::make_unique<TestServer>(std::move(surfaces), options, std::vector<std::string>{""}, identity());
  }
  RawClient open(const TlsOffer& offer = {}, int receive_buffer_bytes = 0) {
    RawClient client(server_->port(), receive_buffer_bytes);
    EXPECT_TRUE(client.start_tls(offer));
    return client;
  }
  static std::string name_of_server(const RawClient& client) {
    X509* certificate = SSL_get1_peer_certificate(client.ssl());
    char name[64] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
    X509_free(certificate);
    return name;
  }

  TemporaryDirectory directory_;
  std::unique_ptr<TestServer> server_;
};

TEST_F(HttpTls, RequestsBodiesAndFilesWorkAsWithoutIt) {
  serve();
  RawClient client = open();
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  std::string large(3u << 20, 'e');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 3);
  EXPECT_EQ(client.ask(post("/echo", large)).body, large);
  EXPECT_EQ(client.ask("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n").status, 100);
  EXPECT_EQ(client.ask("continued").body, "continued");
  const Reply file = client.ask(get("/file"));
  ASSERT_EQ(file.body.size(), 1u << 20);
  for (std::size_t i = 0; i < file.body.size(); i += 1009) ASSERT_EQ(file.body[i], static_cast<char>(i * 7 + 3));
  EXPECT_EQ(client.ask(get("/file", "Range: bytes=5-9\r\n")).body, file.body.substr(5, 5));
  EXPECT_EQ(client.ask("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n", true).header("content-length"), "5");
  EXPECT_EQ(client.ask(get("/hello", "Connection: close\r\n")).body, "hello");
  EXPECT_TRUE(client.closed_by_peer());
  char byte = 0;
  EXPECT_EQ(SSL_get_error(client.ssl(), SSL_read(client.ssl(), &byte, 1)), SSL_ERROR_ZERO_RETURN) << "the end is told within TLS";
}

TEST_F(HttpTls, PipelinedRequestsInOneRecordAreAllAnswered) {
  serve();
  RawClient client = open();
  std::string requests;
  for (int i = 0; i < 40; ++i) requests += get("/hello");
  client.send(requests);
  for (int i = 0; i < 40; ++i) {
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << i;
    EXPECT_EQ(reply->body, "hello");
  }
}

TEST_F(HttpTls, ASlowReaderGetsEveryByteOfALargeAnswer) {
  serve();
  RawClient client = open({}, 4096);
  const Reply reply = client.ask(get("/huge"));
  EXPECT_EQ(reply.body.size(), 64u << 20);
  EXPECT_EQ(reply.body.find_first_not_of('h'), std::string::npos);
}

TEST_F(HttpTls, OnlyModernVersionsAndHttp11AreAgreedOn) {
  serve();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawClient client = open({.version_max = version, .protocols = "\x02h2\x08http/1.1"});
    EXPECT_EQ(SSL_version(client.ssl()), version);
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
    EXPECT_EQ(client.ask(get("/hello")).body, "hello");
  }
  RawClient old(server_->port()), only_h2(server_->port());
  EXPECT_FALSE(old.start_tls({.version_max = TLS1_1_VERSION}));
  EXPECT_FALSE(only_h2.start_tls({.protocols = "\x02h2"}));
}

TEST_F(HttpTls, PlainHttpIsToldSo) {
  serve();
  RawClient client(server_->port());
  const Reply reply = client.ask(get("/hello"));
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("https"), std::string::npos) << reply.body;
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpTls, HandshakesThatDoNotComeThroughEndInTime) {
  ServerOptions options;
  options.header_deadline = Duration(200);
  options.stall_timeout = Duration(200);
  serve(options);
  RawClient mute(server_->port()), half(server_->port()), garbage(server_->port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  garbage.send("\x16" + std::string(300, 'g'));
  EXPECT_TRUE(mute.closed_by_peer());
  EXPECT_TRUE(half.closed_by_peer());
  EXPECT_TRUE(garbage.closed_by_peer());
  RawClient cut = open();
  ::shutdown(cut.fd(), SHUT_RDWR);  // without saying so within TLS
  EXPECT_TRUE(server_->eventually([this] { return server_->server().connections() == 0; }));
}

TEST_F(HttpTls, ANewCertificateIsForNewConnections) {
  serve();
  RawClient before = open();
  EXPECT_EQ(name_of_server(before), "first");
  const TlsIdentity second = identity("second");
  server_->on_loop([&] { server_->server().use_tls(second); });
  RawClient after = open();
  EXPECT_EQ(name_of_server(after), "second");
  EXPECT_EQ(before.ask(get("/hello")).body, "hello");
  EXPECT_EQ(after.ask(get("/hello")).body, "hello");
}

TEST_F(HttpTls, SessionsResumeByTicket) {
  serve();
  RawClient first = open();
  EXPECT_EQ(first.ask(get("/hello")).body, "hello");  // tickets of TLS 1.3 come with the first data
  SSL_SESSION* session = SSL_get1_session(first.ssl());
  RawClient second = open({.resume = session});
  EXPECT_TRUE(SSL_session_reused(second.ssl()));
  EXPECT_EQ(second.ask(get("/hello")).body, "hello");
  // The tickets of a certificate end with it.
  server_->on_loop([&] { server_->server().use_tls(identity("second")); });
  RawClient third = open({.resume = session});
  EXPECT_FALSE(SSL_session_reused(third.ssl()));
  EXPECT_EQ(third.ask(get("/hello")).body, "hello");
  SSL_SESSION_free(session);
}

/// A platform with a stream that ends when closed, and a WebSocket that echoes.
std::vector<Surface> live_surfaces() {
  Surface surface;
  Route stream;
  stream.pattern = "/stream";
  stream.handler = [](Request&) -> Task<Response> {
    co_return event_stream_response([](BodyStream& out) -> Task<void> {
      Task<Result<void>> writing = out.write("data: 1\n\n");
      const Result<void> wrote = co_await std::move(writing);
      if (!wrote) co_return;
      Fn<void(Fn<void(bool)>)> start = [&out](Fn<void(bool)> done) { out.on_close([done = std::move(done)]() mutable { done(true); }); };
      Callback<bool> waiting(std::move(start));
      co_await waiting;
    });
  };
  surface.routes.push_back(std::move(stream));
  Route socket;
  socket.pattern = "/socket";
  socket.handler = [](Request&) -> Task<Response> {
    WebSocketBody body;
    body.run = [](WebSocket& socket) -> Task<void> {
      while (true) {
        Result<WebSocketMessage> message = co_await socket.read();
        if (!message) co_return;
        Task<Result<void>> writing = socket.write(std::move(*message));
        const Result<void> wrote = co_await std::move(writing);
        if (!wrote) co_return;
      }
    };
    Response response;
    response.body = std::move(body);
    co_return response;
  };
  surface.routes.push_back(std::move(socket));
  std::vector<Surface> surfaces;
  surfaces.push_back(std::move(surface));
  return surfaces;
}

TEST_F(HttpTls, StreamsAndWebSocketsWorkAndNoticeTheirPeersGoing) {
  serve({}, live_surfaces());
  {
    RawClient stream = open(), socket = open();
    stream.send(get("/stream"));
    const auto head = stream.read_reply();
    ASSERT_TRUE(head);
    EXPECT_EQ(head->header("content-type"), "text/event-stream");
    EXPECT_EQ(stream.read_exactly(14), "9\r\ndata: 1\n\n\r\n");
    EXPECT_EQ(socket.ask(get("/socket", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), true).status, 101);
    const std::string masked("\x81\x82\0\0\0\0hi", 8);
    socket.send(masked + masked);  // two frames in one record
    EXPECT_EQ(socket.read_exactly(8), "\x81\x02hi\x81\x02hi");
    EXPECT_EQ(server_->connections(), 2u);
    SSL_shutdown(stream.ssl());  // half a close: the stream ends
    EXPECT_TRUE(server_->eventually([this] { return server_->server().connections() == 1; }));
  }
  EXPECT_TRUE(server_->eventually([this] { return server_->server().connections() == 0; }));
}

TEST_F(HttpTls, AListenerWithoutACertificateIsRefused) {
  const auto loop = make_asio_loop();
  const auto server = make_server(*loop, {}, {});
  const auto bound = server->listen({Listener{"127.0.0.1", 0, "", true}});
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace tidemark::http::testing
