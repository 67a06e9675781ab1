#include <gtest/gtest.h>

#include "core/base/bytes.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {
namespace {

const PositionTag kTag = [](std::string_view bytes) { return sha256("key" + std::string(bytes)); };

Position sample() {
  Position position;
  position.log_epoch = derive_uuid("a", "b");
  position.parts = {{"builds.ledger", LaneId{3}, Tmseq{41}}, {"builds.logs", LaneId{3}, Tmseq{1'000'000}}};
  return position;
}

TEST(PositionTest, ATokenGivesBackItsPosition) {
  const auto token = encode_position(sample(), kTag);
  auto decoded = decode_position(token, kTag);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, sample());
}

TEST(PositionTest, EveryChangedByteAndEveryCutIsRefused) {
  const auto token = encode_position(sample(), kTag);
  const auto bytes = *from_base64url(token);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    EXPECT_FALSE(decode_position(to_base64url(changed), kTag).ok()) << i;
    EXPECT_FALSE(decode_position(to_base64url(bytes.substr(0, i)), kTag).ok()) << i;
  }
  EXPECT_FALSE(decode_position("", kTag).ok());
  EXPECT_FALSE(decode_position("not a token!", kTag).ok());
  EXPECT_FALSE(decode_position(std::string(100'000, 'A'), kTag).ok());
}

TEST(PositionTest, MergingKeepsTheLaterOfEachPart) {
  Position a = sample(), b = sample();
  b.parts[0].last = Tmseq{7};
  b.parts[1].last = Tmseq{2'000'000};
  b.parts.push_back({"builds.samples", LaneId{1}, Tmseq{0}});
  a.merge(b);
  ASSERT_EQ(a.parts.size(), 3u);
  EXPECT_EQ(a.parts[0].last, Tmseq{41});
  EXPECT_EQ(a.parts[1].last, Tmseq{2'000'000});
}

TEST(CommandIdTest, PartsDoNotRunTogether) {
  EXPECT_NE(command_id_of_key("a", "b", "c", "d"), command_id_of_key("ab", "", "c", "d"));
  EXPECT_EQ(command_id_of_key("a", "b", "c", "d"), command_id_of_key("a", "b", "c", "d"));
  EXPECT_NE(command_id_of_cloudevent("s", "1"), command_id_of_cloudevent("s1", ""));
}

}  // namespace
}  // namespace tidemark::runtime
