// Long reads of a partition, past librdkafka: what they give, and who reads what they leave.
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include "core/log/kafka/bulk_reader.hpp"
#include "core/log/kafka/records.hpp"
#include "tests/contract/kafka/kafka_rig.hpp"
#include "tests/support/broker/broker.hpp"

namespace tidemark::log::test {
namespace {

using kafka::BulkReader;
using kafka::PartitionName;
using tidemark::test::Broker;
using tidemark::test::fresh_prefix;

constexpr std::uint64_t kAppends = 24, kInOne = 500, kRecords = kAppends * kInOne;
constexpr std::uint32_t kLane = 2;

class BulkReadTest : public ::testing::Test {
 protected:
  const std::string prefix = fresh_prefix(), bootstrap = Broker::shared().bootstrap();
  const PartitionName partition{prefix + "builds.ledger", kLane};
  kafka::ClientOptions client;

  void SetUp() override {
    client.brokers = bootstrap;
    Rig writer(bootstrap, prefix);
    ASSERT_TRUE(writer.take_lane(kLane)) << writer.last_error;
    for (std::uint64_t i = 0; i < kAppends; ++i) {
      if (i == kAppends / 2) before_second_half();
      LaneBatch batch;
      for (const TopicId topic : {writer.ledger, writer.decisions}) {
        TopicRecords records{topic, writer.log().end(topic, LaneId{kLane}), {}};
        for (std::uint64_t k = 0; k < kInOne; ++k) add(records.records, i * kInOne + k);
        batch.topics.push_back(std::move(records));
      }
      const auto written = writer.append(writer.owned(kLane), std::move(batch));
      ASSERT_TRUE(written.ok()) << describe(written.error());
    }
  }
  virtual void before_second_half() {}
  static void add(RecordBatchBuilder& records, std::uint64_t at) {
    const std::string value = value_at(at), said = std::to_string(at);
    const event::HeaderView headers[] = {{"ce_id", "an id"}, {"ce_tmseq", said}};
    event::RecordView view;
    view.value = value;
    view.timestamp_ms = 1700000000000;
    if (at % 3 != 0) view.headers = std::span(headers).first(at % 3);  // without ce_tmseq the log says the position
    records.add(view);
  }
  static std::string value_at(std::uint64_t at) { return std::to_string(at) + std::string(at % 300, 'x'); }
  static void expect_all(const std::vector<std::string>& values) {
    ASSERT_EQ(values.size(), kRecords) << (values.empty() ? "" : values.back());
    for (std::uint64_t at = 0; at < kRecords; ++at) ASSERT_EQ(values[at], value_at(at));
  }
  /// What a reader of its own gives from the begin on, until it gives nothing.
  std::vector<std::string> read_in_bulk(BulkReader& reader) {
    auto consumer = kafka::make_consumer(client, kafka::Isolation::committed, {});
    if (!consumer) throw std::runtime_error(describe(consumer.error()));
    std::vector<std::string> out;
    for (;;) {
      const BulkReader::Request request{partition, out.size(), kRecords, 1};
      const auto answer = reader.read(request, consumer->get(), [] { return std::optional<std::int64_t>(0); });
      if (answer.batches.empty()) return out;
      for (const StoredBatch& batch : answer.batches) {
        auto records = RecordBatchReader::open(batch.view());
        while (records.ok() && !records->done()) {
          const auto record = records->next();
          if (!record) throw std::runtime_error(describe(record.error()));
          for (const auto& header : record->headers) EXPECT_TRUE(header.name.starts_with("ce_")) << header.name;
          if (record->offset == static_cast<std::int64_t>(out.size())) out.emplace_back(record->value.value_or(""));
        }
        if (!records) throw std::runtime_error(describe(records.error()));
      }
      if (out.size() >= kRecords) return out;
    }
  }
};

TEST_F(BulkReadTest, ALongReadGivesEveryRecordAsItWasAppended) {
  BulkReader reader(client);
  expect_all(read_in_bulk(reader));
  Rig other(bootstrap, prefix);
  expect_all(other.values(other.ledger, kLane));
  expect_all(other.values(other.decisions, kLane));
}

TEST_F(BulkReadTest, OtherProtocolsThanPlaintextAreLeftToLibrdkafka) {
  client.properties["security.protocol"] = "ssl";
  BulkReader reader(client);
  auto consumer = kafka::make_consumer(client, kafka::Isolation::committed, {});
  ASSERT_TRUE(consumer.ok());
  const auto answer = reader.read({partition, 0, kRecords, 1}, consumer->get(), [] { return std::optional<std::int64_t>(0); });
  EXPECT_TRUE(answer.batches.empty());
}

/// A transaction that is given up lies in the middle, of as many records as an append.
class GivenUpTest : public BulkReadTest {
 protected:
  void before_second_half() override {
    auto producer = kafka::make_producer(client, prefix + "another");
    ASSERT_TRUE(producer.ok());
    ASSERT_FALSE(kafka::take_error(rd_kafka_init_transactions(producer->get(), 60'000)).failed);
    ASSERT_FALSE(kafka::take_error(rd_kafka_begin_transaction(producer->get())).failed);
    std::vector<std::int64_t> offsets(kInOne, kafka::kNotDelivered);
    event::RecordView view;
    view.value = "given up";
    for (std::uint64_t i = 0; i < kInOne; ++i) {
      ASSERT_TRUE(kafka::produce(producer->get(), partition.topic, partition.partition, view, Tmseq{i}, "", offsets[i]).ok());
    }
    ASSERT_EQ(rd_kafka_flush(producer->get(), 60'000), RD_KAFKA_RESP_ERR_NO_ERROR);
    ASSERT_FALSE(kafka::take_error(rd_kafka_abort_transaction(producer->get(), 60'000)).failed);
  }
};

TEST_F(GivenUpTest, TransactionsThatWereGivenUpAreReadPastByHistory) {
  BulkReader reader(client);
  EXPECT_LT(read_in_bulk(reader).size(), kRecords);
  Rig other(bootstrap, prefix);
  expect_all(other.values(other.ledger, kLane));
  expect_all(other.values(other.decisions, kLane));
}

}  // namespace
}  // namespace tidemark::log::test
