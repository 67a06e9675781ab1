// What the server tells whoever watches it: answers, failures, metrics, traces.

#include <algorithm>
#include <mutex>

#include "core/observe/metrics_registry.hpp"
#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

const std::string kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// An Exchange with texts of its own.
struct Answered {
  std::string surface, route, method, trace_id, failure;
  int status = 0;
};

class ObservedServer : public ::testing::Test {
 protected:
  std::unique_ptr<observe::MetricsRegistry> registry = observe::make_metrics_registry();
  std::mutex mutex;
  std::vector<Answered> answered;
  TestServer server{test_surfaces(), options(), {"", "shop"}};

  ServerOptions options() {
    ServerOptions made;
    made.metrics = registry.get();
    made.on_answer = [this](const Exchange& e) {
      const std::lock_guard lock(mutex);
      answered.push_back({std::string(e.surface), std::string(e.route), std::string(e.method), std::string(e.trace_id), std::string(e.failure), e.status});
    };
    return made;
  }
  /// What was told of the last answer; the reply may arrive a little earlier.
  Answered last(std::size_t expected) {
    server.eventually([&] {
      const std::lock_guard lock(mutex);
      return answered.size() >= expected;
    });
    const std::lock_guard lock(mutex);
    EXPECT_EQ(answered.size(), expected);
    return answered.empty() ? Answered() : answered.back();
  }
  bool exposes(const std::string& line) { return registry->expose().find("\n" + line + "\n") != std::string::npos; }
};

std::string with_parent(const std::string& path, const std::string& fields) {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

TEST_F(ObservedServer, TellsOfEveryAnswerByRouteAndNeverByTarget) {
  RawClient client(server.port());
  client.ask(get("/hello?token=secret"));
  const Answered told = last(1);
  EXPECT_EQ(told.surface, "");
  EXPECT_EQ(told.route, "/hello");
  EXPECT_EQ(told.method, "GET");
  EXPECT_EQ(told.status, 200);
  EXPECT_EQ(told.failure, "");
  client.ask(get("/no/such/route"));
  EXPECT_EQ(last(2).route, "");
  EXPECT_TRUE(exposes(R"(tidemark_http_requests_total{method="GET",route="/hello",status="2xx",surface="platform"} 1)"));
  EXPECT_TRUE(exposes(R"(tidemark_http_requests_total{method="any",route="unmatched",status="4xx",surface="platform"} 1)"));
  EXPECT_TRUE(exposes(R"(tidemark_http_request_seconds_count{method="GET",route="/hello",surface="platform"} 1)"));
  EXPECT_TRUE(exposes("tidemark_http_connections 1"));
  EXPECT_TRUE(exposes("tidemark_http_requests_in_flight 0"));
}

TEST_F(ObservedServer, SaysWhatAHandlerThrew) {
  RawClient client(server.port());
  EXPECT_EQ(client.ask(get("/throws")).status, 500);
  const Answered told = last(1);
  EXPECT_EQ(told.route, "/throws");
  EXPECT_EQ(told.status, 500);
  EXPECT_EQ(told.failure, "exception: deliberate");
}

TEST_F(ObservedServer, AHeadThatIsRefusedIsCountedWithItsSurface) {
  RawClient client(server.port());
  EXPECT_EQ(client.ask("GET /hello HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(last(1).status, 400);
  EXPECT_TRUE(exposes(R"(tidemark_http_requests_total{method="any",route="unmatched",status="4xx",surface="platform"} 1)"));
}

TEST_F(ObservedServer, AnAnswerIsAStepOfItsClientsTrace) {
  RawClient client(server.port());
  const Reply reply = client.ask(with_parent("/hello", "traceparent: " + kParent + "\r\n"));
  const std::string step = reply.header("traceresponse").value_or("");
  ASSERT_EQ(step.size(), kParent.size());
  EXPECT_EQ(step.substr(0, 36), kParent.substr(0, 36)) << "the same trace";
  EXPECT_NE(step.substr(36, 16), kParent.substr(36, 16)) << "another step";
  EXPECT_EQ(step.substr(52), "-01");
  EXPECT_EQ(last(1).trace_id, "0af7651916cd43dd8448eb211c80319c");
}

TEST_F(ObservedServer, TheNextRequestOfAConnectionIsNoPartOfTheTrace) {
  RawClient client(server.port());
  client.ask(with_parent("/hello", "traceparent: " + kParent + "\r\n"));
  EXPECT_FALSE(client.ask(get("/hello")).header("traceresponse"));
  EXPECT_EQ(last(2).trace_id, "");
}

TEST_F(ObservedServer, TwoTraceparentsOrABrokenOneBeginAnew) {
  RawClient client(server.port());
  for (const std::string& fields : {"traceparent: " + kParent + "\r\ntraceparent: " + kParent + "\r\n", std::string("traceparent: zero\r\n")}) {
    const std::string step = client.ask(with_parent("/hello", fields)).header("traceresponse").value_or("");
    ASSERT_EQ(step.size(), kParent.size());
    EXPECT_NE(step.substr(3, 32), kParent.substr(3, 32));
    EXPECT_EQ(step.substr(52), "-00");
  }
}

}  // namespace
}  // namespace tidemark::http::testing
