#include "core/log/kafka/lanes_topic.hpp"

#include <algorithm>
#include <charconv>

namespace tidemark::log::kafka {
namespace {

constexpr const char* kLeastSession = "group.min.session.timeout.ms";
constexpr std::int64_t kStockSessionMs = 6000, kShortSessionMs = 2000;
/// What a takeover takes beside the session: the others are told, the lane is fenced and its tail read, an old lease passes.
constexpr std::int64_t kTakingMs = 1000;

}  // namespace

std::string lanes_topic(const std::string& prefix) { return prefix + "tidemark.lanes"; }
std::string lanes_group(const std::string& prefix) { return prefix + "tidemark-lanes"; }

Result<bool> open_lanes_topic(rd_kafka_s* client, const std::string& prefix, std::uint32_t lanes, int replicas, Duration patience) {
  const std::string name = lanes_topic(prefix);
  auto facts = describe_topic(client, name, patience);
  const bool missing = !facts && facts.error().code == Code::not_found;
  if (missing) {
    const TopicConfig config{{"cleanup.policy", "delete"}, {"unclean.leader.election.enable", "false"}, {"min.insync.replicas", "1"}};
    if (auto made = create_topic(client, name, lanes, replicas, config, patience); !made) return made.take_error();
    facts = describe_topic(client, name, patience);
  }
  if (!facts) return facts.take_error();
  for (const Finding& finding : check_lanes_topic(lanes, *facts)) {
    if (finding.kind == Finding::Kind::loses) return make_error(Code::invalid_argument, "Kafka topic " + name + ": " + finding.setting + " is " + finding.value + ": " + finding.reason);
  }
  return missing;
}

std::vector<Finding> check_lanes_topic(std::uint32_t lanes, const TopicFacts& facts) {
  const bool right = facts.partitions == lanes;
  return {{right ? Finding::Kind::fine : Finding::Kind::loses, "partitions", std::to_string(facts.partitions),
           right ? "" : "the installation has " + std::to_string(lanes) + " lanes, and who is assigned partition p of this topic owns lane p"}};
}

Duration least_session(const TopicConfig& broker) {
  std::int64_t ms = kStockSessionMs;
  if (const auto found = broker.find(kLeastSession); found != broker.end()) {
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), ms);
  }
  return Duration(ms);
}

Finding check_session(const TopicConfig& broker) {
  const std::int64_t ms = least_session(broker).count();
  if (ms <= kShortSessionMs) return {Finding::Kind::fine, kLeastSession, std::to_string(ms), ""};
  return {Finding::Kind::weak, kLeastSession, std::to_string(ms),
          "a node that dies is missed after its session's time, which cannot be less than this: its lanes stand still for about " + std::to_string(ms + kTakingMs) +
              " ms before others have them; with 1000 and session_timeout = \"1s\" it is 2 s"};
}

}  // namespace tidemark::log::kafka
