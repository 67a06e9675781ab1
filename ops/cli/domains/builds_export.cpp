#include "ops/cli/domains/builds_export.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/executors.hpp"
#include "core/keys/crypto.hpp"
#include "core/observe/log.hpp"
#include "ops/cli/installation.hpp"
#include "projections/builds/export/mapping.hpp"
#include "replay/export/exporter.hpp"

namespace tidemark::cli {
namespace {

namespace views = projections::builds;

constexpr Duration kStopPatience = std::chrono::seconds(20);
constexpr int kExportNice = 10;  // who waits for an answer goes first

std::string export_root(const Settings& settings) {
  std::string root = settings.is_set("builds.export_root") ? settings.text("builds.export_root") : absolute_path(settings.text("builds.export_dir"));
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  return root;
}

class BuildsExport final : public WarmExport {
 public:
  BuildsExport(const Settings& settings, const DomainServices& services, replay::ExportMetrics metrics)
      : models_(replay::models_of_node(services.node)) {
    const auto& domains = services.node.domains();
    const auto builds = std::find_if(domains.begin(), domains.end(), [](const runtime::Domain& domain) { return domain.name == "builds"; });
    TM_ASSERT(builds != domains.end(), "the node has the builds domain");
    replay::ExportOptions options;
    options.directory = absolute_path(settings.text("builds.export_dir"));
    options.root = export_root(settings);
    options.metrics = metrics;
    options.on_failure = [directory = options.directory](const Error& error) {
      observe::error("export for the old controller fails, the node goes on and tries again", {{"directory", directory}, {"code", name_of(error.code)}, {"reason", error.message}});
    };
    options.on_recovery = [directory = options.directory] { observe::info("export for the old controller goes on", {{"directory", directory}}); };
    options.on_note = [directory = options.directory](const std::string& note) {
      observe::warning("export for the old controller", {{"directory", directory}, {"reason", note}});
    };
    mapping_ = views::make_legacy_mapping({builds->decider, options.root, [] { return keys::token_text(keys::random_bytes(32)); }});
    thread_ = make_thread_pool("tm-export", 1);
    thread_->post([] { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kExportNice); });
    exporter_ = std::make_unique<replay::Exporter>(
        replay::ExportParts{services.node.scheduler(), *thread_, services.node.log(), *models_, services.blobs, *mapping_}, std::move(options));
  }

  void start() override { exporter_->follow(); }

  Task<void> stop() override {
    if (!exporter_) co_return;
    auto stopping = exporter_->stop(kStopPatience);
    co_await std::move(stopping);
    exporter_.reset();
  }

 private:
  std::unique_ptr<replay::ReadModels> models_;
  std::unique_ptr<replay::ExportMapping> mapping_;
  std::unique_ptr<Executor> thread_;
  std::unique_ptr<replay::Exporter> exporter_;
};

}  // namespace

Result<void> check_warm_export(const Settings& settings, const Uuid* log_epoch) {
  const std::string directory = absolute_path(settings.text("builds.export_dir"));
  const auto layout = views::legacy_layout();
  auto fits = replay::check_export_directory(directory, layout);
  if (fits.ok() && log_epoch != nullptr) fits = replay::check_export_log(directory, layout, *log_epoch);
  if (fits.ok()) return {};
  // What else is wrong with it may pass; the node goes on without and says so.
  if (fits.error().code != Code::invalid_argument) return {};
  return make_error(Code::invalid_argument, "setting builds.export_dir: " + fits.error().message);
}

std::unique_ptr<WarmExport> make_warm_export(const Settings& settings, const DomainServices& services) {
  const replay::ExportMetrics metrics(services.metrics, "builds");
  if (!settings.is_set("builds.export_dir")) return nullptr;
  return std::make_unique<BuildsExport>(settings, services, metrics);
}

}  // namespace tidemark::cli
