// Reading ahead on another thread gives what reading alone gives, whenever it is given up.

#include <gtest/gtest.h>

#include "core/runtime/log_cursor.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::testing {
namespace {

using runtime::LogCursor;
using runtime::ReadAhead;

constexpr LaneId kLane{1};
constexpr std::size_t kReadBytes = 512;  // a few events

class ReadAheadTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler{5};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  log::TopicId topic = *log.open_topic({"tally.entries", log::TopicClass::fact});

  void write(std::uint64_t events, std::optional<std::uint64_t> broken = std::nullopt) {
    std::optional<log::Ownership> owner;
    log.take(kLane, [&](Result<log::Ownership> taken) { owner = *taken; });
    scheduler.run_ready();
    event::RecordEncoder encoder;
    for (std::uint64_t at = 0; at < events; ++at) {
      event::Envelope envelope;
      envelope.id = "event " + std::to_string(at);
      envelope.source = "/tidemark/tally";
      envelope.type = "tidemark.tally.Added.v1";
      envelope.tmseq = Tmseq{broken == at ? at + 7 : at};
      log::TopicRecords records{topic, Tmseq{at}, {}};
      records.records.add(encoder.encode(envelope, "{}"));
      log::LaneBatch batch;
      batch.topics.push_back(std::move(records));
      log.append(*owner, std::move(batch), [](Result<void> written) { ASSERT_TRUE(written.ok()); });
      scheduler.run_ready();
    }
  }
  LogCursor cursor(std::uint64_t from = 0) { return LogCursor(log, topic, "tally.entries", kLane, Tmseq{from}, kReadBytes); }
  /// Reads until `until` has been popped or something is wrong.
  static void expect_events(LogCursor& cursor, std::uint64_t from, std::uint64_t until) {
    for (std::uint64_t at = from; at < until; ++at) {
      auto head = cursor.peek();
      ASSERT_TRUE(head.ok()) << describe(head.error());
      ASSERT_NE(*head, nullptr);
      ASSERT_EQ((*head)->envelope.id, "event " + std::to_string(at));
      cursor.pop();
    }
  }
};

TEST_F(ReadAheadTest, GivesEveryEventInOrderAndThenGoesOnAlone) {
  write(300);
  auto ahead = std::make_shared<ReadAhead>();
  LogCursor reader = cursor();
  reader.read_ahead(ahead, Tmseq{200});
  expect_events(reader, 0, 300);
  EXPECT_EQ(*reader.peek(), nullptr);
}

TEST_F(ReadAheadTest, BegunForAnotherReaderLeavesTheFirstToItself) {
  write(300);
  auto ahead = std::make_shared<ReadAhead>();
  LogCursor first = cursor(), second = cursor(100);
  first.read_ahead(ahead, Tmseq{300});
  expect_events(first, 0, 50);
  second.read_ahead(ahead, Tmseq{300});
  expect_events(first, 50, 120);
  expect_events(second, 100, 300);
  expect_events(first, 120, 300);
}

TEST_F(ReadAheadTest, EndsInTheMiddleWithoutALoss) {
  write(300);
  LogCursor reader = cursor();
  reader.read_ahead(std::make_shared<ReadAhead>(), Tmseq{300});
  expect_events(reader, 0, 10);
  reader.read_alone();
  expect_events(reader, 10, 300);
}

TEST_F(ReadAheadTest, AnErrorIsMetWhereReadingAloneMeetsIt) {
  write(300, 250);
  LogCursor alone = cursor(), reader = cursor();
  reader.read_ahead(std::make_shared<ReadAhead>(), Tmseq{300});
  std::uint64_t reached[2] = {0, 0};
  std::string said[2];
  LogCursor* const both[] = {&alone, &reader};
  for (int i = 0; i < 2; ++i) {
    for (;;) {
      auto head = both[i]->peek();
      if (!head) {
        said[i] = describe(head.error());
        break;
      }
      ASSERT_NE(*head, nullptr);
      both[i]->pop();
      ++reached[i];
    }
  }
  EXPECT_EQ(reached[0], reached[1]);
  EXPECT_EQ(said[0], said[1]);
  EXPECT_NE(said[0].find("tmseq 250"), std::string::npos) << said[0];
}

}  // namespace
}  // namespace tidemark::testing
