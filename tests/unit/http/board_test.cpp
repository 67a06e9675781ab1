#include <gtest/gtest.h>

#include "core/http/live_board.hpp"

namespace tidemark::http {
namespace {

std::vector<BoardSection> shown(std::vector<BoardItem> builds, std::vector<BoardItem> workers = {}) {
  std::vector<BoardSection> sections;
  sections.push_back({"builds", std::move(builds)});
  sections.push_back({"workers", std::move(workers)});
  return sections;
}

TEST(Board, TheFirstContentIsAVersionEvenWhenItIsEmpty) {
  Board board;
  EXPECT_EQ(board.version(), 0u);
  EXPECT_TRUE(board.update(shown({})));
  EXPECT_EQ(board.version(), 1u);
  EXPECT_EQ(board.snapshot(), R"({"builds":[],"workers":[]})");
}

TEST(Board, TheSameContentIsNoNewVersion) {
  Board board;
  board.update(shown({{"a", "1"}}, {{"w", "{}"}}));
  EXPECT_FALSE(board.update(shown({{"a", "1"}}, {{"w", "{}"}})));
  EXPECT_EQ(board.version(), 1u);
  EXPECT_EQ(board.changes_since(1), "{}");
}

TEST(Board, AChangeHasWhatIsNewOfTheSectionsThatDiffer) {
  Board board;
  board.update(shown({{"a", "1"}, {"b", "2"}}, {{"w", "9"}}));
  EXPECT_TRUE(board.update(shown({{"b", "3"}, {"c", "4"}}, {{"w", "9"}})));
  EXPECT_EQ(board.changes_since(1), R"({"builds":{"gone":["a"],"put":[3,4]}})");
  EXPECT_EQ(board.snapshot(), R"({"builds":[3,4],"workers":[9]})");
}

TEST(Board, WhoeverMissedManyVersionsGetsThemAsOneChange) {
  Board board;
  board.update(shown({{"a", "1"}}));
  board.update(shown({{"a", "2"}, {"b", "1"}}));
  board.update(shown({{"b", "1"}}, {{"w", "0"}}));
  board.update(shown({{"a", "5"}, {"b", "1"}}, {{"w", "0"}}));
  EXPECT_EQ(board.changes_since(1), R"({"builds":{"gone":["a"],"put":[5,1]},"workers":{"gone":[],"put":[0]}})");
  EXPECT_EQ(board.changes_since(3), R"({"builds":{"gone":[],"put":[5]}})");
}

TEST(Board, AnUnknownVersionHasNoChanges) {
  Board board;
  EXPECT_FALSE(board.changes_since(0));
  board.update(shown({}));
  EXPECT_FALSE(board.changes_since(0));
  EXPECT_FALSE(board.changes_since(2));
}

TEST(Board, RemovalsAreForgottenFromTheOldestOn) {
  Board board(2);
  board.update(shown({{"a", "1"}, {"b", "1"}, {"c", "1"}}));  // version 1
  board.update(shown({{"b", "1"}, {"c", "1"}}));              // 2
  board.update(shown({{"c", "1"}}));                          // 3
  EXPECT_TRUE(board.changes_since(1));
  board.update(shown({}));                                    // 4: what 2 removed is forgotten
  EXPECT_FALSE(board.changes_since(1));
  EXPECT_EQ(board.changes_since(2), R"({"builds":{"gone":["b","c"],"put":[]}})");
}

TEST(Board, AKeyIsWrittenAsJson) {
  Board board;
  board.update(shown({{"a\"\n", "1"}}));
  board.update(shown({}));
  EXPECT_EQ(board.changes_since(1), R"({"builds":{"gone":["a\"\n"],"put":[]}})");
}

}  // namespace
}  // namespace tidemark::http
