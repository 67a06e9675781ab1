// `tidemark import builds`: takes over the database and the files of an old build controller.

#include "ops/cli/domains/builds_import/command.hpp"

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "commands/builds/import.hpp"
#include "core/blob/files.hpp"
#include "core/event/json.hpp"
#include "ops/cli/domains/builds_import/importer.hpp"
#include "ops/cli/domains/builds_import/parity.hpp"
#include "ops/cli/installation.hpp"
#include "ops/cli/setting_flags.hpp"
#include "schemas/builds/builds.hpp"

namespace tidemark::cli::builds_import {
namespace {

struct Given {
  std::string database, storage, report, compare_url, api_key;
  bool check = false;
};

/// Nobody can speak to a node that is not served, so nobody is given up for silence meanwhile.
void make_patient(runtime::Domain& domain) {
  if (domain.name != schemas::builds::kDomainName) return;
  constexpr std::int64_t kTenYears = 10ll * 365 * 86'400'000;
  std::vector<event::FieldError> errors;
  auto settings = event::from_json<schemas::builds::Settings>(domain.settings, event::Decoding::tolerant, errors);
  TM_ASSERT(settings, "a domain's settings decode");
  settings->assigned_silence_ms = settings->building_silence_ms = settings->worker_offline_ms = kTenYears;
  domain.settings = event::to_json(*settings);
}

Task<Result<void>> run_import(const Given& given, const Source& source, OfflineParts parts, Report& report) {
  bool fresh = false;
  auto asked = parts.node.owner_call(schemas::builds::kDomainName, schemas::builds::kDefaultPool, [&](const runtime::OwnerView& view) {
    fresh = commands::builds::is_blank(view.state);
  });
  if (!asked.ok()) co_return asked;
  auto importing = import_source(source, parts, report);
  auto imported = co_await std::move(importing);
  if (!imported.ok()) co_return imported;
  auto compared = compare_with_rows(source, parts, fresh, report);
  if (compared.ok() && !given.compare_url.empty()) compared = compare_with_server(source, parts, given.compare_url, given.api_key, report);
  co_return compared;
}

/// A directory for the copy of the database, beside the data, which may not be there yet, and so on the same disk. Of its own, so
/// that nothing else is removed with it; what an import that was killed has left is removed by the next.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make(const std::string& data) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    const fs::path parent = fs::path(data).parent_path();
    const std::string prefix = fs::path(data).filename().string() + ".import-";
    fs::create_directories(parent, ignored);
    for (const auto& entry : fs::directory_iterator(parent, ignored)) {
      if (!entry.path().filename().string().starts_with(prefix) || !entry.is_directory(ignored)) continue;
      if (const blob::Descriptor left = locked(entry.path().string()); left.get() >= 0) fs::remove_all(entry.path(), ignored);
    }
    std::string path = data + ".import-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      return make_error(Code::internal, "no directory for a copy of the database beside " + data + ": " + std::strerror(errno));
    }
    auto lock = locked(path);
    return std::unique_ptr<Scratch>(new Scratch(std::move(path), std::move(lock)));
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  Scratch(std::string path, blob::Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  /// Negative when another process has it.
  static blob::Descriptor locked(const std::string& path) {
    blob::Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (directory.get() >= 0 && ::flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return blob::Descriptor(-1);
    return directory;
  }
  const std::string path_;
  const blob::Descriptor lock_;
};

int run(const Given& given, const Settings& settings) {
  if (!given.compare_url.empty() && !given.compare_url.starts_with("http://")) return complain("--compare: expected http://host:port", kExitUsage);
  const std::string data = absolute_path(settings.text("data"));
  auto report = Report::open(given.report);
  if (!report) return complain(report.error().message, kExitUsage);
  const auto scratch = Scratch::make(data);
  if (!scratch) return complain(scratch.error().message, kExitFailed);
  auto source = Source::open(absolute_path(given.database), absolute_path(given.storage), (*scratch)->path());
  if (!source) return complain(source.error().message, source.error().code == Code::invalid_argument ? kExitUsage : kExitFailed);
  Result<void> done;
  if (given.check) {
    done = check_source(**source, **report);
  } else {
    done = run_offline(settings, make_patient, [&](OfflineParts parts) { return run_import(given, **source, parts, **report); });
  }
  source->reset();
  if (!done) return complain(done.error().message, kExitFailed);
  if (auto finished = (*report)->finish(); !finished) return complain(finished.error().message, kExitFailed);
  std::fputs((*report)->summary().c_str(), stdout);
  return (*report)->clean() ? 0 : kExitFailed;
}

}  // namespace

void add_import(CLI::App& program, Chosen& chosen) {
  const auto there = program.get_subcommands([](const CLI::App* other) { return other->get_name() == "import"; });
  CLI::App* group = there.empty() ? nullptr : there.front();
  if (group == nullptr) {
    group = program.add_subcommand("import", "Take over the data of an old system\nExample: tidemark import builds --database old.db --storage ./storage --data ./data");
    group->require_subcommand(1);
  }
  CLI::App* command = group->add_subcommand(
      "builds", "Take over an old build controller: its SQLite file and its storage tree, into the data of a node that is stopped.\n"
                "Run it again with a newer copy as often as wanted: each row is taken once, a row that has changed is brought up to date\n"
                "Example: tidemark import builds --database controller.db --storage ./storage --data ./data --report import.json");
  const auto given = std::make_shared<Given>();
  command->add_option("--database", given->database, "The old controller's SQLite file; read only, its server may be running")->required();
  command->add_option("--storage", given->storage, "The old controller's storage directory, with builds/, certs/ and results/")->required();
  command->add_option("--report", given->report, "File for the whole report, as JSON");
  command->add_option("--compare", given->compare_url, "The old server's URL (http://host:port): its answers are compared with the new ones");
  command->add_option("--api-key", given->api_key, "API key of the old server, for --compare")->envname("CONTROLLER_API_KEY");
  command->add_flag("--check", given->check, "Read everything and say what would not be taken as it is; change nothing");
  const auto flags = std::make_shared<SettingFlags>(*command, offline_setting_keys());
  command->callback([&chosen, flags, given] {
    chosen = [flags, given] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      return settings ? run(*given, *settings) : exit_code;
    };
  });
}

}  // namespace tidemark::cli::builds_import
