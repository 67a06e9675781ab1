// What the age of a log costs: appends while segments are sealed behind them, start-up with many events, reading sealed files.
//
//   tidemark-bench-log [--events 1000000] [--batch 100] [--bytes 100] [--directory build/bench]

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/executors.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "tests/bench/support/disk_cost.hpp"

namespace tidemark::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kLanes = 12;
constexpr std::size_t kUnderWay = 64;  // appends

double seconds_since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

/// The home executor of a program whose main thread has nothing else to do.
class MainThread final : public Executor {
 public:
  void post(Fn<void()> work) override {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    there_is_work_.notify_one();
  }
  void run_until(const std::function<bool()>& done) {
    while (!done()) {
      std::unique_lock lock(mutex_);
      there_is_work_.wait(lock, [this] { return !queue_.empty(); });
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable there_is_work_;
  std::deque<Fn<void()>> queue_;
};

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
  std::exit(1);
}

struct Bench {
  std::uint64_t events = 1'000'000, batch = 100, bytes = 100;
  std::string directory = "build/bench";

  std::unique_ptr<Disk> disk = make_posix_disk();
  MainThread home;
  std::unique_ptr<Executor> writer = make_thread_pool("tm-journal", 1), sealer = make_thread_pool("tm-sealer", 1);
  std::atomic<std::uint64_t> sealed_bytes{0};
  log::RecoveryReport report;
  log::TopicId topic;

  std::unique_ptr<log::EmbeddedLog> open() {
    log::EmbeddedLogOptions options;
    options.directory = directory;
    options.lanes = kLanes;
    options.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
    options.sealer = sealer.get();
    options.on_sealing = [this](const log::SealingReport& done) {
      if (done.kind == log::SealingReport::Kind::failed) std::fprintf(stderr, "%s\n", done.error.message.c_str());
      sealed_bytes += done.bytes;
    };
    auto log = must(log::open_embedded_log(*disk, home, *writer, options, &report));
    topic = must(log->open_topic({"bench.ledger", log::TopicClass::fact}));
    return log;
  }

  void append(log::EmbeddedLog& log) {
    std::vector<log::Ownership> owners(kLanes);
    std::uint32_t taken = 0;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      log.take(LaneId{lane}, [&, lane](Result<log::Ownership> owner) {
        owners[lane] = must(std::move(owner));
        ++taken;
      });
    }
    home.run_until([&] { return taken == kLanes; });
    std::vector<std::uint64_t> next(kLanes, 0);
    const std::string value(bytes, 'v');
    std::uint64_t asked = 0;
    std::size_t under_way = 0;
    const auto began = Clock::now();
    while (asked < events) {
      const auto lane = static_cast<std::uint32_t>(asked / batch % kLanes);
      log::LaneBatch group;
      auto& records = group.topics.emplace_back();
      records.topic = topic;
      records.first = Tmseq{next[lane]};
      for (std::uint64_t i = 0; i < batch; ++i) {
        event::RecordView record;
        record.key = "key";
        record.value = value;
        record.timestamp_ms = 1'700'000'000'000;
        records.records.add(record);
      }
      next[lane] += batch;
      asked += batch;
      ++under_way;
      log.append(owners[lane], std::move(group), [&under_way](Result<void> result) {
        must(result.ok() ? Result<bool>(true) : Result<bool>(result.error()));
        --under_way;
      });
      home.run_until([&] { return under_way < kUnderWay; });
    }
    home.run_until([&] { return under_way == 0; });
    const double took = seconds_since(began);
    std::printf("append      %llu events of %llu B by %llu: %.0f events/s\n", static_cast<unsigned long long>(asked),
                static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(batch), static_cast<double>(asked) / took);
  }

  /// Reads every partition from its begin, as a rebuild does.
  void read(const log::EmbeddedLog& log) {
    std::uint64_t records = 0, size = 0;
    const auto began = Clock::now();
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      for (Tmseq at{0}; at < log.end(topic, LaneId{lane});) {
        for (const auto& stored : must(log.read(topic, LaneId{lane}, at, 256u << 10))) {
          at = Tmseq{stored.first.value + stored.count};
          records += stored.count;
          size += stored.size;
        }
      }
    }
    const double took = seconds_since(began);
    std::printf("read        %.0f events/s, %.0f MB/s\n", static_cast<double>(records) / took, static_cast<double>(size) / took / 1e6);
  }

  void start(const char* what) {
    const auto began = Clock::now();
    const auto log = open();
    std::printf("%-11s %.1f ms: %llu segments, %llu sealed files\n", what, seconds_since(began) * 1e3, static_cast<unsigned long long>(report.segments),
                static_cast<unsigned long long>(report.sealed_files));
  }

  std::uint64_t files_bytes(const char* suffix) const {
    std::uint64_t total = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      if (entry.path().extension() == suffix) total += entry.file_size();
    }
    return total;
  }

  void run() {
    std::filesystem::create_directories(directory);
    std::printf("fdatasync   %.0f us\n", fdatasync_us(directory));
    directory += "/log";
    std::filesystem::remove_all(directory);
    {
      const auto log = open();
      append(*log);
      const auto began = Clock::now();
      // Sealing tells nobody when it is done; what it leaves can be seen in the folder.
      for (std::uint64_t left = 0; (left = files_bytes(".journal")) > (160u << 20);) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      std::printf("sealing     %.2f s behind the appends, %.0f MB of sealed files, %.0f MB written for them\n", seconds_since(began),
                  static_cast<double>(files_bytes(".sealed")) / 1e6, static_cast<double>(sealed_bytes) / 1e6);
    }
    start("start");
    start("start again");
    read(*open());
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("memory      %.0f MB at most\n", static_cast<double>(usage.ru_maxrss) / 1e3);
    std::filesystem::remove_all(directory);
  }
};

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::Bench bench;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--events") == 0) bench.events = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--batch") == 0) bench.batch = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--bytes") == 0) bench.bytes = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--directory") == 0) bench.directory = argv[i + 1];
  }
  bench.run();
  return 0;
}
