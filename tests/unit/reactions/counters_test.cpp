#include <gtest/gtest.h>

#include "core/runtime/counters.hpp"
#include "core/runtime/volatile.hpp"

namespace tidemark::runtime {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class CountersTest : public ::testing::Test {
 protected:
  VolatileMemory values;
  VolatileMemory::Scoped memory{values, "boundary"};
  Time now = from_ms(1'700'000'000'000);
};

TEST_F(CountersTest, ATokenBucketGivesABurstAndThenTheRate) {
  const TokenBucket bucket{5, seconds(10)};
  for (int i = 4; i >= 0; --i) {
    const auto taken = bucket.take(memory, "k", now);
    EXPECT_TRUE(taken.allowed);
    EXPECT_EQ(taken.left, i);
  }
  const auto refused = bucket.take(memory, "k", now);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, seconds(2));
  EXPECT_FALSE(bucket.take(memory, "k", now + refused.retry_after - Duration(1)).allowed);
  EXPECT_TRUE(bucket.take(memory, "k", now + refused.retry_after).allowed);
  EXPECT_FALSE(bucket.take(memory, "k", now + refused.retry_after).allowed);
  EXPECT_TRUE(bucket.take(memory, "other", now).allowed);
}

TEST_F(CountersTest, OverALongTimeTheRateIsExact) {
  const TokenBucket bucket{7, seconds(3)};
  int allowed = 0;
  for (int ms = 0; ms < 300'000; ms += 10) allowed += bucket.take(memory, "k", now + Duration(ms)).allowed;
  EXPECT_GE(allowed, 700);
  EXPECT_LE(allowed, 707);
}

TEST_F(CountersTest, ATokenBucketTakesSeveralOrNone) {
  const TokenBucket bucket{10, seconds(10)};
  EXPECT_TRUE(bucket.take(memory, "k", now, 8).allowed);
  EXPECT_FALSE(bucket.take(memory, "k", now, 3).allowed);
  EXPECT_TRUE(bucket.take(memory, "k", now, 2).allowed);
  EXPECT_FALSE(bucket.take(memory, "fresh", now, 11).allowed);
  EXPECT_TRUE(bucket.take(memory, "fresh", now, 10).allowed) << "a refusal takes nothing";
}

TEST_F(CountersTest, AClockThatJumpsCostsAtMostOneWindow) {
  const TokenBucket bucket{5, seconds(10)};
  EXPECT_TRUE(bucket.take(memory, "k", now + std::chrono::hours(24 * 365), 5).allowed);
  EXPECT_FALSE(bucket.take(memory, "k", now).allowed);
  EXPECT_TRUE(bucket.take(memory, "k", now + seconds(10)).allowed) << "a value from a year ahead";
  memory.set("wild", INT64_MAX);
  EXPECT_FALSE(bucket.take(memory, "wild", now).allowed);
  memory.set("wild", INT64_MIN);
  EXPECT_TRUE(bucket.take(memory, "wild", now).allowed);

  const FixedWindow window{2, minutes(1)};
  EXPECT_TRUE(window.take(memory, "w", now + std::chrono::hours(1)).allowed);
  EXPECT_TRUE(window.take(memory, "w", now).allowed);
  EXPECT_FALSE(window.take(memory, "w", now).allowed);
  EXPECT_TRUE(window.take(memory, "w", now + minutes(1)).allowed);
}

TEST_F(CountersTest, AFixedWindowStartsAnewAtItsEdge) {
  const FixedWindow window{3, seconds(60)};
  const Time edge = from_ms((to_ms(now) / 60'000 + 1) * 60'000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(window.take(memory, "w", edge - seconds(1)).allowed);
  const auto refused = window.take(memory, "w", edge - seconds(1));
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, seconds(1));
  EXPECT_TRUE(window.take(memory, "w", edge).allowed);
}

TEST_F(CountersTest, ABreakerOpensProbesAndCloses) {
  const Breaker breaker{3, minutes(10), seconds(30)};
  for (int i = 0; i < 2; ++i) breaker.settle(memory, "d", now, false);
  EXPECT_EQ(breaker.wait(memory, "d", now), Duration(0));
  breaker.settle(memory, "d", now, false);
  EXPECT_EQ(breaker.wait(memory, "d", now), seconds(30));
  EXPECT_EQ(breaker.wait(memory, "d", now + seconds(29)), seconds(1));
  EXPECT_EQ(breaker.wait(memory, "d", now + seconds(30)), Duration(0)) << "the probe";
  EXPECT_GT(breaker.wait(memory, "d", now + seconds(30)), Duration(0)) << "one at a time";
  breaker.settle(memory, "d", now + seconds(31), false);
  EXPECT_GT(breaker.wait(memory, "d", now + seconds(60)), Duration(0));
  EXPECT_EQ(breaker.wait(memory, "d", now + seconds(61)), Duration(0));
  breaker.settle(memory, "d", now + seconds(61), true);
  EXPECT_EQ(breaker.wait(memory, "d", now + seconds(61)), Duration(0));
  EXPECT_EQ(breaker.wait(memory, "d", now + seconds(61)), Duration(0));
}

TEST_F(CountersTest, ABreakerForgetsFailuresOfAnEarlierWindowAndSurvivesAClockThatGoesBack) {
  const Breaker breaker{3, minutes(1), seconds(30)};
  for (int i = 0; i < 6; ++i) breaker.settle(memory, "d", now + i * minutes(1), false);
  EXPECT_EQ(breaker.wait(memory, "d", now + minutes(6)), Duration(0));
  for (int i = 0; i < 3; ++i) breaker.settle(memory, "d", now + std::chrono::hours(100), false);
  EXPECT_LE(breaker.wait(memory, "d", now), seconds(30));
}

TEST(VolatileMemoryTest, ItForgetsWhatWasSetLongestAgo) {
  VolatileMemory values(3);
  for (int i = 0; i < 3; ++i) values.set("k" + std::to_string(i), i);
  values.set("k0", 10);
  values.set("k3", 3);
  EXPECT_EQ(values.size(), 3u);
  EXPECT_EQ(values.get("k0"), 10);
  EXPECT_FALSE(values.get("k1"));
  values.erase("k0");
  values.erase("k0");
  EXPECT_EQ(values.size(), 2u);
}

}  // namespace
}  // namespace tidemark::runtime
