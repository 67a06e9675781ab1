#include "ops/cli/node_cluster.hpp"

#include <unistd.h>

#include <algorithm>

#include "core/cluster/kafka_lane_group.hpp"
#include "core/cluster/proof/command_proof.hpp"
#include "core/observe/log.hpp"
#include "ops/cli/kafka_settings.hpp"
#include "ops/cli/listen.hpp"
#include "ops/cli/node_log.hpp"

namespace tidemark::cli {

std::string advertised_url(const Settings& settings, const std::vector<http::Listener>& listeners) {
  if (settings.is_set("advertise_url")) return settings.text("advertise_url");
  const auto main = std::find_if(listeners.begin(), listeners.end(), [](const http::Listener& listener) { return listener.surface.empty(); });
  if (main == listeners.end()) return "";
  http::Listener seen = *main;
  char name[256] = {};
  if ((seen.address == "0.0.0.0" || seen.address == "::") && ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0') seen.address = name;
  return url_of(seen);
}

Result<NodeCluster> open_node_cluster(const Settings& settings, const std::vector<http::Listener>& listeners, const log::EventLog& log, const keys::KeyRing& ring,
                                      Executor& home) {
  NodeCluster made;
  const std::string url = advertised_url(settings, listeners);
  if (settings.text("log") == "embedded") {
    made.lone = cluster::make_lone_directory(settings.text("node_id"), url, log.lanes());
    made.directory = made.lone.get();
    return made;
  }
  auto reach = kafka_log_options(settings);
  if (!reach.ok()) return reach.take_error();
  cluster::KafkaLaneGroupOptions options;
  options.client = std::move(reach->client);
  options.client.log = log_of_client;
  options.prefix = reach->prefix;
  options.lanes = log.lanes();
  options.replication = reach->replication;
  options.node_id = settings.text("node_id");
  options.url = url;
  if (settings.is_set("session_timeout")) options.session = settings.duration("session_timeout");
  auto group = cluster::open_kafka_lane_group(home, std::move(options));
  if (!group.ok()) return group.take_error();
  observe::info("node of a group", {{"node_id", settings.text("node_id")}, {"url", url}, {"session_ms", (*group)->session().count()}});
  made.directory = group->get();
  made.session = (*group)->session();
  made.group = std::move(*group);
  made.proof = std::make_unique<cluster::CommandProof>(ring);
  return made;
}

}  // namespace tidemark::cli
