// The commands topics of a log on Kafka: reading on from a position, moving commands with an append, sending one.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <atomic>

#include "tests/contract/kafka/kafka_rig.hpp"
#include "tests/support/broker/broker.hpp"

namespace tidemark::log::test {
namespace {

using tidemark::test::Broker;
using tidemark::test::fresh_prefix;

OwnedRecord command(const std::string& value) {
  OwnedRecord record;
  record.key = "key of " + value;
  record.value = value;
  record.headers = {{"a", "1"}, {"b", std::nullopt}, {"a", ""}};
  record.timestamp_ms = 1'700'000'000'000;
  return record;
}

class KafkaInbox : public ::testing::Test {
 protected:
  const std::string prefix = fresh_prefix();
  Rig rig{Broker::shared().bootstrap(), prefix};
  const TopicId commands = rig.topic("builds.commands", TopicClass::commands);

  Result<void> send(std::uint32_t lane, OwnedRecord record) {
    std::optional<Result<void>> result;
    rig.log().inbox()->send(commands, LaneId{lane}, std::move(record), [&](Result<void> r) { result = std::move(r); });
    rig.wait([&] { return result.has_value(); });
    return std::move(*result);
  }
  struct Reading {
    std::shared_ptr<std::atomic<int>> woken = std::make_shared<std::atomic<int>>(0);
    std::unique_ptr<InboxReader> reader;
    std::vector<InboxRecord> records;
    std::vector<InboxGap> gaps;
    bool more = false;
  };
  Reading read(Rig& from, std::uint32_t lane, std::optional<std::uint64_t> position) {
    Reading reading;
    reading.reader = from.log().inbox()->read(commands, LaneId{lane}, position, [woken = reading.woken] { ++*woken; });
    return reading;
  }
  /// Takes when it is woken, as a lane does, until there are so many.
  void take(Reading& reading, std::size_t count, std::size_t bytes_max = 1u << 20) {
    rig.wait([&] {
      if (reading.woken->exchange(0) > 0) reading.more = true;
      while (reading.more && reading.records.size() < count) {
        auto slice = reading.reader->take(100, bytes_max);
        if (slice.gap) reading.gaps.push_back(*slice.gap);
        for (auto& record : slice.records) reading.records.push_back(std::move(record));
        reading.more = slice.more;
      }
      return reading.records.size() >= count;
    });
  }
  LaneBatch moving(std::uint32_t from, std::uint32_t to, std::vector<std::string> values) {
    LaneBatch batch;
    batch.topics.push_back(Rig::record(rig.ledger, rig.log().end(rig.ledger, LaneId{from}), "moved"));
    batch.moves.push_back({commands, LaneId{to}, {}});
    for (const auto& value : values) batch.moves[0].records.push_back(command(value));
    return batch;
  }
};

void expect_equal(const OwnedRecord& one, const OwnedRecord& other) {
  EXPECT_EQ(one.key, other.key);
  EXPECT_EQ(one.value, other.value);
  EXPECT_EQ(one.headers, other.headers);
  EXPECT_EQ(one.timestamp_ms, other.timestamp_ms);
}

TEST_F(KafkaInbox, WhatIsSentIsReadAsItIsFromAnyPositionOn) {
  auto reading = read(rig, 1, std::nullopt);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(1, command("c" + std::to_string(i))).ok());
  ASSERT_TRUE(send(1, OwnedRecord{}).ok());
  take(reading, 6);
  for (int i = 0; i < 5; ++i) expect_equal(reading.records[static_cast<std::size_t>(i)].record, command("c" + std::to_string(i)));
  EXPECT_FALSE(reading.records[5].record.key || reading.records[5].record.value);
  for (int i = 0; i < 20; ++i) {  // readers that end at once leave nothing behind
    auto again = read(rig, 1, reading.records[3].position);
    if (i % 2 == 0) continue;
    take(again, 3);
    EXPECT_EQ(again.records[0].record.value, "c3");
    EXPECT_TRUE(again.gaps.empty());
  }
  EXPECT_EQ(send(1, command(std::string(5u << 20, 'x'))).error().code, Code::exhausted);
}

TEST_F(KafkaInbox, CommandsMoveWithTheAppendOrNotAtAll) {
  ASSERT_TRUE(rig.take_lane(0));
  auto reading = read(rig, 2, std::nullopt);
  ASSERT_TRUE(rig.append(rig.owned(0), moving(0, 2, {"m0", "m1"})).ok());
  take(reading, 2);
  expect_equal(reading.records[0].record, command("m0"));
  auto refused = moving(0, 2, {"never"});
  refused.topics[0].first = Tmseq{17};
  EXPECT_EQ(rig.append(rig.owned(0), std::move(refused)).error().code, Code::invalid_argument);
  EXPECT_EQ(rig.append(rig.owned(0), moving(0, 0, {"to itself"})).error().code, Code::invalid_argument);
  EXPECT_EQ(rig.append(rig.owned(0), moving(0, 99, {"nowhere"})).error().code, Code::invalid_argument);
  Rig other(Broker::shared().bootstrap(), prefix);
  ASSERT_TRUE(other.take_lane(0));
  EXPECT_EQ(rig.append(rig.owned(0), moving(0, 2, {"of one that was fenced"})).error().code, Code::fenced);
  ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
  ASSERT_TRUE(rig.append(rig.owned(0), moving(0, 2, {"m2"})).ok());
  take(reading, 3);
  EXPECT_EQ(reading.records[2].record.value, "m2");
}

TEST_F(KafkaInbox, MuchIsTakenInParts) {
  const std::string text(32u << 10, 't');
  std::size_t answered = 0;
  for (int i = 0; i < 640; ++i) {  // 20 MiB
    rig.log().inbox()->send(commands, LaneId{0}, command(std::to_string(i) + text), [&](Result<void> r) { answered += r.ok(); });
  }
  rig.wait([&] { return answered == 640; });
  auto reading = read(rig, 0, std::nullopt);
  take(reading, 640, 64u << 10);
  for (std::size_t i = 0; i < 640; ++i) ASSERT_TRUE(reading.records[i].record.value->starts_with(std::to_string(i) + "t")) << i;
}

/// Retention of a broker, at once.
void delete_before(const std::string& topic, std::int32_t partition, std::int64_t offset) {
  char why[256];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", Broker::shared().bootstrap().c_str(), why, sizeof why);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client);
  rd_kafka_DeleteRecords(client, &request, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 60'000);
  EXPECT_TRUE(event != nullptr && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(request);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_destroy(client);
}

TEST_F(KafkaInbox, APositionThatIsGoneIsSaidAndReadingGoesOn) {
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(send(3, command(std::to_string(i))).ok());
  delete_before(prefix + "builds.commands", 3, 4);
  auto late = read(rig, 3, 1);
  take(late, 2);
  EXPECT_EQ(late.records[0].record.value, "4");
  ASSERT_EQ(late.gaps.size(), 1u);
  EXPECT_EQ(late.gaps[0].due, 1u);
  EXPECT_EQ(late.gaps[0].found, 4u);
  auto ahead = read(rig, 3, 900);
  take(ahead, 2);
  EXPECT_EQ(ahead.records[0].record.value, "4");
  EXPECT_EQ(ahead.gaps.size(), 1u);
  auto fresh = read(rig, 3, std::nullopt);
  take(fresh, 2);
  EXPECT_TRUE(fresh.gaps.empty());
}

}  // namespace
}  // namespace tidemark::log::test
