// `tidemark export builds`: the old controller's files, from a node that is stopped.

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <unordered_map>

#include "commands/builds/endpoint/registration.hpp"
#include "core/base/executors.hpp"
#include "core/http/server.hpp"
#include "core/keys/crypto.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/observe/log.hpp"
#include "core/store/store.hpp"
#include "ops/cli/domains/builds_export.hpp"
#include "ops/cli/installation.hpp"
#include "ops/cli/retention.hpp"
#include "ops/cli/setting_flags.hpp"
#include "projections/builds/export/exported_rows.hpp"
#include "projections/builds/export/mapping.hpp"
#include "replay/export/exporter.hpp"
#include "replay/export/verify.hpp"
#include "schemas/builds/ids.hpp"

namespace tidemark::cli {
namespace {

namespace views = projections::builds;

struct ExportFlags {
  std::string to, root, tokens_from;
  bool check = false, quick = false, keep_tokens = false, hand_over = false, replace = false;
};

/// Prints what each step took.
class Steps {
 public:
  void done(const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    std::printf("%8.2f s  %s\n", std::chrono::duration<double>(now - last_).count(), what.c_str());
    last_ = now;
  }
  double total() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now(), last_ = begin_;
};

int report(const std::string& directory, const replay::ExportFindings& findings) {
  for (const auto& count : findings.tables) std::printf("%12llu  %s\n", static_cast<unsigned long long>(count.rows), count.table.c_str());
  std::printf("%12llu  files, %llu bytes\n", static_cast<unsigned long long>(findings.files), static_cast<unsigned long long>(findings.bytes));
  for (const auto& problem : findings.problems) std::printf("PROBLEM: %s\n", problem.c_str());
  if (findings.problem_count > findings.problems.size()) {
    std::printf("PROBLEM: and %llu more\n", static_cast<unsigned long long>(findings.problem_count - findings.problems.size()));
  }
  std::printf("%s: %s\n", directory.c_str(), findings.problem_count == 0 ? "valid" : "NOT VALID");
  return findings.problem_count == 0 ? 0 : kExitFailed;
}

int check(const ExportFlags& flags) {
  const std::string directory = absolute_path(flags.to);
  auto findings = replay::verify_export(directory, views::legacy_layout(), flags.quick ? replay::FileCheck::size : replay::FileCheck::content);
  if (!findings.ok()) return complain(findings.error().message, kExitFailed);
  return report(directory, *findings);
}

/// The data of a stopped node, opened for reading; in the order it is made.
struct StoppedNode {
  std::unique_ptr<Disk> disk = make_posix_disk();
  Installation installation;
  std::unique_ptr<http::AsioLoop> loop = http::make_asio_loop();
  std::unique_ptr<Executor> journal = make_thread_pool("tm-journal", 1);
  std::unique_ptr<Executor> files = make_thread_pool("tm-files", 2);
  std::unique_ptr<Executor> writer = make_thread_pool("tm-export", 1);
  std::unique_ptr<log::EmbeddedLog> log;
  std::unique_ptr<store::StoreFactory> stores;
  std::unique_ptr<blob::BlobStore> blobs;
  runtime::Domain domain;
  std::unique_ptr<replay::ReadModels> models;
};

Result<void> open(StoppedNode& node, const Settings& settings) {
  const std::string data = absolute_path(settings.text("data"));
  const std::string keys = settings.is_set("keys") ? absolute_path(settings.text("keys")) : default_keys_directory(data);
  const auto there = node.disk->exists(data + "/log");
  if (!there.ok() || !*there) return make_error(Code::not_found, "there is no log in " + data + "; name the data directory with --data");
  auto installation = open_installation(*node.disk, data, keys);
  if (!installation.ok()) return installation.take_error();
  node.installation = std::move(*installation);
  log::EmbeddedLogOptions options;
  options.directory = data + "/log";
  Scheduler& home = node.loop->scheduler();
  options.make_epoch = [&home] { return make_uuid_v7(home.wall(), home.random(), home.random()); };
  auto log = log::open_embedded_log(*node.disk, home, *node.journal, options);
  if (!log.ok()) return log.take_error();
  node.log = std::move(*log);
  node.stores = store::make_rocksdb_store_factory(data + "/stores");
  auto blobs = blob::make_blob_store(data + "/blobs", home, *node.files, node.installation.ring.get());
  if (!blobs.ok()) return blobs.take_error();
  node.blobs = std::move(*blobs);
  std::vector<runtime::Domain> domains{commands::builds::endpoint::make_builds_domain({})};
  // Topics are declared as a node declares them.
  for (const DomainRegistration& registration : registered_domains()) {
    if (registration.name != "builds" && registration.tables) domains.push_back(registration.tables().domain);
  }
  if (auto applied = apply_retention(settings, domains); !applied.ok()) return applied;
  node.domain = std::move(domains.front());
  runtime::NodeOptions of_node;
  of_node.idempotency_window = settings.duration("idempotency_window");
  auto models = replay::models_of_stopped_node(node.domain, views::models_to_compare(), *node.log, *node.stores, of_node);
  if (!models.ok()) return models.take_error();
  node.models = std::move(*models);
  return {};
}

Task<void> export_all(replay::Exporter& exporter, http::AsioLoop& loop, Result<void>& result) {
  while (true) {
    auto stepping = exporter.step();
    Result<bool> more = co_await std::move(stepping);
    if (!more.ok()) result = more.take_error();
    if (!result.ok() || !*more) break;
  }
  auto closing = exporter.close();
  Result<void> closed = co_await std::move(closing);
  if (result.ok()) result = std::move(closed);
  loop.stop();
}

/// Tokens by build, of another file of the old controller.
Result<std::unordered_map<std::string, std::string>> tokens_of(const std::string& path) {
  std::unordered_map<std::string, std::string> tokens;
  if (path.empty()) return tokens;
  auto sqlite = replay::SqliteFile::open(path, replay::SqliteFile::Mode::read);
  if (!sqlite.ok()) return sqlite.take_error();
  auto read = (*sqlite)->query("SELECT id,access_token FROM builds WHERE access_token IS NOT NULL", {}, [&](const replay::Cells& row) {
    tokens[replay::text_of(row[0])] = replay::text_of(row[1]);
    return true;
  });
  if (!read.ok()) return read.take_error();
  return tokens;
}

views::TokenGuess token_guess(const ExportFlags& flags, const keys::KeyRing& ring, std::unordered_map<std::string, std::string> others) {
  return [&flags, &ring, others = std::move(others)](const views::BuildView& build) -> std::optional<std::string> {
    if (const auto found = others.find(build.id); found != others.end()) return found->second;
    if (!flags.keep_tokens || build.token_key_id.empty()) return std::nullopt;
    const auto mac = ring.mac(build.token_key_id, schemas::builds::kAccessTokenPurpose, {build.id});
    if (!mac.ok()) return std::nullopt;
    return keys::token_text(*mac);
  };
}

int run_export(const Settings& settings, const ExportFlags& flags) {
  Steps steps;
  const std::string directory = absolute_path(flags.to);
  std::string root = flags.root.empty() ? directory : flags.root;
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  if (!root.starts_with('/')) return complain("--root: expected an absolute path, got \"" + root + "\"", kExitUsage);
  const auto layout = views::legacy_layout();
  if (auto fits = replay::check_export_directory(directory, layout); !fits.ok()) return complain(fits.error().message, kExitFailed);
  auto tokens = tokens_of(flags.tokens_from);
  if (!tokens.ok()) return complain("--tokens-from: " + tokens.error().message, kExitFailed);

  StoppedNode node;
  if (auto opened = open(node, settings); !opened.ok()) return complain(opened.error().message, kExitFailed);
  if (auto same = replay::check_export_log(directory, layout, node.log->epoch()); !same.ok() && !flags.replace) {
    const bool other = same.error().code == Code::invalid_argument;
    return complain(same.error().message + (other ? "; --replace makes it anew from this log" : ""), kExitFailed);
  }
  steps.done("log and read models opened");

  const auto mapping = views::make_legacy_mapping({node.domain.decider, root, [] { return keys::token_text(keys::random_bytes(32)); }});
  replay::ExportOptions options;
  options.directory = directory;
  options.root = root;
  if (flags.replace) options.other_log = replay::OtherLog::replace;
  options.on_note = [](const std::string& note) { std::printf("note: %s\n", note.c_str()); };
  Result<void> exported;
  std::uint64_t left_out = 0;
  {
    replay::Exporter exporter({node.loop->scheduler(), *node.writer, *node.log, *node.models, *node.blobs, *mapping}, std::move(options));
    node.loop->scheduler().post([&] { spawn(export_all(exporter, *node.loop, exported)); });
    node.loop->run();
    left_out = exporter.left_out();
  }
  if (!exported.ok()) return complain(exported.error().message, kExitFailed);
  steps.done("database and files brought to the end of the log");
  if (left_out > 0) std::printf("note: %llu facts about unknown builds or workers were left out\n", static_cast<unsigned long long>(left_out));

  const auto builds = node.models->rows(views::BuildsModel::kName);
  auto database = replay::ExportDatabase::open(directory, layout, node.log->epoch(), root);
  if (!database.ok()) return complain(database.error().message, kExitFailed);
  if (flags.keep_tokens || !flags.tokens_from.empty()) {
    auto restored = views::restore_tokens(**database, *builds, token_guess(flags, *node.installation.ring, std::move(*tokens)));
    if (!restored.ok()) return complain(restored.error().message, kExitFailed);
    steps.done(std::to_string(*restored) + " access tokens are those that were given out");
  }

  auto findings = replay::verify_export(directory, layout, flags.quick ? replay::FileCheck::size : replay::FileCheck::content);
  if (!findings.ok()) return complain(findings.error().message, kExitFailed);
  const auto model_rows = [&node](std::string_view name) -> const RowReader& { return *node.models->rows(name); };
  auto compared = views::compare_rows(**database, model_rows, root, *findings);
  if (!compared.ok()) return complain(compared.error().message, kExitFailed);
  if (*compared > 0) std::printf("note: %llu files could not be exported: their blobs are gone or damaged\n", static_cast<unsigned long long>(*compared));
  steps.done(flags.quick ? "verified, contents of files not read" : "verified, contents of files too");

  if (flags.hand_over && findings->problem_count == 0) {
    if (auto handed = (*database)->hand_over(); !handed.ok()) return complain(handed.error().message, kExitFailed);
  }
  if (auto finished = (*database)->finish(); !finished.ok()) return complain(finished.error().message, kExitFailed);
  database->reset();
  if (flags.hand_over && findings->problem_count == 0) {
    if (auto removed = node.disk->remove(directory + "/tidemark-export.lock"); !removed.ok()) return complain(removed.error().message, kExitFailed);
    steps.done("handed over: nothing in it is ours any more");
  }
  std::printf("%8.2f s  in all\n", steps.total());
  return report(directory, *findings);
}

}  // namespace

void add_builds_export(CLI::App& program, Chosen& chosen) {
  const auto there = program.get_subcommands([](CLI::App* command) { return command->get_name() == "export"; });
  CLI::App* group = there.empty() ? nullptr : there.front();
  if (group == nullptr) {
    group = program.add_subcommand("export", "Write files of old systems, for going back to them");
    group->require_subcommand(1);
  }
  CLI::App* command = group->add_subcommand(
      "builds", "Write the old build controller's database and files from a stopped node, or finish those that it kept warm, and verify them\n"
                "Example: tidemark export builds --to ./old --data ./data");
  const auto flags = std::make_shared<ExportFlags>();
  command->add_option("--to", flags->to, "Directory: empty, or made by an export (builds.export_dir)")->required();
  command->add_option("--root", flags->root, "The same directory as the old controller will see it, for stored paths (default: --to)");
  command->add_flag("--check", flags->check, "Only verify what is there, without the data; also beside a node that exports to it");
  command->add_flag("--quick", flags->quick, "Verify sizes of files, not their contents");
  command->add_flag("--keep-tokens", flags->keep_tokens, "Give builds of this node the access tokens that clients hold, instead of fresh ones");
  command->add_option("--tokens-from", flags->tokens_from, "Take access tokens of imported builds from this file of the old controller");
  command->add_flag("--replace", flags->replace, "Make anew what was exported from another log: its database and files in --to are removed")
      ->excludes("--check");
  command->add_flag("--hand-over", flags->hand_over, "Remove what is ours from the database: it cannot be brought up to date any more");
  const auto setting_flags = std::make_shared<SettingFlags>(*command, std::vector<std::string>{"data", "keys", "retention", "idempotency_window"});
  command->callback([&chosen, flags, setting_flags] {
    chosen = [flags, setting_flags] {
      if (flags->check) return check(*flags);
      int exit_code = 0;
      const auto settings = setting_flags->load(exit_code);
      return settings ? run_export(*settings, *flags) : exit_code;
    };
  });
}

}  // namespace tidemark::cli
