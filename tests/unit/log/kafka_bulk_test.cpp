// Records as brokers send them, handed on without a copy: what is asked for, what may be taken from the answer, and what may not.
#include <gtest/gtest.h>

#include <random>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/log/kafka/fetch_request.hpp"
#include "core/log/kafka/raw_batches.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr std::uint16_t kOfTransaction = 0x10, kControl = 0x20, kCompressed = 0x01;

event::RecordView record(std::span<const event::HeaderView> headers, std::string_view value = "value") {
  event::RecordView out;
  out.key = "key";
  out.value = value;
  out.timestamp_ms = 1700000000000;
  out.headers = headers;
  return out;
}

/// A batch as a broker has it.
std::string stored(std::uint64_t first, std::uint64_t count, std::int64_t offset, std::uint16_t attributes = kOfTransaction, bool with_positions = true) {
  RecordBatchBuilder builder;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string at = std::to_string(first + i);
    // Events say their position themselves; of other records the log says it.
    std::vector<event::HeaderView> headers{{"ce_id", "an id"}};
    if (with_positions) headers.push_back({i % 2 == 0 ? "ce_tmseq" : "tmseq", at});
    if (i + 1 == count) headers.push_back({"tmcommit", "builds.ledger:0+1"});
    builder.add(record(headers, "value " + at));
  }
  std::string out;
  builder.encode(offset, out);
  out.replace(12, 4, std::string("\0\0\0\7", 4));  // the leader's epoch
  std::string covered;
  put_u16_be(covered, attributes);
  out.replace(21, 2, covered);
  std::string crc;
  put_u32_be(crc, crc32c(std::string_view(out).substr(21)));
  return out.replace(17, 4, crc);
}

std::optional<RawBatches> take(const std::string& bytes, std::uint64_t due) {
  return take_batches(std::make_shared<std::string>(bytes), 0, bytes.size(), due);
}

TEST(RawBatches, AreReadAsTheyWereAppended) {
  auto taken = take(stored(40, 3, 1000) + stored(43, 2, 1004), 40);
  ASSERT_TRUE(taken);
  ASSERT_EQ(taken->batches.size(), 2u);
  EXPECT_EQ(taken->first_offset, 1000);
  EXPECT_EQ(taken->next_offset, 1006);
  std::uint64_t at = 40;
  for (const StoredBatch& batch : taken->batches) {
    EXPECT_EQ(batch.first.value, at);
    auto reader = RecordBatchReader::open(batch.view());
    ASSERT_TRUE(reader.ok()) << describe(reader.error());
    EXPECT_EQ(reader->base_offset(), static_cast<std::int64_t>(at));
    for (; !reader->done(); ++at) {
      const auto one = reader->next();
      ASSERT_TRUE(one.ok());
      EXPECT_EQ(one->value, "value " + std::to_string(at));
      EXPECT_EQ(one->timestamp_ms, 1700000000000);
      ASSERT_GE(one->headers.size(), 1u);
      for (const auto& header : one->headers) EXPECT_TRUE(header.name.starts_with("ce_")) << header.name;
    }
  }
  EXPECT_EQ(at, 45u);
}

TEST(RawBatches, BeginWithTheOneThatHoldsWhatIsDue) {
  const std::string bytes = stored(40, 3, 1000) + stored(43, 2, 1004);
  for (const std::uint64_t due : {41u, 42u}) {
    const auto taken = take(bytes, due);
    ASSERT_TRUE(taken && taken->batches.size() == 2);
    EXPECT_EQ(taken->batches.front().first.value, 40u);
  }
  const auto second = take(bytes, 43);
  ASSERT_TRUE(second && second->batches.size() == 1);
  EXPECT_EQ(second->first_offset, 1004);
  const auto none = take(bytes, 45);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->batches.empty());
  EXPECT_EQ(none->next_offset, 1006);
}

TEST(RawBatches, PassOverWhatEndsTransactionsAndWhatIsCutOff) {
  const std::string marker = stored(0, 1, 1003, kOfTransaction | kControl, false), last = stored(43, 2, 1004);
  const auto whole = take(stored(40, 3, 1000) + marker + last, 40);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->batches.size(), 2u);
  for (std::size_t kept = 0; kept < last.size(); ++kept) {
    const auto cut = take(stored(40, 3, 1000) + marker + last.substr(0, kept), 40);
    ASSERT_TRUE(cut) << kept;
    EXPECT_EQ(cut->batches.size(), 1u);
    EXPECT_EQ(cut->next_offset, 1004);
  }
}

TEST(RawBatches, LeaveToOthersWhatIsNotPlain) {
  EXPECT_FALSE(take(stored(40, 3, 1000) + stored(44, 1, 1004), 40)) << "a gap";
  EXPECT_FALSE(take(stored(40, 3, 1000) + stored(42, 2, 1004), 40)) << "a repeat";
  EXPECT_FALSE(take(stored(41, 3, 1000), 40)) << "a gap at the begin";
  EXPECT_FALSE(take(stored(40, 3, 1000, kOfTransaction, false), 40)) << "records that no owner wrote";
  EXPECT_FALSE(take(stored(40, 3, 1000, kOfTransaction | kCompressed), 40)) << "compressed";
  std::string old = stored(40, 1, 1000);
  old[16] = 1;
  EXPECT_FALSE(take(old, 40)) << "an old format";
}

TEST(RawBatches, SurviveAnyBytes) {
  const std::uint32_t seed = std::random_device()();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const std::string good = stored(40, 5, 1000) + stored(45, 2, 1006);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good.substr(0, random() % (good.size() + 1));
    for (std::uint32_t flips = random() % 4; flips > 0 && !bytes.empty(); --flips) bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto taken = take(bytes, 40 + random() % 8);
    if (!taken) continue;
    for (const StoredBatch& batch : taken->batches) {
      auto reader = RecordBatchReader::open(batch.view());
      while (reader.ok() && !reader->done() && reader->next().ok()) {
      }
    }
  }
}

class FetchAnswer : public testing::Test {
 protected:
  const PartitionName partition{"p.builds.ledger", 3};
  const FetchRequest request{"client", 17, partition};

  std::string answer(std::string_view records, std::uint32_t aborted = 0, std::uint16_t error = 0) const {
    std::string out;
    put_u32_be(out, 17);
    put_u32_be(out, 0);
    put_u16_be(out, 0);
    put_u32_be(out, 0);
    put_u32_be(out, 1);
    put_u16_be(out, static_cast<std::uint16_t>(partition.topic.size()));
    out += partition.topic;
    put_u32_be(out, 1);
    put_u32_be(out, 3);
    put_u16_be(out, error);
    for (int i = 0; i < 3; ++i) put_u64_be(out, 99);
    put_u32_be(out, aborted);
    for (std::uint32_t i = 0; aborted != 0xffffffffu && i < 2 * aborted; ++i) put_u64_be(out, i);
    put_u32_be(out, 0xffffffffu);
    put_u32_be(out, static_cast<std::uint32_t>(records.size()));
    return out.append(records);
  }
};

TEST_F(FetchAnswer, GivesTheRecords) {
  for (const std::uint32_t none : {0u, 0xffffffffu}) {
    const std::string bytes = answer("records", none);
    const auto fetched = decode_fetched(bytes, request);
    ASSERT_TRUE(fetched);
    EXPECT_EQ(fetched->error, 0);
    EXPECT_FALSE(fetched->has_aborted);
    EXPECT_EQ(fetched->records, "records");
  }
  const std::string with_aborted = answer("records", 2);
  EXPECT_TRUE(decode_fetched(with_aborted, request)->has_aborted);
  const std::string moved = answer("", 0, 6);
  EXPECT_EQ(decode_fetched(moved, request)->error, 6);
}

TEST_F(FetchAnswer, IsRefusedWhenCutLongerOrAnothers) {
  const std::string good = answer("records", 1);
  for (std::size_t kept = 0; kept < good.size(); ++kept) EXPECT_FALSE(decode_fetched(good.substr(0, kept), request)) << kept;
  EXPECT_FALSE(decode_fetched(good + "x", request));
  const PartitionName other{"p.builds.ledger", 4};
  EXPECT_FALSE(decode_fetched(good, FetchRequest{"client", 17, other}));
  EXPECT_FALSE(decode_fetched(good, FetchRequest{"client", 18, partition}));
}

// Written out by hand from the protocol's description.
TEST_F(FetchAnswer, IsAskedForInTheBytesOfVersionEleven) {
  const FetchRequest wanted{"me", 17, partition, 300, 1 << 20, 100};
  const std::string body =
      "0001" "000b" "00000011" "0002" "6d65"  // Fetch, version, number, client
      "ffffffff" "00000064" "00000001" "00100000" "01" "00000000" "ffffffff"
      "00000001" "000f" + to_hex(partition.topic) +
      "00000001" "00000003" "ffffffff" "000000000000012c" "ffffffffffffffff" "00100000"
      "00000000" "0000";
  std::string length;
  put_u32_be(length, static_cast<std::uint32_t>(body.size() / 2));
  EXPECT_EQ(to_hex(encode_fetch(wanted)), to_hex(length) + body);
}

}  // namespace
}  // namespace tidemark::log::kafka
