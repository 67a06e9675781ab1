// `tidemark topics`: what the log holds, and whether every byte of it is whole.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "core/base/disk.hpp"
#include "core/event/json_document.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "ops/cli/client_settings.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/kafka_topics.hpp"
#include "ops/cli/setting_flags.hpp"
#include "ops/cli/topics_copy.hpp"

namespace tidemark::cli {
namespace {

std::string retention_text(std::optional<std::int64_t> ms, std::optional<std::uint64_t> bytes) {
  if (bytes) return retention_text(ms, std::nullopt) + "/" + std::to_string(*bytes);
  if (!ms) return "for ever";
  if (*ms % 86'400'000 == 0) return std::to_string(*ms / 86'400'000) + "d";
  if (*ms % 3'600'000 == 0) return std::to_string(*ms / 3'600'000) + "h";
  return std::to_string(*ms / 1000) + "s";
}

int list(const Settings& settings, bool json) {
  auto client = make_client(settings);
  if (!client.ok()) return complain(client.error().message, kExitFailed);
  const auto answer = client->call("GET", "/topics");
  if (!answer.ok()) return complain(answer.error().message, kExitFailed);
  if (answer->status != 200) return complain(explain(*answer), kExitFailed);
  if (json) {
    std::printf("%s\n", answer->body.c_str());
    return 0;
  }
  const auto document = event::JsonDocument::parse(answer->body);
  if (!document.ok()) return complain("the node's answer is not JSON: " + document.error().message, kExitFailed);
  std::printf("%-28s %-13s %-10s %10s  %s\n", "TOPIC", "CLASS", "RETENTION", "RECORDS", "LANES (begin..end)");
  for (const auto topic : document->root()["topics"].items()) {
    std::uint64_t records = 0;
    std::string lanes;
    std::uint32_t number = 0;
    for (const auto lane : topic["lanes"].items()) {
      const auto begin = lane["begin"].as_uint64().value_or(0), end = lane["end"].as_uint64().value_or(0);
      records += end - begin;
      if (end != 0) lanes += (lanes.empty() ? "" : " ") + std::to_string(number) + ":" + std::to_string(begin) + ".." + std::to_string(end);
      ++number;
    }
    std::printf("%-28s %-13s %-10s %10llu  %s\n", std::string(topic["name"].as_string().value_or("")).c_str(),
                std::string(topic["class"].as_string().value_or("")).c_str(), retention_text(topic["retention_ms"].as_int64(), topic["retention_bytes"].as_uint64()).c_str(),
                static_cast<unsigned long long>(records), lanes.empty() ? "-" : lanes.c_str());
  }
  return 0;
}

int verify(const Settings& settings) {
  const auto disk = make_posix_disk();
  const std::string directory = settings.text("data") + "/log";
  const auto there = disk->exists(directory);
  if (!there.ok() || !*there) return complain("there is no log in " + directory + "; name the data directory with --data", kExitFailed);
  const auto report = log::verify_embedded_log(*disk, directory);
  if (!report.ok()) return complain(report.error().message, kExitFailed);
  for (const std::string& note : report->notes) std::printf("note: %s\n", note.c_str());
  for (const std::string& damage : report->damage) std::printf("DAMAGE: %s\n", damage.c_str());
  std::printf("%s: %llu segments, %llu sealed files, %llu records, %llu bytes: %s\n", directory.c_str(),
              static_cast<unsigned long long>(report->segments), static_cast<unsigned long long>(report->sealed_files),
              static_cast<unsigned long long>(report->records), static_cast<unsigned long long>(report->bytes),
              report->damage.empty() ? "whole" : "damaged");
  return report->damage.empty() ? 0 : kExitFailed;
}

}  // namespace

void add_topics(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand("topics", "Topics of the log\nExample: tidemark topics list; tidemark topics verify --data ./data");
  group->require_subcommand(1);
  add_kafka_topics(*group, chosen);
  add_topics_copy(*group, chosen);

  CLI::App* listing = group->add_subcommand("list", "List topics with class, retention, and begin and end per lane, from a running node\n"
                                                    "Example: tidemark topics list --server http://127.0.0.1:8080");
  const auto json = std::make_shared<bool>(false);
  listing->add_flag("--json", *json, "Print the node's JSON");
  const auto list_flags = std::make_shared<SettingFlags>(*listing, client_setting_keys());
  listing->callback([&chosen, list_flags, json] {
    chosen = [list_flags, json] {
      int exit_code = 0;
      const auto settings = list_flags->load(exit_code);
      return settings ? list(*settings, *json) : exit_code;
    };
  });

  CLI::App* verification = group->add_subcommand(
      "verify", "Read every byte of the embedded log and name what is damaged; ends with 1 when something is\n"
                "Example: tidemark topics verify --data ./data");
  const auto verify_flags = std::make_shared<SettingFlags>(*verification, std::vector<std::string>{"data"});
  verification->callback([&chosen, verify_flags] {
    chosen = [verify_flags] {
      int exit_code = 0;
      const auto settings = verify_flags->load(exit_code);
      return settings ? verify(*settings) : exit_code;
    };
  });
}

}  // namespace tidemark::cli
