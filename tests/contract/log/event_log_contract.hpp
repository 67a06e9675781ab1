#pragma once
// What every EventLog must do: a parameterised suite. An adapter gives a LogHarness and instantiates EventLogContract.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::log::test {

/// One installation of a log with 4 lanes, in which the test's thread is the home thread.
class LogHarness {
 public:
  virtual ~LogHarness() = default;
  virtual EventLog& log() = 0;
  /// Closes the log in order and opens the same one again.
  virtual void reopen() = 0;
  /// Runs completions until `done` says so. Fails the test when that does not happen.
  virtual void run_until(const std::function<bool()>& done) = 0;
};

struct LogAdapter {
  std::string name;
  std::function<std::unique_ptr<LogHarness>()> make;
};

class EventLogContract : public ::testing::TestWithParam<LogAdapter> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }
  EventLog& log() { return harness_->log(); }

  TopicId topic(const std::string& name, TopicClass topic_class = TopicClass::fact) {
    auto id = log().open_topic(TopicSpec{name, topic_class, std::nullopt});
    EXPECT_TRUE(id.ok()) << describe(id.error());
    return *id;
  }
  Ownership take(std::uint32_t lane) {
    std::optional<Result<Ownership>> result;
    log().take(LaneId{lane}, [&](Result<Ownership> r) { result = std::move(r); });
    harness_->run_until([&] { return result.has_value(); });
    EXPECT_TRUE(result->ok());
    return **result;
  }
  static TopicRecords records(TopicId topic, std::uint64_t first, const std::vector<std::string>& values) {
    TopicRecords out;
    out.topic = topic;
    out.first = Tmseq{first};
    for (const auto& value : values) {
      event::RecordView record;
      record.value = value;
      record.timestamp_ms = 1700000000000;
      out.records.add(record);
    }
    return out;
  }
  static LaneBatch batch(TopicRecords one) {
    LaneBatch out;
    out.topics.push_back(std::move(one));
    return out;
  }
  Result<void> append(Ownership ownership, LaneBatch batch) {
    std::optional<Result<void>> result;
    log().append(ownership, std::move(batch), [&](Result<void> r) { result = std::move(r); });
    harness_->run_until([&] { return result.has_value(); });
    return std::move(*result);
  }
  /// Values from `from` to the end; names what is wrong instead of a value.
  std::vector<std::string> values(TopicId topic, std::uint32_t lane, std::uint64_t from = 0, std::size_t bytes = 1u << 20) {
    std::vector<std::string> out;
    std::uint64_t next = from;
    while (next < log().end(topic, LaneId{lane}).value) {
      auto batches = log().read(topic, LaneId{lane}, Tmseq{next}, bytes);
      if (!batches || batches->empty()) {
        out.push_back(batches ? "nothing read below the end" : describe(batches.error()));
        return out;
      }
      for (const StoredBatch& stored : *batches) {
        auto reader = RecordBatchReader::open(stored.view());
        if (!reader || reader->count() != stored.count || reader->base_offset() != static_cast<std::int64_t>(stored.first.value)) {
          out.push_back("a batch that does not open");
          return out;
        }
        while (!reader->done()) {
          auto record = reader->next();
          if (!record) {
            out.push_back(describe(record.error()));
            return out;
          }
          if (record->offset < static_cast<std::int64_t>(next)) continue;
          if (record->offset != static_cast<std::int64_t>(next)) out.push_back("a gap");
          out.emplace_back(*record->value);
          ++next;
        }
      }
    }
    return out;
  }

  std::unique_ptr<LogHarness> harness_;
};

using Values = std::vector<std::string>;

TEST_P(EventLogContract, StartsEmpty) {
  const TopicId ledger = topic("builds.ledger");
  EXPECT_FALSE(log().epoch().is_nil());
  EXPECT_EQ(log().lanes(), 4u);
  EXPECT_EQ(log().begin(ledger, LaneId{0}), Tmseq{0});
  EXPECT_EQ(log().end(ledger, LaneId{0}), Tmseq{0});
  auto batches = log().read(ledger, LaneId{0}, Tmseq{0}, 1000);
  ASSERT_TRUE(batches.ok());
  EXPECT_TRUE(batches->empty());
  EXPECT_FALSE(log().failure());
}

TEST_P(EventLogContract, DeclaresTopicsOnceAndKeepsTheirClass) {
  const TopicId ledger = topic("builds.ledger");
  const TopicId activity = topic("builds.activity", TopicClass::ephemeral);
  EXPECT_NE(ledger, activity);
  EXPECT_EQ(topic("builds.ledger"), ledger);
  auto clash = log().open_topic(TopicSpec{"builds.ledger", TopicClass::commands, std::nullopt});
  ASSERT_FALSE(clash.ok());
  EXPECT_EQ(clash.error().code, Code::invalid_argument);
  EXPECT_FALSE(log().open_topic(TopicSpec{"Builds Ledger", TopicClass::fact, std::nullopt}).ok());
  harness_->reopen();
  EXPECT_EQ(topic("builds.activity", TopicClass::ephemeral), activity);
  ASSERT_EQ(log().topics().size(), 2u);
  EXPECT_EQ(log().topics()[activity.value].topic_class, TopicClass::ephemeral);
}

TEST_P(EventLogContract, ReadsBackWhatWasAppended) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership owner = take(1);
  ASSERT_TRUE(append(owner, batch(records(ledger, 0, {"a", "b", "c"}))).ok());
  ASSERT_TRUE(append(owner, batch(records(ledger, 3, {"d"}))).ok());
  EXPECT_EQ(log().end(ledger, LaneId{1}), Tmseq{4});
  EXPECT_EQ(log().end(ledger, LaneId{0}), Tmseq{0});
  EXPECT_EQ(values(ledger, 1), (Values{"a", "b", "c", "d"}));
  EXPECT_EQ(values(ledger, 1, 1), (Values{"b", "c", "d"}));
  EXPECT_EQ(values(ledger, 1, 3), (Values{"d"}));
  EXPECT_EQ(values(ledger, 1, 0, 1), (Values{"a", "b", "c", "d"}));
}

TEST_P(EventLogContract, KeepsEverythingAcrossRestarts) {
  const TopicId ledger = topic("builds.ledger");
  const Uuid epoch = log().epoch();
  ASSERT_TRUE(append(take(2), batch(records(ledger, 0, {"a", "b"}))).ok());
  harness_->reopen();
  EXPECT_EQ(log().epoch(), epoch);
  EXPECT_EQ(values(ledger, 2), (Values{"a", "b"}));
  ASSERT_TRUE(append(take(2), batch(records(ledger, 2, {"c"}))).ok());
  harness_->reopen();
  EXPECT_EQ(values(ledger, 2), (Values{"a", "b", "c"}));
}

TEST_P(EventLogContract, AppendsToSeveralTopicsAtOnce) {
  const TopicId ledger = topic("builds.ledger"), decisions = topic("builds.decisions", TopicClass::decisions);
  const Ownership owner = take(0);
  LaneBatch both;
  both.topics.push_back(records(ledger, 0, {"e1", "e2"}));
  both.topics.push_back(records(decisions, 0, {"d1"}));
  ASSERT_TRUE(append(owner, std::move(both)).ok());
  EXPECT_EQ(values(ledger, 0), (Values{"e1", "e2"}));
  EXPECT_EQ(values(decisions, 0), (Values{"d1"}));
}

TEST_P(EventLogContract, CompletesTheAppendsOfALaneInTheOrderOfTheCalls) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership owner = take(3);
  std::vector<int> completed;
  for (int i = 0; i < 50; ++i) {
    log().append(owner, batch(records(ledger, static_cast<std::uint64_t>(i), {std::to_string(i)})), [&completed, i](Result<void> r) {
      EXPECT_TRUE(r.ok());
      completed.push_back(i);
    });
  }
  harness_->run_until([&] { return completed.size() == 50; });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(completed[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(values(ledger, 3).size(), 50u);
}

TEST_P(EventLogContract, FencesAnOwnerWhoseLaneWasTakenAnew) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership first = take(0);
  ASSERT_TRUE(append(first, batch(records(ledger, 0, {"a"}))).ok());
  const Ownership second = take(0);
  EXPECT_GT(second.epoch, first.epoch);
  auto late = append(first, batch(records(ledger, 1, {"late"})));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, Code::fenced);
  ASSERT_TRUE(append(second, batch(records(ledger, 1, {"b"}))).ok());
  log().release(second);
  EXPECT_FALSE(append(second, batch(records(ledger, 2, {"after release"}))).ok());
  EXPECT_EQ(values(ledger, 0), (Values{"a", "b"}));
}

TEST_P(EventLogContract, SettlesEarlierAppendsBeforeALaneIsTaken) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership first = take(0);
  bool appended = false, taken = false;
  log().append(first, batch(records(ledger, 0, {"a"})), [&](Result<void> r) { appended = r.ok() && !taken; });
  log().take(LaneId{0}, [&](Result<Ownership> r) { taken = r.ok(); });
  harness_->run_until([&] { return taken; });
  EXPECT_TRUE(appended);
  EXPECT_EQ(log().end(ledger, LaneId{0}), Tmseq{1});
}

TEST_P(EventLogContract, RefusesAnAppendThatIsNotAtTheEnd) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership owner = take(0);
  ASSERT_TRUE(append(owner, batch(records(ledger, 0, {"a"}))).ok());
  EXPECT_FALSE(append(owner, batch(records(ledger, 0, {"again"}))).ok());
  EXPECT_FALSE(append(owner, batch(records(ledger, 5, {"gap"}))).ok());
  EXPECT_FALSE(append(owner, LaneBatch{}).ok());
  EXPECT_EQ(values(ledger, 0), (Values{"a"}));
  ASSERT_TRUE(append(owner, batch(records(ledger, 1, {"b"}))).ok());
}

TEST_P(EventLogContract, MovesCommandsToAnInboxOnly) {
  const TopicId ledger = topic("builds.ledger"), other = topic("builds.other");
  const Ownership owner = take(0);
  LaneBatch moving = batch(records(ledger, 0, {"a"}));
  moving.moves.push_back({other, LaneId{1}, {OwnedRecord{}}});
  auto refused = append(owner, std::move(moving));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  EXPECT_EQ(values(ledger, 0), Values{});
}

TEST_P(EventLogContract, WritesNothingThatWasDecidedOnAnUnwrittenAppend) {
  const TopicId ledger = topic("builds.ledger"), other = topic("builds.other");
  const Ownership owner = take(0);
  std::vector<bool> results;
  auto note = [&](Result<void> r) { results.push_back(r.ok()); };
  log().append(owner, batch(records(ledger, 7, {"refused"})), note);
  log().append(owner, batch(records(other, 0, {"decided on top"})), note);
  harness_->run_until([&] { return results.size() == 2; });
  EXPECT_EQ(results, (std::vector<bool>{false, false}));
  EXPECT_TRUE(append(owner, batch(records(other, 0, {"decided afterwards"}))).ok());
}

TEST_P(EventLogContract, WakesWatchersAfterTheEndHasGrown) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership owner = take(0);
  auto woken = std::make_shared<std::atomic<int>>(0);
  const auto id = log().watch([woken] { ++*woken; });
  ASSERT_TRUE(append(owner, batch(records(ledger, 0, {"a"}))).ok());
  harness_->run_until([&] { return *woken > 0; });
  log().stop_watching(id);
  const int before = *woken;
  ASSERT_TRUE(append(owner, batch(records(ledger, 1, {"b"}))).ok());
  EXPECT_EQ(*woken, before);
}

TEST_P(EventLogContract, RefusesAnAppendOverTheLimit) {
  const TopicId ledger = topic("builds.ledger");
  const Ownership owner = take(0);
  TopicRecords large;
  large.topic = ledger;
  const std::string mebibyte(1u << 20, 'x');
  event::RecordView record;
  record.value = mebibyte;
  for (int i = 0; i < 33; ++i) large.records.add(record);
  auto result = append(owner, batch(std::move(large)));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::exhausted);
  EXPECT_TRUE(append(owner, batch(records(ledger, 0, {"a"}))).ok());
}

TEST_P(EventLogContract, KeepsLanesApart) {
  const TopicId ledger = topic("builds.ledger");
  for (std::uint32_t lane = 0; lane < 4; ++lane) {
    const Ownership owner = take(lane);
    for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(append(owner, batch(records(ledger, i, {std::to_string(lane) + "/" + std::to_string(i)}))).ok());
  }
  harness_->reopen();
  for (std::uint32_t lane = 0; lane < 4; ++lane) {
    const auto found = values(ledger, lane);
    ASSERT_EQ(found.size(), 20u);
    for (std::uint64_t i = 0; i < 20; ++i) EXPECT_EQ(found[i], std::to_string(lane) + "/" + std::to_string(i));
  }
}

}  // namespace tidemark::log::test
