#pragma once
// A node with the roster domain over a log and stores that a test owns, on a virtual scheduler.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "core/event/json.hpp"
#include "core/runtime/node.hpp"
#include "tests/support/roster/roster.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::testing {

class RosterNode {
 public:
  RosterNode(VirtualScheduler& scheduler, log::EventLog& log, store::StoreFactory& stores, event::FieldCipher* cipher, bool with_reactor = false) : scheduler_(scheduler) {
    runtime::NodeParts parts{scheduler, log, stores, [&scheduler](std::string_view) -> Executor& { return scheduler; }};
    parts.personal = cipher;
    std::vector<runtime::Domain> domains;
    domains.push_back(roster::make_domain(with_reactor));
    node_ = runtime::make_node(std::move(parts), std::move(domains), {});
  }

  runtime::Node* operator->() { return node_.get(); }
  Result<void> start() { return run(node_->start()); }
  Result<void> stop() { return run(node_->stop()); }

  runtime::Outcome execute(const roster::Register& command, const std::string& key) {
    runtime::CommandRequest request;
    request.domain = "roster";
    request.name = "Register";
    request.data = event::to_json(command);
    request.actor = "tester";
    request.command_id = runtime::command_id_of_key("", "tester", "route", key);
    request.keyed = true;
    return run(node_->execute(std::move(request)));
  }

  /// The row of the projection, once it has applied all that is durable.
  std::string known(const std::string& person) {
    auto waited = run(node_->wait_domain_applied("roster", node_->domain_end("roster"), scheduler_.now() + std::chrono::seconds(5)));
    EXPECT_TRUE(waited.ok()) << (waited.ok() ? "" : describe(waited.error()));
    return roster::kNames.get(*node_->projection_rows("roster.names"), person).value_or("");
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    spawn(keep(std::move(task), value));
    EXPECT_TRUE(scheduler_.run_until([&] { return value.has_value(); })) << "the task never ended";
    return std::move(*value);
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    auto result = co_await std::move(task);
    value.emplace(std::move(result));
  }
  VirtualScheduler& scheduler_;
  std::unique_ptr<runtime::Node> node_;
};

}  // namespace tidemark::testing
