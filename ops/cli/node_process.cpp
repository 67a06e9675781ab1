#include "ops/cli/node_process.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "core/api/outbound.hpp"
#include "core/api/platform_surface.hpp"
#include "core/base/disk.hpp"
#include "core/base/executors.hpp"
#include "core/http/client/client.hpp"
#include "core/keys/key_ring.hpp"
#include "core/observe/log.hpp"
#include "core/observe/process_metrics.hpp"
#include "core/runtime/node.hpp"
#include "core/schema/documents.hpp"
#include "core/store/store.hpp"
#include "ops/cli/commands.hpp"
#include "ops/cli/domain_registration.hpp"
#include "ops/cli/guide.hpp"
#include "ops/cli/installation.hpp"
#include "ops/cli/node_blobs.hpp"
#include "ops/cli/node_cluster.hpp"
#include "ops/cli/node_log.hpp"
#include "ops/cli/not_ready.hpp"
#include "ops/cli/observers.hpp"
#include "ops/cli/personal_data.hpp"
#include "ops/cli/relayed.hpp"
#include "ops/cli/retention.hpp"
#include "ops/cli/service_manager.hpp"
#include "ops/cli/tls_files.hpp"

namespace tidemark::cli {
namespace {

constexpr Duration kCertificateCheck = std::chrono::seconds(30);
constexpr Duration kCertificateNotice = std::chrono::hours(14 * 24);
constexpr int kRebuildNice = 10;

/// Every connection and every table file is a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) observe::warning("descriptor limit not raised", {{"limit", limit.rlim_cur}});
}

runtime::PositionTag position_tag(const keys::KeyRing& ring) {
  return [&ring](std::string_view bytes) {
    auto mac = ring.mac(ring.current_mac_key(), api::kPositionPurpose, {bytes});
    TM_ASSERT(mac.ok(), "the ring's current key makes MACs");
    return mac->substr(0, 8);
  };
}

/// Until the node is ready a domain's routes answer as an overloaded server does, with the reason in a field, except those
/// that need nothing of the node; /livez and /readyz stay with the platform.
http::Surface gated(http::Surface surface, runtime::Node& node, const DomainInstance& domain) {
  for (http::Route& route : surface.routes) {
    if (domain.answers_always(route)) continue;
    route.handler = [&node, inner = std::move(route.handler), fault = surface.fault](http::Request& request) -> Task<http::Response> {
      if (node.ready()) return inner(request);
      return [](http::Response response) -> Task<http::Response> {
        co_return not_ready(std::move(response));
      }(fault(http::Fault::overloaded, "The node is starting or stopping", {}));
    };
  }
  return surface;
}

/// Everything that lives as long as the node, in the order it is made.
struct Process {
  Process(const Settings& given_settings, const NodePlan& given_plan) : settings(given_settings), plan(given_plan) {}
  /// What runs on `files` reads parts that are made later, such as the log: it ends before any of them does.
  ~Process() { files.reset(); }

  const Settings& settings;
  const NodePlan& plan;
  std::unique_ptr<observe::MetricsRegistry> metrics = observe::make_metrics_registry();
  metrics::Gauge certificate_valid_until{metrics.get(), {"tidemark_tls_certificate_valid_until_seconds",
                                                         "When the certificate in use expires, since the Unix epoch; 0 without TLS"}};
  metrics::Counter certificates_refused{metrics.get(), {"tidemark_tls_certificates_refused_total",
                                                        "New certificates that could not be used; the one before stayed"}};
  std::optional<PatientStart> patience{std::in_place};  ///< until the start has ended
  std::unique_ptr<Disk> disk = make_posix_disk();
  Installation installation;
  std::vector<std::unique_ptr<DomainInstance>> domains;  ///< as registered
  std::unique_ptr<http::AsioLoop> loop = http::make_asio_loop();
  std::unique_ptr<Executor> journal = make_thread_pool("tm-journal", 1);
  std::unique_ptr<Executor> sealer = make_thread_pool("tm-sealer", 1);
  std::unique_ptr<Executor> files = make_thread_pool("tm-files", 4);
  std::unique_ptr<Executor> lookups = make_thread_pool("tm-lookup", 2);
  std::vector<std::unique_ptr<Executor>> workers;
  std::unique_ptr<Executor> rebuilds = make_thread_pool("tm-rebuild", 1);
  NodeLog log;
  NodeCluster cluster;
  PersonalData personal;
  std::unique_ptr<store::StoreFactory> stores;
  NodeBlobs blobs;
  std::unique_ptr<http::Client> client;
  std::unique_ptr<runtime::OutboundCalls> calls;
  std::unique_ptr<http::Relay> relay;  ///< null: every lane is this node's
  std::unique_ptr<runtime::Node> node;
  std::unique_ptr<http::Server> server;
  std::vector<http::BoundListener> bound;
  std::optional<TlsFilesWatch> tls_files;

  bool start_ended = false, started = false, stop_wanted = false, stopping = false;
  int exit_code = 0;
};

Result<void> open_keys(Process& process) {
  auto installation = open_installation(*process.disk, process.plan.data, process.plan.keys,
                                        process.settings.text("log") == "embedded" ? LogPlace::data : LogPlace::elsewhere);
  if (!installation.ok()) return installation.take_error();
  process.installation = std::move(*installation);
  for (const DomainRegistration& registration : registered_domains()) {
    auto opened = registration.open(process.settings, process.plan.keys);
    if (!opened.ok()) return opened.take_error();
    process.domains.push_back(std::move(*opened));
  }
  return {};
}

Result<void> open_log(Process& process) {
  auto opened = open_node_log({process.settings, process.plan.data, process.installation.ring->id(), *process.disk, process.loop->scheduler(), *process.journal,
                               *process.sealer, process.metrics.get()});
  if (!opened.ok()) return opened.take_error();
  process.log = std::move(*opened);
  auto cluster = open_node_cluster(process.settings, process.plan.listeners, *process.log.log, *process.installation.ring, process.loop->scheduler());
  if (!cluster.ok()) return cluster.take_error();
  process.cluster = std::move(*cluster);
  return {};
}

api::SigningSecrets signing_secrets(const keys::KeyRing& ring) {
  return [&ring](std::string_view name) -> Result<std::vector<std::string>> {
    auto secret = ring.mac(ring.current_mac_key(), api::kSigningPurpose, {name});
    if (!secret.ok()) return secret.take_error();
    return std::vector<std::string>{std::move(*secret)};
  };
}

/// What reactors call out with.
Result<void> open_calls(Process& process) {
  http::ClientOptions options;
  options.allowed_networks = process.settings.texts("outbound_allow");
  options.ca_file = process.settings.text("outbound_ca_file");
  auto client = http::make_client(*process.loop, *process.lookups, std::move(options));
  if (!client.ok()) return bad_setting("outbound_ca_file", process.settings.value("outbound_ca_file"), "a PEM file: " + client.error().message);
  process.client = std::move(*client);
  process.calls = api::make_outbound_calls(*process.client, process.loop->scheduler(), signing_secrets(*process.installation.ring));
  return {};
}

/// What requests to owners of other nodes go through; none when every lane is this node's.
Result<void> open_relay(Process& process) {
  if (!process.cluster.group) return {};
  http::RelayOptions options;
  options.ca_file = process.settings.text("outbound_ca_file");
  auto relay = http::make_relay(*process.loop, *process.lookups, std::move(options));
  if (!relay.ok()) return bad_setting("outbound_ca_file", process.settings.value("outbound_ca_file"), "a PEM file: " + relay.error().message);
  process.relay = std::move(*relay);
  return {};
}

Result<void> compose(Process& process) {
  Scheduler& home = process.loop->scheduler();
  process.stores = store::make_rocksdb_store_factory(process.plan.data + "/stores", process.metrics.get());
  const std::size_t worker_count = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 4);
  for (std::size_t i = 0; i < worker_count; ++i) process.workers.push_back(make_thread_pool("tm-project-" + std::to_string(i), 1));

  std::vector<runtime::Domain> domains;
  for (const auto& domain : process.domains) {
    if (auto fits = domain->check_log(*process.log.log); !fits.ok()) return fits;
    domains.push_back(domain->domain());
  }
  if (auto applied = apply_retention(process.settings, domains); !applied.ok()) return applied;
  for (const runtime::Domain& domain : domains) {
    if (process.settings.duration("idempotency_window") <= domain.decisions_retention) continue;
    const auto hours = std::chrono::duration_cast<std::chrono::hours>(domain.decisions_retention).count();
    return bad_setting("idempotency_window", process.settings.value("idempotency_window"),
                       "at most " + std::to_string(hours) + "h, how long " + domain.name + ".decisions is kept");
  }

  auto personal = open_personal_data(process.plan.keys, *process.installation.ring, domains, *process.files, home, process.stores);
  if (!personal.ok()) return personal.take_error();
  process.personal = std::move(*personal);
  schema::Installation described{.version = TIDEMARK_VERSION, .domains = {}, .surfaces = {}};
  for (const runtime::Domain& domain : domains) described.domains.push_back(schema::contract_of(domain));

  runtime::NodeOptions options;
  options.idempotency_window = process.settings.duration("idempotency_window");
  options.node_id = process.settings.text("node_id");
  options.build = TIDEMARK_VERSION;
  options.metrics = process.metrics.get();
  options.on_projection_fault = log_projection_fault;
  options.on_lane_not_taken = log_lane_not_taken;
  // A rebuild has hours; who waits for an answer has not.
  process.rebuilds->post([] { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kRebuildNice); });
  const auto worker_of = [&process, next = std::size_t{0}](std::string_view name) mutable -> Executor& {
    if (name == "rebuild") return *process.rebuilds;
    return *process.workers[next++ % process.workers.size()];
  };
  runtime::NodeParts parts{home, *process.log.log, *process.stores, worker_of};
  if (auto calls = open_calls(process); !calls.ok()) return calls;
  parts.calls = process.calls.get();
  parts.group = process.cluster.group.get();
  parts.proof = process.cluster.proof.get();
  parts.volatile_file.emplace(runtime::VolatileFile{process.plan.data + "/owner-memory", *process.disk, *process.files, [](const Error& error) {
    observe::warning("owner memory of the last run not taken over", {{"code", name_of(error.code)}, {"reason", error.message}});
  }});
  parts.personal = process.personal.cipher.get();
  process.node = runtime::make_node(parts, std::move(domains), options);

  std::vector<http::Surface> surfaces;
  const api::PlatformServices platform{.node = *process.node, .blocking = *process.files,
                                       .position_tag = position_tag(*process.installation.ring),
                                       .operator_key = process.installation.operator_key, .version = TIDEMARK_VERSION,
                                       .metrics = process.metrics.get(), .metrics_open = process.settings.flag("metrics_open"),
                                       .signing_secrets = signing_secrets(*process.installation.ring),
                                       .directory = process.cluster.directory};
  surfaces.push_back(api::make_platform_surface(platform));
  surfaces.push_back(api::make_metrics_surface(platform));
  const DomainServices services{.node = *process.node, .blobs = process.blobs.store(), .file_uses = *process.blobs.uses, .keys = *process.installation.ring, .blocking = *process.files,
                                .position_tag = position_tag(*process.installation.ring), .metrics = process.metrics.get()};
  if (auto opened = open_relay(process); !opened.ok()) return opened;
  const auto place = process.relay ? std::make_shared<const RelayPlace>(RelayPlace{*process.node, *process.relay, *process.cluster.directory}) : nullptr;
  std::size_t of = 0;
  for (const auto& domain : process.domains) {
    const std::string& name = process.node->domains()[of++].name;
    for (http::Surface& surface : domain->surfaces(services)) {
      if (process.relay) surface = relayed(std::move(surface), name, *domain, place);
      surfaces.push_back(gated(std::move(surface), *process.node, *domain));
    }
  }
  const auto documents = std::make_shared<schema::Documents>();
  for (http::Route& route : schema::document_routes(documents)) surfaces.front().routes.push_back(std::move(route));
  for (const http::Surface& surface : surfaces) {
    if (surface.on_main_port) described.surfaces.push_back(&surface);
  }
  *documents = schema::make_documents(described);
  for (http::Route& route : process.blobs.routes()) surfaces.front().routes.push_back(std::move(route));  // for nodes: in no document
  http::ServerOptions serving;
  serving.metrics = process.metrics.get();
  serving.on_answer = [every = process.settings.flag("access_log")](const http::Exchange& exchange) { log_answer(exchange, every); };
  process.server = http::make_server(*process.loop, std::move(surfaces), serving);
  return {};
}

Result<void> use_certificate(Process& process) {
  const Time now = process.loop->scheduler().wall();
  auto identity = process.tls_files->load(now);
  if (!identity.ok()) return identity.take_error();
  observe::info("certificate in use", {{"subject", identity->subject}, {"valid_until", to_rfc3339(identity->valid_until)}});
  if (identity->valid_until - now < kCertificateNotice) {
    observe::warning("certificate expires soon", {{"subject", identity->subject}, {"valid_until", to_rfc3339(identity->valid_until)}});
  }
  process.certificate_valid_until.set(static_cast<double>(to_ms(identity->valid_until) / 1000));
  process.server->use_tls(std::move(*identity));
  return {};
}

/// A new certificate that is not usable leaves the old one in use.
void reload_certificate(Process& process) {
  if (!process.tls_files) return;
  if (const auto used = use_certificate(process); !used.ok()) {
    process.certificates_refused.add();
    observe::error("certificate refused, the one before stays in use", {{"reason", used.error().message}});
  }
}

void watch_certificate(Process& process) {
  process.loop->scheduler().after(kCertificateCheck, [&process] {
    if (process.tls_files->is_due(process.loop->scheduler().wall())) reload_certificate(process);
    watch_certificate(process);
  });
}

Task<void> stop_node(Process& process) {
  if (process.blobs.check) process.blobs.check->end();
  for (const auto& domain : process.domains) {
    auto stopping = domain->stop();
    co_await std::move(stopping);
  }
  if (process.started && !process.node->failure()) {
    const auto stopped = co_await process.node->stop();
    if (!stopped.ok()) {
      observe::error("node did not stop cleanly", {{"code", name_of(stopped.error().code)}, {"reason", stopped.error().message}});
      process.exit_code = kExitFailed;
    }
  }
  process.loop->stop();
}

void request_stop(Process& process) {
  if (process.stopping) return;
  if (!process.start_ended) {
    process.stop_wanted = true;
    process.node->abandon_start();
    return;
  }
  process.stopping = true;
  tell_stopping();
  process.server->stop([&process] { spawn(stop_node(process)); });
}

void fail(Process& process, const Error& error) {
  observe::error("node failed", {{"code", name_of(error.code)}, {"reason", error.message}});
  complain(describe(error), kExitFailed);
  process.exit_code = kExitFailed;
  request_stop(process);
}

constexpr const char* kReadyStatus = "Answering commands";

void announce(Process& process) {
  tell_ready(kReadyStatus);
  tell_alive(process.loop->scheduler());
  for (const auto& domain : process.domains) domain->started();
  if (process.blobs.check) process.blobs.check->begin();
  for (const runtime::ProjectionStatus& status : process.node->projection_statuses()) {
    if (status.cut > 0) observe::info("projection begins behind what retention has cut", {{"projection", status.name}, {"records", status.cut}});
  }
  for (const http::BoundListener& bound : process.bound) {
    observe::info("listening", {{"url", url_of(bound.listener)}, {"surface", bound.listener.surface.empty() ? "main" : bound.listener.surface}});
  }
  observe::info("node ready", {{"data", process.plan.data}, {"keys", process.plan.keys}, {"lanes", process.log.log->lanes()},
                               {"pid", ::getpid()}, {"version", TIDEMARK_VERSION}});
  if (!process.settings.flag("guide")) return;
  Guide guide{.data = process.plan.data, .keys = process.plan.keys, .bound = process.bound};
  for (std::size_t i = 0; i < process.domains.size(); ++i) {
    guide.domains.push_back({registered_domains()[i].surfaces.front(), process.domains[i].get()});
  }
  print_guide(guide);
}

Task<void> start(Process& process) {
  const auto started = co_await process.node->start();
  process.start_ended = true;
  process.patience.reset();
  process.started = started.ok();
  if (!started.ok() && process.stop_wanted && started.error().code == Code::cancelled) request_stop(process);
  else if (!started.ok()) fail(process, started.error());
  else if (process.stop_wanted || process.exit_code != 0) request_stop(process);
  else announce(process);
}

/// Takes in what may change while the node runs.
void reload(Process& process) {
  if (!process.started || process.stopping) return;
  observe::info("reloading");
  tell_reloading();
  reload_certificate(process);
  tell_ready(kReadyStatus);
}

void on_signal(Process& process, int number) {
  if (process.stopping || process.stop_wanted) {
    observe::warning("second signal, ending without draining", {{"signal", number}});
    std::_Exit(kExitFailed);
  }
  observe::info("draining", {{"signal", number}});
  request_stop(process);
}

}  // namespace

std::vector<std::string> node_setting_keys() {
  std::vector<std::string> keys{"data", "keys", "listen", "port", "tls_certificate", "tls_key", "log", "lanes",
                                "kafka_prefix", "kafka_replication", "kafka_property", "log_segment_bytes", "retention", "blobs", "blobs_shared", "blobs_check_interval", "node_id", "advertise_url", "session_timeout", "idempotency_window", "log_level", "log_format", "access_log", "metrics_listen", "metrics_open",
                                "outbound_allow", "outbound_ca_file", "guide"};
  for (const DomainRegistration& domain : registered_domains()) {
    for (const Setting& setting : domain.settings) keys.push_back(setting.key);
  }
  return keys;
}

Result<NodePlan> make_node_plan(const Settings& settings, const PortMeaning& port) {
  auto listeners = effective_listeners(settings, port);
  if (!listeners.ok()) return listeners.take_error();
  NodePlan plan;
  plan.data = absolute_path(settings.text("data"));
  plan.keys = settings.is_set("keys") ? absolute_path(settings.text("keys")) : default_keys_directory(plan.data);
  plan.listeners = std::move(*listeners);
  if (settings.is_set("metrics_listen")) {
    auto listener = parse_listen(settings.text("metrics_listen"))->listener;
    listener.surface = api::kMetricsSurface;
    plan.listeners.push_back(std::move(listener));
  }
  if (plan.keys == plan.data || plan.keys.starts_with(plan.data + "/")) {
    return bad_setting("keys", settings.value("keys"), "a directory outside the data directory " + plan.data +
                                                           ", so that a backup of the data does not hold the keys");
  }
  if (settings.is_set("outbound_ca_file") && ::access(settings.text("outbound_ca_file").c_str(), R_OK) != 0) {
    return bad_setting("outbound_ca_file", settings.value("outbound_ca_file"), "a PEM file that can be read");
  }
  if (auto fits = check_blob_settings(settings); !fits.ok()) return fits.take_error();
  for (const DomainRegistration& domain : registered_domains()) {
    if (!domain.check) continue;
    if (auto fits = domain.check(settings); !fits.ok()) return fits.take_error();
  }
  return plan;
}

int run_node(const Settings& settings, const NodePlan& plan) {
  observe::set_level(*observe::parse_level(settings.text("log_level")));
  observe::set_format(*observe::parse_format(settings.text("log_format")));
  raise_descriptor_limit();
  ::signal(SIGPIPE, SIG_IGN);

  Process process(settings, plan);
  observe::watch_process(*process.metrics, TIDEMARK_VERSION, plan.data);
  if (const auto opened = open_keys(process); !opened.ok()) return complain(opened.error().message, kExitFailed);
  if (const auto opened = open_log(process); !opened.ok()) return complain(opened.error().message, kExitFailed);
  auto blobs = open_node_blobs({settings, plan.data, *process.installation.ring, *process.loop, *process.files, *process.lookups, process.metrics.get(),
                                blob_peers(process.cluster), process.cluster.session});
  if (!blobs.ok()) return complain(blobs.error().message, kExitFailed);
  process.blobs = std::move(*blobs);
  if (const auto composed = compose(process); !composed.ok()) return complain(composed.error().message, kExitUsage);

  auto tls_files = TlsFilesWatch::make(settings);
  if (!tls_files.ok()) return complain(tls_files.error().message, kExitUsage);
  process.tls_files = std::move(*tls_files);
  if (process.tls_files) {
    if (const auto used = use_certificate(process); !used.ok()) return complain(used.error().message, kExitUsage);
    watch_certificate(process);
  }

  auto bound = process.server->listen(plan.listeners);
  if (!bound.ok()) return complain(bound.error().message + "; choose another with --port or --listen", kExitFailed);
  process.bound = std::move(*bound);
  process.node->on_failure([&process](Error error) { fail(process, error); });
  process.loop->on_termination_signal([&process](int number) { on_signal(process, number); });
  process.loop->on_reload_signal([&process] { reload(process); });
  process.loop->scheduler().post([&process] {
    if (process.log.embedded != nullptr) tend_log(*process.log.embedded, process.loop->scheduler());
    spawn(start(process));
  });
  process.loop->run();
  observe::info("ended", {{"code", process.exit_code}});
  // A failed node may have work under way that nobody can wait for.
  if (process.exit_code != 0) std::_Exit(process.exit_code);
  return process.exit_code;
}

}  // namespace tidemark::cli
