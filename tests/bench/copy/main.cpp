// How fast does a history move from a journal to Kafka, back, and into another journal, beside the disk and the broker alone? Decisions with
// one event each (256 B of data), in all lanes.
//   tidemark-bench-copy <broker> <empty folder> [records, 200000] [lanes, 3]
// The disk: as many bytes in writes of 4 MiB with fdatasync. The broker: librdkafka's own producer, the same records and lanes in
// transactions of 4 MiB, one after the other.

#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/base/executors.hpp"
#include "core/event/record.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/log/kafka/kafka_log.hpp"
#include "core/log/kafka/records.hpp"
#include "core/log/kafka/topics.hpp"
#include "replay/copy/comparison.hpp"
#include "replay/copy/copy.hpp"
#include "replay/copy/home_queue.hpp"

using namespace tidemark;
using namespace tidemark::replay;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kAtOnce = 4u << 20;
const std::string kData(256, 'x');

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T>
T need(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
  std::exit(1);
}
void need(const Result<void>& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "%s\n", describe(result.error()).c_str());
  std::exit(1);
}
void need(const log::kafka::CallError& error) {
  if (!error.failed) return;
  std::fprintf(stderr, "%s\n", error.text.c_str());
  std::exit(1);
}

event::Envelope envelope_at(std::string type, std::uint64_t tmseq) {
  event::Envelope envelope;
  envelope.id = "0190a8f2-0000-7000-8000-" + std::string(12, '0');
  envelope.source = "/tidemark/builds";
  envelope.type = std::move(type);
  envelope.subject = "V1StGXR8_Z5jdHi6B-myT";
  envelope.partitionkey = envelope.subject;
  envelope.time = from_ms(1'700'000'000'000 + static_cast<std::int64_t>(tmseq));
  envelope.correlationid = envelope.causationid = envelope.commandid = envelope.id;
  envelope.actor = "api-key:1";
  envelope.tmseq = Tmseq{tmseq};
  return envelope;
}
std::string decision_of(std::uint64_t tmseq) {
  return R"({"verdict":"accepted","command":{"type":"tidemark.builds.SubmitBuild.v1","data":{}},"events":[{"topic":"builds.ledger","tmseq":)" + std::to_string(tmseq) +
         R"(,"type":"tidemark.builds.BuildSubmitted.v1","subject":"V1StGXR8_Z5jdHi6B-myT","sequence":1}],"build":"0.1.0","settings":"0123456789abcdef"})";
}

struct Bench {
  HomeQueue home;
  std::unique_ptr<Disk> disk = make_posix_disk();
  std::unique_ptr<Executor> writer = make_thread_pool("journal", 1), sealer = make_thread_pool("sealer", 1);
  std::string broker, folder, prefix;
  std::size_t records = 0;
  std::uint32_t lanes = 0;
  std::uint64_t drawn = 0;

  Uuid draw() { return derive_uuid("bench", "epoch", ++drawn); }
  std::unique_ptr<log::EventLog> journal(const std::string& name, std::optional<Uuid> copy_of) {
    log::EmbeddedLogOptions options;
    options.directory = folder + "/" + name;
    options.lanes = lanes;
    options.make_epoch = [this] { return draw(); };
    options.copy_of = copy_of;
    options.sealer = sealer.get();
    return need(log::open_embedded_log(*disk, home, *writer, std::move(options)));
  }
  std::unique_ptr<log::EventLog> kafka(std::optional<Uuid> copy_of) {
    log::KafkaLogOptions options;
    options.client.brokers = broker;
    options.prefix = prefix;
    options.lanes = lanes;
    options.memory_bytes = 0;
    options.make_epoch = [this] { return draw(); };
    options.copy_of = copy_of;
    options.append_patience = std::chrono::seconds(30);
    return need(log::open_kafka_log(home, std::move(options)));
  }
  std::uint64_t fill(log::EventLog& log) {
    const auto ledger = need(log.open_topic({"builds.ledger", log::TopicClass::fact, {}, {}})),
               decisions = need(log.open_topic({"builds.decisions", log::TopicClass::decisions, {}, {}}));
    event::RecordEncoder encoder;
    std::uint64_t bytes = 0;
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      std::optional<log::Ownership> owner;
      log.take(LaneId{lane}, [&](Result<log::Ownership> taken) { owner = need(std::move(taken)); });
      home.run_until([&] { return owner.has_value(); });
      for (std::uint64_t at = 0; at < records / 2 / lanes; at += 100) {
        log::RecordBatchBuilder events, decided;
        for (std::uint64_t i = at; i < at + 100; ++i) {
          events.add(encoder.encode(envelope_at("tidemark.builds.BuildSubmitted.v1", i), kData));
          decided.add(encoder.encode(envelope_at("tidemark.builds.CommandDecided.v1", i), decision_of(i)));
        }
        log::LaneBatch batch;
        batch.topics.push_back({ledger, Tmseq{at}, std::move(events)});
        batch.topics.push_back({decisions, Tmseq{at}, std::move(decided)});
        bytes += batch.size_bytes();
        bool done = false;
        log.append(*owner, std::move(batch), [&](Result<void> result) {
          need(result);
          done = true;
        });
        home.run_until([&] { return done; });
      }
    }
    return bytes;
  }
  void move(const char* what, log::EventLog& source, std::unique_ptr<log::EventLog> target, const std::function<std::unique_ptr<log::EventLog>()>& again) {
    const auto logs = [&] { return CopyLogs{source, *target, [this](const std::function<bool()>& done) { home.run_until(done); }}; };
    auto start = Clock::now();
    const auto copied = need(copy_log(logs(), {}));
    const double copying = seconds_since(start);
    target.reset();
    target = again();
    start = Clock::now();
    const auto compared = need(compare_logs(source, *target));
    const double comparing = seconds_since(start);
    if (!compared.equal) std::exit(1);
    need(finish_copy(logs()));
    std::printf("%s: %llu records copied in %.1f s, %.0f/s; compared in %.1f s, %.0f/s\n", what, static_cast<unsigned long long>(copied.copied), copying,
                static_cast<double>(copied.copied) / copying, comparing, static_cast<double>(compared.records) / comparing);
  }
  void raw_disk(std::uint64_t bytes) {
    const std::string path = folder + "/raw", piece(kAtOnce, 'x');
    const int fd = ::open(path.c_str(), O_CREAT | O_WRONLY, 0600);
    const auto start = Clock::now();
    for (std::uint64_t written = 0; written < bytes; written += piece.size()) {
      if (::write(fd, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size()) || ::fdatasync(fd) != 0) std::exit(1);
    }
    const double seconds = seconds_since(start);
    ::close(fd);
    std::printf("the disk alone: %.0f MB in writes of 4 MiB with fdatasync in %.1f s: %.0f records/s\n", static_cast<double>(bytes) / 1e6, seconds, static_cast<double>(records) / seconds);
  }
  void raw_broker() {
    log::kafka::ClientOptions client;
    client.brokers = broker;
    const auto producer = need(log::kafka::make_producer(client, prefix + "raw"));
    need(log::kafka::take_error(rd_kafka_init_transactions(producer.get(), 30000)));
    for (const char* name : {"builds.raw-events", "builds.raw-decisions"}) {
      need(log::kafka::create_topic(producer.get(), prefix + name, lanes, -1, log::kafka::config_for({name, log::TopicClass::fact, {}, {}}, -1), std::chrono::seconds(30)));
    }
    log::kafka::learn_topics(producer.get(), std::chrono::seconds(5));
    event::RecordEncoder encoder;
    const auto start = Clock::now();
    std::uint64_t sent = 0;
    std::vector<std::int64_t> offsets(records);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      std::size_t bytes = 0;
      for (std::uint64_t at = 0; at < records / 2 / lanes; ++at) {
        if (bytes == 0) need(log::kafka::take_error(rd_kafka_begin_transaction(producer.get())));
        const std::string decision = decision_of(at);
        for (const bool is_event : {true, false}) {
          const auto& record = encoder.encode(envelope_at(is_event ? "tidemark.builds.BuildSubmitted.v1" : "tidemark.builds.CommandDecided.v1", at), is_event ? kData : decision);
          need(log::kafka::produce(producer.get(), prefix + (is_event ? "builds.raw-events" : "builds.raw-decisions"), static_cast<std::int32_t>(lane), record, Tmseq{at}, "", offsets[sent]));
          bytes += 600;
          ++sent;
        }
        if (bytes < kAtOnce && at + 1 < records / 2 / lanes) continue;
        need(log::kafka::take_error(rd_kafka_commit_transaction(producer.get(), -1)));
        bytes = 0;
      }
    }
    const double seconds = seconds_since(start);
    std::printf("librdkafka's own producer: %llu records in %.1f s, %.0f/s\n", static_cast<unsigned long long>(sent), seconds, static_cast<double>(sent) / seconds);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: tidemark-bench-copy <broker> <empty folder> [records] [lanes]\n");
    return 2;
  }
  Bench bench;
  bench.broker = argv[1];
  bench.folder = argv[2];
  bench.records = argc > 3 ? std::stoul(argv[3]) : 200'000;
  bench.lanes = argc > 4 ? static_cast<std::uint32_t>(std::stoul(argv[4])) : 3;
  bench.prefix = "bench-" + std::to_string(::getpid()) + ".";
  auto source = bench.journal("source", std::nullopt);
  const std::uint64_t bytes = bench.fill(*source);
  std::printf("%zu records, %.0f MB, %u lanes\n", bench.records, static_cast<double>(bytes) / 1e6, bench.lanes);
  const Uuid first = source->epoch();
  bench.move("journal to Kafka", *source, bench.kafka(first), [&] { return bench.kafka(first); });
  bench.raw_broker();
  {
    auto moved = bench.kafka(std::nullopt);
    const Uuid second = moved->epoch();
    bench.move("Kafka to journal", *moved, bench.journal("back", second), [&] { return bench.journal("back", second); });
  }
  bench.move("journal to journal", *source, bench.journal("other", first), [&] { return bench.journal("other", first); });
  bench.raw_disk(bytes);
  return 0;
}
