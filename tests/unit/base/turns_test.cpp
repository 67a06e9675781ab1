#include "core/base/turns_by_name.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark {
namespace {

struct Visitors {
  testing::VirtualScheduler scheduler{1};
  Turns turns;
  std::vector<int> done;
  int inside = 0, most = 0;

  explicit Visitors(std::size_t places) : turns(scheduler, places) {}

  static Task<void> visit(Visitors& self, int number, Duration takes) {
    const auto turn = co_await self.turns.take();
    self.most = std::max(self.most, ++self.inside);
    if (takes > Duration(0)) (void)co_await sleep_for(self.scheduler, takes);
    --self.inside;
    self.done.push_back(number);
  }
  void come(int number, Duration takes) { spawn(visit(*this, number, takes)); }
  void finish() {
    while (scheduler.step()) {}
  }
};

TEST(Turns, TheyAreGivenInTheOrderOfArrivalAndNeverTooManyAtOnce) {
  Visitors visitors(2);
  for (int i = 0; i < 10; ++i) visitors.come(i, Duration(10));
  EXPECT_EQ(visitors.inside, 2);
  EXPECT_EQ(visitors.turns.waiting(), 8u);
  visitors.finish();
  EXPECT_EQ(visitors.done, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(visitors.most, 2);
  visitors.come(10, Duration(0));
  EXPECT_EQ(visitors.done.back(), 10) << "the places are free again";
}

TEST(Turns, AThousandThatEndAtOnceDoNotNest) {
  Visitors visitors(1);
  visitors.come(-1, Duration(10));
  for (int i = 0; i < 1000; ++i) visitors.come(i, Duration(0));
  visitors.finish();
  EXPECT_EQ(visitors.done.size(), 1001u);
  EXPECT_EQ(visitors.most, 1);
}

TEST(TurnsByName, OnlyThoseOfOneNameWaitForEachOther) {
  testing::VirtualScheduler scheduler{1};
  TurnsByName turns(scheduler);
  std::vector<int> begun, done;
  const auto visit = [&](int number, std::string name) -> Task<void> {
    auto taking = turns.take(std::move(name));
    const auto turn = co_await std::move(taking);
    begun.push_back(number);
    auto pausing = sleep_for(scheduler, Duration(10));
    (void)co_await pausing;
    done.push_back(number);
  };
  for (int i = 0; i < 6; ++i) spawn(visit(i, i < 4 ? "a" : "b"));
  EXPECT_EQ(begun, (std::vector{0, 4}));
  EXPECT_EQ(turns.names(), 2u);
  while (scheduler.step()) {}
  EXPECT_EQ(begun.size(), 6u);
  EXPECT_EQ(done, (std::vector{0, 4, 1, 5, 2, 3}));
  EXPECT_EQ(turns.names(), 0u) << "nothing is left of them";
}

}  // namespace
}  // namespace tidemark
