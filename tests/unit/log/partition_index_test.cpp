#include "core/log/embedded/partition_index.hpp"

#include <gtest/gtest.h>

namespace tidemark::log {
namespace {

TEST(PartitionIndex, FindsThePlaceOfEveryRecord) {
  PartitionIndex index;
  std::vector<BatchPlace> places;
  std::uint64_t offset = 64;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    if (i == 500) offset = 64;  // a new segment
    offset += 100 + i % 7;
    places.push_back(BatchPlace{index.end(), 1 + i % 3, i < 500 ? 1u : 2u, offset, 61 + i});
    index.add(places.back());
    offset += places.back().length;
  }
  for (const BatchPlace& place : places) {
    for (std::uint32_t k = 0; k < place.count; ++k) {
      const auto found = index.find(place.first + k, 1);
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found[0].first, place.first);
      EXPECT_EQ(found[0].count, place.count);
      EXPECT_EQ(found[0].segment, place.segment);
      EXPECT_EQ(found[0].offset, place.offset);
      EXPECT_EQ(found[0].length, place.length);
    }
  }
  EXPECT_EQ(index.find(0, 1u << 30).size(), places.size());
  EXPECT_TRUE(index.find(index.end(), 100).empty());
}

TEST(PartitionIndex, StopsAtTheBytesAskedFor) {
  PartitionIndex index;
  for (std::uint64_t i = 0; i < 10; ++i) index.add(BatchPlace{i, 1, 1, 64 + i * 128, 100});
  EXPECT_EQ(index.find(0, 0).size(), 1u);
  EXPECT_EQ(index.find(0, 250).size(), 2u);
  EXPECT_EQ(index.find(3, 300).size(), 3u);
}

TEST(PartitionIndex, ForgetsSegmentsFromTheBegin) {
  PartitionIndex index(7);
  EXPECT_EQ(index.begin(), 7u);
  for (std::uint64_t i = 0; i < 300; ++i) index.add(BatchPlace{7 + i, 1, 1 + i / 100, 64 + i % 100 * 128, 100});
  index.forget_through(0);
  EXPECT_EQ(index.begin(), 7u);
  index.forget_through(2);
  EXPECT_EQ(index.begin(), 207u);
  EXPECT_TRUE(index.find(206, 1000).empty());
  const auto found = index.find(250, 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].first, 250u);
  EXPECT_EQ(found[0].segment, 3u);
  EXPECT_EQ(found[0].offset, 64u + 43 * 128);
  index.forget_through(3);
  EXPECT_EQ(index.begin(), index.end());
  index.add(BatchPlace{307, 2, 4, 64, 100});
  EXPECT_EQ(index.find(308, 1).size(), 1u);
}

}  // namespace
}  // namespace tidemark::log
