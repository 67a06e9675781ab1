#include <gtest/gtest.h>

#include "core/event/record.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"
#include "tests/support/tally/touchy_decider.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using tally::Add;
using tally::Open;

class TimersTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  MemoryStores stores;
  std::unique_ptr<TallyNode> node;

  void start() {
    node = std::make_unique<TallyNode>(scheduler, *log, stores);
    ASSERT_TRUE(node->start().ok());
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log = std::make_unique<MemoryLog>(history, scheduler);
    stores.crash();
  }
  bool is_open() { return node->execute(Add{"g", "a", 0, ""}).kind == Outcome::Kind::nothing; }
  std::int64_t events() {
    node->settle();
    return node->balance("g", "a")->events;
  }
};

TEST_F(TimersTest, ATimerFiresOnceWhenItIsDue) {
  start();
  node->execute(Open{"g", "a", 60'000});
  scheduler.run_for(std::chrono::seconds(59));
  EXPECT_TRUE(is_open());
  scheduler.run_for(std::chrono::seconds(2));
  EXPECT_FALSE(is_open());
  EXPECT_EQ(events(), 2);
  scheduler.run_for(std::chrono::hours(1));
  EXPECT_EQ(events(), 2);
}

TEST_F(TimersTest, AnEarlierTimerThatIsSetLaterFiresInItsTime) {
  start();
  node->execute(Open{"g", "late", 60'000});
  scheduler.run_for(std::chrono::seconds(1));
  node->execute(Open{"g", "a", 5'000});
  scheduler.run_for(std::chrono::seconds(3));
  EXPECT_TRUE(is_open());
  scheduler.run_for(std::chrono::seconds(3));
  EXPECT_FALSE(is_open());
  node->execute(Open{"g", "b", 5'000});  // when all that lay before "late" have gone
  scheduler.run_for(std::chrono::seconds(6));
  node->settle();
  EXPECT_EQ(node->balance("g", "b")->events, 2);
  EXPECT_EQ(node->balance("g", "late")->events, 1);
  scheduler.run_for(std::chrono::seconds(60));
  node->settle();
  EXPECT_EQ(node->balance("g", "late")->events, 2);
}

TEST_F(TimersTest, ATimerSurvivesACrashAndFiresWhenItWasDueMeanwhile) {
  start();
  node->execute(Open{"g", "a", 60'000});
  crash();
  scheduler.run_for(std::chrono::seconds(120));
  start();
  scheduler.run_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(is_open());
  EXPECT_EQ(events(), 2);
}

TEST_F(TimersTest, TheOwnersMemoryCanPostponeATimer) {
  start();
  node->execute(Open{"g", "a", 60'000});
  const auto until = to_ms(scheduler.wall()) + 100'000;
  ASSERT_TRUE((*node)->owner_call("tally", "g", [&](const runtime::OwnerView& view) { view.memory.set("touched/a", until); }).ok());
  scheduler.run_for(std::chrono::seconds(90));
  EXPECT_TRUE(is_open());
  scheduler.run_for(std::chrono::seconds(20));
  EXPECT_FALSE(is_open());
  EXPECT_EQ(events(), 2);
}

TEST_F(TimersTest, ATimerWhoseCommandCouldNotBeWrittenIsTriedAgain) {
  start();
  node->execute(Open{"g", "a", 1'000});
  log->fail_next(MemoryLog::Fault::refuse_unwritten);
  scheduler.run_for(std::chrono::milliseconds(1'100));
  EXPECT_TRUE(is_open());
  scheduler.run_for(std::chrono::seconds(2));
  EXPECT_FALSE(is_open());
}

TEST_F(TimersTest, ATimerThatDoesNotDecodeRestsUntilTheLaneIsTakenAnew) {
  auto touches = std::make_shared<tally::Touches>();
  touches->undecodable.insert("Expire");
  const auto start_touchy = [&] {
    auto domain = tally::make_domain();
    domain.decider = std::make_shared<tally::TouchyDecider>(domain.decider, touches);
    node = std::make_unique<TallyNode>(scheduler, *log, stores, runtime::NodeOptions{}, std::move(domain));
    ASSERT_TRUE(node->start().ok());
  };
  start_touchy();
  node->execute(Open{"g", "a", 1'000});
  scheduler.run_for(std::chrono::hours(1));
  EXPECT_TRUE(is_open()) << "and the lane goes on";
  touches->undecodable.clear();
  crash();
  start_touchy();
  scheduler.run_for(std::chrono::seconds(1));
  EXPECT_FALSE(is_open());
}

TEST_F(TimersTest, AClockThatJumpsForwardFiresWithinTenSeconds) {
  start();
  node->execute(Open{"g", "a", 3'600'000});
  scheduler.run_for(std::chrono::seconds(1));
  scheduler.jump_wall(std::chrono::hours(2));
  scheduler.run_for(std::chrono::seconds(11));
  EXPECT_FALSE(is_open());
}

TEST_F(TimersTest, AClockThatGoesBackBetweenFiringAndDecidingDecidesNoTimerBeforeItsTime) {
  start();
  node->execute(Open{"g", "a", 60'000});
  // The lane is busy when the timer is due, so that its command waits; then the clock goes back.
  log->set_append_delay(std::chrono::seconds(10));
  scheduler.run_for(std::chrono::seconds(55));
  std::optional<Outcome> added;
  node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 1, ""})), added);
  scheduler.run_for(std::chrono::seconds(6));
  ASSERT_FALSE(added);
  scheduler.jump_wall(-std::chrono::seconds(30));
  scheduler.run_for(std::chrono::seconds(30));
  Time opened{}, expired{};
  for (const auto& stored : history->topics[0].lanes[lane_of("g", history->lanes).value]) {
    auto records = log::RecordBatchReader::open(stored.view());
    ASSERT_TRUE(records.ok());
    while (!records->done()) {
      const auto event = event::decode_record(*records->next());
      ASSERT_TRUE(event.ok());
      if (event->envelope.type == "tidemark.tally.Opened.v1") opened = event->envelope.time;
      if (event->envelope.type == "tidemark.tally.Expired.v1") expired = event->envelope.time;
    }
  }
  ASSERT_NE(expired, Time{});
  EXPECT_GE(expired - opened, std::chrono::minutes(1));
}

}  // namespace
}  // namespace tidemark::testing
