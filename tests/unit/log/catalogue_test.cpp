#include "core/log/embedded/catalogue.hpp"

#include <gtest/gtest.h>

#include "core/log/embedded/retention.hpp"

namespace tidemark::log {
namespace {

CataloguedFile file(std::uint64_t number, std::string retention_class, std::map<std::uint16_t, std::uint64_t> topic_bytes, std::int64_t to_ms) {
  CataloguedFile out;
  out.first_segment = out.last_segment = number;
  out.retention_class = std::move(retention_class);
  out.first_commit = out.last_commit = number;
  out.size = 1000;
  out.footer_crc = 0x9c1f00d2;
  out.from_ms = to_ms - 10;
  out.to_ms = to_ms;
  out.topic_bytes = std::move(topic_bytes);
  return out;
}

Catalogue example() {
  Catalogue out;
  out.epoch = *parse_uuid("0190a8f2-0000-7000-8000-000000000001");
  out.files = {file(1, "fact", {{0, 500}}, 100), file(1, "ephemeral-50", {{1, 200}, {2, 100}}, 100), file(2, "ephemeral-50", {{1, 200}}, 200)};
  out.ranges[{0, 1}] = {0, 9000};
  out.ranges[{1, 0}] = {12, 40};
  out.segment = 3;
  out.commit = 2;
  out.crc = 0x1f2e3d4c;
  return out;
}

TEST(Catalogue, ReadsWhatItWrites) {
  const std::string text = render_catalogue(example());
  auto back = parse_catalogue(text);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(render_catalogue(*back), text);
  ASSERT_EQ(back->files.size(), 3u);
  EXPECT_EQ(back->files[1].name(), "0000000001-0000000001.ephemeral-50.sealed");
  EXPECT_EQ(back->files[1].topic_bytes, example().files[1].topic_bytes);
  EXPECT_EQ(back->range({1, 0}).begin, 12u);
  EXPECT_EQ(back->range({7, 7}).end, 0u);
  EXPECT_EQ(back->crc, 0x1f2e3d4cu);
}

TEST(Catalogue, RefusesEveryFlippedBitAndTruncation) {
  const std::string text = render_catalogue(example());
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    auto back = parse_catalogue(damaged);
    ASSERT_FALSE(back.ok()) << "bit " << bit;
    EXPECT_EQ(back.error().code, Code::corrupt);
  }
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_catalogue(text.substr(0, size)).ok()) << size;
}

std::vector<TopicSpec> topics(Duration one, Duration two) {
  return {{"a.ledger", TopicClass::fact}, {"a.one", TopicClass::ephemeral, one}, {"a.two", TopicClass::ephemeral, two}};
}

TEST(Retention, CutsAFileWhenItsLatestRecordIsTooOldForEveryTopicInIt) {
  const auto spec = topics(Duration(50), Duration(50));
  EXPECT_TRUE(expired_files(example(), spec, from_ms(150)).empty());
  EXPECT_EQ(expired_files(example(), spec, from_ms(151)), (std::vector<std::size_t>{1}));
  EXPECT_EQ(expired_files(example(), spec, from_ms(1000)), (std::vector<std::size_t>{1, 2}));
  EXPECT_TRUE(expired_files(example(), spec, std::nullopt).empty());
}

TEST(Retention, LetsNoTopicHaveAHole) {
  // The first file is kept for topic 2, so the second of topic 1 stays, too.
  EXPECT_TRUE(expired_files(example(), topics(Duration(50), Duration(5000)), from_ms(1000)).empty());
}

TEST(Retention, CutsBySizeUntilTheRestWouldBeTooSmall) {
  Catalogue catalogue = example();
  catalogue.files = {file(1, "ephemeral-topic1", {{1, 400}}, 1), file(2, "ephemeral-topic1", {{1, 300}}, 2), file(3, "ephemeral-topic1", {{1, 300}}, 3)};
  auto spec = topics(Duration(1), Duration(1));
  spec[1].retention.reset();
  spec[1].retention_bytes = 600;
  EXPECT_EQ(expired_files(catalogue, spec, from_ms(1000)), (std::vector<std::size_t>{0}));
  spec[1].retention_bytes = 300;
  EXPECT_EQ(expired_files(catalogue, spec, std::nullopt), (std::vector<std::size_t>{0, 1}));
  spec[1].retention_bytes = 601;
  EXPECT_TRUE(expired_files(catalogue, spec, from_ms(1000)).empty());
}

TEST(RetentionClass, KeepsApartWhatIsCutDifferently) {
  const TopicId id{7};
  EXPECT_EQ(retention_class_of({"a.b", TopicClass::fact}, id), "fact");
  EXPECT_EQ(retention_class_of({"a.b", TopicClass::dead_letters}, id), "dead-letters");
  EXPECT_EQ(retention_class_of({"a.b", TopicClass::ephemeral, Duration(5)}, id), "ephemeral-5");
  EXPECT_EQ(retention_class_of({"a.b", TopicClass::ephemeral, Duration(5), 100}, id), "ephemeral-5-topic7");
}

}  // namespace
}  // namespace tidemark::log
