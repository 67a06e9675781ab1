// A log whose retention has cut topics: who starts, and where.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/runtime/log_cursor.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using tally::Add;
using tally::Open;

class CutTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler{7};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  MemoryStores stores;
  std::unique_ptr<TallyNode> node;

  Result<void> start() {
    node = std::make_unique<TallyNode>(scheduler, *log, stores);
    return node->start();
  }
  void restart_process() {
    node.reset();
    scheduler.drop_everything();
    log = std::make_unique<MemoryLog>(history, scheduler);
  }
  log::TopicId id_of(const std::string& topic) {
    const auto specs = log->topics();
    const auto at = std::find_if(specs.begin(), specs.end(), [&](const auto& spec) { return spec.name == topic; });
    return log::TopicId{static_cast<std::uint16_t>(at - specs.begin())};
  }
  /// Retention takes all that the topic holds now.
  void cut(const std::string& topic) {
    const log::TopicId id = id_of(topic);
    for (std::uint32_t lane = 0; lane < log->lanes(); ++lane) log->cut(topic, LaneId{lane}, log->end(id, LaneId{lane}));
  }
  /// The same under every reader of these topics: after it has looked where the topic begins, before it reads.
  void cut_under_readers(std::vector<std::string> topics) {
    log->on_read([this, topics = std::move(topics)](log::TopicId read) {
      for (const auto& topic : topics) {
        if (id_of(topic) == read) cut(topic);
      }
    });
  }
  void work(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      ASSERT_EQ(node->execute(Add{"g", "a", 1, "ping"}).kind, runtime::Outcome::Kind::accepted);
    }
    node->settle();
  }
};

TEST_F(CutTest, ARebuildGoesOnWhereEphemeralTopicsAndDecisionsBeginNow) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(5);
  restart_process();
  cut("tally.pings");
  cut("tally.decisions");
  stores.remove_all();
  auto started = start();
  ASSERT_TRUE(started.ok()) << describe(started.error());
  node->settle();
  EXPECT_EQ(node->balance("g", "a")->balance, 5) << "facts are all there";
  EXPECT_EQ(node->execute(Add{"g", "a", 1, "ping"}).reply, "{\"balance\":6}");
}

TEST_F(CutTest, AStoreBehindTheBeginOfAnEphemeralTopicGoesOnThere) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(2);
  ASSERT_TRUE(node->stop().ok());  // stores keep this much, and lose what comes after
  restart_process();
  ASSERT_TRUE(start().ok());
  work(5);
  restart_process();
  stores.crash();
  cut("tally.pings");
  cut("tally.decisions");
  auto started = start();
  ASSERT_TRUE(started.ok()) << describe(started.error());
  work(1);
  EXPECT_EQ(node->balance("g", "a")->balance, 8);
}

TEST_F(CutTest, ARebuildGoesOnWhenTopicsAreCutUnderIt) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(5);
  restart_process();
  stores.remove_all();
  cut_under_readers({"tally.pings", "tally.decisions"});
  auto started = start();
  ASSERT_TRUE(started.ok()) << describe(started.error());
  node->settle();
  EXPECT_EQ(node->balance("g", "a")->balance, 5);
  EXPECT_EQ(log->begin(id_of("tally.pings"), lane_of("g", log->lanes())), Tmseq{5});
}

TEST_F(CutTest, AStoreWhoseWitnessIsCutUnderItsEyesIsKept) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(2);
  ASSERT_TRUE(node->stop().ok());
  restart_process();
  cut_under_readers({"tally.pings", "tally.decisions"});
  auto started = start();
  ASSERT_TRUE(started.ok()) << describe(started.error());
  EXPECT_EQ(log->begin(id_of("tally.pings"), lane_of("g", log->lanes())), Tmseq{2}) << "the store was held against the log";
  work(1);
  EXPECT_EQ(node->balance("g", "a")->balance, 3);
}

TEST_F(CutTest, AProjectionAtWorkGoesOnBehindTheCut) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(2);
  cut_under_readers({"tally.pings", "tally.decisions"});
  work(1);
  log->on_read(nullptr);
  work(2);
  EXPECT_EQ(node->balance("g", "a")->balance, 5);
}

TEST_F(CutTest, AFactTopicThatIsCutIsDamage) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(2);
  restart_process();
  cut("tally.entries");
  stores.remove_all();
  auto started = start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::corrupt);
  EXPECT_NE(started.error().message.find("tally.entries lane "), std::string::npos) << started.error().message;
  EXPECT_NE(started.error().message.find("kept for ever"), std::string::npos) << started.error().message;
}

TEST_F(CutTest, ACursorSaysHowMuchItHasPassed) {
  ASSERT_TRUE(start().ok());
  node->execute(Open{"g", "a", 0});
  work(3);
  const log::TopicId topic = id_of("tally.pings");
  const LaneId lane = lane_of("g", log->lanes());
  using runtime::LogCursor;
  LogCursor stopping(*log, topic, "tally.pings", lane, Tmseq{0});
  LogCursor passing(*log, topic, "tally.pings", lane, Tmseq{0}, LogCursor::kReadBytes, LogCursor::Cut::pass);
  cut("tally.pings");
  work(1);
  auto refused = stopping.peek();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::not_found);
  auto head = passing.peek();
  ASSERT_TRUE(head.ok());
  ASSERT_NE(*head, nullptr);
  EXPECT_EQ((*head)->envelope.tmseq, Tmseq{3});
  EXPECT_EQ(passing.passed(), 3u);
}

}  // namespace
}  // namespace tidemark::testing
