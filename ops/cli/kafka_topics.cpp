#include "ops/cli/kafka_topics.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/log/kafka/cluster.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "ops/cli/domain_registration.hpp"
#include "ops/cli/kafka_settings.hpp"
#include "ops/cli/retention.hpp"
#include "ops/cli/setting_flags.hpp"

namespace tidemark::cli {
namespace {

using Kind = log::kafka::Finding::Kind;

/// Of every domain of this program, as the settings have them.
Result<std::vector<log::TopicSpec>> topics_of_program(const Settings& settings) {
  std::vector<runtime::Domain> domains;
  for (const DomainRegistration& registration : registered_domains()) {
    if (registration.tables) domains.push_back(registration.tables().domain);
  }
  if (auto applied = apply_retention(settings, domains); !applied.ok()) return applied.take_error();
  std::vector<log::TopicSpec> all;
  for (const runtime::Domain& domain : domains) {
    for (auto& spec : runtime::topic_specs(domain)) all.push_back(std::move(spec));
  }
  return all;
}

Result<log::KafkaLogOptions> cluster_of(const Settings& settings) {
  if (settings.text("log") == "embedded") return bad_setting("log", settings.value("log"), "kafka://host:port: the embedded log needs no topics");
  auto options = kafka_log_options(settings);
  if (options.ok()) options->patience = std::chrono::seconds(10);
  return options;
}

const char* word_for(Kind kind) { return kind == Kind::loses ? "LOSES" : kind == Kind::weak ? "weak" : "well"; }

/// Prints what is wrong, or with `everything` all that was looked at. How many findings lose something.
int print(const std::string& of, const std::vector<log::kafka::Finding>& findings, bool everything) {
  int losing = 0;
  for (const auto& finding : findings) {
    losing += finding.kind == Kind::loses ? 1 : 0;
    if (finding.kind == Kind::fine && !everything) continue;
    std::printf("%-5s  %s: %s = %s%s%s\n", word_for(finding.kind), of.c_str(), finding.setting.c_str(), finding.value.c_str(), finding.reason.empty() ? "" : ": ",
                finding.reason.c_str());
  }
  return losing;
}

int check(const Settings& settings, bool everything) {
  const auto options = cluster_of(settings);
  if (!options.ok()) return complain(options.error().message, kExitUsage);
  const auto topics = topics_of_program(settings);
  if (!topics.ok()) return complain(topics.error().message, kExitUsage);
  const auto report = log::examine_kafka(*options, *topics, settings.duration("idempotency_window"));
  if (!report.ok()) return complain(report.error().message, kExitFailed);
  std::printf("%d broker%s; %s with %u lanes\n", report->brokers, report->brokers == 1 ? "" : "s",
              report->has_installation ? "an installation" : "no installation yet, to be made", report->lanes);
  int losing = print("brokers", report->cluster, everything), missing = 0;
  for (const auto& topic : report->topics) {
    if (topic.exists) losing += print(topic.name, topic.findings, everything);
    else if (++missing > 0) std::printf("to do  %s: not there yet; a node creates it, or `tidemark topics create`\n", topic.name.c_str());
  }
  std::printf("%zu topics, %d missing, %d setting%s that would lose something\n", report->topics.size(), missing, losing, losing == 1 ? "" : "s");
  return losing == 0 ? 0 : kExitFailed;
}

int create(const Settings& settings) {
  const auto options = cluster_of(settings);
  if (!options.ok()) return complain(options.error().message, kExitUsage);
  const auto topics = topics_of_program(settings);
  if (!topics.ok()) return complain(topics.error().message, kExitUsage);
  const auto made = log::create_kafka_topics(*options, *topics);
  if (!made.ok()) return complain(made.error().message, kExitFailed);
  for (const std::string& name : *made) std::printf("created %s\n", name.c_str());
  std::printf("%zu created, %zu were there\n", made->size(), topics->size() + 1 - made->size());  // that of the lanes beside them
  return check(settings, false);
}

void add(CLI::App& group, Chosen& chosen, const std::string& name, const std::string& help, int (*run)(const Settings&)) {
  CLI::App* command = group.add_subcommand(name, help);
  auto keys = kafka_setting_keys();
  keys.insert(keys.end(), {"retention", "idempotency_window"});
  const auto flags = std::make_shared<SettingFlags>(*command, keys);
  command->callback([&chosen, flags, run] {
    chosen = [flags, run] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      return settings ? run(*settings) : exit_code;
    };
  });
}

}  // namespace

void add_kafka_topics(CLI::App& group, Chosen& chosen) {
  add(group, chosen, "create", "Create the topics of a log on Kafka that are missing, as a node would, and check all of them\n"
                               "Example: tidemark topics create --log kafka://127.0.0.1:9092 --kafka-replication 3", create);
  add(group, chosen, "check", "Say which settings of brokers and topics would lose something, or are weak; ends with 1 when something would be lost\n"
                              "Example: tidemark topics check --log kafka://127.0.0.1:9092", [](const Settings& settings) { return check(settings, false); });
  add(group, chosen, "explain", "The same with every setting that was looked at\nExample: tidemark topics explain --log kafka://127.0.0.1:9092",
      [](const Settings& settings) { return check(settings, true); });
}

}  // namespace tidemark::cli
