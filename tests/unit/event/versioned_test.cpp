#include "core/event/versioned.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/golden/golden.hpp"

namespace tidemark::event {
namespace {

struct MovedV1 {
  static constexpr std::string_view kType = "Moved";
  static constexpr int kVersion = 1;
  int steps = 0;
};
BOOST_DESCRIBE_STRUCT(MovedV1, (), (steps))

struct MovedV2 {
  static constexpr std::string_view kType = "Moved";
  static constexpr int kVersion = 2;
  using Previous = MovedV1;
  static MovedV2 from_previous(MovedV1 old) { return {old.steps, "north"}; }
  int steps = 0;
  std::string direction;
};
BOOST_DESCRIBE_STRUCT(MovedV2, (), (steps, direction))

struct Moved {
  static constexpr std::string_view kType = "Moved";
  static constexpr int kVersion = 3;
  using Previous = MovedV2;
  static Moved from_previous(MovedV2 old) { return {old.steps * 100, std::move(old.direction)}; }
  int centimetres = 0;
  std::string direction;
};
BOOST_DESCRIBE_STRUCT(Moved, (), (centimetres, direction))

struct Stopped {
  static constexpr std::string_view kType = "Stopped";
  static constexpr int kVersion = 1;
};
BOOST_DESCRIBE_STRUCT(Stopped, (), ())

using Event = std::variant<std::monostate, Moved, Stopped>;

struct Outcome {
  std::optional<Event> value;
  std::vector<FieldError> errors;
  bool known = false;
};
Outcome decode(std::string_view name, int version, std::string_view json, Decoding mode = Decoding::strict) {
  Outcome out;
  out.value = decode_variant<Event>(name, version, json, mode, out.errors, out.known);
  return out;
}

TEST(Versioned, LiftsEveryOlderVersionStepByStep) {
  for (const auto& [version, json] : std::vector<std::pair<int, std::string_view>>{
           {1, R"({"steps":2})"}, {2, R"({"steps":2,"direction":"north"})"}, {3, R"({"centimetres":200,"direction":"north"})"},
           {0, R"({"centimetres":200,"direction":"north"})"}}) {
    const auto out = decode("Moved", version, json);
    EXPECT_TRUE(out.known);
    ASSERT_TRUE(out.value) << version;
    EXPECT_EQ(std::get<Moved>(*out.value).centimetres, 200);
    EXPECT_EQ(std::get<Moved>(*out.value).direction, "north");
  }
}

TEST(Versioned, SaysWhenANameOrVersionIsUnknownWithoutLookingAtTheData) {
  for (const auto& [name, version] : std::vector<std::pair<std::string_view, int>>{
           {"Moved", 4}, {"Moved", -1}, {"Stopped", 2}, {"Jumped", 1}, {"", 0}, {"moved", 1}}) {
    const auto out = decode(name, version, "not JSON");
    EXPECT_FALSE(out.known) << name;
    EXPECT_FALSE(out.value);
    EXPECT_TRUE(out.errors.empty());
  }
}

TEST(Versioned, ReportsTheFieldsOfTheVersionThatWasWritten) {
  const auto out = decode("Moved", 1, R"({"steps":"2","direction":"north"})");
  EXPECT_TRUE(out.known);
  EXPECT_FALSE(out.value);
  ASSERT_EQ(out.errors.size(), 2u);
  EXPECT_EQ(out.errors[0].pointer, "/steps");
  EXPECT_EQ(out.errors[1].pointer, "/direction");
  EXPECT_TRUE(decode("Moved", 1, R"({"steps":2,"direction":"north"})", Decoding::tolerant).value);
}

TEST(Versioned, NamesTheAlternativeHeld) {
  EXPECT_EQ(type_name_of(Event(Moved{})), "Moved");
  EXPECT_EQ(version_of(Event(Moved{})), 3);
  EXPECT_EQ(type_name_of(Event()), "");
  EXPECT_EQ(version_of(Event()), 0);
  std::string out;
  encode_variant(Event(Moved{5, "up"}), out);
  encode_variant(Event(), out);
  EXPECT_EQ(out, R"({"centimetres":5,"direction":"up"}{})");
  static_assert(oldest_version<Moved>() == 1);
}

TEST(Golden, SamplesOfEveryVersionAreCommittedAndDecode) {
  EXPECT_EQ(golden::check("sample", MovedV1{3}), "");
  EXPECT_EQ(golden::check("sample", MovedV2{3, "east"}), "");
  EXPECT_EQ(golden::check("sample", Moved{300, "east"}), "");
  EXPECT_EQ(golden::check("sample", Stopped{}), "");
  EXPECT_EQ(golden::check_all<Event>("sample"), "");
}

TEST(Golden, TellsWhatIsWrong) {
  unsetenv("TIDEMARK_WRITE_GOLDEN");
  EXPECT_NE(golden::check("sample", Moved{301, "east"}).find("changed without a new version"), std::string::npos);
  EXPECT_NE(golden::check("nowhere", Moved{}).find("missing"), std::string::npos);
  EXPECT_NE((golden::check_all<std::variant<Stopped>>("sample").find("Moved.v2.json: belongs to no version")), std::string::npos);
}

}  // namespace
}  // namespace tidemark::event
