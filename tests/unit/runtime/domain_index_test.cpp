// The index of a domain: where decisions lie and what a subject's stream holds; and expected versions of streams.

#include <gtest/gtest.h>

#include <algorithm>

#include "core/runtime/domain_index.hpp"
#include "core/runtime/log_cursor.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::ExpectedVersion;
using runtime::Outcome;
using tally::Add;
using tally::Open;

class DomainIndexTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;
  TallyNode node{scheduler, log, stores};

  void SetUp() override { ASSERT_TRUE(node.start().ok()); }

  /// The index once it has applied all that is durable.
  const RowReader& index() {
    auto position = runtime::index_end(*node, "tally");
    EXPECT_TRUE(node.run(node->wait_applied("tally.index", position, scheduler.now() + std::chrono::seconds(5))).ok());
    rows_ = node->projection_rows("tally.index");
    return *rows_;
  }
  event::Event read(const runtime::RecordPlace& place) {
    const auto topics = log.topics();
    const auto spec = std::find_if(topics.begin(), topics.end(), [&](const auto& t) { return t.name == place.topic; });
    auto event = runtime::read_event(log, *log.open_topic(*spec), place.topic, place.lane, place.at);
    EXPECT_TRUE(event.ok());
    return *event;
  }
  std::vector<std::string> ids(std::string_view subject, std::size_t page = 1000) {
    std::vector<std::string> out;
    std::optional<runtime::StreamOrder> after;
    for (;;) {
      const auto entries = runtime::list_stream(index(), "tally", subject, after, page);
      for (const auto& entry : entries) out.push_back(read(entry.place).envelope.id);
      if (entries.size() < page) return out;
      after = entries.back().order;
    }
  }
  template <class C>
  Outcome expecting(const C& command, ExpectedVersion expected, std::string key = {}) {
    auto request = TallyNode::request(command, std::move(key));
    request.expected = std::move(expected);
    return node.run(node->execute(std::move(request)));
  }

 private:
  std::shared_ptr<const RowReader> rows_;
};

TEST_F(DomainIndexTest, EveryDecisionIsFoundByItsCommandId) {
  const auto drawn = node.execute(Open{"g", "a", 0});
  const auto keyed = node.execute(Open{"h", "b", 0}, "key-1");
  const auto refused = node.execute(Open{"h", "b", 0});
  for (const auto& outcome : {drawn, keyed, refused}) {
    const auto place = runtime::find_decision(index(), "tally", *parse_uuid(outcome.command_id));
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(read(*place).envelope.commandid, outcome.command_id);
  }
  EXPECT_FALSE(runtime::find_decision(index(), "tally", derive_uuid("nobody", "asked")).has_value());
}

TEST_F(DomainIndexTest, TheDecisionOfATimerIsFoundToo) {
  node.execute(Open{"g", "a", 1000});
  scheduler.run_for(std::chrono::seconds(2));
  const auto entries = runtime::list_stream(index(), "tally", "a", std::nullopt, 10);
  ASSERT_EQ(entries.size(), 2u);
  const auto expired = read(entries.back().place);
  const auto place = runtime::find_decision(index(), "tally", *parse_uuid(expired.envelope.commandid));
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(read(*place).envelope.actor, "system:timer");
}

TEST_F(DomainIndexTest, DecisionsOfManyDaysAreFoundUntilTheyAreTwiceAsOldAsTheirRecordsAreKept) {
  const auto first = node.execute(Open{"g", "a", 0});
  scheduler.jump_wall(std::chrono::hours(24 * 6));
  const auto second = node.execute(Add{"g", "a", 1, ""});
  EXPECT_TRUE(runtime::find_decision(index(), "tally", *parse_uuid(first.command_id)).has_value());
  EXPECT_TRUE(runtime::find_decision(index(), "tally", *parse_uuid(second.command_id)).has_value());
  scheduler.jump_wall(std::chrono::hours(24 * 12));
  for (int i = 0; i < 1100; ++i) node.execute(Add{"g", "a", i % 2 == 0 ? 1 : -1, ""});
  EXPECT_FALSE(runtime::find_decision(index(), "tally", *parse_uuid(first.command_id)).has_value());
  EXPECT_TRUE(runtime::find_decision(index(), "tally", *parse_uuid(second.command_id)).has_value());
}

TEST_F(DomainIndexTest, OfACommandIdThatWasUsedAgainTheLatestDecisionIsFound) {
  node.execute(Open{"g", "a", 0});
  const auto first = node.execute(Add{"g", "a", 1, ""}, "key");
  scheduler.jump_wall(std::chrono::hours(24 * 2));
  const auto second = node.execute(Add{"g", "a", 1, ""}, "key");
  ASSERT_EQ(second.command_id, first.command_id);
  ASSERT_FALSE(second.replayed);
  const auto place = runtime::find_decision(index(), "tally", *parse_uuid(second.command_id));
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(read(*place).envelope.time, scheduler.wall());
}

TEST_F(DomainIndexTest, AStreamListsItsNumberedEventsOfAllTopicsInOrder) {
  std::vector<std::string> expected;
  const auto keep = [&](const Outcome& outcome, std::size_t numbered) {
    for (std::size_t i = 0; i < numbered; ++i) expected.push_back(outcome.events.at(i).id);
  };
  keep(node.execute(Open{"g", "a", 0}), 1);
  node.execute(Open{"g", "b", 0});
  for (int i = 0; i < 20; ++i) keep(node.execute(Add{"g", "a", 1, i % 3 == 0 ? "note" : ""}), i % 3 == 0 ? 2 : 1);
  keep(node.execute(Add{"g", "a", 1, "ping"}), 2);  // the third event is ephemeral
  for (const std::size_t page : {1000u, 1u, 7u}) EXPECT_EQ(ids("a", page), expected) << "pages of " << page;
  EXPECT_EQ(runtime::stream_version(index(), "a"), expected.size() - 1);
  EXPECT_FALSE(runtime::stream_version(index(), "nobody").has_value());
  EXPECT_TRUE(ids("nobody").empty());
}

TEST_F(DomainIndexTest, AnEventIsListedUnderItsSecondSubjectWithoutANumber) {
  node.execute(Open{"g", "a", 0});
  node.execute(Open{"g", "b", 0});
  const auto moved = node.execute(tally::Move{"g", "a", "b", 5});
  ASSERT_EQ(moved.kind, Outcome::Kind::accepted);
  const auto of_b = runtime::list_stream(index(), "tally", "b", std::nullopt, 10);
  ASSERT_EQ(of_b.size(), 2u);
  EXPECT_EQ(read(of_b[1].place).envelope.id, moved.events[0].id);
  EXPECT_FALSE(of_b[1].sequence.has_value());
  EXPECT_EQ(runtime::stream_version(index(), "b"), 0u);
  EXPECT_EQ(runtime::stream_version(index(), "a"), 1u);
}

TEST_F(DomainIndexTest, ARebuiltIndexIsTheSame) {
  for (int i = 0; i < 10; ++i) node.execute(Open{"g" + std::to_string(i), "a" + std::to_string(i % 3), 0});
  const auto rows = [](const RowReader& reader) {
    std::vector<std::pair<std::string, std::string>> all;
    reader.scan("\x01", "", [&](std::string_view key, std::string_view value) {
      all.emplace_back(key, value);
      return true;
    });
    return all;
  };
  const auto live = rows(index());
  MemoryStores empty;
  TallyNode again(scheduler, log, empty);
  ASSERT_TRUE(again.start().ok());
  ASSERT_TRUE(again.run(again->wait_applied("tally.index", runtime::index_end(*again, "tally"), scheduler.now() + std::chrono::seconds(5))).ok());
  auto rebuilt = rows(*again->projection_rows("tally.index"));
  for (const auto& row : live) EXPECT_NE(std::find(rebuilt.begin(), rebuilt.end(), row), rebuilt.end());
}

TEST_F(DomainIndexTest, AnExpectedVersionHoldsOnlyWhenTheStreamIsThere) {
  EXPECT_EQ(expecting(Open{"g", "a", 0}, {"a", true, 0}).kind, Outcome::Kind::version_conflict);
  EXPECT_EQ(expecting(Open{"g", "a", 0}, {"a", true, std::nullopt}).kind, Outcome::Kind::version_conflict);
  EXPECT_EQ(expecting(Open{"g", "a", 0}, {"a", false, std::nullopt}).kind, Outcome::Kind::accepted);
  const auto late = expecting(Add{"g", "a", 1, ""}, {"a", false, std::nullopt});
  EXPECT_EQ(late.kind, Outcome::Kind::version_conflict);
  EXPECT_EQ(late.version, 0u);
  EXPECT_EQ(expecting(Add{"g", "a", 1, ""}, {"a", true, 0}).kind, Outcome::Kind::accepted);
  EXPECT_EQ(expecting(Add{"g", "a", 1, ""}, {"a", true, 0}).version, 1u);
  EXPECT_EQ(expecting(Add{"g", "a", 1, ""}, {"a", true, std::nullopt}).kind, Outcome::Kind::accepted);
}

TEST_F(DomainIndexTest, AConflictIsNoDecisionAndARepeatGetsItsFirstAnswer) {
  node.execute(Open{"g", "a", 0});
  const auto before = history->appends;
  EXPECT_EQ(expecting(Add{"g", "a", 1, ""}, {"a", true, 7}, "k").kind, Outcome::Kind::version_conflict);
  EXPECT_EQ(history->appends, before);
  const auto first = expecting(Add{"g", "a", 1, ""}, {"a", true, 0}, "k");
  ASSERT_EQ(first.kind, Outcome::Kind::accepted);
  const auto again = expecting(Add{"g", "a", 1, ""}, {"a", true, 0}, "k");
  EXPECT_EQ(again.kind, Outcome::Kind::accepted);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.events[0].id, first.events[0].id);
}

TEST_F(DomainIndexTest, OfManyCommandsThatExpectOneVersionInOneBatchOneIsAccepted) {
  node.execute(Open{"g", "a", 0});
  std::vector<std::optional<Outcome>> outcomes(50);
  for (auto& outcome : outcomes) {
    auto request = TallyNode::request(Add{"g", "a", 1, ""});
    request.expected = ExpectedVersion{"a", true, 0};
    node.launch(node->execute(std::move(request)), outcome);
  }
  ASSERT_TRUE(scheduler.run_until([&] { return std::all_of(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.has_value(); }); }));
  const auto accepted = std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o->kind == Outcome::Kind::accepted; });
  EXPECT_EQ(accepted, 1);
}

}  // namespace
}  // namespace tidemark::testing
