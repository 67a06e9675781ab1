#include <gtest/gtest.h>

#include <random>

#include "core/runtime/decision_record.hpp"
#include "core/runtime/state_fold.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using tally::Add;
using tally::Open;

/// Restarts a node over the same history as often as asked, losing unflushed rows.
class RecoveryTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler{7};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  MemoryStores stores;
  std::unique_ptr<TallyNode> node;

  void start(runtime::NodeOptions options = {}) {
    node = std::make_unique<TallyNode>(scheduler, *log, stores, options);
    auto started = node->start();
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log = std::make_unique<MemoryLog>(history, scheduler);
    stores.crash();
  }
};

TEST_F(RecoveryTest, StateAnswersAndProjectionsSurviveACrashThatLosesEveryRow) {
  start();
  node->execute(Open{"g", "a", 0});
  auto first = node->execute(Add{"g", "a", 7, "note"}, "key");
  crash();
  start();
  auto repeat = node->execute(Add{"g", "a", 7, "note"}, "key");
  EXPECT_TRUE(repeat.replayed);
  EXPECT_EQ(repeat.reply, first.reply);
  EXPECT_EQ(repeat.events[1].id, first.events[1].id);
  auto next = node->execute(Add{"g", "a", 1, ""});
  EXPECT_EQ(next.reply, "{\"balance\":8}");
  EXPECT_EQ(next.events[0].sequence, 3u) << "the stream goes on where it was";
  node->settle();
  EXPECT_EQ(node->balance("g", "a")->balance, 8);
  EXPECT_EQ(node->balance("g", "a")->events, 3);
}

TEST_F(RecoveryTest, ACleanStopKeepsTheRows) {
  start();
  node->execute(Open{"g", "a", 0});
  ASSERT_TRUE(node->stop().ok());
  crash();  // after the flush: nothing to lose
  EXPECT_FALSE(all_rows(stores.at("state/tally-v1")).empty());
  start();
  EXPECT_EQ(node->execute(Add{"g", "a", 0, ""}).kind, Outcome::Kind::nothing);
}

TEST_F(RecoveryTest, StoresOfAnotherHistoryAreRebuilt) {
  start();
  node->execute(Open{"g", "a", 0});
  ASSERT_TRUE(node->stop().ok());
  crash();
  // The log is exchanged for an empty one of another epoch.
  history = std::make_shared<LogHistory>();
  history->epoch = derive_uuid("another", "epoch");
  log = std::make_unique<MemoryLog>(history, scheduler);
  start();
  EXPECT_EQ(node->execute(Add{"g", "a", 1, ""}).reason, "NO_SUCH_ACCOUNT");
  node->settle();
  EXPECT_FALSE(node->balance("g", "a"));
}

TEST_F(RecoveryTest, AStoreThatIsAheadOfItsLogWitnessesTheLossAndTheNodeRefuses) {
  start();
  node->execute(Open{"g", "a", 0});
  const auto shorter = std::make_shared<LogHistory>(*history);  // a backup of the log, taken now
  node->execute(Open{"g", "b", 0});
  ASSERT_TRUE(node->stop().ok());
  crash();
  history = shorter;
  log = std::make_unique<MemoryLog>(history, scheduler);
  node = std::make_unique<TallyNode>(scheduler, *log, stores);
  auto refused = node->start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::corrupt);
  EXPECT_NE(refused.error().message.find("is missing"), std::string::npos) << refused.error().message;
  // Somebody who wants to go on with the shorter log removes the stores.
  crash();
  stores.remove_all();
  start();
  EXPECT_EQ(node->execute(Add{"g", "b", 1, ""}).reason, "NO_SUCH_ACCOUNT");
  EXPECT_EQ(node->execute(Add{"g", "a", 1, ""}).kind, Outcome::Kind::accepted);
}

TEST_F(RecoveryTest, AnUnknownEventTypeStopsTheOwner) {
  start();
  node->execute(Open{"g", "a", 0});
  crash();
  // A newer build wrote a type that this one does not know.
  event::RecordEncoder encoder;
  event::Envelope envelope;
  envelope.id = to_string(derive_uuid("x", "y"));
  envelope.source = "/tidemark/tally";
  envelope.type = "tidemark.tally.Melted.v9";
  envelope.subject = envelope.partitionkey = "g";
  envelope.time = scheduler.wall();
  const LaneId lane = lane_of("g", history->lanes);
  envelope.tmseq = log->end(log::TopicId{0}, lane);
  const auto decisions = log->open_topic({"tally.decisions", log::TopicClass::decisions});
  ASSERT_TRUE(decisions.ok());
  envelope.tmdecision = event::DecisionRef{Tmseq{log->end(*decisions, lane).value - 1}, 1};
  log::RecordBatchBuilder records;
  records.add(encoder.encode(envelope, "{}"));
  log::LaneBatch batch;
  batch.topics.push_back({log::TopicId{0}, *envelope.tmseq, std::move(records)});
  bool written = false;
  log->append({lane, history->owner_epochs[lane.value]}, std::move(batch), [&](Result<void> result) { written = result.ok(); });
  scheduler.run_ready();
  scheduler.run_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(written);
  node = std::make_unique<TallyNode>(scheduler, *log, stores);
  auto started = node->start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::unsupported_version);
  EXPECT_NE(started.error().message.find("Melted"), std::string::npos);
}

/// Rows of state and projections equal a fold from zero, whatever was crashed, flushed and batched in between.
TEST_F(RecoveryTest, LiveRowsEqualAFoldFromZero) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    history = std::make_shared<LogHistory>();
    stores.remove_all();
    crash();
    runtime::NodeOptions options;
    options.batch_commands_max = 1 + random() % 8;
    options.store_flush_records = 1 + random() % 30;
    start(options);
    for (int round = 0; round < 60; ++round) {
      std::vector<std::optional<Outcome>> outcomes(1 + random() % 6);
      for (auto& outcome : outcomes) {
        const std::string group = "g" + std::to_string(random() % 4), account = "a" + std::to_string(random() % 5);
        const std::string key = random() % 3 == 0 ? "k" + std::to_string(random() % 20) : "";
        if (random() % 4 == 0) {
          node->launch((*node)->execute(TallyNode::request(Open{group, account, static_cast<std::int64_t>(random() % 3 * 500)}, key)), outcome);
        } else {
          const std::string note = random() % 3 == 0 ? "ping" : "";
          node->launch((*node)->execute(TallyNode::request(Add{group, account, static_cast<std::int64_t>(random() % 50), note}, key)), outcome);
        }
      }
      ASSERT_TRUE(scheduler.run_until([&] { return std::all_of(outcomes.begin(), outcomes.end(), [](auto& o) { return o.has_value(); }); }));
      if (random() % 10 == 0) {
        crash();
        start(options);
      }
      if (random() % 5 == 0) scheduler.run_for(std::chrono::milliseconds(400));
    }
    node->settle();
    const auto live_state = all_rows(stores.at("state/tally-v1"));
    const auto live_rows = all_rows(stores.at("projections/tally.balances-v1"));
    ASSERT_TRUE(node->stop().ok());
    crash();
    // Fold from zero without taking the lanes: a fresh store over the same history.
    stores.remove_all();
    auto domain = tally::make_domain();
    auto fresh = runtime::open_domain(domain, *log, stores);
    ASSERT_TRUE(fresh.ok());
    const std::atomic<bool> stop{false};
    auto folded = runtime::fold_all_lanes(*fresh, *log, std::chrono::hours(24), 2048, stop);  // in several runs
    ASSERT_TRUE(folded.ok()) << describe(folded.error());
    EXPECT_EQ(all_rows(*fresh->state), live_state);
    start(options);
    node->settle();
    EXPECT_EQ(all_rows(stores.at("projections/tally.balances-v1")), live_rows);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tidemark::testing
