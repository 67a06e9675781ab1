#include "ops/cli/topics_copy.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <random>

#include "core/base/executors.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/log/kafka/kafka_log.hpp"
#include "ops/cli/installation.hpp"
#include "ops/cli/kafka_settings.hpp"
#include "replay/copy/comparison.hpp"
#include "replay/copy/copy.hpp"
#include "replay/copy/home_queue.hpp"

namespace tidemark::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kTellEvery = std::chrono::seconds(2);

/// Where a log is, as it was typed.
struct Place {
  std::string flag;  ///< "--from"
  std::string place, prefix;
  std::vector<std::string> properties;
  bool is_kafka() const { return place.starts_with("kafka:"); }
};

struct Wish {
  Place from{"--from", "", "", {}}, to{"--to", "", "", {}};
  int replication = -1;
  std::uint64_t segment_bytes = 64u << 20, append_bytes = 4u << 20;
  bool only_verify = false, json = false;
};

Uuid draw_epoch() {
  std::random_device device;
  const auto draw = [&device] { return (std::uint64_t{device()} << 32) | device(); };
  const std::uint64_t high = draw(), low = draw();
  return make_uuid_v7(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()), high, low);
}

/// One of the two logs while it is open. Closed before what it stands on.
struct Side {
  explicit Side(Place where) : place(std::move(where)) {}
  Side(const Side&) = delete;
  ~Side() { log.reset(); }

  const Place place;
  std::string ring;              ///< id of the key ring that the log belongs to; "": it does not say
  std::unique_ptr<File> lock;    ///< of a data directory
  std::unique_ptr<Executor> writer, sealer;
  std::unique_ptr<log::EventLog> log;
};

class Copy {
 public:
  explicit Copy(Wish wish) : wish_(std::move(wish)), from_(wish_.from), to_(wish_.to) {}
  int run();

 private:
  Result<void> check() const;
  Result<void> open_source();
  Result<void> open_target(std::optional<Uuid> copy_of);
  Result<void> open_kafka(Side& side, log::KafkaLogOptions options);
  Result<log::KafkaLogOptions> kafka_options(const Place& place) const;
  Result<void> open_embedded(Side& side, log::EmbeddedLogOptions options);
  Result<void> open_directory(Side& side, bool is_source);
  Result<replay::Comparison> copy();
  replay::CopyLogs logs() {
    return {*from_.log, *to_.log, [this](const std::function<bool()>& done) { home_.run_until(done); }};
  }
  void tell(const replay::CopyProgress& progress);
  void print(const replay::Comparison& comparison) const;
  void print_json(const replay::Comparison& comparison) const;

  const Wish wish_;
  const std::unique_ptr<Disk> disk_ = make_posix_disk();
  replay::HomeQueue home_;
  Side from_, to_;
  Clock::time_point started_ = Clock::now(), told_ = Clock::now();
};

std::string data_of(const Place& place) { return absolute_path(place.place); }

/// What was typed, before anything is touched.
Result<void> Copy::check() const {
  for (const Place* place : {&wish_.from, &wish_.to}) {
    const auto bad = [&](const std::string& flag, const std::string& value, std::string_view expected) {
      return make_error(Code::invalid_argument, "flag " + place->flag + flag + ": \"" + value + "\" is not " + std::string(expected));
    };
    if (place->is_kafka() && !parse_kafka_log(place->place)) return bad("", place->place, "a data directory, or kafka://host:port,host:port");
    if (!is_topic_prefix(place->prefix)) return bad("-prefix", place->prefix, "a prefix of topics: at most 40 characters of a-z, 0-9, '.', '-' and '_', ending with one of the last three");
    for (const std::string& text : place->properties) {
      if (!parse_kafka_property(text)) return bad("-property", text, kKafkaPropertyExpected);
    }
    if (!place->is_kafka() && (!place->prefix.empty() || !place->properties.empty())) return bad("", place->place, "a log on Kafka, which has a prefix and properties");
  }
  const bool same = wish_.from.is_kafka() ? wish_.to.is_kafka() && wish_.from.place == wish_.to.place && wish_.from.prefix == wish_.to.prefix
                                          : !wish_.to.is_kafka() && data_of(wish_.from) == data_of(wish_.to);
  if (same) return make_error(Code::invalid_argument, "--from and --to are the same log");
  return {};
}

Result<log::KafkaLogOptions> Copy::kafka_options(const Place& place) const {
  log::KafkaLogOptions options;
  options.client.brokers = *parse_kafka_log(place.place);
  options.client.client_id = "tidemark-copy";
  options.prefix = place.prefix;
  options.make_epoch = draw_epoch;
  options.memory_bytes = 0;  // what is compared is read from the brokers
  options.append_patience = std::chrono::seconds(30);
  for (const std::string& text : place.properties) {
    const auto property = *parse_kafka_property(text);
    auto value = read_kafka_property(property);
    if (!value) return make_error(Code::invalid_argument, "flag " + place.flag + "-property: " + value.error().message);
    options.client.properties[property.name] = std::move(*value);
  }
  return options;
}

Result<void> Copy::open_kafka(Side& side, log::KafkaLogOptions options) {
  log::KafkaLogReport report;
  auto opened = log::open_kafka_log(home_, std::move(options), &report);
  if (!opened) return opened.take_error();
  side.log = std::move(*opened);
  side.ring = report.ring;
  return {};
}

Result<void> Copy::open_embedded(Side& side, log::EmbeddedLogOptions options) {
  options.directory = data_of(side.place) + "/log";
  options.make_epoch = draw_epoch;
  options.segment_bytes = wish_.segment_bytes;
  if (!side.writer) side.writer = make_thread_pool("tm-journal", 1);
  auto opened = log::open_embedded_log(*disk_, home_, *side.writer, std::move(options));
  if (!opened) return opened.take_error();
  side.log = std::move(*opened);
  return {};
}

/// Takes the directory's lock: a node that serves it has it.
Result<void> Copy::open_directory(Side& side, bool is_source) {
  const std::string data = data_of(side.place);
  if (is_source) {
    const auto there = disk_->exists(data + "/log/meta");
    if (!there || !*there) return make_error(Code::not_found, "there is no log in " + data);
  }
  auto lock = lock_data(*disk_, data);
  if (!lock) return lock.take_error();
  side.lock = std::move(*lock);
  auto ring = ring_of_data(*disk_, data);
  if (!ring) return ring.take_error();
  side.ring = ring->value_or("");
  return {};
}

Result<void> Copy::open_source() {
  if (!from_.place.is_kafka()) {
    if (auto opened = open_directory(from_, true); !opened) return opened;
    return open_embedded(from_, {});
  }
  auto options = kafka_options(from_.place);
  if (!options) return options.take_error();
  options->must_exist = true;
  return open_kafka(from_, std::move(*options));
}

Result<void> Copy::open_target(std::optional<Uuid> copy_of) {
  const auto other_ring = [&] {
    return make_error(Code::invalid_argument, "the source belongs to key ring " + from_.ring + " and the target to " + to_.ring + ": a copy keeps its ring");
  };
  if (to_.place.is_kafka()) {
    auto options = kafka_options(to_.place);
    if (!options) return options.take_error();
    options->must_exist = !copy_of;
    options->copy_of = copy_of;
    options->lanes = from_.log->lanes();
    options->ring = from_.ring;
    options->replication = wish_.replication;
    return open_kafka(to_, std::move(*options));
  }
  if (!to_.lock) {
    if (auto opened = open_directory(to_, !copy_of); !opened) return opened;
  }
  if (to_.ring.empty() && copy_of) {
    if (from_.ring.empty()) return make_error(Code::invalid_argument, "the source does not say which key ring it belongs to: write its id to " + data_of(to_.place) + "/ring-id");
    // Before the log is made, as at a first start.
    if (auto recorded = record_ring(*disk_, data_of(to_.place), from_.ring); !recorded) return recorded;
    to_.ring = from_.ring;
  }
  if (!from_.ring.empty() && to_.ring != from_.ring) return other_ring();
  log::EmbeddedLogOptions options;
  options.copy_of = copy_of;
  options.lanes = from_.log->lanes();
  if (copy_of) {
    if (!to_.sealer) to_.sealer = make_thread_pool("tm-sealer", 1);
    options.sealer = to_.sealer.get();
  }
  return open_embedded(to_, std::move(options));
}

void Copy::tell(const replay::CopyProgress& progress) {
  const auto now = Clock::now();
  if (now - told_ < kTellEvery) return;
  told_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  std::fprintf(stderr, "copied %llu of %llu records, %.0f a second\n", static_cast<unsigned long long>(progress.there_before + progress.copied),
               static_cast<unsigned long long>(progress.total), static_cast<double>(progress.copied) / seconds);
}

Result<replay::Comparison> Copy::copy() {
  if (auto opened = open_source(); !opened) return opened.take_error();
  if (wish_.only_verify) {
    if (auto opened = open_target(std::nullopt); !opened) return opened.take_error();
    return replay::compare_logs(*from_.log, *to_.log);
  }
  const Uuid source = from_.log->epoch();
  if (auto opened = open_target(source); !opened) return opened.take_error();
  replay::CopyOptions options;
  // A decision and its events must fit in a segment, as they did in the source.
  options.append_bytes = std::min<std::size_t>(wish_.append_bytes, wish_.segment_bytes / 4);
  options.on_progress = [this](const replay::CopyProgress& progress) {
    tell(progress);
    return true;
  };
  started_ = told_ = Clock::now();
  auto copied = replay::copy_log(logs(), options);
  if (!copied) return copied.take_error();
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  std::fprintf(stderr, "%llu records were there, %llu copied in %.1f s; comparing\n", static_cast<unsigned long long>(copied->there_before),
               static_cast<unsigned long long>(copied->copied), seconds);
  // What is compared is read back from where it was written.
  to_.log.reset();
  if (auto opened = open_target(source); !opened) return opened.take_error();
  const auto before = Clock::now();
  auto compared = replay::compare_logs(*from_.log, *to_.log);
  if (!compared || !compared->equal) return compared;
  std::fprintf(stderr, "compared in %.1f s\n", std::chrono::duration<double>(Clock::now() - before).count());
  if (auto finished = replay::finish_copy(logs()); !finished) return finished.take_error();
  return compared;
}

void Copy::print(const replay::Comparison& comparison) const {
  std::printf("%-28s %4s %12s %12s %12s  %s\n", "TOPIC", "LANE", "BEGIN", "END", "RECORDS", "SHA-256");
  for (const auto& one : comparison.partitions) {
    if (one.source_end.value == 0 && one.problem.empty()) continue;  // never written
    std::printf("%-28s %4u %12llu %12llu %12llu  %s\n", one.topic.c_str(), one.lane.value, static_cast<unsigned long long>(one.from.value),
                static_cast<unsigned long long>(one.end.value), static_cast<unsigned long long>(one.records()), one.source_sha256.c_str());
    if (one.difference) std::printf("%-28s %4u %12s %12s %12s  %s\n", "", one.lane.value, "", "", "target:", one.target_sha256.c_str());
    if (!one.problem.empty()) std::printf("NOT EQUAL: %s lane %u of the target %s\n", one.topic.c_str(), one.lane.value, one.problem.c_str());
  }
  std::printf("%-28s %4s %12s %12s %12llu  %s\n", "all", "", "", "", static_cast<unsigned long long>(comparison.records), comparison.source_sha256.c_str());
  std::printf("%s\n", comparison.equal ? "the target holds what the source holds" : "THE TARGET IS NO COPY OF THE SOURCE");
}

void Copy::print_json(const replay::Comparison& comparison) const {
  std::string out = "{\"equal\":" + std::string(comparison.equal ? "true" : "false") + ",\"records\":" + std::to_string(comparison.records) + ",\"sha256\":\"" +
                    comparison.source_sha256 + "\",\"target_sha256\":\"" + comparison.target_sha256 + "\",\"source_epoch\":\"" + to_string(from_.log->epoch()) +
                    "\",\"target_epoch\":\"" + to_string(to_.log->epoch()) + "\",\"partitions\":[";
  const char* between = "";
  for (const auto& one : comparison.partitions) {
    out += std::string(between) + "{\"topic\":\"" + one.topic + "\",\"lane\":" + std::to_string(one.lane.value) + ",\"begin\":" + std::to_string(one.from.value) +
           ",\"end\":" + std::to_string(one.end.value) + ",\"records\":" + std::to_string(one.records()) + ",\"sha256\":\"" + one.source_sha256 + "\",\"target_sha256\":\"" +
           one.target_sha256 + "\"" + (one.difference ? ",\"difference\":" + std::to_string(one.difference->value) : "") +
           (one.problem.empty() ? "" : ",\"problem\":\"" + one.problem + "\"") + "}";
    between = ",";
  }
  std::printf("%s]}\n", out.c_str());
}

int Copy::run() {
  if (auto good = check(); !good) return complain(good.error().message, kExitUsage);
  auto compared = copy();
  if (!compared) return complain(compared.error().message, compared.error().code == Code::invalid_argument && !from_.log ? kExitUsage : kExitFailed);
  if (wish_.json) print_json(*compared);
  else print(*compared);
  return compared->equal ? 0 : kExitFailed;
}

void add_place(CLI::App& command, Place& place, const std::string& what) {
  command.add_option(place.flag, place.place, what + ": a data directory, or kafka://host:port,host:port")->required();
  command.add_option(place.flag + "-prefix", place.prefix, "Its prefix of topics, on Kafka");
  command.add_option(place.flag + "-property", place.properties, "Property of librdkafka to reach it with, repeatable: sasl.password=file:/run/secrets/kafka")
      ->allow_extra_args(false)
      ->take_all();
}

}  // namespace

void add_topics_copy(CLI::App& group, Chosen& chosen) {
  CLI::App* command = group.add_subcommand(
      "copy", "Move a whole history to another log, embedded or on Kafka, and compare both; run it again to go on after an interruption. No node may serve either\n"
              "Example: tidemark topics copy --from ./data --to kafka://127.0.0.1:9092");
  const auto wish = std::make_shared<Wish>();
  add_place(*command, wish->from, "The log that is copied");
  add_place(*command, wish->to, "Where the copy is made, or gone on with");
  command->add_option("--to-replication", wish->replication, "Replicas of topics that are created (default: as the brokers are set)")->check(CLI::Range(1, 32));
  command->add_option("--log-segment-bytes", wish->segment_bytes, "Size of a segment of an embedded copy (default: 64 MiB)")->check(CLI::Range(std::uint64_t{1} << 20, std::uint64_t{1} << 30));
  command->add_option("--append-bytes", wish->append_bytes, "About how much is written at once in a lane (default: 4 MiB)")->check(CLI::Range(std::uint64_t{1} << 10, std::uint64_t{16} << 20));
  command->add_flag("--verify", wish->only_verify, "Copy nothing, compare only; ends with 1 when the target lacks something of the source");
  command->add_flag("--json", wish->json, "Print counts and hashes as JSON");
  command->callback([&chosen, wish] {
    chosen = [wish] {
      Copy copy(*wish);
      return copy.run();
    };
  });
}

}  // namespace tidemark::cli
