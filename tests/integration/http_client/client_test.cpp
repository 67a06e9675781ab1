// The outbound client against real sockets: what it sends, what it accepts, and where it refuses to go.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "core/api/outbound.hpp"
#include "core/base/executors.hpp"
#include "core/http/client/client.hpp"
#include "tests/integration/http_client/peer.hpp"

namespace tidemark::http {
namespace {

using testing::Certificate;
using testing::Peer;

class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<AsioLoop> loop = make_asio_loop();
  std::unique_ptr<Executor> resolver = make_thread_pool("resolver", 2);
  ClientOptions options;
  std::unique_ptr<Client> client;
  int looked_up = 0;

  void SetUp() override {
    options.allowed_networks = {"127.0.0.1"};
    options.resolve = [this](const std::string&) -> Result<std::vector<IpAddress>> {
      ++looked_up;
      return std::vector<IpAddress>{*parse_ip("127.0.0.1")};
    };
  }
  /// Trusts the certificate and nothing else.
  void trust(const Certificate& certificate) {
    const auto path = std::filesystem::temp_directory_path() / ("tm-ca-" + std::to_string(::getpid()) + ".pem");
    std::ofstream(path) << certificate.certificate;
    options.ca_file = path;
    made();
    std::filesystem::remove(path);
  }
  void made() {
    auto result = make_client(*loop, *resolver, options);
    ASSERT_TRUE(result.ok()) << describe(result.error());
    client = std::move(*result);
  }
  Result<ClientAnswer> call(ClientRequest request) {
    if (!client) made();
    std::optional<Result<ClientAnswer>> answer;
    client->call(std::move(request), [&](Result<ClientAnswer> result) {
      EXPECT_FALSE(answer) << "it ended twice";
      answer = std::move(result);
      loop->stop();
    });
    EXPECT_FALSE(answer) << "it ended inside call()";
    loop->run();
    return std::move(*answer);
  }
  static std::string url(const Peer& peer, const char* scheme = "http", const char* host = "hooks.test") {
    return std::string(scheme) + "://" + host + ":" + std::to_string(peer.port()) + "/people?x=1";
  }
  ClientRequest request(const std::string& to, Duration deadline = std::chrono::seconds(20)) {
    ClientRequest made;
    made.url = to;
    made.headers = {{"Content-Type", "application/json"}};
    made.body = "{}";
    made.deadline = deadline;
    return made;
  }
  Code code_of(const std::string& to) {
    auto answer = call(request(to));
    return answer ? Code::uninitialised : answer.error().code;
  }
};

TEST_F(ClientTest, ACallOverTlsIsSentWholeAndItsAnswerRead) {
  const auto certificate = testing::make_certificate("DNS:hooks.test");
  trust(certificate);
  Peer peer(certificate);
  peer.then({"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n"});
  const auto answer = call(request(url(peer, "https")));
  ASSERT_TRUE(answer.ok()) << describe(answer.error());
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "yes");
  EXPECT_EQ(retry_after(answer->headers, Time{}), std::chrono::seconds(3));
  const std::string sent = peer.requests().at(0);
  EXPECT_TRUE(sent.starts_with("POST /people?x=1 HTTP/1.1\r\n")) << sent;
  EXPECT_NE(sent.find("Host: hooks.test:" + std::to_string(peer.port()) + "\r\n"), sent.npos) << sent;
  EXPECT_TRUE(sent.ends_with("\r\n\r\n{}")) << sent;
  EXPECT_EQ(looked_up, 1) << "the address that was checked is the one that is connected to";
}

TEST_F(ClientTest, ARepeatedHeaderIsSentAsOftenAndReplacesTheClientsOwn) {
  const auto certificate = testing::make_certificate("DNS:hooks.test");
  trust(certificate);
  Peer peer(certificate);
  peer.then({"HTTP/1.1 204 No Content\r\n\r\n"});
  ClientRequest made = request(url(peer, "https"));
  made.headers = {{"X-One", "a"}, {"User-Agent", "other"}, {"x-one", "b"}};
  const auto answer = call(std::move(made));
  ASSERT_TRUE(answer.ok()) << describe(answer.error());
  const std::string sent = peer.requests().at(0);
  EXPECT_NE(sent.find("X-One: a\r\n"), sent.npos) << sent;
  EXPECT_NE(sent.find("x-one: b\r\n"), sent.npos) << sent;
  EXPECT_NE(sent.find("User-Agent: other\r\n"), sent.npos) << sent;
  EXPECT_EQ(sent.find("tidemark"), sent.npos) << sent;
}

TEST_F(ClientTest, ACertificateThatIsNotTrustedForTheHostNowIsRefused) {
  const auto good = testing::make_certificate("DNS:hooks.test,IP:127.0.0.1");
  const std::vector<std::pair<const char*, Certificate>> bad{
      {"unknown authority", testing::make_certificate("DNS:hooks.test")},
      {"another name", testing::make_certificate("DNS:other.test")},
      {"expired", testing::make_certificate("DNS:hooks.test", std::chrono::hours(-48), std::chrono::hours(-24))},
      {"not yet valid", testing::make_certificate("DNS:hooks.test", std::chrono::hours(24), std::chrono::hours(48))}};
  for (std::size_t i = 0; i < bad.size(); ++i) {
    trust(i == 0 ? good : bad[i].second);
    Peer peer(bad[i].second);
    const auto answer = call(request(url(peer, "https")));
    ASSERT_FALSE(answer.ok()) << bad[i].first;
    EXPECT_EQ(answer.error().code, Code::unavailable) << bad[i].first;
    EXPECT_NE(answer.error().message.find("certificate"), std::string::npos) << answer.error().message;
    EXPECT_TRUE(peer.requests().empty()) << bad[i].first;
  }
  trust(good);
  Peer peer(good);
  EXPECT_TRUE(call(request(url(peer, "https", "127.0.0.1"))).ok()) << "an address is verified too";
}

TEST_F(ClientTest, ANameThatLeadsInwardsIsRefusedAndNothingIsConnected) {
  Peer peer;
  options.allowed_networks.clear();
  made();
  EXPECT_EQ(code_of(url(peer, "https")), Code::invalid_argument);
  EXPECT_EQ(code_of(url(peer, "https", "127.0.0.1")), Code::invalid_argument);
  EXPECT_EQ(code_of(url(peer, "https", "[::ffff:127.0.0.1]")), Code::invalid_argument);
  EXPECT_EQ(code_of("https://169.254.169.254/latest/meta-data"), Code::invalid_argument);
  EXPECT_EQ(peer.connections(), 0);
}

TEST_F(ClientTest, PlainHttpGoesToListedAddressesOnly) {
  Peer peer;
  EXPECT_TRUE(call(request(url(peer))).ok());
  EXPECT_EQ(code_of("http://1.1.1.1/"), Code::invalid_argument);
}

TEST_F(ClientTest, ARedirectIsAnAnswer) {
  Peer peer;
  peer.then({"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:" + std::to_string(peer.port()) + "/elsewhere\r\nContent-Length: 0\r\n\r\n"});
  const auto answer = call(request(url(peer)));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(peer.connections(), 1);
}

TEST_F(ClientTest, AReceiverThatNeverAnswersAndALookUpThatNeverEndsMeetTheDeadline) {
  Peer peer;
  peer.then({"", true});
  auto answer = call(request(url(peer), Duration(300)));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::timed_out);
  std::promise<void> release;
  options.resolve = [&](const std::string&) -> Result<std::vector<IpAddress>> {
    release.get_future().wait();
    return std::vector<IpAddress>{};
  };
  made();
  answer = call(request(url(peer), Duration(300)));
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Code::timed_out);
  release.set_value();
  resolver.reset();  // before what the look-up refers to
}

TEST_F(ClientTest, AnswersThatAreTooLargeOrBrokenAreErrors) {
  options.answer_bytes_max = 1000;
  Peer peer;
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::vector<std::pair<std::string, Code>> cases{
      {head + "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x'), Code::exhausted},
      {head + "\r\n" + std::string(5000, 'x'), Code::exhausted},
      {head + "X: " + std::string(40'000, 'x') + "\r\n\r\n", Code::exhausted},
      {head + "Content-Length: 10\r\n\r\nshort", Code::unavailable},
      {"", Code::unavailable},
      {"SSH-2.0-OpenSSH\r\n", Code::unavailable},
      {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", Code::unavailable},
  };
  for (const auto& [bytes, code] : cases) {
    peer.then({bytes});
    const auto answer = call(request(url(peer)));
    ASSERT_FALSE(answer.ok()) << bytes.substr(0, 60);
    EXPECT_EQ(answer.error().code, code) << bytes.substr(0, 60) << ": " << describe(answer.error());
  }
  std::string interim;
  for (int i = 0; i < 50; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  peer.then({interim});
  EXPECT_EQ(code_of(url(peer)), Code::unavailable);
}

TEST_F(ClientTest, WhatWouldBreakTheMessageIsNotSent) {
  Peer peer;
  for (const auto& [name, value] : Headers{{"Host", "evil"}, {"content-length", "0"}, {"Transfer-Encoding", "chunked"}, {"X-A", "a\r\nX-B: b"},
                                           {"X A", "a"}, {"", "a"}, {"X-A", std::string("a\0b", 3)}}) {
    auto bad = request(url(peer));
    bad.headers = {{name, value}};
    const auto answer = call(std::move(bad));
    ASSERT_FALSE(answer.ok()) << name;
    EXPECT_EQ(answer.error().code, Code::invalid_argument) << name;
  }
  auto bad = request(url(peer));
  bad.method = "GET / HTTP/1.1\r\n";
  EXPECT_FALSE(call(std::move(bad)).ok());
  EXPECT_EQ(peer.connections(), 0);
}

TEST_F(ClientTest, TooManyAtOnceAreRefused) {
  options.calls_max = 1;
  made();
  Peer peer;
  peer.then({"", true});
  int ended = 0;
  std::vector<Code> codes;
  for (int i = 0; i < 2; ++i) {
    client->call(request(url(peer), Duration(500)), [&](Result<ClientAnswer> result) {
      codes.push_back(result ? Code::uninitialised : result.error().code);
      if (++ended == 2) loop->stop();
    });
  }
  loop->run();
  EXPECT_EQ(codes, (std::vector<Code>{Code::unavailable, Code::timed_out}));
}

TEST_F(ClientTest, ALoopMayEndWithACallUnderWay) {
  made();
  Peer peer;
  peer.then({"", true});
  auto held = std::make_shared<int>();
  client->call(request(url(peer)), [held](Result<ClientAnswer>) { ADD_FAILURE() << "it ended"; });
  std::function<void()> look = [&] { peer.requests().empty() ? (void)loop->scheduler().after(Duration(5), [&] { look(); }) : loop->stop(); };
  look();
  loop->run();
  client.reset();
  loop.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(ClientTest, ABadCaFileOrNetworkIsNamedWhenTheClientIsMade) {
  options.ca_file = "/no/such.pem";
  auto no_file = make_client(*loop, *resolver, options);
  ASSERT_FALSE(no_file.ok());
  EXPECT_NE(no_file.error().message.find("/no/such.pem"), std::string::npos);
  options.ca_file.clear();
  options.allowed_networks = {"10.0.0.0/99"};
  EXPECT_FALSE(make_client(*loop, *resolver, options).ok());
}

TEST_F(ClientTest, ReactorsCallsCarryIdTraceAndSignature) {
  made();
  Peer peer;
  peer.then({"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"});
  auto calls = api::make_outbound_calls(*client, loop->scheduler(), [](std::string_view name) -> Result<std::vector<std::string>> {
    if (name != "people") return make_error(Code::not_found, "no such secret");
    return std::vector<std::string>{std::string(32, 'k')};
  });
  const auto made_call = [&](std::string signing, std::map<std::string, std::string> headers) {
    std::optional<Result<runtime::OutboundAnswer>> answer;
    calls->call(runtime::OutboundCall{"POST", url(peer), "application/json", "{}", std::move(headers), std::move(signing), "id-1",
                                      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", std::chrono::seconds(20)},
                [&](Result<runtime::OutboundAnswer> result) {
                  answer = std::move(result);
                  loop->stop();
                });
    loop->run();
    return std::move(*answer);
  };
  const auto answer = made_call("people", {{"X-Event", "ping"}});
  ASSERT_TRUE(answer.ok()) << describe(answer.error());
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(answer->retry_after, std::chrono::seconds(7));
  const std::string sent = peer.requests().at(0);
  for (const char* line : {"Idempotency-Key: id-1\r\n", "traceparent: 00-0af7", "webhook-id: id-1\r\n", "webhook-timestamp: ", "webhook-signature: v1,", "X-Event: ping\r\n"}) {
    EXPECT_NE(sent.find(line), sent.npos) << line << " is not in " << sent;
  }
  EXPECT_EQ(made_call("unknown", {}).error().code, Code::not_found);
  EXPECT_EQ(made_call("people", {{"Webhook-Signature", "v1,forged"}}).error().code, Code::invalid_argument);
  EXPECT_EQ(peer.connections(), 1);
}

}  // namespace
}  // namespace tidemark::http
