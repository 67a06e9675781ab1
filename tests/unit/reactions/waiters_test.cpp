// Waiting for the state of a boundary, as long polls do.

#include <gtest/gtest.h>

#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using tally::Add;
using tally::Open;
using Waited = std::optional<Result<void>>;

class WaitersTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;
  runtime::NodeOptions options;
  std::unique_ptr<TallyNode> node;
  int looks = 0;

  void SetUp() override {
    options.owner_waiters_max = 8;
    node = std::make_unique<TallyNode>(scheduler, log, stores, options);
    ASSERT_TRUE(node->start().ok());
    node->execute(Open{"g", "a", 0});
  }
  void wait(const std::string& group, std::int64_t at_least, Waited& waited, Duration within = std::chrono::seconds(30)) {
    node->launch((*node)->wait_owner("tally", group, scheduler.now() + within, [this, at_least](const runtime::OwnerView& view) {
      ++looks;
      return tally::kTotals.get(view.state, "total").value_or(0) >= at_least;
    }), waited);
  }
};

TEST_F(WaitersTest, WhatIsSoAlreadyCompletesAtOnce) {
  Waited waited;
  wait("g", 0, waited);
  ASSERT_TRUE(waited);
  EXPECT_TRUE(waited->ok());
}

TEST_F(WaitersTest, ADecisionInTheBoundaryWakesAndAnotherDoesNot) {
  Waited waited;
  wait("g", 10, waited);
  EXPECT_EQ(looks, 1);
  node->execute(Open{"other", "a", 0});
  scheduler.run_ready();
  EXPECT_EQ(looks, 1) << "another boundary changed";
  node->execute(Add{"g", "a", 5, ""});
  scheduler.run_ready();
  EXPECT_FALSE(waited);
  EXPECT_EQ(looks, 2);
  node->execute(Add{"g", "a", 5, ""});
  scheduler.run_ready();
  ASSERT_TRUE(waited);
  EXPECT_TRUE(waited->ok());
}

TEST_F(WaitersTest, OneThatComesWhileTheAppendIsUnderWayIsWokenByIt) {
  log.set_append_delay(Duration(100));
  std::optional<runtime::Outcome> outcome;
  node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 5, ""})), outcome);
  scheduler.run_for(Duration(50));
  Waited waited;
  wait("g", 5, waited);
  EXPECT_FALSE(waited) << "what is not durable is not seen";
  scheduler.run_for(Duration(60));
  ASSERT_TRUE(waited);
  EXPECT_TRUE(waited->ok());
}

TEST_F(WaitersTest, ATimersCommandAndTheOwnersMemoryWakeToo) {
  node->execute(Open{"g", "b", 1'000});
  node->execute(Add{"g", "b", -3, ""});
  Waited by_timer, by_memory;
  wait("g", 0, by_timer);
  node->launch((*node)->wait_owner("tally", "g", scheduler.now() + std::chrono::seconds(30), [](const runtime::OwnerView& view) {
    return view.memory.get("touched/a").has_value();
  }), by_memory);
  EXPECT_FALSE(by_timer);
  scheduler.run_for(Duration(1'100));
  EXPECT_TRUE(by_timer) << "the account expired, and its balance with it";
  EXPECT_FALSE(by_memory);
  ASSERT_TRUE((*node)->owner_call("tally", "g", [](const runtime::OwnerView& view) { view.memory.set("touched/a", 1); }).ok());
  scheduler.run_ready();
  EXPECT_TRUE(by_memory);
}

TEST_F(WaitersTest, TheDeadlineEndsItWithoutPolling) {
  Waited waited;
  wait("g", 10, waited);
  scheduler.run_for(std::chrono::seconds(29));
  EXPECT_FALSE(waited);
  EXPECT_EQ(looks, 1);
  scheduler.run_for(std::chrono::seconds(2));
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->error().code, Code::timed_out);
}

TEST_F(WaitersTest, TooManyAreRefusedAndStopEndsTheRest) {
  std::vector<Waited> all(options.owner_waiters_max + 1);
  for (auto& waited : all) wait("g", 10, waited);
  ASSERT_TRUE(all.back());
  EXPECT_EQ(all.back()->error().code, Code::unavailable);
  ASSERT_TRUE(node->stop().ok());
  for (auto& waited : all) {
    ASSERT_TRUE(waited);
    EXPECT_EQ(waited->error().code, Code::unavailable);
  }
}

TEST_F(WaitersTest, AFailedLaneEndsThem) {
  Waited waited;
  wait("g", 10, waited);
  log.die();
  log.fail_next(MemoryLog::Fault::unknown_lost);
  node->execute(Add{"g", "a", 5, ""});
  scheduler.run_ready();
  ASSERT_TRUE(waited);
  EXPECT_EQ(waited->error().code, Code::unavailable);
}

}  // namespace
}  // namespace tidemark::testing
