// Assignment latency (poll request in -> job out): 50 workers polling at once while 100 builds are active elsewhere, and
// queue throughput (submit, assign, finish). The node is a running `tidemark builds serve`.
//
//   tidemark-bench-assignment --port 3000 --api-key KEY [--seconds 10] [--json]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/support/client.hpp"
#include "tests/bench/support/load.hpp"

namespace tidemark::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint16_t port = 3000;
  std::string key;
  double seconds = 10;
  bool json = false;
};

std::string submit_request(const std::string& key) {
  const std::string boundary = "bench-boundary";
  const std::string body = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"platform\"\r\n\r\nios\r\n--" + boundary +
                           "\r\nContent-Disposition: form-data; name=\"source\"; filename=\"project.tar.gz\"\r\nContent-Type: application/gzip\r\n\r\n" +
                           std::string(256, 's') + "\r\n--" + boundary + "--\r\n";
  return "POST /api/builds/submit HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + key + "\r\nContent-Type: multipart/form-data; boundary=" + boundary +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void must(bool good, const std::string& what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

std::string register_worker(Client& client, const std::string& headers, int number) {
  auto answer = client.send(post_request("/api/workers/register", headers, "{\"name\":\"bench-" + std::to_string(number) + "\",\"capabilities\":{}}"));
  must(answer.status == 200, "register: " + std::to_string(answer.status) + " " + answer.body);
  return json_text(answer.body, "id");
}

int run(const Options& options) {
  const std::string headers = "X-API-Key: " + options.key + "\r\n";
  const std::string submit = submit_request(options.key);
  {
    Client setup(options.port);
    for (int i = 0; i < 100; ++i) {
      must(setup.send(submit).status == 200, "submit failed");
      const auto worker = register_worker(setup, headers, i);
      const auto answer = setup.send(get_request("/api/workers/poll?worker_id=" + worker, headers));
      must(!json_text(answer.body, "id").empty(), "no job for an active build: " + answer.body);
    }
  }
  constexpr int kWorkers = 50;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> finished{0}, empty{0};
  std::mutex mutex;
  std::vector<double> latencies;
  std::vector<std::thread> threads;
  // Two submitters keep the queue filled, a bounded way ahead of the workers.
  std::atomic<std::int64_t> waiting{0};
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      Client client(options.port);
      while (!stop) {
        if (waiting > 200) std::this_thread::yield();
        else if (client.send(submit).status == 200) ++waiting;
      }
    });
  }
  for (int i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      Client client(options.port);
      const auto worker = register_worker(client, headers, 1000 + i);
      const auto poll = get_request("/api/workers/poll?worker_id=" + worker, headers);
      std::vector<double> mine;
      while (!stop) {
        const auto start = Clock::now();
        const auto answer = client.send(poll);
        const double us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
        const auto build = json_text(answer.body, "id");
        if (build.empty()) {
          ++empty;
          continue;
        }
        --waiting;
        mine.push_back(us);
        const auto failed = client.send(post_request("/api/workers/fail", headers, "{\"build_id\":\"" + build + "\",\"error\":\"bench\"}"));
        if (failed.status == 200) ++finished;
      }
      std::lock_guard lock(mutex);
      latencies.insert(latencies.end(), mine.begin(), mine.end());
    });
  }
  const auto start = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));  // the length of the measurement
  stop = true;
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  for (auto& thread : threads) thread.join();
  must(!latencies.empty(), "no job was ever assigned");
  std::sort(latencies.begin(), latencies.end());
  const double p50 = latencies[latencies.size() / 2], p95 = latencies[latencies.size() * 95 / 100], p99 = latencies[latencies.size() * 99 / 100];
  const double per_minute = 60.0 * static_cast<double>(finished.load()) / took;
  std::printf(options.json ? "{\"name\":\"builds assignment\",\"value\":%.2f,\"unit\":\"ms p99\",\"p50_ms\":%.2f,\"p95_ms\":%.2f,\"assigned\":%zu,\"empty_polls\":%llu,\"builds_per_minute\":%.0f}\n"
                           : "assignment p99 %.2f ms (p50 %.2f, p95 %.2f) over %zu jobs, %llu empty polls; %.0f builds a minute submitted, assigned and finished\n",
              p99 / 1000, p50 / 1000, p95 / 1000, latencies.size(), static_cast<unsigned long long>(empty.load()), per_minute);
  return 0;
}

}  // namespace
}  // namespace tidemark::bench

int main(int count, char** arguments) {
  tidemark::bench::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--json") options.json = true;
    else if (argument == "--port" && i + 1 < count) options.port = static_cast<std::uint16_t>(std::atoi(arguments[++i]));
    else if (argument == "--api-key" && i + 1 < count) options.key = arguments[++i];
    else if (argument == "--seconds" && i + 1 < count) options.seconds = std::atof(arguments[++i]);
    else options.key.clear();
  }
  if (options.key.empty()) {
    std::fprintf(stderr, "usage: tidemark-bench-assignment --port N --api-key KEY [--seconds 10] [--json]\n");
    return 2;
  }
  return tidemark::bench::run(options);
}
