// How fast is a keyed projection folded from nothing, by the bulk path and by batches? One thread reads the embedded log,
// decodes, applies and writes; RocksDB's background threads are not in its processor time.
//
//   tidemark-bench-rebuild [--events 1000000] [--keys 100000] [--directory build/bench-rebuild]

#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "core/event/json.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/runtime/projection_fold.hpp"
#include "tests/bench/support/tally_events.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"
#include "tests/support/tally/tally.hpp"

namespace tidemark::bench {
namespace {

using testing::tally::Added;

constexpr std::uint32_t kLanes = 12;
constexpr std::uint64_t kEventsPerAppend = 1000;

void stop_if(bool failed, const std::string& why) {
  if (!failed) return;
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

struct Options {
  std::uint64_t events = 1'000'000, keys = 100'000;
  std::string directory = "build/bench-rebuild";
};

void write_history(log::EventLog& log, log::TopicId topic, const Options& options, std::initializer_list<test::ManualExecutor*> executors) {
  std::vector<log::Ownership> owners(kLanes);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    log.take(LaneId{lane}, [&](Result<log::Ownership> taken) { owners[lane] = *taken; });
    test::run_all(executors);
  }
  event::RecordEncoder encoder;
  std::vector<std::uint64_t> next(kLanes, 0);
  for (std::uint64_t at = 0; at < options.events;) {
    const std::uint32_t lane = static_cast<std::uint32_t>(at / kEventsPerAppend % kLanes);
    log::TopicRecords records{topic, Tmseq{next[lane]}, {}};
    for (std::uint64_t i = 0; i < kEventsPerAppend && at < options.events; ++i, ++at) {
      const Added added = added_at(at, options.keys);
      records.records.add(encoder.encode(envelope_of(added, at, Tmseq{next[lane]++}), event::to_json(added)));
    }
    log::LaneBatch batch;
    batch.topics.push_back(std::move(records));
    Result<void> written = make_error(Code::internal, "not completed");
    log.append(owners[lane], std::move(batch), [&](Result<void> result) { written = std::move(result); });
    test::run_all(executors);
    stop_if(!written.ok(), written.ok() ? "" : describe(written.error()));
  }
}

double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <class Fold>
void measure(const char* name, std::uint64_t events, Fold fold) {
  const auto begun = std::chrono::steady_clock::now();
  const double processor = processor_seconds();
  fold();
  const double used = processor_seconds() - processor;
  const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%-8s %10.0f events/s of one core, %10.0f events/s by the clock, %ld MiB at most\n", name, static_cast<double>(events) / used,
              static_cast<double>(events) / passed, usage.ru_maxrss / 1024);
  std::fflush(stdout);
}

void run(const Options& options) {
  std::filesystem::remove_all(options.directory);
  const auto disk = make_posix_disk();
  test::ManualExecutor home, writer;
  log::EmbeddedLogOptions log_options;
  log_options.directory = options.directory + "/log";
  log_options.lanes = kLanes;
  log_options.make_epoch = [] { return derive_uuid("rebuild", "epoch"); };
  auto log = log::open_embedded_log(*disk, home, writer, log_options);
  stop_if(!log.ok(), log.ok() ? "" : describe(log.error()));
  const log::TopicSpec spec{"tally.entries", log::TopicClass::fact, std::nullopt};
  const auto topic = (*log)->open_topic(spec);
  stop_if(!topic.ok(), "the topic cannot be opened");
  write_history(**log, *topic, options, {&home, &writer});

  const runtime::ProjectionSource source{testing::tally::make_domain().projections.front(), {{spec, *topic}}, **log};
  const runtime::NodeOptions node;
  const auto stores = store::make_rocksdb_store_factory(options.directory + "/stores");
  const auto open = [&](const char* name) {
    auto store = stores->open(name);
    stop_if(!store.ok(), "a store cannot be opened");
    return std::shared_ptr<store::Store>(std::move(*store));
  };

  const auto reader = [&] {
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
      runtime::LogCursor cursor(**log, *topic, spec.name, LaneId{lane}, Tmseq{0});
      for (auto head = cursor.peek(); head.ok() && *head != nullptr; head = cursor.peek()) cursor.pop();
    }
  };
  measure("read", options.events, reader);

  runtime::ProjectionFold bulk(source, open("bulk"));
  measure("bulk", options.events, [&] {
    stop_if(!bulk.open({}, node.bulk_bytes).ok(), "the bulk fold cannot begin");
    for (auto more = bulk.bulk_some(); more.ok() && *more;) more = bulk.bulk_some();
    stop_if(!bulk.finish_bulk().ok(), "the bulk fold cannot end");
  });

  runtime::ProjectionFold batches(source, open("batches"));
  measure("batches", options.events, [&] {
    stop_if(!batches.open({}, 0).ok(), "the fold cannot begin");
    stop_if(!batches.finish_bulk().ok(), "the fold cannot begin");
    for (bool more = true; more;) {
      more = false;
      for (std::size_t i = 0; i < source.partitions(); ++i) {
        auto some = batches.apply_some(i);
        stop_if(!some.ok(), "the fold failed");
        more = more || *some;
      }
      stop_if(!batches.flush_when_due(node).ok(), "a flush failed");
    }
  });
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) {
  tidemark::bench::Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--events") == 0) options.events = std::strtoull(argv[i + 1], nullptr, 10);
    else if (std::strcmp(argv[i], "--keys") == 0) options.keys = std::strtoull(argv[i + 1], nullptr, 10);
    else if (std::strcmp(argv[i], "--directory") == 0) options.directory = argv[i + 1];
    else return 2;
  }
  tidemark::bench::run(options);
  return 0;
}
