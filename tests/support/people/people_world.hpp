#pragma once
// A node with the people domain, over a log, stores and a receiver of calls that outlive it, on a virtual scheduler.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>

#include "core/event/json.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/outbound.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"
#include "tests/support/people/people.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::testing {

/// The other side of outbound calls: answers 200 after 10 ms, unless told otherwise. Survives the node.
class FakeReceiver final : public runtime::OutboundCalls {
 public:
  explicit FakeReceiver(VirtualScheduler& scheduler) : scheduler_(scheduler) {}
  void call(runtime::OutboundCall call, Fn<void(Result<runtime::OutboundAnswer>)> done) override {
    calls.push_back({call, scheduler_.wall()});
    Result<runtime::OutboundAnswer> answer = runtime::OutboundAnswer{200, "thanks", {}};
    if (!answers.empty()) {
      answer = std::move(answers.front());
      answers.pop_front();
    } else if (always) {
      answer = *always;
    }
    scheduler_.after(Duration(10), [answer = std::move(answer), done = std::move(done)]() mutable { done(std::move(answer)); });
  }

  struct Received {
    runtime::OutboundCall call;
    Time at;
  };
  std::vector<Received> calls;
  std::deque<Result<runtime::OutboundAnswer>> answers;  ///< of the next calls
  std::optional<Result<runtime::OutboundAnswer>> always;

 private:
  VirtualScheduler& scheduler_;
};

class PeopleWorld {
 public:
  explicit PeopleWorld(std::uint64_t seed = 1, bool announces = false) : scheduler(seed), receiver(scheduler), announces_(announces) {}

  /// False when the node did not start (the test's fault was in the way).
  bool start(runtime::NodeOptions options = {}) {
    log = std::make_unique<MemoryLog>(history, scheduler);
    runtime::NodeParts parts{scheduler, *log, stores, [this](std::string_view) -> Executor& { return scheduler; }};
    parts.calls = &receiver;
    std::vector<runtime::Domain> domains;
    domains.push_back(people::make_domain(announces_));
    node = runtime::make_node(std::move(parts), std::move(domains), std::move(options));
    return run(node->start()).ok();
  }
  /// Retention cuts all of a topic.
  void cut(const std::string& topic) {
    for (std::size_t t = 0; t < history->topics.size(); ++t) {
      if (history->topics[t].spec.name != topic) continue;
      const log::TopicId id{static_cast<std::uint16_t>(t)};
      for (std::uint32_t lane = 0; lane < history->lanes; ++lane) log->cut(topic, LaneId{lane}, log->end(id, LaneId{lane}));
    }
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log.reset();
    stores.crash();
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> value;
    launch(std::move(task), value);
    EXPECT_TRUE(scheduler.run_until([&] { return value.has_value(); })) << "the task never ended";
    return std::move(*value);
  }
  template <class T>
  void launch(Task<T> task, std::optional<T>& value) { spawn(keep(std::move(task), value)); }

  template <class C>
  static runtime::CommandRequest request(const C& command, const std::string& key = {}) {
    runtime::CommandRequest request;
    request.domain = "people";
    request.name = std::string(C::kType);
    request.data = event::to_json(command);
    request.actor = "tester";
    request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    if (!key.empty()) {
      request.command_id = runtime::command_id_of_key("", "tester", "sign-up", key);
      request.keyed = true;
    }
    return request;
  }
  template <class C>
  runtime::Outcome execute(const C& command) { return run(node->execute(request(command))); }
  Task<runtime::Outcome> sign_up(const std::string& name, const std::string& account, const std::string& key) {
    return runtime::run_steps<people::SignUp>(*node, request(people::ReserveName{name, account}, key), people::Plan{name, account});
  }

  std::optional<people::NameRow> name(const std::string& name) {
    std::optional<people::NameRow> row;
    EXPECT_TRUE(node->owner_call("people", people::name_boundary(name), [&](const runtime::OwnerView& view) { row = people::kNames.get(view.state, name); }).ok());
    return row;
  }
  std::optional<std::string> account(const std::string& account) {
    std::optional<std::string> row;
    EXPECT_TRUE(node->owner_call("people", people::account_boundary(account), [&](const runtime::OwnerView& view) { row = people::kAccounts.get(view.state, account); }).ok());
    return row;
  }
  /// Types of all records of a topic, "tidemark.people.NameReserved.v1", lane by lane.
  std::vector<event::Event> records(const std::string& topic) {
    std::vector<event::Event> all;
    for (std::size_t t = 0; t < history->topics.size(); ++t) {
      if (history->topics[t].spec.name != topic) continue;
      for (std::uint32_t lane = 0; lane < history->lanes; ++lane) {
        runtime::LogCursor cursor(*log, log::TopicId{static_cast<std::uint16_t>(t)}, topic, LaneId{lane}, Tmseq{0});
        for (;;) {
          auto head = cursor.peek();
          EXPECT_TRUE(head.ok()) << (head.ok() ? "" : describe(head.error()));
          if (!head || *head == nullptr) break;
          all.push_back(**head);
          cursor.pop();
        }
      }
    }
    return all;
  }
  std::size_t count(const std::string& topic, std::string_view type) {
    const auto all = records(topic);
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const event::Event& e) { return e.envelope.type == type; }));
  }

  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log;
  MemoryStores stores;
  FakeReceiver receiver;
  std::unique_ptr<runtime::Node> node;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    auto result = co_await std::move(task);
    value.emplace(std::move(result));
  }
  const bool announces_;
};

}  // namespace tidemark::testing
