// Where a partition ends of which retention has left nothing.
#include "core/log/kafka/emptied.hpp"

#include <gtest/gtest.h>

namespace tidemark::log::kafka {
namespace {

const std::string kActivity = "builds.activity";

TEST(KafkaEmptied, EndsWhereItWasWhenOnlyTheMarkerOfItsLastAppendCameSince) {
  EXPECT_EQ(end_of_emptied(kActivity, {7, 14}, {}, 14), 7u);
  EXPECT_EQ(end_of_emptied(kActivity, {7, 14}, {}, 15), 7u);
}

TEST(KafkaEmptied, EndsNoLowerThanAnyRecordThatMayHaveComeSince) {
  EXPECT_EQ(end_of_emptied(kActivity, {7, 14}, {}, 16), 9u);
  EXPECT_EQ(end_of_emptied(kActivity, {0, 0}, {}, 16), 16u) << "nothing is known of it";
}

TEST(KafkaEmptied, EndsWhereAnAppendSawItEndThatLeftItAlone) {
  EXPECT_EQ(end_of_emptied(kActivity, {0, 0}, {"", "builds.decisions:40+2,builds.activity:7+0@14"}, 15), 7u);
  EXPECT_EQ(end_of_emptied(kActivity, {3, 6}, {"builds.decisions:40+2,builds.activity:7+0@14"}, 15), 7u) << "others wrote, and retention was faster";
  EXPECT_EQ(end_of_emptied(kActivity, {7, 14}, {"builds.decisions:30+2,builds.activity:3+0@6"}, 15), 7u) << "an older append";
}

TEST(KafkaEmptied, EndsBehindTheAppendThatWroteItLast) {
  EXPECT_EQ(end_of_emptied(kActivity, {3, 6}, {"builds.decisions:40+1,builds.activity:7+2"}, 17), 14u);
  EXPECT_EQ(end_of_emptied(kActivity, {3, 6}, {"builds.decisions:40+1,builds.activity:70+2"}, 17), 72u);
}

TEST(KafkaEmptied, IsNotToldByOtherTopicsNorByWhatDoesNotDecodeNorByWhatLiesBehindTheEnd) {
  EXPECT_EQ(end_of_emptied(kActivity, {3, 6}, {"builds.decisions:40+1,builds.logs:70+2", "nonsense", "builds.decisions:4+1,builds.activity:3+0@99"}, 7), 3u);
}

}  // namespace
}  // namespace tidemark::log::kafka
