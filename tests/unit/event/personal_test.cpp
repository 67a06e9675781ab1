#include "core/event/personal.hpp"

#include <gtest/gtest.h>

#include <boost/describe/class.hpp>

namespace tidemark::event {
namespace {

struct Home {
  std::string city;
  std::optional<Personal<std::string>> street;
};
BOOST_DESCRIBE_STRUCT(Home, (), (city, street))

struct JoinedV1 {
  static constexpr std::string_view kType = "Joined";
  static constexpr int kVersion = 1;
  Personal<std::string> full_name;
};
BOOST_DESCRIBE_STRUCT(JoinedV1, (), (full_name))

struct Joined {
  static constexpr std::string_view kType = "Joined";
  static constexpr int kVersion = 2;
  using Previous = JoinedV1;
  static Joined from_previous(JoinedV1 old) { return {"", std::move(old.full_name), {}, {}, {}, {}}; }
  std::string id;
  Personal<std::string> name;
  std::vector<Home> homes;
  std::map<std::string, Personal<int>> scores;
  Personal<Home> main;
  Json free;
};
BOOST_DESCRIBE_STRUCT(Joined, (), (id, name, homes, scores, main, free))

struct Left {
  static constexpr std::string_view kType = "Left";
  static constexpr int kVersion = 1;
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Left, (), (id))

using Any = std::variant<std::monostate, Left, Joined>;
static_assert(any_personal<Any>() && !any_personal<std::variant<Left>>() && ever_personal<Joined>() && !ever_personal<Left>());

/// Shows where and what it seals.
class ToySealer final : public SubjectSealer {
 public:
  const std::string& key_id() const override { return id_; }
  std::string seal(const FieldPlace& place, std::string_view plain) const override { return std::string(place.pointer) + "=" + std::string(plain); }
  std::string mac(std::string_view) const override { return {}; }

 private:
  std::string id_ = "k1";
};

/// Opens what ToySealer made for the same pointer; "k2" was destroyed.
class ToyCipher final : public FieldCipher {
 public:
  Result<std::unique_ptr<SubjectSealer>> sealer_of(std::string_view) override { return std::unique_ptr<SubjectSealer>(std::make_unique<ToySealer>()); }
  Result<std::optional<std::string>> open(std::string_view key_id, const FieldPlace& place, std::string_view cipher) const override {
    if (key_id == "k2") return std::optional<std::string>();
    const std::string mark = std::string(place.pointer) + "=";
    if (!cipher.starts_with(mark)) return make_error(Code::corrupt, "of another place");
    return std::optional<std::string>(cipher.substr(mark.size()));
  }
  bool unsettled() const override { return false; }
  void settle(Fn<void(Result<void>)> done) override { done({}); }
};

std::string sealed(std::string_view type, int version, std::string_view json) {
  const auto document = JsonDocument::parse(json);
  std::vector<PersonalNode> found;
  find_personal_in_variant<Any>(type, version, document->root(), found);
  return seal_fields(json, found, ToySealer(), "r", "t");
}
Result<std::string> opened(std::string_view type, int version, std::string_view json) {
  const auto document = JsonDocument::parse(json);
  std::vector<PersonalNode> found;
  find_personal_in_variant<Any>(type, version, document->root(), found);
  return open_fields(json, found, ToyCipher(), "r", "t");
}

TEST(PersonalFields, EveryOneIsSealedInItsPlaceAndNothingElseChanges) {
  Joined value{"j", {"Ann"}, {{"Rome", {}}, {"Oslo", Personal<std::string>{"Gate 1"}}}, {{"a/b~c", {7}}}, {{"Bern", Personal<std::string>{"Gasse"}}},
               Json{"{\"plain\":\"not ours\", \"tmkey\":\"k1\"}"}};
  const std::string plain = to_json(value);
  const std::string made = sealed("Joined", 2, plain);
  EXPECT_EQ(made,
            "{\"id\":\"j\",\"name\":{\"tmkey\":\"k1\",\"cipher\":\"/name=\\\"Ann\\\"\"},\"homes\":[{\"city\":\"Rome\"},{\"city\":\"Oslo\",\"street\":{\"tmkey\":\"k1\","
            "\"cipher\":\"/homes/1/street=\\\"Gate 1\\\"\"}}],\"scores\":{\"a/b~c\":{\"tmkey\":\"k1\",\"cipher\":\"/scores/a~1b~0c=7\"}},"
            "\"main\":{\"tmkey\":\"k1\",\"cipher\":\"/main={\\\"city\\\":\\\"Bern\\\",\\\"street\\\":{\\\"plain\\\":\\\"Gasse\\\"}}\"},"
            "\"free\":{\"plain\":\"not ours\", \"tmkey\":\"k1\"}}");
  EXPECT_EQ(*opened("Joined", 2, made), plain);
  EXPECT_EQ(*opened("Joined", 2, plain), plain) << "recorded before there were keys";
}

TEST(PersonalFields, OlderVersionsAreOpenedByTheirOwnTypes) {
  const std::string made = sealed("Joined", 1, "{\"full_name\":{\"plain\":\"Ann\"},\"name\":{\"plain\":\"unknown field\"}}");
  EXPECT_EQ(made, "{\"full_name\":{\"tmkey\":\"k1\",\"cipher\":\"/full_name=\\\"Ann\\\"\"},\"name\":{\"plain\":\"unknown field\"}}");
  std::vector<FieldError> errors;
  bool known = false;
  const auto value = decode_variant<Any>("Joined", 1, *opened("Joined", 1, made), Decoding::tolerant, errors, known);
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(std::get<Joined>(*value).name.value, "Ann");
}

TEST(PersonalFields, ADestroyedKeyGivesErasedAndAMovedCipherIsCorrupt) {
  EXPECT_EQ(*opened("Joined", 1, "{\"full_name\":{\"tmkey\":\"k2\",\"cipher\":\"x\"}}"), "{\"full_name\":{\"erased\":true}}");
  const auto moved = opened("Joined", 2, "{\"name\":{\"tmkey\":\"k1\",\"cipher\":\"/full_name=1\"}}");
  ASSERT_FALSE(moved.ok());
  EXPECT_EQ(moved.error().code, Code::corrupt);
  EXPECT_NE(moved.error().message.find("field /name"), std::string::npos) << moved.error().message;
}

TEST(PersonalFields, WhatHasNoneOrIsUnknownIsLeftAlone) {
  for (const char* json : {"{\"id\":\"x\",\"name\":{\"plain\":1}}", "[]", "7", "{}"}) {
    EXPECT_EQ(sealed("Left", 1, json), json);
    EXPECT_EQ(sealed("Nobody", 1, json), json);
    EXPECT_EQ(sealed("Joined", 9, json), json);
  }
  for (const char* odd : {"{\"name\":null}", "{\"name\":\"text\"}", "{\"homes\":{\"a\":1}}", "{\"scores\":[{\"plain\":1}]}"}) {
    EXPECT_EQ(*opened("Joined", 2, odd), odd) << "the codec will say what is wrong with it";
  }
}

TEST(PersonalFields, TheBoundOfTheSealedSizeHolds) {
  // As large as a cipher of the real kind: 29 bytes and the text, in base64.
  const auto real_size = [](std::size_t plain) { return (plain + 29) * 4 / 3 + 4 + std::string_view("{\"tmkey\":\"0123456789abcdef\",\"cipher\":\"\"}").size(); };
  for (const std::size_t size : {0u, 1u, 100u, 100'000u}) {
    const std::string json = "{\"full_name\":{\"plain\":\"" + std::string(size, 'x') + "\"}}";
    EXPECT_GE(sealed_size_max(json), 14 + real_size(size + 2));
  }
  EXPECT_EQ(sealed_size_max("{\"a\":1}"), 7u) << "without personal fields nothing grows";
}

}  // namespace
}  // namespace tidemark::event
