#pragma once
// Two nodes over one log with an inbox, and what tests of commands that one forwards to the other ask.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/runtime/decision_record.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/node_proof.hpp"
#include "tests/support/domain_node/domain_node.hpp"
#include "tests/support/lane_group/test_group.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"

namespace tidemark::testing {

struct Decided {
  std::string command_id, actor;
  std::uint32_t lane = 0;
  runtime::DecisionRecord record;
};

struct ForwardNode {
  ForwardNode(std::string name, VirtualScheduler& scheduler, const std::shared_ptr<LogHistory>& history, runtime::Domain domain, const runtime::NodeProof* proof,
              event::FieldCipher* cipher = nullptr)
      : log(history, scheduler) {
    log.open_inbox();
    log.set_lease(std::chrono::seconds(1));
    runtime::NodeOptions options;
    options.node_id = std::move(name);
    node = std::make_unique<DomainNode>(scheduler, log, stores, std::move(domain), std::move(options), cipher, &group, nullptr, proof);
  }
  runtime::LaneStanding::Role role(std::uint32_t lane) { return (*node)->lane_standings()[lane].role; }
  bool serves(std::uint32_t lane) { return role(lane) == runtime::LaneStanding::Role::serving; }

  MemoryLog log;
  MemoryStores stores;
  TestGroup group;
  std::unique_ptr<DomainNode> node;
};

/// Every record of a topic, lane by lane.
inline std::vector<std::pair<std::uint32_t, event::Event>> records_of(const MemoryLog& log, const std::string& name) {
  std::vector<std::pair<std::uint32_t, event::Event>> out;
  const auto topics = log.topics();
  for (std::size_t t = 0; t < topics.size(); ++t) {
    if (topics[t].name != name) continue;
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      runtime::LogCursor cursor(log, log::TopicId{static_cast<std::uint16_t>(t)}, name, LaneId{lane}, Tmseq{0});
      for (auto head = cursor.peek(); head.ok() && *head != nullptr; head = cursor.peek()) {
        out.emplace_back(lane, **head);
        cursor.pop();
      }
    }
  }
  return out;
}

/// Decisions on commands of the domain; the platform's own begin with another prefix.
inline std::vector<Decided> decisions_of(const MemoryLog& log, const std::string& domain, const std::string& prefix) {
  std::vector<Decided> out;
  for (const auto& [lane, event] : records_of(log, domain + ".decisions")) {
    auto record = runtime::decode_decision(event.data);
    EXPECT_TRUE(record.ok());
    if (record.ok() && record->command.type.starts_with(prefix)) out.push_back({event.envelope.commandid, event.envelope.actor, lane, std::move(*record)});
  }
  return out;
}

/// What lies in the commands topic of the domain.
inline std::vector<log::OwnedRecord> commands_of(const LogHistory& history, const std::string& domain) {
  std::vector<log::OwnedRecord> out;
  for (const auto& topic : history.topics) {
    if (topic.spec.name != domain + ".commands") continue;
    for (const auto& [lane, records] : topic.commands) {
      for (const auto& record : records) out.push_back(record.record);
    }
  }
  return out;
}

}  // namespace tidemark::testing
