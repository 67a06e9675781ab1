// How fast is the log on Kafka beside librdkafka's own producer? Both write transactions of the same records (one topic of events,
// one of decisions, one lane) to the same broker, in turns, one transaction after the other.
//   tidemark-bench-kafka <broker> [records in a transaction, 100] [transactions in a turn, 50] [turns, 6]
// Also printed: how long a commit takes, and the memory and threads of a log that owns 12 lanes.

#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "core/event/record.hpp"
#include "core/log/kafka/records.hpp"
#include "tests/contract/kafka/kafka_rig.hpp"

using namespace tidemark;
using namespace tidemark::log;

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

event::Envelope envelope_at(std::uint64_t tmseq) {
  event::Envelope envelope;
  envelope.id = "0190a8f2-0000-7000-8000-" + std::string(12, '0');
  envelope.source = "/tidemark/builds";
  envelope.type = "tidemark.builds.BuildSubmitted.v1";
  envelope.subject = "V1StGXR8_Z5jdHi6B-myT";
  envelope.partitionkey = envelope.subject;
  envelope.time = from_ms(1700000000000);
  envelope.correlationid = envelope.causationid = envelope.commandid = envelope.id;
  envelope.actor = "api-key:1";
  envelope.tmseq = Tmseq{tmseq};
  return envelope;
}

TopicRecords records_at(TopicId topic, Tmseq first, std::size_t count, const std::string& data) {
  TopicRecords out;
  out.topic = topic;
  out.first = first;
  event::RecordEncoder encoder;
  for (std::size_t i = 0; i < count; ++i) out.records.add(encoder.encode(envelope_at(first.value + i), data));
  return out;
}

std::string status_of(const char* name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return line.substr(line.find_first_not_of(" \t", std::string(name).size() + 1));
  }
  return "?";
}

struct Timed {
  std::vector<double> ms;
  double median() {
    std::sort(ms.begin(), ms.end());
    return ms[ms.size() / 2];
  }
  double p99() {
    std::sort(ms.begin(), ms.end());
    return ms[ms.size() * 99 / 100];
  }
  double per_second(std::size_t records) const {
    double all = 0;
    for (double one : ms) all += one;
    return static_cast<double>(records * ms.size()) / all * 1000;
  }
};

void check(const kafka::CallError& error) {
  if (!error.failed) return;
  std::fprintf(stderr, "%s\n", error.text.c_str());
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: tidemark-bench-kafka <broker> [records] [transactions] [turns]\n");
    return 2;
  }
  const auto number = [&](int at, std::size_t fallback) { return argc > at ? static_cast<std::size_t>(std::stoul(argv[at])) : fallback; };
  const std::size_t records = number(2, 100), transactions = number(3, 50), turns = number(4, 6);
  const std::string prefix = "bench-" + std::to_string(::getpid()) + ".", data(256, 'x');
  log::test::Rig rig(argv[1], prefix);
  if (!rig.take_lane(0)) return 1;

  kafka::ClientOptions client;
  client.brokers = argv[1];
  auto own = kafka::make_producer(client, prefix + "own");
  check(kafka::take_error(rd_kafka_init_transactions(own->get(), 30000)));
  std::uint64_t own_next = 0;
  Timed ours, theirs;
  // Their records go to lane 1, which nobody owns.
  for (std::size_t turn = 0; turn <= turns; ++turn) {
    Timed now_ours, now_theirs;
    for (std::size_t i = 0; i < transactions; ++i) {
      LaneBatch batch;
      batch.topics.push_back(records_at(rig.ledger, rig.log().end(rig.ledger, LaneId{0}), records / 2, data));
      batch.topics.push_back(records_at(rig.decisions, rig.log().end(rig.decisions, LaneId{0}), records - records / 2, data));
      const auto start = Clock::now();
      const auto appended = rig.append(rig.owned(0), std::move(batch));
      now_ours.ms.push_back(ms_since(start));
      if (!appended.ok()) {
        std::fprintf(stderr, "%s\n", describe(appended.error()).c_str());
        return 1;
      }
    }
    event::RecordEncoder encoder;
    std::vector<std::int64_t> offsets(records);
    for (std::size_t i = 0; i < transactions; ++i) {
      const auto start = Clock::now();
      check(kafka::take_error(rd_kafka_begin_transaction(own->get())));
      for (std::size_t k = 0; k < records; ++k) {
        const bool event = k < records / 2;
        const std::uint64_t at = own_next + (event ? k : k - records / 2);
        auto sent = kafka::produce(own->get(), prefix + (event ? "builds.ledger" : "builds.decisions"), 1, encoder.encode(envelope_at(at), data), Tmseq{at},
                                   k + 1 == records / 2 || k + 1 == records ? "builds.ledger:" + std::to_string(own_next) + "+1" : "", offsets[k]);
        if (!sent.ok()) return 1;
      }
      check(kafka::take_error(rd_kafka_commit_transaction(own->get(), -1)));
      now_theirs.ms.push_back(ms_since(start));
      own_next += records / 2;
    }
    if (turn == 0) continue;  // warms up
    std::printf("turn %zu: ours %.0f records/s, librdkafka's producer %.0f records/s, ratio %.2f\n", turn, now_ours.per_second(records), now_theirs.per_second(records),
                now_ours.per_second(records) / now_theirs.per_second(records));
    ours.ms.insert(ours.ms.end(), now_ours.ms.begin(), now_ours.ms.end());
    theirs.ms.insert(theirs.ms.end(), now_theirs.ms.begin(), now_theirs.ms.end());
  }
  std::printf("%zu records of %zu B in a transaction: ours %.0f/s (append p50 %.1f ms, p99 %.1f ms), librdkafka's producer %.0f/s (p50 %.1f ms, p99 %.1f ms), ratio %.2f\n", records,
              data.size(), ours.per_second(records), ours.median(), ours.p99(), theirs.per_second(records), theirs.median(), theirs.p99(),
              ours.per_second(records) / theirs.per_second(records));

  own->reset();
  std::printf("resident %s, threads %s before 12 lanes are owned\n", status_of("VmRSS").c_str(), status_of("Threads").c_str());
  auto options = log::test::kafka_options(argv[1], prefix + "twelve.");
  options.lanes = 12;
  log::test::Mailbox home;
  auto opened = open_kafka_log(home, options);
  if (!opened.ok()) return 1;
  const std::string before_memory = status_of("VmRSS"), before_threads = status_of("Threads");
  for (const char* name : {"builds.ledger", "builds.activity", "builds.logs", "builds.reactions", "builds.dead-letters", "builds.decisions"}) {
    if (!(*opened)->open_topic(TopicSpec{name, TopicClass::fact}).ok()) return 1;
  }
  const auto start = Clock::now();
  std::size_t taken = 0;
  for (std::uint32_t lane = 0; lane < 12; ++lane) (*opened)->take(LaneId{lane}, [&](Result<Ownership> owned) { taken += owned.ok() ? 1 : 0; });
  while (taken < 12 && ms_since(start) < 60000) {
    if (!home.run_one()) ::usleep(1000);
  }
  std::printf("12 lanes taken at once in %.0f ms; resident %s (before: %s), threads %s (before: %s)\n", ms_since(start), status_of("VmRSS").c_str(), before_memory.c_str(),
              status_of("Threads").c_str(), before_threads.c_str());
  return 0;
}
