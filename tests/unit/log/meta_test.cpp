#include "core/log/embedded/meta.hpp"

#include <gtest/gtest.h>

#include "core/base/bytes.hpp"

namespace tidemark::log {
namespace {

JournalMeta example() {
  JournalMeta meta;
  meta.epoch = *parse_uuid("0190a8f2-0000-7000-8000-000000000001");
  meta.lanes = 12;
  meta.topics = {{"builds.ledger", TopicClass::fact, std::nullopt},
                 {"builds.activity", TopicClass::ephemeral, Duration(86400000)},
                 {"builds.noise", TopicClass::ephemeral, std::nullopt, 1u << 20},
                 {"builds.dead-letters", TopicClass::dead_letters, std::nullopt}};
  return meta;
}

TEST(JournalMeta, ReadsWhatItWrites) {
  const std::string text = render_meta(example());
  auto meta = parse_meta(text);
  ASSERT_TRUE(meta.ok());
  EXPECT_EQ(meta->epoch, example().epoch);
  EXPECT_EQ(meta->lanes, 12u);
  ASSERT_EQ(meta->topics.size(), 4u);
  EXPECT_EQ(meta->topics[2].retention_bytes, 1u << 20);
  EXPECT_EQ(meta->topics[1].retention_bytes, std::nullopt);
  EXPECT_EQ(meta->topics[1].name, "builds.activity");
  EXPECT_EQ(meta->topics[1].topic_class, TopicClass::ephemeral);
  EXPECT_EQ(meta->topics[1].retention, Duration(86400000));
  EXPECT_EQ(render_meta(*meta), text);
}

TEST(JournalMeta, RefusesEveryFlippedBitAndTruncation) {
  const std::string text = render_meta(example());
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    auto meta = parse_meta(damaged);
    ASSERT_FALSE(meta.ok()) << "bit " << bit;
    EXPECT_EQ(meta.error().code, Code::corrupt);
  }
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_meta(text.substr(0, size)).ok()) << size;
}

TEST(JournalMeta, NamesANewerFormat) {
  std::string text = "tidemark-journal 2\nwhatever\n";
  std::string crc;
  put_u32_be(crc, crc32c(text));
  auto meta = parse_meta(text + "crc32c " + to_hex(crc) + "\n");
  ASSERT_FALSE(meta.ok());
  EXPECT_EQ(meta.error().code, Code::unsupported_version);
}

TEST(JournalMeta, KnowsTopicNames) {
  EXPECT_TRUE(is_topic_name("builds.ledger"));
  EXPECT_TRUE(is_topic_name("builds.dead-letters"));
  for (const char* bad : {"", "builds", ".x", "x.", "a.b.c", "A.b", "a b.c", "a.b\n"}) EXPECT_FALSE(is_topic_name(bad)) << bad;
}

}  // namespace
}  // namespace tidemark::log
