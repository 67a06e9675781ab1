// How fast does an HTTP command become a durable event (decision record and one projection included), beside a bare Beast
// POST in the same run? The server runs in a child process, the load generator in this one.
//
//   tidemark-bench-durable [--seconds 5] [--directory build/bench-data] [--json] [--without-metrics]

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "core/api/platform_surface.hpp"
#include "core/base/executors.hpp"
#include "core/event/json.hpp"
#include "core/http/server.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/observe/metrics_registry.hpp"
#include "core/runtime/node.hpp"
#include "tests/bench/support/bare_beast.hpp"
#include "tests/bench/support/disk_cost.hpp"
#include "tests/bench/support/load.hpp"
#include "tests/support/tally/tally.hpp"

namespace tidemark::bench {
namespace {

constexpr std::uint16_t kPort = 18'471;
constexpr char kKey[] = "bench-operator-key";

void stop_if(bool failed, const std::string& why) {
  if (!failed) return;
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

[[noreturn]] void run_tidemark(const std::string& directory, bool with_metrics) {
  const auto registry = observe::make_metrics_registry();
  metrics::Registry* const counted = with_metrics ? registry.get() : nullptr;
  auto disk = make_posix_disk();
  auto loop = http::make_asio_loop();
  auto writer = make_thread_pool("journal", 1);
  auto projections = make_thread_pool("projections", 1);
  auto blocking = make_thread_pool("blocking", 1);
  log::EmbeddedLogOptions log_options;
  log_options.directory = directory + "/log";
  log_options.metrics = counted;
  log_options.make_epoch = [] { return derive_uuid("bench", "epoch"); };
  auto log = log::open_embedded_log(*disk, loop->scheduler(), *writer, log_options);
  stop_if(!log, log ? "" : describe(log.error()));
  auto stores = store::make_rocksdb_store_factory(directory + "/stores", counted);
  runtime::NodeParts parts{loop->scheduler(), **log, *stores, [&](std::string_view) -> Executor& { return *projections; }};
  std::vector<runtime::Domain> domains;
  domains.push_back(testing::tally::make_domain("{\"group_limit\":9000000000000}"));
  runtime::NodeOptions node_options;
  node_options.metrics = counted;
  auto node = runtime::make_node(std::move(parts), std::move(domains), node_options);
  std::vector<http::Surface> surfaces;
  surfaces.push_back(api::make_platform_surface({*node, *blocking, [](std::string_view bytes) { return sha256(bytes); }, kKey, "bench"}));
  http::ServerOptions server_options;
  server_options.metrics = counted;
  auto server = http::make_server(*loop, std::move(surfaces), server_options);
  const auto start = [&]() -> Task<void> {
    auto starting = node->start();
    auto started = co_await std::move(starting);
    stop_if(!started, started ? "" : describe(started.error()));
    http::Listener listener;
    listener.port = kPort;
    auto bound = server->listen({listener});
    stop_if(!bound, bound ? "" : describe(bound.error()));
  };
  loop->scheduler().post([&] { spawn(start()); });
  loop->run();
  std::exit(0);
}

template <class F>
pid_t in_child(F run) {
  const pid_t child = ::fork();
  if (child == 0) run();
  stop_if(!wait_for_port(kPort), "the server did not start");
  return child;
}

void end(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

LoadResult bare_beast_load(const std::vector<std::string>& requests, std::size_t connections, double seconds) {
  BareBeast server;
  return run_load(server.port(), requests, connections, seconds, 0.5);
}

struct Options {
  double seconds = 5;
  std::string directory = "build/bench-data";
  bool json = false;
  bool metrics = true;  ///< the node counts what it does, as a real one
};

void report(const Options& options, const std::string& name, const LoadResult& result, const LoadResult& reference, double sync_us, double goal) {
  const double ratio = reference.per_second > 0 ? result.per_second / reference.per_second : 0;
  if (options.json) {
    std::printf("{\"name\":\"%s\",\"value\":%.0f,\"unit\":\"1/s\",\"reference\":%.0f,\"ratio\":%.3f,\"goal\":%.2f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"fdatasync_us\":%.1f,\"errors\":%llu}\n",
                name.c_str(), result.per_second, reference.per_second, ratio, goal, result.p50_us, result.p99_us, sync_us,
                static_cast<unsigned long long>(result.errors));
  } else {
    std::printf("%-34s %9.0f/s  bare Beast %9.0f/s  ratio %.2f  p50 %6.0f us  p99 %6.0f us  errors %llu\n", name.c_str(), result.per_second,
                reference.per_second, ratio, result.p50_us, result.p99_us, static_cast<unsigned long long>(result.errors));
  }
  std::fflush(stdout);
}

int run(const Options& options) {
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  const double sync_us = fdatasync_us(options.directory);
  if (!options.json) std::printf("fdatasync of 64 KiB: %.0f us (median)\n", sync_us);

  const std::string headers = std::string("Authorization: Bearer ") + kKey + "\r\n";
  const std::string note(180, 'n');
  std::vector<std::string> opens, adds;
  for (int i = 0; i < 256; ++i) {
    const std::string group = "group-" + std::to_string(i);
    opens.push_back(post_request("/commands/tally/Open", headers, event::to_json(testing::tally::Open{group, "account", 0})));
    // 256 bytes of body, one event of it in the projection's topic.
    std::string body = event::to_json(testing::tally::Add{group, "account", 1, ""});
    adds.push_back(post_request("/commands/tally/Add", headers, body + std::string(body.size() < 256 ? 256 - body.size() : 0, ' ')));
  }
  for (const std::size_t connections : {1u, 16u, 64u, 256u}) {
    const auto reference = bare_beast_load(adds, connections, options.seconds);
    const std::string directory = options.directory + "/node-" + std::to_string(connections);
    pid_t node = in_child([&] { run_tidemark(directory, options.metrics); });
    run_load(kPort, opens, 256, 0.3, 0);
    const auto result = run_load(kPort, adds, connections, options.seconds, 0.5);
    end(node);
    report(options, "durable command, " + std::to_string(connections) + " connections", result, reference, sync_us, connections == 64 ? 0.55 : 0);
    std::filesystem::remove_all(directory);
  }
  return 0;
}

}  // namespace
}  // namespace tidemark::bench

int main(int count, char** arguments) {
  tidemark::bench::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--json") options.json = true;
    else if (argument == "--without-metrics") options.metrics = false;
    else if (argument == "--seconds" && i + 1 < count) options.seconds = std::atof(arguments[++i]);
    else if (argument == "--directory" && i + 1 < count) options.directory = arguments[++i];
    else {
      std::fprintf(stderr, "usage: tidemark-bench-durable [--seconds 5] [--directory build/bench-data] [--json] [--without-metrics]\n");
      return 2;
    }
  }
  return tidemark::bench::run(options);
}
