// What the log on Kafka knows without asking a broker, and what its appends say of themselves.
#include "core/log/kafka/view.hpp"

#include <gtest/gtest.h>

#include "core/log/kafka/records.hpp"
#include "core/log/kafka/topics.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr TopicId kLedger{0}, kDecisions{1};
constexpr LaneId kLane{2};

Published part(TopicId topic, std::uint64_t first, std::uint64_t count, std::int64_t offset) {
  RecordBatchBuilder builder;
  for (std::uint64_t i = 0; i < count; ++i) {
    event::RecordView record;
    record.value = "value";
    builder.add(record);
  }
  auto bytes = std::make_shared<std::string>();
  builder.encode(static_cast<std::int64_t>(first), *bytes);
  return {topic, first, count, std::move(bytes), Mark{first, offset}, offset + static_cast<std::int64_t>(count), "commit of " + std::to_string(first)};
}

class KafkaView : public testing::Test {
 protected:
  void publish(Published one) {
    std::vector<Published> parts;
    parts.push_back(std::move(one));
    view_.publish(kLane, std::move(parts));
  }
  KafkaView() {
    view_.add_topic();
    view_.add_topic();
  }
  View view_{4, 1000};
};

TEST_F(KafkaView, PublishesTheTopicsOfAnAppendAtOnceAndPassesOverWhatIsKnown) {
  std::vector<Published> parts;
  parts.push_back(part(kLedger, 0, 3, 0));
  parts.push_back(part(kDecisions, 0, 1, 0));
  auto again = parts;
  EXPECT_TRUE(view_.publish(kLane, std::move(parts)));
  EXPECT_FALSE(view_.publish(kLane, std::move(again)));
  EXPECT_EQ(view_.end(kLedger, kLane), 3u);
  EXPECT_EQ(view_.end(kDecisions, kLane), 1u);
  EXPECT_EQ(view_.end(kLedger, LaneId{0}), 0u);
  EXPECT_EQ(view_.after(kLedger, kLane), 3);
  EXPECT_EQ(view_.commit(kLedger, kLane), "commit of 0");
}

TEST_F(KafkaView, GivesBatchesFromMemoryFromTheOneThatHoldsTheRecord) {
  publish(part(kLedger, 0, 3, 0));
  publish(part(kLedger, 3, 2, 4));
  auto batches = view_.batches(kLedger, kLane, 1, 1'000'000);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].first, Tmseq{0});
  EXPECT_EQ(view_.batches(kLedger, kLane, 3, 1).size(), 1u);
  EXPECT_EQ(view_.batches(kLedger, kLane, 3, 1)[0].first, Tmseq{3});
  EXPECT_TRUE(view_.batches(kLedger, kLane, 5, 1).empty());
}

TEST_F(KafkaView, ForgetsTheOldestBatchesWhenMemoryIsFull) {
  for (std::uint64_t i = 0; i < 100; ++i) publish(part(kLedger, i, 1, static_cast<std::int64_t>(2 * i)));
  EXPECT_TRUE(view_.batches(kLedger, kLane, 0, 1).empty());
  EXPECT_FALSE(view_.batches(kLedger, kLane, 99, 1).empty());
  EXPECT_EQ(view_.end(kLedger, kLane), 100u);
}

TEST_F(KafkaView, KeepsNoBatchesWithAGapBetweenThem) {
  publish(part(kLedger, 0, 3, 0));
  auto without_bytes = part(kLedger, 3, 2, 4);
  without_bytes.batch = nullptr;
  publish(std::move(without_bytes));
  EXPECT_TRUE(view_.batches(kLedger, kLane, 0, 1).empty());
  publish(part(kLedger, 5, 1, 7));
  EXPECT_EQ(view_.batches(kLedger, kLane, 5, 1).size(), 1u);
  EXPECT_TRUE(view_.batches(kLedger, kLane, 4, 1).empty());
}

TEST_F(KafkaView, BoundsWhereARecordLiesByTheMarksAroundIt) {
  view_.set_bounds(kLedger, kLane, {100, 1'000'101, 3'000'300, Mark{100, 150}, Mark{1'000'100, 3'000'200}, "c"});
  EXPECT_EQ(view_.begin(kLedger, kLane), 100u);
  auto place = view_.place(kLedger, kLane, 500'000);
  EXPECT_EQ(place.low, 150 + (500'000 - 100));                // at least one offset for each record before it
  EXPECT_EQ(place.high, 3'000'200 - (1'000'100 - 500'000));   // and for each behind it
  view_.note(kLedger, kLane, Mark{499'990, 1'600'000});
  EXPECT_EQ(view_.place(kLedger, kLane, 500'000).low, 1'600'010);
  EXPECT_EQ(view_.place(kLedger, kLane, 100).low, 150);
  EXPECT_EQ(view_.place(kLedger, kLane, 100).high, 150);
}

TEST_F(KafkaView, MovesItsBeginWhereRetentionHasCut) {
  view_.set_bounds(kLedger, kLane, {0, 50, 99, std::nullopt, Mark{49, 98}, "c"});
  view_.set_begin(kLedger, kLane, Mark{20, 40});
  EXPECT_EQ(view_.begin(kLedger, kLane), 20u);
  EXPECT_EQ(view_.place(kLedger, kLane, 20).low, 40);
  view_.set_begin(kLedger, kLane, Mark{10, 20});
  EXPECT_EQ(view_.begin(kLedger, kLane), 20u) << "it never moves back";
}

TEST_F(KafkaView, APartitionThatRetentionEmptiedBeginsWhereItEnds) {
  publish(part(kLedger, 0, 3, 0));
  EXPECT_FALSE(view_.set_emptied(kLedger, kLane, 3, 4)) << "nothing that was not known";
  EXPECT_EQ(view_.begin(kLedger, kLane), 3u);
  EXPECT_EQ(view_.end(kLedger, kLane), 3u);
  EXPECT_EQ(view_.after(kLedger, kLane), 4);
  EXPECT_TRUE(view_.set_emptied(kLedger, kLane, 9, 12));
  EXPECT_EQ(view_.begin(kLedger, kLane), 9u);
  EXPECT_TRUE(view_.batches(kLedger, kLane, 0, 1000).empty());
  EXPECT_FALSE(view_.set_emptied(kLedger, kLane, 5, 20)) << "it knows better";
  EXPECT_EQ(view_.end(kLedger, kLane), 9u);
  publish(part(kLedger, 9, 2, 12));
  EXPECT_EQ(view_.end(kLedger, kLane), 11u);
  EXPECT_EQ(view_.place(kLedger, kLane, 9).low, 12);
}

TEST(KafkaCommit, ReadsBackWhatAnAppendSaysOfItself) {
  const std::string text = encode_commit({{"builds.ledger", 12, 3}, {"builds.decisions", 40, 2}});
  EXPECT_EQ(text, "builds.ledger:12+3,builds.decisions:40+2");
  const auto parts = decode_commit(text);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[1].topic, "builds.decisions");
  EXPECT_EQ((*parts)[1].first, 40u);
  EXPECT_EQ((*parts)[1].count, 2u);
  for (const char* bad : {"", "builds.ledger", "builds.ledger:1", "builds.ledger:1+", "builds.ledger:+1", ":1+1", "builds.ledger:1+0", "builds.ledger:1+1,", "a:1+x",
                          "a:99999999999999999999+1", "a:-1+1", "a:57+0@", "a:57+0@-1", "a:57+1@131", "a:57+0@x"}) {
    EXPECT_FALSE(decode_commit(bad)) << bad;
  }
}

TEST(KafkaCommit, NamesWhereTopicsEndThatItLeavesAlone) {
  const std::string text = encode_commit({{"builds.ledger", 12, 3}, {"builds.activity", 57, 0, 131}});
  EXPECT_EQ(text, "builds.ledger:12+3,builds.activity:57+0@131");
  const auto parts = decode_commit(text);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[1].first, 57u);
  EXPECT_EQ((*parts)[1].count, 0u);
  EXPECT_EQ((*parts)[1].after, 131);
}

TEST(KafkaTopicCheck, JudgesASettingByWhatItWouldLose) {
  const TopicSpec fact{"builds.ledger", TopicClass::fact};
  TopicFacts good;
  good.partitions = 4;
  good.replicas = 3;
  good.config = config_for(fact, 3);
  const auto judged = [&](const TopicFacts& facts, const TopicSpec& spec, Finding::Kind kind) {
    std::vector<std::string> out;
    for (const auto& finding : check_topic(spec, 4, facts, 3, std::chrono::hours(24))) {
      if (finding.kind == kind) out.push_back(finding.setting);
    }
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(judged(good, fact, Finding::Kind::loses), Names{});
  EXPECT_EQ(judged(good, fact, Finding::Kind::weak), Names{});
  auto one_acknowledges = good;
  one_acknowledges.config["min.insync.replicas"] = "1";
  EXPECT_EQ(judged(one_acknowledges, fact, Finding::Kind::loses), Names{"min.insync.replicas"});
  auto all_needed = good;
  all_needed.config["min.insync.replicas"] = "3";
  EXPECT_EQ(judged(all_needed, fact, Finding::Kind::weak), Names{"min.insync.replicas"});
  auto short_lived = good;
  short_lived.config["retention.ms"] = "3600000";
  EXPECT_EQ(judged(short_lived, fact, Finding::Kind::loses), Names{"retention.ms"});
  EXPECT_EQ(judged(short_lived, TopicSpec{"builds.decisions", TopicClass::decisions}, Finding::Kind::loses), Names{"retention.ms"});
  EXPECT_EQ(judged(short_lived, TopicSpec{"builds.activity", TopicClass::ephemeral}, Finding::Kind::loses), Names{});
}

}  // namespace
}  // namespace tidemark::log::kafka
