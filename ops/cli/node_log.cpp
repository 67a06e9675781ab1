#include "ops/cli/node_log.hpp"

#include "core/log/kafka/kafka_log.hpp"
#include "core/observe/log.hpp"
#include "ops/cli/kafka_settings.hpp"

namespace tidemark::cli {
namespace {

void report_sealing(const log::SealingReport& report) {
  using Kind = log::SealingReport::Kind;
  if (report.kind == Kind::failed) {
    observe::error("sealing failed, the log goes on without", {{"code", name_of(report.error.code)}, {"reason", report.error.message}});
  } else {
    observe::info(report.kind == Kind::sealed ? "log file sealed" : "log file cut by retention", {{"file", report.file}, {"bytes", report.bytes}});
  }
}

Result<NodeLog> open_embedded(const NodeLogParts& parts) {
  Scheduler& home = parts.home;
  log::EmbeddedLogOptions options;
  options.directory = parts.data + "/log";
  options.lanes = static_cast<std::uint32_t>(parts.settings.number("lanes"));
  options.make_epoch = [&home] { return make_uuid_v7(home.wall(), home.random(), home.random()); };
  options.metrics = parts.metrics;
  options.segment_bytes = static_cast<std::uint64_t>(parts.settings.number("log_segment_bytes"));
  options.sealer = &parts.sealer;
  options.now = [&home] { return home.wall(); };
  options.on_sealing = report_sealing;
  log::RecoveryReport recovery;
  auto log = log::open_embedded_log(parts.disk, home, parts.journal, options, &recovery);
  if (!log.ok()) return log.take_error();
  observe::info(recovery.created ? "log created" : "log recovered", {{"commits", recovery.commits}, {"segments", recovery.segments},
                                                                     {"sealed_files", recovery.sealed_files}, {"torn_bytes_cut", recovery.torn_bytes_cut}});
  auto* const embedded = log->get();
  return NodeLog{std::move(*log), embedded};
}

Result<NodeLog> open_on_kafka(const NodeLogParts& parts) {
  Scheduler& home = parts.home;
  auto options = kafka_log_options(parts.settings);
  if (!options.ok()) return options.take_error();
  options->make_epoch = [&home] { return make_uuid_v7(home.wall(), home.random(), home.random()); };
  options->ring = parts.ring;
  options->client.log = log_of_client;
  options->metrics = parts.metrics;
  log::KafkaLogReport report;
  auto log = log::open_kafka_log(home, std::move(*options), &report);
  if (!log.ok()) return log.take_error();
  observe::info(report.created ? "log created" : "log opened", {{"log", parts.settings.text("log")}, {"epoch", to_string((*log)->epoch())}});
  return NodeLog{std::move(*log), nullptr};
}

}  // namespace

void log_of_client(int level, std::string_view facility, std::string_view text) {
  if (level <= 4) observe::warning("Kafka client", {{"facility", facility}, {"text", text}});
  else if (level <= 6) observe::info("Kafka client", {{"facility", facility}, {"text", text}});
  else observe::debug("Kafka client", {{"facility", facility}, {"text", text}});
}

Result<NodeLog> open_node_log(const NodeLogParts& parts) {
  auto opened = parts.settings.text("log") == "embedded" ? open_embedded(parts) : open_on_kafka(parts);
  if (!opened.ok()) return opened;
  const Value& lanes = parts.settings.value("lanes");
  if (lanes.origin != Origin::fallback && opened->log->lanes() != parts.settings.number("lanes")) {
    return bad_setting("lanes", lanes, std::to_string(opened->log->lanes()) + ", as this log was made with (or no value)");
  }
  return opened;
}

void tend_log(log::EmbeddedLog& log, Scheduler& home) {
  log.tend();
  home.after(std::chrono::minutes(1), [&log, &home] { tend_log(log, home); });
}

}  // namespace tidemark::cli
