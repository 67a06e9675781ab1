#include "core/cluster/kafka_group.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <tuple>

#include "core/cluster/assignment.hpp"

namespace tidemark::cluster {

// The newer call, rd_kafka_DescribeConsumerGroups, ends the process when a broker goes away at the wrong moment (librdkafka 2.0.2).
std::optional<std::vector<Member>> list_members(rd_kafka_s* client, const std::string& group, const std::string& topic, const std::string& self, Duration patience) {
  const struct rd_kafka_group_list* raw = nullptr;
  const auto failed = rd_kafka_list_groups(client, group.c_str(), &raw, static_cast<int>(patience.count()));
  const std::unique_ptr<const struct rd_kafka_group_list, decltype(&rd_kafka_group_list_destroy)> list(raw, &rd_kafka_group_list_destroy);
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR || !list || list->group_cnt != 1) return std::nullopt;
  const auto& found = list->groups[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR || found.state == nullptr || std::string_view(found.state) != "Stable") return std::nullopt;
  std::vector<Member> members;
  for (int i = 0; i < found.member_cnt; ++i) {
    const auto& one = found.members[i];
    Member member = parse_member_name(one.client_id != nullptr ? one.client_id : "");
    member.is_self = one.member_id != nullptr && self == one.member_id;
    auto lanes = parse_assignment({static_cast<const char*>(one.member_assignment), static_cast<std::size_t>(std::max(one.member_assignment_size, 0))}, topic);
    if (!lanes) return std::nullopt;
    member.lanes = std::move(*lanes);
    members.push_back(std::move(member));
  }
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return std::tie(a.node_id, a.url) < std::tie(b.node_id, b.url); });
  return members;
}

}  // namespace tidemark::cluster
