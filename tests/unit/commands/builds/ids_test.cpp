#include <gtest/gtest.h>

#include <set>

#include "schemas/builds/ids.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {
namespace {

TEST(Ids, ABuildIdHas21CharactersOfTheAlphabetAndBeginsWithALetterOrDigit) {
  std::set<std::string> seen;
  for (int i = 0; i < 5000; ++i) {
    const std::string id = derive_build_id("command " + std::to_string(i));
    EXPECT_EQ(id.size(), 21u);
    EXPECT_TRUE(is_valid_id(id)) << id;
    EXPECT_NE(id.front(), '-');
    EXPECT_NE(id.front(), '_');
    EXPECT_TRUE(seen.insert(id).second);
  }
}

TEST(Ids, TheSameCommandGivesTheSameIdForEver) {
  EXPECT_EQ(derive_build_id("018f0000-0000-7000-8000-000000000000"),
            derive_build_id("018f0000-0000-7000-8000-000000000000"));
  EXPECT_NE(derive_build_id("018f0000-0000-7000-8000-000000000000"),
            derive_worker_id("018f0000-0000-7000-8000-000000000000"));
}

TEST(Ids, OnlyTheAlphabetIsValid) {
  EXPECT_TRUE(is_valid_id("Az09_-"));
  for (const char* bad : {"", "a b", "a.b", "a/b", "ä", "a%2e"}) EXPECT_FALSE(is_valid_id(bad)) << bad;
  EXPECT_FALSE(is_valid_id(std::string("a\0b", 3)));
  EXPECT_FALSE(is_valid_id(std::string(129, 'a')));
}

TEST(Ids, ATokenIsKnownByItsSha256) {
  EXPECT_EQ(token_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Words, NamesAndValuesCorrespond) {
  EXPECT_EQ(name_of(BuildStatus::cancelled), "cancelled");
  EXPECT_EQ(parse_status("building"), BuildStatus::building);
  EXPECT_EQ(parse_platform("android"), Platform::android);
  EXPECT_FALSE(parse_platform("windows"));
  EXPECT_EQ(parse_client_level("warn"), LogLevel::warn);
  EXPECT_FALSE(parse_client_level("debug"));
}

}  // namespace
}  // namespace tidemark::schemas::builds
