// Assignment latency (poll request in -> job out): 50 workers polling at once while 100 builds are active elsewhere, and
// queue throughput (submit with a source, assign, complete with a result). The node is a running `tidemark builds serve`.
// Every answer that is not 200 is counted, and a line is printed for every minute: a queue that grows old must not grow slow.
//
//   tidemark-bench-assignment --port 3000 --api-key KEY [--seconds 10] [--submitters 2] [--disk .] [--json]
//
// --disk: a directory on the node's disk, where one fdatasync is measured before.

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
#include "tests/bench/support/disk_cost.hpp"
#include "tests/bench/support/load.hpp"

namespace tidemark::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint16_t port = 3000;
  std::string key;
  double seconds = 10;
  int submitters = 2;
  std::string disk = ".";
  bool json = false;
};

constexpr char kBoundary[] = "bench-boundary";

std::string field(const std::string& name, const std::string& value) {
  return std::string("--") + kBoundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
std::string file(const std::string& name, const std::string& content) {
  return std::string("--") + kBoundary + "\r\nContent-Disposition: form-data; name=\"" + name +
         "\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\n" + content + "\r\n";
}
std::string form(const std::string& target, const std::string& key, std::string body) {
  body += std::string("--") + kBoundary + "--\r\n";
  return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nX-API-Key: " + key + "\r\nContent-Type: multipart/form-data; boundary=" + kBoundary +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A source of its own for every build, so that each is stored.
std::string submit_request(const std::string& key) {
  static std::atomic<std::uint64_t> number{0};
  return form("/api/builds/submit", key, field("platform", "ios") + file("source", std::to_string(++number) + std::string(256, 's')));
}
std::string upload_request(const std::string& key, const std::string& build, const std::string& worker) {
  return form("/api/workers/upload", key,
              field("build_id", build) + field("worker_id", worker) + field("success", "true") + file("result", build + std::string(256, 'r')));
}

/// One minute of the run.
struct Minute {
  std::vector<double> latencies_us;
  std::uint64_t finished = 0;
};
double percentile(std::vector<double>& sorted, std::size_t per_hundred) {
  return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, sorted.size() * per_hundred / 100)];
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
  const double sync_us = fdatasync_us(options.disk);
  const std::string headers = "X-API-Key: " + options.key + "\r\n";
  {
    Client setup(options.port);
    for (int i = 0; i < 100; ++i) {
      must(setup.send(submit_request(options.key)).status == 200, "submit failed");
      const auto worker = register_worker(setup, headers, i);
      const auto answer = setup.send(get_request("/api/workers/poll?worker_id=" + worker, headers));
      must(!json_text(answer.body, "id").empty(), "no job for an active build: " + answer.body);
    }
  }
  constexpr int kWorkers = 50;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> empty{0}, errors{0};
  std::mutex mutex;
  std::vector<Minute> minutes(static_cast<std::size_t>(options.seconds / 60) + 1);
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  const auto minute_of = [&](Clock::time_point at) {
    return std::min(minutes.size() - 1, static_cast<std::size_t>(std::chrono::duration<double>(at - start).count() / 60));
  };
  // Submitters keep the queue filled, a bounded way ahead of the workers.
  std::atomic<std::int64_t> waiting{0};
  for (int i = 0; i < options.submitters; ++i) {
    threads.emplace_back([&] {
      Client client(options.port);
      while (!stop) {
        if (waiting > 200) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // paced by the workers, not spinning beside them
        else if (client.send(submit_request(options.key)).status == 200) ++waiting;
        else ++errors;
      }
    });
  }
  for (int i = 0; i < kWorkers; ++i) {
    threads.emplace_back([&, i] {
      Client client(options.port);
      const auto worker = register_worker(client, headers, 1000 + i);
      const auto poll = get_request("/api/workers/poll?worker_id=" + worker, headers);
      std::vector<Minute> mine(minutes.size());
      while (!stop) {
        const auto asked = Clock::now();
        const auto answer = client.send(poll);
        const auto answered = Clock::now();
        if (answer.status != 200) ++errors;
        const auto build = json_text(answer.body, "id");
        if (build.empty()) {
          ++empty;
          continue;
        }
        --waiting;
        mine[minute_of(answered)].latencies_us.push_back(std::chrono::duration<double, std::micro>(answered - asked).count());
        const auto done = client.send(upload_request(options.key, build, worker));
        if (done.status == 200) ++mine[minute_of(Clock::now())].finished;
        else ++errors;
      }
      std::lock_guard lock(mutex);
      for (std::size_t m = 0; m < minutes.size(); ++m) {
        minutes[m].finished += mine[m].finished;
        minutes[m].latencies_us.insert(minutes[m].latencies_us.end(), mine[m].latencies_us.begin(), mine[m].latencies_us.end());
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));  // how long is measured
  stop = true;
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  for (auto& thread : threads) thread.join();
  std::vector<double> all;
  std::uint64_t finished = 0;
  for (std::size_t m = 0; m < minutes.size(); ++m) {
    auto& latencies = minutes[m].latencies_us;
    std::sort(latencies.begin(), latencies.end());
    if (!options.json && minutes.size() > 2 && !latencies.empty()) {
      std::printf("minute %zu: %llu finished, assignment p50 %.2f ms, p99 %.2f ms\n", m + 1, static_cast<unsigned long long>(minutes[m].finished),
                  percentile(latencies, 50) / 1000, percentile(latencies, 99) / 1000);
    }
    finished += minutes[m].finished;
    all.insert(all.end(), latencies.begin(), latencies.end());
  }
  must(!all.empty(), "no job was ever assigned");
  std::sort(all.begin(), all.end());
  const double per_minute = 60.0 * static_cast<double>(finished) / took;
  std::printf(options.json ? "{\"name\":\"builds assignment\",\"value\":%.2f,\"unit\":\"ms p99\",\"p50_ms\":%.2f,\"p95_ms\":%.2f,\"assigned\":%zu,\"empty_polls\":%llu,\"builds_per_minute\":%.0f,\"errors\":%llu,\"fdatasync_us\":%.0f}\n"
                           : "assignment p99 %.2f ms (p50 %.2f, p95 %.2f) over %zu jobs, %llu empty polls; %.0f builds a minute submitted, assigned and completed; %llu errors; fdatasync %.0f us\n",
              percentile(all, 99) / 1000, percentile(all, 50) / 1000, percentile(all, 95) / 1000, all.size(), static_cast<unsigned long long>(empty.load()), per_minute,
              static_cast<unsigned long long>(errors.load()), sync_us);
  return errors.load() == 0 ? 0 : 1;
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
    else if (argument == "--submitters" && i + 1 < count) options.submitters = std::atoi(arguments[++i]);
    else if (argument == "--disk" && i + 1 < count) options.disk = arguments[++i];
    else options.key.clear();
  }
  if (options.key.empty()) {
    std::fprintf(stderr, "usage: tidemark-bench-assignment --port N --api-key KEY [--seconds 10] [--submitters 2] [--disk .] [--json]\n");
    return 2;
  }
  return tidemark::bench::run(options);
}
