// Appends of which nobody knows: what became of them is read from the log beside the lane, however long that takes.
#include <gtest/gtest.h>

#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using tally::Add;
using tally::Open;

class SettleTest : public ::testing::Test {
 protected:
  SettleTest() {
    log.on_read([this](log::TopicId) { reads_on_scheduler += working ? 0 : 1; });
  }

  /// Where the state of the domain is folded and its log is read: runs when the test says so, and a start does.
  std::unique_ptr<DomainNode> started() {
    auto executors = [this](std::string_view name) -> Executor& { return name == "state/tally" ? static_cast<Executor&>(executor) : projections; };
    auto node = std::make_unique<DomainNode>(scheduler, log, stores, tally::make_domain(), runtime::NodeOptions{}, nullptr, nullptr, std::move(executors));
    std::optional<Result<void>> ready;
    node->launch((*node)->start(), ready);
    EXPECT_TRUE(goes_on([&] { return ready.has_value(); }));
    std::optional<Outcome> opened;
    node->launch((*node)->execute(DomainNode::request_to("tally", Open{"g", "a", 0})), opened);
    EXPECT_TRUE(goes_on([&] { return opened.has_value(); }));
    reads_on_scheduler = 0;
    return node;
  }
  /// Runs both until it is true.
  template <class Condition>
  bool goes_on(Condition condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) {
      scheduler.run_for(Duration(10));
      work();
    }
    return condition();
  }
  void work() {
    working = true;
    test::run_all({&executor, &projections});
    working = false;
  }

  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;
  test::ManualExecutor executor, projections;
  bool working = false;
  int reads_on_scheduler = 0;
};

TEST_F(SettleTest, WhatBecameOfAnAppendIsNotReadOnTheScheduler) {
  auto node = started();
  log.fail_next(MemoryLog::Fault::unknown_written);
  std::optional<Outcome> outcome;
  node->launch((*node)->execute(DomainNode::request_to("tally", Add{"g", "a", 5, ""})), outcome);
  scheduler.run_for(std::chrono::seconds(2));
  EXPECT_FALSE(outcome) << "nothing was read yet";
  ASSERT_TRUE(goes_on([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->kind, Outcome::Kind::accepted);
  EXPECT_EQ(outcome->reply, "{\"balance\":5}");
  EXPECT_EQ(reads_on_scheduler, 0);
}

TEST_F(SettleTest, WhoWaitsTooLongForItIsToldThatNobodyKnowsAndTheLaneGoesOnAfterwards) {
  auto node = started();
  log.fail_next(MemoryLog::Fault::unknown_written);
  std::optional<Outcome> outcome, later;
  node->launch((*node)->execute(DomainNode::request_to("tally", Add{"g", "a", 5, ""})), outcome);
  scheduler.run_for(std::chrono::seconds(30));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error.code, Code::outcome_unknown);
  bool asking = false;
  ASSERT_TRUE(goes_on([&] {
    if (later && later->kind == Outcome::Kind::accepted) return true;
    if (!asking || later) {
      asking = true;
      later.reset();
      node->launch((*node)->execute(DomainNode::request_to("tally", Add{"g", "a", 1, ""})), later);
    }
    return false;
  }));
  EXPECT_EQ(later->reply, "{\"balance\":6}") << "it had been written";
}

TEST_F(SettleTest, AStopWaitsForWhatIsBeingRead) {
  auto node = started();
  log.fail_next(MemoryLog::Fault::unknown_written);
  std::optional<Outcome> outcome;
  node->launch((*node)->execute(DomainNode::request_to("tally", Add{"g", "a", 5, ""})), outcome);
  scheduler.run_for(std::chrono::seconds(2));
  // Folded; the question what became of the append is under way.
  working = true;
  ASSERT_TRUE(executor.run_one());
  working = false;
  scheduler.run_for(Duration(100));
  std::optional<Result<void>> stopped;
  node->launch((*node)->stop(), stopped);
  scheduler.run_for(std::chrono::seconds(1));
  EXPECT_FALSE(stopped) << "work is under way on an executor";
  ASSERT_TRUE(goes_on([&] { return stopped.has_value(); }));
  EXPECT_TRUE(outcome);
}

}  // namespace
}  // namespace tidemark::testing
