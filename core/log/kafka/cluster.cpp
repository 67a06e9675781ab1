#include "core/log/kafka/cluster.hpp"

#include <algorithm>

#include "core/log/kafka/history.hpp"
#include "core/log/kafka/installation.hpp"
#include "core/log/kafka/lanes_topic.hpp"

namespace tidemark::log {
namespace kafka {
namespace {

/// A client, and what the cluster says of the installation.
struct Visit {
  std::unique_ptr<History> history;
  Handle client;
  std::uint32_t lanes = 0;
  bool has_installation = false;
};

Result<Visit> visit(const KafkaLogOptions& options) {
  Visit out;
  auto history = History::open(options.client, 1);
  if (!history) return history.take_error();
  out.history = std::move(*history);
  auto client = make_consumer(options.client, Isolation::uncommitted, {});
  if (!client) return client.take_error();
  out.client = std::move(*client);
  InstallationTopic topic(options.client, options.prefix, *out.history, out.client.get(), options.replication, options.patience);
  auto installation = topic.read();
  if (!installation) return installation.take_error();
  out.has_installation = installation->has_value();
  out.lanes = *installation ? (*installation)->lanes : options.lanes;
  return out;
}

std::int64_t number(const TopicConfig& config, const std::string& name, std::int64_t fallback) {
  const auto found = config.find(name);
  return found == config.end() ? fallback : std::strtoll(found->second.c_str(), nullptr, 10);
}

std::vector<Finding> check_brokers(const KafkaLogOptions& options, const TopicConfig& config, int brokers) {
  using Kind = Finding::Kind;
  std::vector<Finding> out;
  const auto add = [&](Kind kind, std::string setting, std::int64_t value, std::string reason) {
    out.push_back({kind, std::move(setting), std::to_string(value), kind == Kind::fine ? std::string() : std::move(reason)});
  };
  out.push_back(check_session(config));
  const std::int64_t longest = number(config, "transaction.max.timeout.ms", 900'000);
  add(longest >= options.client.transaction_timeout.count() ? Kind::fine : Kind::loses, "transaction.max.timeout.ms", longest,
      "a lane's producer asks for " + std::to_string(options.client.transaction_timeout.count()) + " ms and would be refused");
  const std::int64_t copies = number(config, "transaction.state.log.replication.factor", 3);
  add(copies >= std::min(brokers, 3) ? Kind::fine : Kind::loses, "transaction.state.log.replication.factor", copies,
      "which transactions were committed is kept in fewer copies than there could be, and lost with them");
  if (copies >= 3) {
    const std::int64_t least = number(config, "transaction.state.log.min.isr", 2);
    add(least >= 2 ? Kind::fine : Kind::loses, "transaction.state.log.min.isr", least, "a commit is answered when one broker alone knows of it");
  }
  return out;
}

}  // namespace
}  // namespace kafka

Result<KafkaReport> examine_kafka(const KafkaLogOptions& options, const std::vector<TopicSpec>& topics, Duration window) {
  using namespace kafka;
  auto visited = visit(options);
  if (!visited) return visited.take_error();
  KafkaReport report;
  report.lanes = visited->lanes;
  report.has_installation = visited->has_installation;
  auto brokers = count_brokers(visited->client.get(), options.patience);
  if (!brokers) return brokers.take_error();
  report.brokers = *brokers;
  auto config = describe_broker(visited->client.get(), options.patience);
  if (!config) return config.take_error();
  report.cluster = check_brokers(options, *config, *brokers);
  for (const TopicSpec& spec : topics) {
    KafkaTopicReport one{options.prefix + spec.name, true, {}};
    auto facts = describe_topic(visited->client.get(), one.name, options.patience);
    if (facts.ok()) one.findings = check_topic(spec, report.lanes, *facts, *brokers, window);
    else if (facts.error().code == Code::not_found) one.exists = false;
    else return facts.take_error();
    report.topics.push_back(std::move(one));
  }
  KafkaTopicReport lanes{lanes_topic(options.prefix), true, {}};
  auto facts = describe_topic(visited->client.get(), lanes.name, options.patience);
  if (facts.ok()) lanes.findings = check_lanes_topic(report.lanes, *facts);
  else if (facts.error().code == Code::not_found) lanes.exists = false;
  else return facts.take_error();
  report.topics.push_back(std::move(lanes));
  return report;
}

Result<std::vector<std::string>> create_kafka_topics(const KafkaLogOptions& options, const std::vector<TopicSpec>& topics) {
  using namespace kafka;
  auto visited = visit(options);
  if (!visited) return visited.take_error();
  std::vector<std::string> made;
  for (const TopicSpec& spec : topics) {
    const std::string name = options.prefix + spec.name;
    auto facts = describe_topic(visited->client.get(), name, options.patience);
    if (facts.ok()) continue;
    if (facts.error().code != Code::not_found) return facts.take_error();
    auto created = create_topic(visited->client.get(), name, visited->lanes, options.replication, config_for(spec, options.replication), options.patience);
    if (!created) return created.take_error();
    made.push_back(name);
  }
  auto lanes = open_lanes_topic(visited->client.get(), options.prefix, visited->lanes, options.replication, options.patience);
  if (!lanes) return lanes.take_error();
  if (*lanes) made.push_back(lanes_topic(options.prefix));
  return made;
}

}  // namespace tidemark::log
