// Whether what was read of a lane is all of the appends that it names.
#include "core/log/kafka/lane_tail.hpp"

#include <gtest/gtest.h>

namespace tidemark::log::kafka {
namespace {

constexpr LaneId kLane{0};
const std::vector<Topic> kTopics{{TopicId{0}, {"builds.ledger", TopicClass::fact}, "it.builds.ledger"},
                                 {TopicId{1}, {"builds.decisions", TopicClass::decisions}, "it.builds.decisions"}};
const std::string kAppend = "builds.ledger:7+1,builds.decisions:13+1";

Published part(std::size_t topic, std::uint64_t first, std::uint64_t count, std::string commit) {
  return {TopicId{static_cast<std::uint16_t>(topic)}, first, count, nullptr, std::nullopt, 0, std::move(commit)};
}

class KafkaLaneTail : public testing::Test {
 protected:
  KafkaLaneTail() {
    view_.add_topic();
    view_.add_topic();
  }
  void know(std::vector<Published> parts) { view_.publish(kLane, std::move(parts)); }
  std::optional<Torn> torn(std::vector<Published> parts, std::vector<LaneTail::Emptied> emptied = {}) {
    return find_torn(view_, kTopics, kLane, LaneTail{std::move(parts), std::move(emptied)});
  }
  View view_{1, 1000};
};

TEST_F(KafkaLaneTail, OfAnAppendThatIsThereInAllItsTopicsIsWhole) {
  EXPECT_FALSE(torn({}));
  EXPECT_FALSE(torn({part(0, 7, 1, kAppend), part(1, 13, 1, kAppend)}));
  know({part(0, 7, 1, kAppend), part(1, 13, 1, kAppend)});
  EXPECT_FALSE(torn({}));
  EXPECT_FALSE(torn({part(1, 14, 1, "builds.decisions:14+1")}));
}

TEST_F(KafkaLaneTail, OfAnAppendThatLacksAPartIsTornAndNamesIt) {
  const auto found = torn({part(1, 13, 1, kAppend)});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->commit, kAppend);
  EXPECT_EQ(found->what, "it.builds.decisions lane 0 holds an append (" + kAppend + ") of which it.builds.ledger lacks its part: the transaction was torn");
}

TEST_F(KafkaLaneTail, MayHaveOnePartInTheViewAndTheOtherInTheTail) {
  know({part(1, 13, 1, kAppend)});
  EXPECT_TRUE(torn({}));
  EXPECT_FALSE(torn({part(0, 7, 1, kAppend)}));
}

TEST_F(KafkaLaneTail, NeedNotHoldWhatRetentionTookNorTopicsThatAreNotOpen) {
  const std::string append = "builds.ledger:7+1,other.topic:3+1,builds.decisions:13+1";
  EXPECT_FALSE(torn({part(0, 7, 1, append)}, {{TopicId{1}, 14, 40}}));
}

TEST_F(KafkaLaneTail, WithACommitThatDoesNotDecodeIsTorn) {
  const auto found = torn({part(0, 7, 1, "nonsense")});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->what, "it.builds.ledger lane 0: tmcommit does not decode: nonsense");
}

}  // namespace
}  // namespace tidemark::log::kafka
