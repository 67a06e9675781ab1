#include "core/log/record_batch.hpp"

#include <gtest/gtest.h>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::log {
namespace {

using event::HeaderView;
using event::RecordView;

RecordView record(std::optional<std::string_view> key, std::optional<std::string_view> value, std::span<const HeaderView> headers = {},
                  std::int64_t timestamp_ms = 0) {
  RecordView out;
  out.key = key;
  out.value = value;
  out.headers = headers;
  out.timestamp_ms = timestamp_ms;
  return out;
}

std::string small_batch() {
  const HeaderView headers[] = {{"h", "1"}, {"null", std::nullopt}};
  RecordBatchBuilder builder;
  builder.add(record("key", "value", headers, 1700000000000));
  builder.add(record(std::nullopt, "", {}, 1699999999999));
  builder.add(record("", std::nullopt, {}, 1700000000300));
  std::string out;
  builder.encode(42, out);
  EXPECT_EQ(out.size(), builder.size_bytes());
  return out;
}

/// Opens and reads everything; false on the first error.
bool reads_whole(std::string_view bytes) {
  auto reader = RecordBatchReader::open(bytes);
  if (!reader) return false;
  while (!reader->done()) {
    if (!reader->next()) return false;
  }
  return reader->size_bytes() == bytes.size();
}

// Written out by hand from the format's description: base offset 7, one record (timestamp 1000 ms, key "k", value "v").
TEST(RecordBatch, HasTheBytesOfTheKafkaFormat) {
  RecordBatchBuilder builder;
  builder.add(record("k", "v", {}, 1000));
  std::string out;
  builder.encode(7, out);
  const std::string covered =
      "0000"              // attributes
      "00000000"          // last offset delta
      "00000000000003e8"  // first timestamp
      "00000000000003e8"  // max timestamp
      "ffffffffffffffff"  // producer id
      "ffff"              // producer epoch
      "ffffffff"          // base sequence
      "00000001"          // records
      "10"                // length 8
      "00"                // attributes
      "00"                // timestamp delta
      "00"                // offset delta
      "02" "6b"           // key
      "02" "76"           // value
      "00";               // headers
  std::string crc;
  put_u32_be(crc, crc32c(*from_hex(covered)));
  EXPECT_EQ(to_hex(out), "0000000000000007" "0000003a" "ffffffff" "02" + to_hex(crc) + covered);
  EXPECT_EQ(out.size(), 70u);
}

TEST(RecordBatch, GivesBackWhatWasAdded) {
  const std::string bytes = small_batch() + "what follows";
  auto reader = RecordBatchReader::open(bytes);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(reader->base_offset(), 42);
  ASSERT_EQ(reader->count(), 3u);
  auto first = reader->next();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->offset, 42);
  EXPECT_EQ(first->timestamp_ms, 1700000000000);
  EXPECT_EQ(first->key, "key");
  EXPECT_EQ(first->value, "value");
  ASSERT_EQ(first->headers.size(), 2u);
  EXPECT_EQ(first->headers[0].name, "h");
  EXPECT_EQ(first->headers[0].value, "1");
  EXPECT_EQ(first->headers[1].value, std::nullopt);
  auto second = reader->next();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->offset, 43);
  EXPECT_EQ(second->timestamp_ms, 1699999999999);
  EXPECT_EQ(second->key, std::nullopt);
  EXPECT_EQ(second->value, "");
  auto third = reader->next();
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(third->key, "");
  EXPECT_EQ(third->value, std::nullopt);
  EXPECT_TRUE(reader->done());
  EXPECT_FALSE(reader->next().ok());
  EXPECT_EQ(reader->size_bytes() + 12, bytes.size());
}

TEST(RecordBatch, KeepsLargeAndManyRecords) {
  const std::string large(300000, 'x');
  RecordBatchBuilder builder;
  for (int i = 0; i < 2000; ++i) builder.add(record("k" + std::to_string(i), i == 1000 ? large : std::to_string(i)));
  std::string bytes;
  builder.encode(0, bytes);
  EXPECT_EQ(bytes.size(), builder.size_bytes());
  auto reader = RecordBatchReader::open(bytes);
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 2000; ++i) {
    auto next = reader->next();
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(next->value, i == 1000 ? large : std::to_string(i));
  }
  builder.clear();
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size_bytes(), 61u);
}

TEST(RecordBatch, RefusesEveryTruncation) {
  const std::string bytes = small_batch();
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(reads_whole(std::string_view(bytes).substr(0, size))) << size;
  EXPECT_TRUE(reads_whole(bytes));
}

TEST(RecordBatch, RefusesEveryFlippedBitThatItsChecksumCovers) {
  const std::string bytes = small_batch();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const std::size_t at = bit / 8;
    // Base offset and leader epoch are outside the checksum by the format; the journal checks them by its own.
    const bool outside = at < 8 || (at >= 12 && at < 16);
    EXPECT_EQ(reads_whole(damaged), outside) << "byte " << at;
  }
}

TEST(RecordBatch, RefusesCompressionAndControlBatches) {
  std::string bytes = small_batch();
  bytes[22] = 1;
  const std::uint32_t crc = crc32c(std::string_view(bytes).substr(21));
  for (int i = 0; i < 4; ++i) bytes[17 + static_cast<std::size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
  auto reader = RecordBatchReader::open(bytes);
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().code, Code::unsupported_version);
}

TEST(RecordBatch, SurvivesHostileRecordsBehindAGoodChecksum) {
  const std::string bytes = small_batch();
  int refused = 0;
  for (std::size_t at = 21; at < bytes.size(); ++at) {
    for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff}) {
      std::string hostile = bytes;
      hostile[at] = static_cast<char>(value);
      const std::uint32_t crc = crc32c(std::string_view(hostile).substr(21));
      for (int i = 0; i < 4; ++i) hostile[17 + static_cast<std::size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
      refused += reads_whole(hostile) ? 0 : 1;  // the sanitizers watch that no read leaves the bytes
    }
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace tidemark::log
