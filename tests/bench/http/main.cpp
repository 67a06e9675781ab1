// Question: what does core/http cost beside a bare Beast server that does as good as nothing?
// Shape: POST with a 256-byte body and GET, keep-alive, 1, 16 and 64 connections, loopback; server one thread, load generator
// one thread, the two servers in turns. Usage: tidemark-bench-http [seconds per measurement, default 2]

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/http/server.hpp"
#include "tests/bench/support/bare_beast.hpp"
#include "tests/bench/support/load.hpp"

namespace {

using namespace tidemark;

Task<http::Response> answer_post(http::Request& request) {
  Result<std::string> body = co_await request.read_body(1u << 20);
  if (!body) co_return http::problem_response(http::Problem{});
  co_return http::json_response(200, "{\"ok\":true}");
}
Task<http::Response> answer_get(http::Request&) { co_return http::json_response(200, "{\"ok\":true}"); }

std::vector<http::Surface> surfaces() {
  http::Surface surface;
  http::Route post, get;
  post.method = http::Method::post;
  post.pattern = get.pattern = "/commands/:domain/:command";
  post.handler = answer_post;
  get.handler = answer_get;
  surface.routes.push_back(std::move(post));
  surface.routes.push_back(std::move(get));
  std::vector<http::Surface> out;
  out.push_back(std::move(surface));
  return out;
}

constexpr double kWarmupSeconds = 0.3;
constexpr const char* kTarget = "/commands/builds/SubmitBuild";

std::string request_of(bool post) { return post ? bench::post_request(kTarget, "", std::string(256, 'x')) : bench::get_request(kTarget, ""); }

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2.0;
  bench::BareBeast bare;
  auto loop = http::make_asio_loop();
  auto server = http::make_server(*loop, surfaces(), http::ServerOptions());
  const auto bound = server->listen({http::Listener{}});
  if (!bound) {
    std::fprintf(stderr, "%s\n", describe(bound.error()).c_str());
    return 1;
  }
  std::thread serving([&] { loop->run(); });
  std::printf("%-5s %5s | %12s %8s %8s | %12s %8s %8s | %6s\n", "", "conns", "Beast req/s", "p50 us", "p99 us", "ours req/s", "p50 us", "p99 us", "ratio");
  std::uint64_t failures = 0;
  for (const bool post : {true, false}) {
    for (const int connections : {1, 16, 64}) {
      const std::vector<std::string> requests{request_of(post)};
      const auto count = static_cast<std::size_t>(connections);
      const auto reference = bench::run_load(bare.port(), requests, count, seconds, kWarmupSeconds);
      const auto ours = bench::run_load(bound->front().listener.port, requests, count, seconds, kWarmupSeconds);
      failures += reference.errors + ours.errors;
      std::printf("%-5s %5d | %12.0f %8.1f %8.1f | %12.0f %8.1f %8.1f | %5.2fx\n", post ? "POST" : "GET", connections,
                  reference.per_second, reference.p50_us, reference.p99_us, ours.per_second, ours.p50_us, ours.p99_us,
                  ours.per_second / reference.per_second);
      std::fflush(stdout);
    }
  }
  if (failures != 0) std::printf("%llu failures\n", static_cast<unsigned long long>(failures));
  loop->scheduler().post([&] { server->stop([&] { loop->stop(); }); });
  serving.join();
  return failures == 0 ? 0 : 1;
}
