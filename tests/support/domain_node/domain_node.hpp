#pragma once
// A node with one domain over a log and stores that a test owns, on a virtual scheduler.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/event/json.hpp"
#include "core/runtime/node.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::testing {

class DomainNode {
 public:
  DomainNode(VirtualScheduler& scheduler, log::EventLog& log, store::StoreFactory& stores, runtime::Domain domain,
             runtime::NodeOptions options = {}, event::FieldCipher* personal = nullptr, runtime::LaneGroup* group = nullptr,
             std::function<Executor&(std::string_view)> executors = nullptr, const runtime::NodeProof* proof = nullptr)
      : scheduler_(scheduler), domain_(domain.name) {
    if (!executors) executors = [&scheduler](std::string_view) -> Executor& { return scheduler; };
    runtime::NodeParts parts{scheduler, log, stores, std::move(executors)};
    parts.personal = personal;
    parts.group = group;
    parts.proof = proof;
    std::vector<runtime::Domain> domains;
    domains.push_back(std::move(domain));
    node_ = runtime::make_node(std::move(parts), std::move(domains), std::move(options));
  }

  runtime::Node& operator*() { return *node_; }
  runtime::Node* operator->() { return node_.get(); }

  Result<void> start() { return run(node_->start()); }
  Result<void> stop() { return run(node_->stop()); }

  /// Runs a task to its end on the virtual scheduler.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    spawn(keep(std::move(task), value));
    EXPECT_TRUE(scheduler_.run_until([&] { return value.has_value(); })) << "the task never ended";
    return std::move(*value);
  }
  /// Starts a task; its value appears in `value`.
  template <class T>
  void launch(Task<T> task, std::optional<T>& value) { spawn(keep(std::move(task), value)); }

  /// A command of a tester; `key` makes it the same command each time.
  template <class C>
  static runtime::CommandRequest request_to(std::string domain, const C& command, std::string key = {}) {
    runtime::CommandRequest request;
    request.domain = std::move(domain);
    request.name = std::string(C::kType);
    request.data = event::to_json(command);
    request.actor = "tester";
    if (!key.empty()) {
      request.command_id = runtime::command_id_of_key("", "tester", "route", key);
      request.keyed = true;
    }
    return request;
  }
  template <class C>
  runtime::Outcome execute(const C& command, std::string key = {}) { return run(node_->execute(request_to(domain_, command, std::move(key)))); }

  /// Waits until the domain's projections have applied all that is durable.
  void settle() {
    auto waited = run(node_->wait_domain_applied(domain_, node_->domain_end(domain_), scheduler_.now() + std::chrono::seconds(5)));
    EXPECT_TRUE(waited.ok()) << (waited.ok() ? "" : describe(waited.error()));
  }

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    auto result = co_await std::move(task);
    value.emplace(std::move(result));
  }
  VirtualScheduler& scheduler_;
  const std::string domain_;
  std::unique_ptr<runtime::Node> node_;
};

}  // namespace tidemark::testing
