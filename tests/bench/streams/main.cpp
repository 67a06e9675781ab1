// Our side of the comparison with Kafka Streams (README.md): writes a history to Kafka as its owner would, and folds the keyed
// projection "tally.balances" from it, from nothing, by the path of a node's rebuild.
//
//   tidemark-bench-streams write <broker> <prefix> [events, 1000000] [keys, 100000]
//   tidemark-bench-streams read <broker> <prefix>                   reads and decodes every event, folds nothing
//   tidemark-bench-streams rebuild <broker> <prefix> <directory>    of the store
//
// Prints name=value lines.

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/log/kafka/kafka_log.hpp"
#include "core/runtime/projection_fold.hpp"
#include "tests/bench/support/tally_events.hpp"
#include "tests/support/mailbox/mailbox.hpp"

namespace tidemark::bench {
namespace {

using Clock = std::chrono::steady_clock;
using testing::tally::kBalances;

constexpr std::uint64_t kEventsPerAppend = 1000;
const log::TopicSpec kTopic{"tally.entries", log::TopicClass::fact, std::nullopt};

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}
template <class T>
T must(Result<T> result) {
  if (!result.ok()) fail(describe(result.error()));
  return std::move(*result);
}
void must(Result<void> result) {
  if (!result.ok()) fail(describe(result.error()));
}

std::unique_ptr<log::EventLog> open_log(testing::Mailbox& home, const std::string& broker, const std::string& prefix, bool must_exist) {
  log::KafkaLogOptions options;
  options.client.brokers = broker;
  options.prefix = prefix;
  options.must_exist = must_exist;
  options.make_epoch = [] { return derive_uuid("streams", "epoch"); };
  options.append_patience = std::chrono::seconds(60);
  options.client.transaction_timeout = std::chrono::seconds(120);
  return must(log::open_kafka_log(home, std::move(options)));
}

/// Every lane's owner at once: an append of a lane waits for the one before it only.
class Writer {
 public:
  Writer(testing::Mailbox& home, log::EventLog& log, log::TopicId topic) : home_(home), log_(log), topic_(topic), lanes_(log.lanes()) {
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      log_.take(LaneId{lane}, [this, lane](Result<log::Ownership> taken) {
        lanes_[lane].ownership = must(std::move(taken));
        lanes_[lane].busy = false;
      });
    }
    settle();
  }
  void add(const testing::tally::Added& added, std::uint64_t at) {
    Lane& lane = lanes_[lane_of(added.group, log_.lanes()).value];
    lane.records.add(encoder_.encode(envelope_of(added, at, Tmseq{lane.next++}), event::to_json(added)));
    if (lane.records.count() == kEventsPerAppend) send(lane);
  }
  void finish() {
    for (Lane& lane : lanes_) {
      if (!lane.records.empty()) send(lane);
    }
    settle();
  }

 private:
  struct Lane {
    log::Ownership ownership;
    std::uint64_t next = 0;
    log::RecordBatchBuilder records;
    bool busy = true;
  };
  void send(Lane& lane) {
    while (lane.busy) (void)home_.run_one();
    log::LaneBatch batch;
    const Tmseq first{lane.next - lane.records.count()};
    batch.topics.push_back(log::TopicRecords{topic_, first, std::exchange(lane.records, {})});
    lane.busy = true;
    log_.append(lane.ownership, std::move(batch), [&lane](Result<void> written) {
      must(std::move(written));
      lane.busy = false;
    });
  }
  void settle() {
    for (Lane& lane : lanes_) {
      while (lane.busy) (void)home_.run_one();
    }
  }
  testing::Mailbox& home_;
  log::EventLog& log_;
  const log::TopicId topic_;
  std::vector<Lane> lanes_;
  event::RecordEncoder encoder_;
};

void write(const std::string& broker, const std::string& prefix, std::uint64_t events, std::uint64_t keys) {
  testing::Mailbox home;
  auto log = open_log(home, broker, prefix, false);
  const auto topic = must(log->open_topic(kTopic));
  Writer writer(home, *log, topic);
  const auto begun = Clock::now();
  for (std::uint64_t at = 0; at < events; ++at) writer.add(added_at(at, keys), at);
  writer.finish();
  std::printf("topic=%s%s\nwritten_seconds=%.3f\n", prefix.c_str(), kTopic.name.c_str(), seconds_since(begun));
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What both sides print of their rows, in whatever order they come: their number and the sum of their hashes.
void print_rows(const RowReader& rows) {
  std::uint64_t count = 0, sum = 0;
  kBalances.scan(rows, [&](const auto& key, const auto& row) {
    const std::string text = std::get<0>(key) + '/' + std::get<1>(key) + '=' + std::to_string(row.balance) + ',' + std::to_string(row.events);
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    sum += hash;
    ++count;
    return true;
  });
  std::printf("rows=%lu\nhash=%016lx\n", count, sum);
}

std::uint64_t events_of(const log::EventLog& log, log::TopicId topic) {
  std::uint64_t events = 0;
  for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) events += log.end(topic, LaneId{lane}).value;
  return events;
}

void read(const std::string& broker, const std::string& prefix) {
  testing::Mailbox home;
  auto log = open_log(home, broker, prefix, true);
  const auto topic = must(log->open_topic(kTopic));
  const auto begun = Clock::now();
  const double used = processor_seconds();
  for (std::uint32_t lane = 0; lane < log->lanes(); ++lane) {
    runtime::LogCursor cursor(*log, topic, kTopic.name, LaneId{lane}, Tmseq{0});
    while (must(cursor.peek()) != nullptr) cursor.pop();
  }
  std::printf("events=%lu\nread_seconds=%.3f\nread_processor_seconds=%.3f\n", events_of(*log, topic), seconds_since(begun), processor_seconds() - used);
}

void rebuild(const std::string& broker, const std::string& prefix, const std::string& directory) {
  std::filesystem::remove_all(directory);
  const auto started = Clock::now();
  testing::Mailbox home;
  auto log = open_log(home, broker, prefix, true);
  const auto topic = must(log->open_topic(kTopic));
  const auto stores = store::make_rocksdb_store_factory(directory);
  std::shared_ptr<store::Store> store(must(stores->open("projections/tally.balances-v1")));
  const runtime::ProjectionSource source{testing::tally::make_domain().projections.front(), {{kTopic, topic, nullptr}}, *log};
  const auto begun = Clock::now();
  const double used = processor_seconds();
  {
    runtime::ProjectionFold fold(source, store);
    must(fold.open({}, runtime::NodeOptions{}.bulk_bytes));
    while (must(fold.bulk_some())) {}
    must(fold.finish_bulk());
    for (std::size_t i = 0; i < source.partitions(); ++i) {
      if (fold.fault(i)) fail(describe(fold.fault(i)->error));
      if (fold.next(i) != log->end(topic, LaneId{static_cast<std::uint32_t>(i)})) fail("a partition was not read to its end");
    }
  }
  const double took = seconds_since(begun), from_start = seconds_since(started), processor = processor_seconds() - used;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("events=%lu\nfold_seconds=%.3f\nfrom_start_seconds=%.3f\nprocessor_seconds=%.3f\nresident_mib=%ld\n", events_of(*log, topic), took, from_start, processor,
              usage.ru_maxrss / 1024);
  print_rows(*store);
}

int run(const std::vector<std::string>& words) {
  const auto number = [&](std::size_t at, std::uint64_t fallback) { return words.size() > at ? std::stoull(words[at]) : fallback; };
  if (words.size() >= 3 && words[0] == "write") write(words[1], words[2], number(3, 1'000'000), number(4, 100'000));
  else if (words.size() == 3 && words[0] == "read") read(words[1], words[2]);
  else if (words.size() == 4 && words[0] == "rebuild") rebuild(words[1], words[2], words[3]);
  else {
    std::fprintf(stderr, "usage: tidemark-bench-streams write|read|rebuild <broker> <prefix> ...; see the head of main.cpp\n");
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace tidemark::bench

int main(int argc, char** argv) { return tidemark::bench::run(std::vector<std::string>(argv + 1, argv + argc)); }
