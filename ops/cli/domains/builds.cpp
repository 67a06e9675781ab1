// The builds domain, and `tidemark builds serve`: the old build controller's command line, for the scripts that start one.

#include "ops/cli/domains/builds.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "commands/builds/endpoint/file_uses.hpp"
#include "commands/builds/endpoint/housekeeping.hpp"
#include "commands/builds/endpoint/registration.hpp"
#include "core/observe/log.hpp"
#include "ops/cli/domains/builds_export.hpp"
#include "ops/cli/domains/builds_import/command.hpp"
#include "ops/cli/guide.hpp"
#include "ops/cli/node_process.hpp"
#include "ops/cli/setting_flags.hpp"
#include "ops/cli/setting_kinds.hpp"
#include "schemas/builds/shadow/builds_rules.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::cli {
namespace {

namespace builds = commands::builds::endpoint;

constexpr std::int64_t kFileBytesMax = 1ll << 40;

std::vector<Setting> builds_table() {
  std::vector<Setting> table;
  table.push_back(make_setting("builds.api_key", api_key(), "", "API key of the builds surface (default: made at first start in <keys>/builds-api.key)", true));
  table.push_back(make_setting("builds.base_image_id", text("an image reference", 512), "",
                       "Base image that workers are told to use (default: the old controller's, for those that authenticate by key)"));
  table.push_back(make_setting("builds.open_registration", boolean(), "false", "Workers register without the API key"));
  table.push_back(make_setting("builds.assigned_silence", duration("1s", "7d"), "600s", "Silence allowed while a build is assigned"));
  table.push_back(make_setting("builds.building_silence", duration("1s", "7d"), "300s", "Silence allowed while a build runs"));
  table.push_back(make_setting("builds.late_success", duration("0s", "30d"), "24h", "How long after a timeout a successful result is still taken"));
  table.push_back(make_setting("builds.worker_offline", duration("1s", "7d"), "300s", "Silence after which an idle worker is offline"));
  table.push_back(make_setting("builds.worker_token", duration("2s", "1d"), "90s", "Lifetime of a worker token"));
  table.push_back(make_setting("builds.worker_token_rotate", duration("1s", "1d"), "30s", "A poll rotates a worker token with less than this left"));
  table.push_back(make_setting("builds.otp", duration("1s", "1d"), "600s", "Lifetime of a one-time password, from assignment"));
  table.push_back(make_setting("builds.vm_token", duration("1s", "7d"), "2h", "Lifetime of a VM token since its last use"));
  table.push_back(make_setting("builds.vm_token_max", duration("1s", "30d"), "4h", "Lifetime of a VM token since it was issued"));
  table.push_back(make_setting("builds.activity_mark", duration("1s", "10m"), "30s", "At most one recorded sign of life per build in this time"));
  table.push_back(make_setting("builds.attempts_max", integer(1, 1000), "10", "Attempts before a requeue becomes a failure"));
  table.push_back(make_setting("builds.requeue_on_timeout", boolean(), "false", "A build whose worker fell silent is queued again instead of failing"));
  table.push_back(make_setting("builds.source_bytes_max", integer(1, kFileBytesMax), "524288000", "Largest source archive"));
  table.push_back(make_setting("builds.certs_bytes_max", integer(1, kFileBytesMax), "10485760", "Largest certificate bundle"));
  table.push_back(make_setting("builds.result_bytes_max", integer(1, kFileBytesMax), "1073741824", "Largest result"));
  table.push_back(make_setting("builds.certs_kept", duration("1s", "3650d"), "7d", "How long certificates are kept after their build has ended"));
  table.push_back(make_setting("builds.sources_kept", duration("0s", "3650d"), "0s", "The same of sources (0s: for ever)"));
  table.push_back(make_setting("builds.results_kept", duration("0s", "3650d"), "0s", "The same of results (0s: for ever)"));
  table.push_back(make_setting("builds.orphan_age", duration("1s", "30d"), "1h", "Age at which a file that no build refers to is deleted"));
  table.push_back(make_setting("builds.housekeeping", duration("1s", "1d"), "60s", "How often files to delete are looked for"));
  table.push_back(make_setting("builds.export_dir", text("a directory"), "",
                               "Directory where the old controller's database and files are kept up to date, for going back to it (default: none)"));
  table.push_back(make_setting("builds.export_root", text("an absolute path"), "", "The same directory as the old controller will see it (default: builds.export_dir)"));
  return table;
}

schemas::builds::Settings builds_settings(const Settings& settings) {
  schemas::builds::Settings made;
  made.assigned_silence_ms = settings.duration("builds.assigned_silence").count();
  made.building_silence_ms = settings.duration("builds.building_silence").count();
  made.late_success_ms = settings.duration("builds.late_success").count();
  made.worker_offline_ms = settings.duration("builds.worker_offline").count();
  made.worker_token_ms = settings.duration("builds.worker_token").count();
  made.worker_token_rotate_ms = settings.duration("builds.worker_token_rotate").count();
  made.otp_ms = settings.duration("builds.otp").count();
  made.vm_token_ms = settings.duration("builds.vm_token").count();
  made.vm_token_max_ms = settings.duration("builds.vm_token_max").count();
  made.activity_mark_ms = settings.duration("builds.activity_mark").count();
  made.attempts_max = static_cast<std::uint32_t>(settings.number("builds.attempts_max"));
  made.requeue_on_timeout = settings.flag("builds.requeue_on_timeout");
  made.source_bytes_max = static_cast<std::uint64_t>(settings.number("builds.source_bytes_max"));
  made.certs_bytes_max = static_cast<std::uint64_t>(settings.number("builds.certs_bytes_max"));
  made.result_bytes_max = static_cast<std::uint64_t>(settings.number("builds.result_bytes_max"));
  made.certs_kept_ms = settings.duration("builds.certs_kept").count();
  made.sources_kept_ms = settings.duration("builds.sources_kept").count();
  made.results_kept_ms = settings.duration("builds.results_kept").count();
  return made;
}

Result<void> check_builds(const Settings& settings) {
  if (settings.duration("builds.worker_token_rotate") >= settings.duration("builds.worker_token")) {
    return bad_setting("builds.worker_token_rotate", settings.value("builds.worker_token_rotate"),
                       "less than builds.worker_token, " + settings.text("builds.worker_token"));
  }
  if (settings.duration("builds.vm_token_max") < settings.duration("builds.vm_token")) {
    return bad_setting("builds.vm_token_max", settings.value("builds.vm_token_max"),
                       "at least builds.vm_token, " + settings.text("builds.vm_token"));
  }
  if (settings.is_set("builds.export_root") && !settings.text("builds.export_root").starts_with('/')) {
    return bad_setting("builds.export_root", settings.value("builds.export_root"), "an absolute path");
  }
  return {};
}

class BuildsInstance final : public DomainInstance {
 public:
  static Result<std::unique_ptr<DomainInstance>> open(const Settings& settings, const std::string& keys) {
    auto made = std::unique_ptr<BuildsInstance>(new BuildsInstance(settings));
    if (auto opened = made->open_key(keys); !opened.ok()) return opened.take_error();
    if (settings.is_set("builds.export_dir")) {
      if (auto fits = check_warm_export(settings, nullptr); !fits.ok()) return fits.take_error();
    }
    return std::unique_ptr<DomainInstance>(std::move(made));
  }

  Result<void> check_log(const log::EventLog& log) override {
    return settings_.is_set("builds.export_dir") ? check_warm_export(settings_, &log.epoch()) : Result<void>();
  }

  runtime::Domain domain() override { return builds::make_builds_domain(of_builds_); }

  void started() override {
    if (export_) export_->start();
  }
  Task<void> stop() override { return export_ ? export_->stop() : DomainInstance::stop(); }

  /// The page and its parts lie in the program.
  bool answers_always(const http::Route& route) const override { return route.pattern == "/" || route.pattern == "/page/:file"; }

  /// Queue and workers share a pool, and with it a lane; files are where its owner is.
  std::optional<std::string> boundary(const http::Route& route) const override {
    if (answers_always(route)) return std::nullopt;
    return std::string(schemas::builds::kDefaultPool);
  }

  std::vector<http::Surface> surfaces(const DomainServices& services) override {
    builds::BuildsServices given{.node = services.node, .blobs = services.blobs, .keys = services.keys, .blocking = services.blocking,
                                 .metrics = services.metrics, .api_key = api_key_,
                                 .base_image_id = std::nullopt, .settings = of_builds_,
                                 .open_registration = settings_.flag("builds.open_registration")};
    if (settings_.is_set("builds.base_image_id")) given.base_image_id = settings_.text("builds.base_image_id");
    builds::HousekeepingOptions house;
    house.interval = settings_.duration("builds.housekeeping");
    house.orphan_age = settings_.duration("builds.orphan_age");
    house.listing_interval = std::max(house.listing_interval, house.interval);
    if (house.orphan_age < house.listing_interval) house.listing_interval = house.orphan_age;
    services.file_uses.add([&node = services.node](const blob::StoredFile& file) { return builds::file_use(node, file); });
    housekeeping_ = builds::keep_house(services.node, services.blobs, of_builds_, house);
    std::vector<http::Surface> surfaces;
    surfaces.push_back(builds::make_builds_surface(std::move(given)));
    export_ = make_warm_export(settings_, services);
    return surfaces;
  }

  std::vector<std::string> key_lines() const override {
    return {"builds API key   " + (key_path_.empty() ? std::string("as given by the settings") : api_key_)};
  }

  std::vector<std::string> commands_to_try(const std::string& url) const override {
    const std::string key = key_path_.empty() ? "\"X-API-Key: $CONTROLLER_API_KEY\"" : "\"X-API-Key: $(cat " + shell_word(key_path_) + ")\"";
    return {"echo demo | curl -sS -H " + key + " -F platform=ios -F 'source=@-;filename=app.zip' " + url + "/api/builds/submit; echo",
            "curl -sS -H " + key + " " + url + "/api/builds; echo"};
  }

 private:
  explicit BuildsInstance(const Settings& settings) : settings_(settings), of_builds_(builds_settings(settings)) {}

  Result<void> open_key(const std::string& keys) {
    api_key_ = settings_.text("builds.api_key");
    if (!api_key_.empty()) {
      const bool plain = std::all_of(api_key_.begin(), api_key_.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      });
      // The old controller's workers and VM scripts check the key's alphabet themselves.
      if (!plain) observe::warning("builds.api_key has characters that old workers refuse", {{"expected", "A-Z a-z 0-9 _ -"}});
      return {};
    }
    key_path_ = keys + "/builds-api.key";
    auto key = keys::open_secret_file(key_path_, nullptr);
    if (!key.ok()) return key.take_error();
    api_key_ = std::move(*key);
    observe::info("builds API key", {{"file", key_path_}});
    return {};
  }

  const Settings& settings_;
  const schemas::builds::Settings of_builds_;
  std::string api_key_;
  std::string key_path_;  // empty: the key was given by a setting
  std::unique_ptr<builds::Housekeeping> housekeeping_;
  std::unique_ptr<WarmExport> export_;
};

void add_builds_serve(CLI::App& program, Chosen& chosen) {
  CLI::App* group = program.add_subcommand("builds", "The build controller");
  group->require_subcommand(1);
  CLI::App* command = group->add_subcommand(
      "serve", "Run a node as the old build controller was run: the builds surface at the root of --port, on every interface\n"
               "Example: tidemark builds serve --port 3000 --storage ./data --api-key \"$CONTROLLER_API_KEY\"");
  FlagStyle style;
  style.names = {{"data", "--storage,--data"}, {"builds.api_key", "--api-key,--builds-api-key"},
                 {"builds.base_image_id", "--base-image-id,--builds-base-image-id"}};
  style.older_names = {{"builds.api_key", "CONTROLLER_API_KEY"}, {"builds.base_image_id", "BASE_IMAGE_ID"}};
  style.other_defaults = {{"port", "3000"}};
  const auto flags = std::make_shared<SettingFlags>(*command, node_setting_keys(), style);
  command->callback([&chosen, flags] {
    chosen = [flags] {
      int exit_code = 0;
      const auto settings = flags->load(exit_code);
      if (!settings) return exit_code;
      // On every interface, as there: workers live on other hosts. The main port is opened only when `listen` asks for it.
      const auto plan = make_node_plan(*settings, PortMeaning{.surface = "builds", .address = "0.0.0.0"});
      if (!plan.ok()) return complain(plan.error().message, kExitUsage);
      return run_node(*settings, *plan);
    };
  });
}

DomainTables builds_tables() {
  DomainTables tables;
  tables.domain = builds::make_builds_domain({});
  tables.surfaces.push_back(builds::builds_surface_table());
  return tables;
}

}  // namespace

DomainRegistration register_builds() {
  DomainRegistration made;
  made.name = "builds";
  made.settings = builds_table();
  made.surfaces = {"builds"};
  made.check = check_builds;
  made.open = BuildsInstance::open;
  made.tables = builds_tables;
  made.shadow_rules = [](const std::string& primary) { return schemas::builds::shadow::make_rules(primary); };
  made.add_commands = [](CLI::App& program, Chosen& chosen) {
    add_builds_serve(program, chosen);
    add_builds_export(program, chosen);
    builds_import::add_import(program, chosen);
  };
  return made;
}

}  // namespace tidemark::cli
