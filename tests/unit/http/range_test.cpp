#include "core/http/range.hpp"

#include <gtest/gtest.h>

namespace tidemark::http {
namespace {

struct Case {
  const char* field;
  std::uint64_t content;
  RangeKind kind;
  std::uint64_t first;
  std::uint64_t size;
};

TEST(HttpRange, ChoosesWhatToSend) {
  constexpr auto whole = RangeKind::whole, part = RangeKind::part, none = RangeKind::unsatisfiable;
  const Case cases[] = {
      {"bytes=0-0", 10, part, 0, 1},
      {"bytes=0-9", 10, part, 0, 10},
      {"bytes=0-10", 10, part, 0, 10},
      {"bytes=3-", 10, part, 3, 7},
      {"bytes=9-9", 10, part, 9, 1},
      {"bytes=-1", 10, part, 9, 1},
      {"bytes=-100", 10, part, 0, 10},
      {"Bytes = 2-4", 10, part, 2, 3},
      {"bytes=0-99999999999999999999999", 10, part, 0, 10},
      {"bytes=10-", 10, none, 0, 0},
      {"bytes=99999999999999999999999-", 10, none, 0, 0},
      {"bytes=-0", 10, none, 0, 0},
      {"bytes=0-", 0, none, 0, 0},
      {"bytes=-5", 0, none, 0, 0},
      {"bytes=5-4", 10, whole, 0, 0},
      {"bytes=", 10, whole, 0, 0},
      {"bytes=-", 10, whole, 0, 0},
      {"bytes=a-b", 10, whole, 0, 0},
      {"bytes=1-2,4-5", 10, whole, 0, 0},
      {"items=0-1", 10, whole, 0, 0},
      {"0-1", 10, whole, 0, 0},
  };
  for (const Case& each : cases) {
    const RangeChoice choice = choose_range(each.field, each.content);
    EXPECT_EQ(choice.kind, each.kind) << each.field;
    EXPECT_EQ(choice.first, each.first) << each.field;
    EXPECT_EQ(choice.size, each.size) << each.field;
  }
}

TEST(HttpRange, IfRangeTakesTheIdenticalStrongTagOnly) {
  EXPECT_TRUE(if_range_holds("\"a\"", "\"a\""));
  EXPECT_FALSE(if_range_holds("\"b\"", "\"a\""));
  EXPECT_FALSE(if_range_holds("W/\"a\"", "W/\"a\""));
  EXPECT_FALSE(if_range_holds("Tue, 15 Nov 1994 08:12:31 GMT", "\"a\""));
  EXPECT_FALSE(if_range_holds("", ""));
}

TEST(HttpRange, IfNoneMatchComparesWeaklyAndKnowsLists) {
  EXPECT_TRUE(none_match_fails("\"a\"", "\"a\""));
  EXPECT_TRUE(none_match_fails("W/\"a\"", "\"a\""));
  EXPECT_TRUE(none_match_fails("\"x\", \"a\"", "\"a\""));
  EXPECT_TRUE(none_match_fails("\"x,y\" , \"a\"", "\"a\""));
  EXPECT_TRUE(none_match_fails("*", "\"a\""));
  EXPECT_FALSE(none_match_fails("\"x\"", "\"a\""));
  EXPECT_FALSE(none_match_fails("a", "\"a\""));
  EXPECT_FALSE(none_match_fails("", "\"a\""));
}

}  // namespace
}  // namespace tidemark::http
