#include "ops/cli/offline_node.hpp"

#include <optional>

#include "core/base/disk.hpp"
#include "core/base/executors.hpp"
#include "core/http/server.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/observe/log.hpp"
#include "core/store/store.hpp"
#include "ops/cli/domain_registration.hpp"
#include "ops/cli/installation.hpp"
#include "ops/cli/personal_data.hpp"
#include "ops/cli/retention.hpp"

namespace tidemark::cli {
namespace {

/// In the order made.
struct Offline {
  ~Offline() { files.reset(); }

  std::unique_ptr<Disk> disk = make_posix_disk();
  Installation installation;
  std::vector<std::unique_ptr<DomainInstance>> instances;
  std::unique_ptr<http::AsioLoop> loop = http::make_asio_loop();
  std::unique_ptr<Executor> journal = make_thread_pool("tm-journal", 1);
  std::unique_ptr<Executor> sealer = make_thread_pool("tm-sealer", 1);
  std::unique_ptr<Executor> files = make_thread_pool("tm-files", 2);
  std::unique_ptr<Executor> worker = make_thread_pool("tm-project", 1);
  std::unique_ptr<log::EmbeddedLog> log;
  PersonalData personal;
  std::unique_ptr<store::StoreFactory> stores;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<runtime::Node> node;
  std::optional<Error> failure;
};

Result<void> open(Offline& offline, const Settings& settings, const std::function<void(runtime::Domain&)>& change) {
  const std::string data = absolute_path(settings.text("data"));
  const std::string keys = settings.is_set("keys") ? absolute_path(settings.text("keys")) : default_keys_directory(data);
  if (keys == data || keys.starts_with(data + "/")) {
    return bad_setting("keys", settings.value("keys"), "a directory outside the data directory " + data);
  }
  auto installation = open_installation(*offline.disk, data, keys);
  if (!installation.ok()) return installation.take_error();
  offline.installation = std::move(*installation);

  std::vector<runtime::Domain> domains;
  for (const DomainRegistration& registration : registered_domains()) {
    auto opened = registration.open(settings, keys);
    if (!opened.ok()) return opened.take_error();
    offline.instances.push_back(std::move(*opened));
    domains.push_back(offline.instances.back()->domain());
    change(domains.back());
  }
  if (auto applied = apply_retention(settings, domains); !applied.ok()) return applied;

  Scheduler& home = offline.loop->scheduler();
  log::EmbeddedLogOptions options;
  options.directory = data + "/log";
  options.lanes = static_cast<std::uint32_t>(settings.number("lanes"));
  options.make_epoch = [&home] { return make_uuid_v7(home.wall(), home.random(), home.random()); };
  options.segment_bytes = static_cast<std::uint64_t>(settings.number("log_segment_bytes"));
  options.sealer = offline.sealer.get();
  options.now = [&home] { return home.wall(); };
  log::RecoveryReport recovery;
  auto log = log::open_embedded_log(*offline.disk, home, *offline.journal, options, &recovery);
  if (!log.ok()) return log.take_error();
  offline.log = std::move(*log);
  const Value& lanes = settings.value("lanes");
  if (lanes.origin != Origin::fallback && offline.log->lanes() != options.lanes) {
    return bad_setting("lanes", lanes, std::to_string(offline.log->lanes()) + ", as this log was made with (or no value)");
  }

  auto blobs = blob::make_blob_store(data + "/blobs", home, *offline.files, offline.installation.ring.get());
  if (!blobs.ok()) return blobs.take_error();
  offline.blobs = std::move(*blobs);
  offline.stores = store::make_rocksdb_store_factory(data + "/stores");
  auto personal = open_personal_data(keys, *offline.installation.ring, domains, *offline.files, home, offline.stores);
  if (!personal.ok()) return personal.take_error();
  offline.personal = std::move(*personal);

  runtime::NodeOptions node_options;
  node_options.idempotency_window = settings.duration("idempotency_window");
  node_options.node_id = settings.text("node_id");
  node_options.build = TIDEMARK_VERSION;
  runtime::NodeParts parts{home, *offline.log, *offline.stores, [&offline](std::string_view) -> Executor& { return *offline.worker; }};
  parts.personal = offline.personal.cipher.get();
  offline.node = runtime::make_node(parts, std::move(domains), node_options);
  return {};
}

Task<void> live(Offline& offline, std::function<Task<Result<void>>(OfflineParts)>& work) {
  auto started = co_await offline.node->start();
  if (!started.ok()) {
    offline.failure = started.take_error();
    offline.loop->stop();
    co_return;
  }
  const OfflineParts parts{*offline.node, *offline.blobs, *offline.installation.ring};
  auto working = work(parts);
  auto worked = co_await std::move(working);
  if (!worked.ok() && !offline.failure) offline.failure = worked.take_error();
  if (!offline.node->failure()) {
    auto stopped = co_await offline.node->stop();
    if (!stopped.ok() && !offline.failure) offline.failure = stopped.take_error();
  }
  offline.loop->stop();
}

}  // namespace

std::vector<std::string> offline_setting_keys() {
  std::vector<std::string> keys{"data", "keys", "lanes", "log_segment_bytes", "retention", "node_id", "idempotency_window", "log_level", "log_format"};
  for (const DomainRegistration& domain : registered_domains()) {
    for (const Setting& setting : domain.settings) keys.push_back(setting.key);
  }
  return keys;
}

Result<void> run_offline(const Settings& settings, const std::function<void(runtime::Domain&)>& change,
                         std::function<Task<Result<void>>(OfflineParts parts)> work) {
  observe::set_level(*observe::parse_level(settings.text("log_level")));
  observe::set_format(*observe::parse_format(settings.text("log_format")));
  Offline offline;
  if (auto opened = open(offline, settings, change); !opened.ok()) return opened;
  offline.node->on_failure([&offline](Error error) {
    if (!offline.failure) offline.failure = std::move(error);
  });
  offline.loop->scheduler().post([&] { spawn(live(offline, work)); });
  offline.loop->run();
  if (offline.failure) return *offline.failure;
  return {};
}

}  // namespace tidemark::cli
