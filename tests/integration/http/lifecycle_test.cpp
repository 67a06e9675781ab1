// Binding and stopping.

#include <unistd.h>

#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

TEST(HttpListen, NamesWhoHoldsAPortAndBindsNothing) {
  TestServer holder(test_surfaces(), ServerOptions());
  auto loop = make_asio_loop();
  auto server = make_server(*loop, test_surfaces(), ServerOptions());
  const auto bound = server->listen({Listener{"127.0.0.1", 0, ""}, Listener{"127.0.0.1", holder.port(), ""}});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().code, Code::unavailable);
  EXPECT_NE(bound.error().message.find("127.0.0.1:" + std::to_string(holder.port())), std::string::npos) << bound.error().message;
  EXPECT_NE(bound.error().message.find("pid " + std::to_string(::getpid())), std::string::npos) << bound.error().message;
}

TEST(HttpListen, RefusesWhatIsNoAddressOrSurface) {
  auto loop = make_asio_loop();
  auto server = make_server(*loop, test_surfaces(), ServerOptions());
  EXPECT_EQ(server->listen({Listener{"localhost", 0, ""}}).error().code, Code::invalid_argument);
  EXPECT_EQ(server->listen({Listener{"127.0.0.1", 0, "nobody"}}).error().code, Code::invalid_argument);
}

std::vector<Surface> waiting_surface(Fn<void(Response)>& answer) {
  Surface surface;
  Route route;
  route.pattern = "/wait";
  route.handler = [&answer](Request&) -> Task<Response> {
    Fn<void(Fn<void(Response)>)> start = [&answer](Fn<void(Response)> done) { answer = std::move(done); };
    Callback<Response> waiting(std::move(start));
    Response response = co_await waiting;
    co_return response;
  };
  surface.routes.push_back(std::move(route));
  std::vector<Surface> out;
  out.push_back(std::move(surface));
  return out;
}

TEST(HttpStop, FinishesWhatIsUnderWayAndClosesWhatIsIdle) {
  Fn<void(Response)> answer;
  auto server = std::make_unique<TestServer>(waiting_surface(answer), ServerOptions());
  RawClient idle(server->port()), busy(server->port());
  busy.send(get("/wait"));
  ASSERT_TRUE(server->eventually([&] { return static_cast<bool>(answer) && server->server().connections() == 2; }));
  std::thread stopping([&] { server->stop(); });
  EXPECT_TRUE(idle.closed_by_peer());
  server->loop().scheduler().post([&] {
    Response response;
    response.body = std::string("done");
    answer(std::move(response));
  });
  const auto reply = busy.read_reply();
  stopping.join();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "done");
  EXPECT_EQ(reply->header("connection"), "close");
}

TEST(HttpStop, DoesNotWaitForeverForAHandler) {
  Fn<void(Response)> answer;
  ServerOptions options;
  options.drain_deadline = Duration(50);
  TestServer server(waiting_surface(answer), options);
  RawClient busy(server.port());
  busy.send(get("/wait"));
  ASSERT_TRUE(server.eventually([&] { return static_cast<bool>(answer); }));
  server.stop();
  EXPECT_TRUE(busy.closed_by_peer());
  answer(Response());  // the handler ends after all: nothing breaks
}

}  // namespace
}  // namespace tidemark::http::testing
