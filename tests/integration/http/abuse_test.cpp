// Clients that are broken, slow or hostile.

#include <sys/resource.h>
#include <sys/socket.h>

#include <fstream>
#include <random>

#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

ServerOptions impatient() {
  ServerOptions options;
  options.header_deadline = Duration(150);
  options.idle_timeout = Duration(150);
  options.stall_timeout = Duration(150);
  options.drain_deadline = Duration(150);
  return options;
}

std::size_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  in >> total >> resident;
  return resident * 4096;
}

struct Smuggle {
  const char* name;
  std::string bytes;
  int status;
};

TEST(HttpAbuse, RequestsThatTwoServersCouldReadDifferentlyAreRefusedAndEndTheConnection) {
  TestServer server(test_surfaces(), ServerOptions());
  const std::string line = "POST /echo HTTP/1.1\r\nHost: t\r\n";
  const std::string tail = "\r\n0\r\n\r\nGET /hello HTTP/1.1\r\nHost: t\r\n\r\n";
  const Smuggle cases[] = {
      {"CL.TE", line + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n" + tail, 400},
      {"TE.CL", line + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n" + tail, 400},
      {"TE.TE", line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + tail, 400},
      {"chunked not last", line + "Transfer-Encoding: chunked, gzip\r\n" + tail, 400},
      {"unknown coding", line + "Transfer-Encoding: gzip, chunked\r\n" + tail, 400},
      {"obfuscated coding", line + "Transfer-Encoding: \"chunked\"\r\n" + tail, 400},
      {"coding with vertical tab", line + "Transfer-Encoding:\x0b" "chunked\r\n" + tail, 400},
      {"space before colon", line + "Transfer-Encoding : chunked\r\n" + tail, 400},
      {"folded coding", line + "Transfer-Encoding:\r\n chunked\r\n" + tail, 400},
      {"chunked in 1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + tail, 400},
      {"two lengths", line + "Content-Length: 5\r\nContent-Length: 6\r\n" + tail, 400},
      {"same length twice", line + "Content-Length: 5\r\nContent-Length: 5\r\n" + tail, 400},
      {"length list", line + "Content-Length: 5, 5\r\n" + tail, 400},
      {"negative length", line + "Content-Length: -1\r\n" + tail, 400},
      {"hexadecimal length", line + "Content-Length: 0x10\r\n" + tail, 400},
      {"huge length", line + "Content-Length: 18446744073709551621\r\n" + tail, 400},
      {"bare LF", "GET /hello HTTP/1.1\nHost: t\n\n", 400},
      {"bare LF in a field", line + "A: b\nContent-Length: 5\r\n" + tail, 400},
      {"bare CR in a field", line + "A: b\rContent-Length: 5\r\n" + tail, 400},
      {"NUL in a field", line + std::string("A: b\0c\r\n", 8) + tail, 400},
      {"obs-fold", line + "A: b\r\n c\r\n" + tail, 400},
      {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"absolute form", "GET http://t/hello HTTP/1.1\r\nHost: t\r\n\r\n", 400},
      {"authority form", "CONNECT t:80 HTTP/1.1\r\nHost: t\r\n\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET /hello HTTP/1.2\r\nHost: t\r\n\r\n", 505},
      {"HTTP/0.9", "GET /hello\r\n\r\n", 400},
      {"long target", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: t\r\n\r\n", 414},
      {"large head", "GET /hello HTTP/1.1\r\nHost: t\r\nA: " + std::string(40000, 'a') + "\r\n\r\n", 431},
      {"many fields", "GET /hello HTTP/1.1\r\nHost: t\r\n" + [] {
         std::string out;
         for (int i = 0; i < 500; ++i) out += "A: b\r\n";
         return out;
       }() + "\r\n", 431},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
  };
  for (const Smuggle& each : cases) {
    RawClient client(server.port());
    client.send(each.bytes);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << each.name;
    EXPECT_EQ(reply->status, each.status) << each.name;
    EXPECT_EQ(reply->header("connection"), "close") << each.name;
    EXPECT_FALSE(client.read_reply()) << each.name << ": a second answer";
  }
}

TEST(HttpAbuse, BrokenChunksAreRefused) {
  TestServer server(test_surfaces(), ServerOptions());
  const std::string line = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& body : {std::string("5\nhello\r\n0\r\n\r\n"), std::string("5 \r\nhello\r\n0\r\n\r\n"), std::string("-5\r\n"), std::string("zz\r\n"), std::string("5\r\nhello0\r\n\r\n"),
                                  std::string("fffffffffffffffff\r\n"), "5;" + std::string(10000, 'e') + "\r\nhello\r\n0\r\n\r\n", "0\r\nT: " + std::string(20000, 't') + "\r\n\r\n"}) {
    RawClient client(server.port());
    client.send(line + body);
    const auto reply = client.read_reply();
    ASSERT_TRUE(reply) << body.substr(0, 40);
    EXPECT_EQ(reply->status, 400) << body.substr(0, 40);
    EXPECT_TRUE(client.closed_by_peer());
  }
}

TEST(HttpAbuse, ASlowHeadIsToldAndEnded) {
  TestServer server(test_surfaces(), impatient());
  RawClient client(server.port());
  client.send("GET /hello HT");
  EXPECT_EQ(client.read_reply()->status, 408);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST(HttpAbuse, AHeadThatTricklesDoesNotOutliveItsDeadline) {
  TestServer server(test_surfaces(), impatient());
  RawClient client(server.port());
  client.send("GET /hello HTTP/1.1\r\nX: ");
  const auto begin = std::chrono::steady_clock::now();
  while (client.silent() && std::chrono::steady_clock::now() - begin < std::chrono::seconds(10)) {
    client.send("x");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the trickle itself
  }
  EXPECT_EQ(client.read_reply()->status, 408);
}

TEST(HttpAbuse, AnIdleConnectionIsClosedInSilence) {
  TestServer server(test_surfaces(), impatient());
  RawClient fresh(server.port()), used(server.port());
  EXPECT_EQ(used.ask(get("/hello")).status, 200);
  EXPECT_EQ(fresh.read_all(), "");
  EXPECT_EQ(used.read_all(), "");
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
}

TEST(HttpAbuse, ASlowBodyIsToldAndEnded) {
  TestServer server(test_surfaces(), impatient());
  RawClient client(server.port());
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n12345");
  EXPECT_EQ(client.read_reply()->status, 408);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST(HttpAbuse, AClientThatNeverReadsIsDropped) {
  TestServer server(test_surfaces(), impatient());
  RawClient never(server.port(), 4096), file(server.port(), 4096);
  never.send(get("/huge"));
  for (int i = 0; i < 20; ++i) file.send(get("/file"));
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 2; }));
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
}

TEST(HttpAbuse, ConnectionsOverTheLimitAreTold) {
  ServerOptions options;
  options.connections_max = 3;
  TestServer server(test_surfaces(), options);
  std::vector<RawClient> held;
  for (int i = 0; i < 3; ++i) {
    held.emplace_back(server.port());
    ASSERT_EQ(held.back().ask(get("/hello")).status, 200);
  }
  RawClient refused(server.port());
  refused.send(get("/hello"));
  const auto reply = refused.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->header("retry-after"), "1");
  EXPECT_TRUE(refused.closed_by_peer());
  EXPECT_EQ(held[0].ask(get("/hello")).status, 200);
  held.pop_back();
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() < 3; }));
  RawClient next(server.port());
  EXPECT_EQ(next.ask(get("/hello")).status, 200);
}

TEST(HttpAbuse, GarbageNeverStopsTheServer) {
  TestServer server(test_surfaces(), impatient());
  std::random_device device;
  const auto seed = device();
  std::mt19937 random(seed);
  RecordProperty("seed", std::to_string(seed));
  const std::string valid = post("/form", "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--XX--", "Content-Type: multipart/form-data; boundary=XX\r\n") +
                            "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (int i = 0; i < 300; ++i) {
    std::string bytes = valid;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int c = 0; c < changes; ++c) {
      const auto at = random() % bytes.size();
      switch (random() % 3) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes.erase(at, 1 + random() % 10); break;
        default: bytes.insert(at, 1 + random() % 5, static_cast<char>(random())); break;
      }
    }
    RawClient client(server.port());
    client.send(bytes);
    client.half_close();
    client.read_all();
  }
  RawClient client(server.port());
  EXPECT_EQ(client.ask(get("/hello")).body, "hello") << "seed " << seed;
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() <= 1; })) << "seed " << seed;
}

TEST(HttpAbuse, ClientsThatVanishAtAnyPointLeaveNothingBehind) {
  TestServer server(test_surfaces(), ServerOptions());
  const std::string request = post("/echo", std::string(100, 'x')) + get("/file");
  for (std::size_t size = 1; size <= request.size(); ++size) {
    RawClient client(server.port());
    client.send(std::string_view(request).substr(0, size));
    const linger reset{1, 0};
    if (size % 2 == 0) ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }
  EXPECT_TRUE(server.eventually([&] { return server.server().connections() == 0; }));
}

TEST(HttpAbuse, IdleConnectionsCostLittle) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t wanted = std::min<std::size_t>(2000, (limit.rlim_cur - 100) / 2);
  TestServer server(test_surfaces(), ServerOptions());
  RawClient first(server.port());
  first.ask(get("/hello"));
  const std::size_t before = resident_bytes();
  std::vector<RawClient> idle;
  for (std::size_t i = 0; i < wanted; ++i) {
    idle.emplace_back(server.port());
    ASSERT_EQ(idle.back().ask(get("/hello")).status, 200);
  }
  EXPECT_EQ(server.connections(), wanted + 1);
  const std::size_t each = (resident_bytes() - before) / wanted;
  RecordProperty("bytes_per_idle_connection", std::to_string(each));
#ifndef __SANITIZE_ADDRESS__
  EXPECT_LT(each, 20u << 10);  // the client's side included
#endif
  for (RawClient& client : idle) ASSERT_EQ(client.ask(get("/hello")).status, 200);
}

}  // namespace
}  // namespace tidemark::http::testing
