#include "core/event/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "tests/unit/event/sample_types.hpp"

namespace tidemark::event {
namespace {

using namespace sample;

template <class T>
std::string errors_of(std::string_view json, Decoding mode = Decoding::strict) {
  std::vector<FieldError> errors;
  const auto value = from_json<T>(json, mode, errors);
  EXPECT_EQ(value.has_value(), errors.empty()) << json;
  std::string out;
  for (const auto& error : errors) out += error.pointer + " " + error.message + "\n";
  return out;
}

template <class T>
T decoded(std::string_view json, Decoding mode = Decoding::strict) {
  std::vector<FieldError> errors;
  auto value = from_json<T>(json, mode, errors);
  for (const auto& error : errors) ADD_FAILURE() << json << ": " << error.pointer << " " << error.message;
  return value ? std::move(*value) : T{};
}

constexpr std::string_view kEverything =
    R"({"flag":true,"tiny":-128,"big":-9223372036854775808,"huge":18446744073709551615,"ratio":0.1,"text":"a\"b\\\n\u0001é",)"
    R"("platform":"android","note":"n","points":[{"x":1,"y":-2}],"counts":{"a":1,"b":2},"code":"abc","percent":100,)"
    R"("extra":{ "k" : [1.0, 1e2] },"email":{"plain":"a@b.c"},"body":{"inline":"xyz"},)"
    R"("tree":{"name":"r","children":[{"name":"c","children":[]}]},"opaque":[ 1 ],"at":"2026-01-31T23:59:59.123Z"})";

TEST(JsonCodec, DecodesEveryKindOfMemberAndWritesItBackByteForByte) {
  const auto value = decoded<Everything>(kEverything);
  EXPECT_TRUE(value.flag);
  EXPECT_EQ(value.tiny, -128);
  EXPECT_EQ(value.big, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(value.huge, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(value.ratio, 0.1);
  EXPECT_EQ(value.text, "a\"b\\\n\x01é");
  EXPECT_EQ(value.platform, Platform::android);
  EXPECT_EQ(value.note, "n");
  EXPECT_EQ(value.points, (std::vector<Point>{{1, -2}}));
  EXPECT_EQ(value.extra.raw, R"({ "k" : [1.0, 1e2] })");
  EXPECT_EQ(value.email.value, "a@b.c");
  EXPECT_EQ(value.body.inline_bytes, "xyz");
  EXPECT_EQ(value.tree.children.at(0).name, "c");
  EXPECT_EQ(value.opaque->raw, "[ 1 ]");
  EXPECT_EQ(to_json(value), kEverything);
}

TEST(JsonCodec, LeavesOutWhatIsAbsentAndReadsNullAsAbsent) {
  EXPECT_EQ(to_json(decoded<Nothing>("{}")), "{}");
  EXPECT_EQ(to_json(decoded<std::optional<Point>>("null")), "null");
  auto value = decoded<Everything>(kEverything);
  value.note.reset();
  value.extra.raw.clear();
  value.opaque.reset();
  const std::string json = to_json(value);
  EXPECT_EQ(json.find("note"), std::string::npos);
  EXPECT_EQ(json.find("extra"), std::string::npos);
  EXPECT_EQ(json.find("opaque"), std::string::npos);
  EXPECT_EQ(decoded<Everything>(json), value);
}

TEST(JsonCodec, NamesEveryBadFieldAtOnceWithItsPointer) {
  EXPECT_EQ(errors_of<Everything>(
                R"({"flag":1,"tiny":128,"big":1.0,"huge":-1,"ratio":"1","text":null,"platform":"windows","note":7,)"
                R"("points":[{"x":1,"y":2},{"x":1e2},3],"counts":{"a/b~c":"1"},"code":"123456789","percent":101,)"
                R"("email":"a@b.c","body":{},"tree":{"name":"r","children":[{"name":"c","children":[{}]}]},"at":"today"})"),
            "/flag must be true or false\n"
            "/tiny must be an integer from -128 to 127\n"
            "/big must be an integer from -9223372036854775808 to 9223372036854775807\n"
            "/huge must be an integer from 0 to 18446744073709551615\n"
            "/ratio must be a finite number\n"
            "/text must be a string\n"
            "/platform must be one of ios, android, default\n"
            "/note must be a string\n"
            "/points/1/x must be an integer from -2147483648 to 2147483647\n"
            "/points/1/y is required\n"
            "/points/2 must be an object\n"
            "/counts/a~1b~0c must be an integer from -9223372036854775808 to 9223372036854775807\n"
            "/code must be a string of 1 to 8 bytes\n"
            "/percent must be an integer from 0 to 100\n"
            "/email must be an object\n"
            "/body must have either inline, or sha256 and size\n"
            "/tree/children/0/children/0/name is required\n"
            "/tree/children/0/children/0/children is required\n"
            "/at must be a time as RFC 3339 writes it\n");
}

TEST(JsonCodec, RefusesUnknownMembersOnlyWhenStrictAndRepeatedOnesAlways) {
  EXPECT_EQ(errors_of<Point>(R"({"x":1,"y":2,"z":3})"), "/z unknown field\n");
  EXPECT_EQ(errors_of<Point>(R"({"x":1,"y":2,"z":3})", Decoding::tolerant), "");
  for (const auto mode : {Decoding::strict, Decoding::tolerant}) {
    EXPECT_EQ(errors_of<Point>(R"({"x":1,"y":2,"x":3})", mode), "/x duplicate field\n");
    EXPECT_EQ((errors_of<std::map<std::string, int>>(R"({"a":1,"a":2})", mode)), "/a duplicate field\n");
    EXPECT_EQ(errors_of<Point>(R"({"\u0078":1,"y":2,"x":3})", mode), "/x duplicate field\n");
  }
}

TEST(JsonCodec, ChecksTheFieldKinds) {
  struct Case {
    std::string got, expected;
  };
  const std::string hash(64, 'a');
  const std::vector<Case> cases = {
      {errors_of<Text<1, 4>>(R"("a\u0000b")"), " must not contain U+0000\n"},
      {errors_of<Text<1, 4>>(R"("")"), " must be a string of 1 to 4 bytes\n"},
      {errors_of<Text<0, 4>>(R"("")"), ""},
      {errors_of<Text<0, 4>>(R"("ééé")"), " must be a string of at most 4 bytes\n"},
      {errors_of<std::string>(R"("a\u0000b")"), ""},
      {errors_of<std::uint8_t>("256"), " must be an integer from 0 to 255\n"},
      {errors_of<std::uint8_t>("-0"), ""},
      {errors_of<std::int64_t>("9223372036854775808"), " must be an integer from -9223372036854775808 to 9223372036854775807\n"},
      {errors_of<std::uint64_t>("18446744073709551616"), " must be an integer from 0 to 18446744073709551615\n"},
      {errors_of<double>("1e400"), " must be a finite number\n"},
      {errors_of<double>("1e-400"), ""},
      {errors_of<double>("123456789012345678901234567890"), ""},
      {errors_of<Platform>("1"), " must be one of ios, android, default\n"},
      {errors_of<Personal<int>>(R"({"plain":"1"})"), "/plain must be an integer from -2147483648 to 2147483647\n"},
      {errors_of<Personal<int>>("{}"), "/plain is required\n"},
      {errors_of<Personal<int>>(R"({"plain":1,"more":2})"), "/more unknown field\n"},
      {errors_of<Personal<int>>(R"({"tmkey":"k","cipher":"AA"})", Decoding::tolerant),
       " must be {\"plain\": ...}: an encrypted value is opened before it is decoded\n"},
      {errors_of<Personal<int>>(R"({"erased":true})"),
       " must be {\"plain\": ...}: an encrypted value is opened before it is decoded\n"},
      {errors_of<Personal<Text<1, 8>>>(R"({"erased":true})", Decoding::tolerant), ""},
      {errors_of<Claimed>(R"({"sha256":")" + hash + R"(","size":300000})"), ""},
      {errors_of<Claimed>(R"({"sha256":")" + hash + R"("})"), " must have either inline, or sha256 and size\n"},
      {errors_of<Claimed>(R"({"sha256":"A","size":-1})"),
       "/sha256 must be 64 lower-case hexadecimal digits\n/size must be an integer from 0 to 9007199254740992\n"},
      {errors_of<Claimed>("{\"inline\":\"" + std::string(kClaimedInlineMax + 1, 'x') + "\"}"),
       "/inline must be a string of at most 262144 bytes\n"},
      {errors_of<Login>(R"({"user":"u","password":""})"), "/password must be a string of 1 to 16 bytes\n"},
      {errors_of<std::monostate>(R"({"a":1})"), "/a unknown field\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(c.got, c.expected);
  EXPECT_EQ(decoded<Login>(R"({"user":"u","password":"p"})").password.value.value, "p");
}

TEST(JsonCodec, KnowsWhereSecretsAndPersonalDataAre) {
  static_assert(contains_secret<Login>);
  static_assert(contains_secret<std::vector<std::optional<Login>>>);
  static_assert(contains_secret<std::variant<std::monostate, Point, Login>>);
  static_assert(!contains_secret<Everything>);
  static_assert(!contains_secret<std::variant<std::monostate, Point>>);
  static_assert(contains_personal<Everything>);
  static_assert(!contains_personal<Tree>);
}

TEST(JsonCodec, StopsListingErrorsAtTheLimitButStaysRefused) {
  std::string json = "[";
  for (int i = 0; i < 1000; ++i) json += i ? ",true" : "true";
  json += "]";
  std::vector<FieldError> errors;
  EXPECT_FALSE(from_json<std::vector<int>>(json, Decoding::strict, errors));
  EXPECT_EQ(errors.size(), kFieldErrorsMax);
}

TEST(JsonCodec, PutsTheBaseBeforeThePointersOfOneValueOfADocument) {
  const std::string text = R"({"items":[{"x":1,"y":true}]})";
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document.ok());
  std::vector<FieldError> errors;
  for (const JsonNode item : document->root()["items"].items()) {
    EXPECT_FALSE(from_node<Point>(item, Decoding::strict, errors, "/items/0"));
  }
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].pointer, "/items/0/y");
}

std::string random_text(std::mt19937_64& random) {
  static const std::vector<std::string> pieces = {"a", "\"", "\\", "\n", std::string(1, '\0'), "é", "€", "😀", "/", "~", "\x7f", "\x1f", " "};
  std::string out;
  for (auto n = random() % 12; n > 0; --n) out += pieces[random() % pieces.size()];
  return out;
}

double random_double(std::mt19937_64& random) {
  while (true) {
    const std::uint64_t bits = random() % 4 ? random() : random() % 1000;
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) return random() % 2 ? value : static_cast<double>(static_cast<std::int64_t>(bits >> 12));
  }
}

TEST(JsonCodec, GivesBackWhatItWrote) {
  const auto seed = std::random_device{}();
  std::mt19937_64 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  for (int round = 0; round < 2000; ++round) {
    Everything value;
    value.flag = random() % 2;
    value.tiny = static_cast<std::int8_t>(random());
    value.big = static_cast<std::int64_t>(random());
    value.huge = random();
    value.ratio = random_double(random);
    value.text = random_text(random);
    value.platform = Platform(random() % 3);
    if (random() % 2) value.note = random_text(random);
    for (auto n = random() % 4; n > 0; --n) value.points.push_back({std::int32_t(random()), std::int32_t(random())});
    for (auto n = random() % 4; n > 0; --n) value.counts[random_text(random)] = std::int64_t(random());
    value.code.value = "c";
    value.percent = int(random() % 101);
    if (random() % 2) value.extra.raw = to_json(Point{1, 2});
    value.email.value = random_text(random);
    if (random() % 2) value.body.inline_bytes = random_text(random);
    else value.body = Claimed{"", std::string(64, 'f'), random() % 1000000};
    value.tree.children.resize(random() % 3);
    value.at = from_ms(std::int64_t(random() % 4102444800000));
    const std::string json = to_json(value);
    EXPECT_EQ(decoded<Everything>(json), value) << json;
    if (value.ratio == 0) continue;  // -0 is written as 0
    EXPECT_EQ(to_json(decoded<Everything>(json)), json);
  }
}

TEST(JsonWriter, WritesNumbersTheEcmaScriptWay) {
  struct Case { double value; std::string_view text; };
  for (const auto& [value, text] : std::vector<Case>{{0.0, "0"}, {-0.0, "0"}, {1.0, "1"}, {0.1, "0.1"}, {1e20, "100000000000000000000"},
       {1e21, "1e+21"}, {1e-6, "0.000001"}, {1e-7, "1e-7"}, {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
       {123456789012345680.0, "123456789012345680"}, {std::nan(""), "null"}, {HUGE_VAL, "null"}}) {
    EXPECT_EQ(to_json(value), text);
  }
}

TEST(JsonWriter, WritesDocumentsByHand) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("a", 1).key("b").begin_array().value("x\"").value(true).null().begin_object().end_object().end_array();
  json.member("c", -5).member("d", 0.5).key("e").raw("[1, 2]").key("f").begin_array().end_array().end_object();
  EXPECT_EQ(out, R"({"a":1,"b":["x\"",true,null,{}],"c":-5,"d":0.5,"e":[1, 2],"f":[]})");
}

TEST(JsonWriter, ReplacesBytesThatAreNotUtf8) {
  struct Case { std::string_view in, out; };
  for (const auto& [in, out] : std::vector<Case>{{"a\xFFz", "\"a\uFFFDz\""}, {"\xC3", "\"\uFFFD\""}, {"\xED\xA0\x80", "\"\uFFFD\uFFFD\uFFFD\""},
       {"\xC0\x80", "\"\uFFFD\uFFFD\""}, {"\xF4\x90\x80\x80", "\"\uFFFD\uFFFD\uFFFD\uFFFD\""}, {"é€😀", "\"é€😀\""}}) {
    EXPECT_EQ(escape_json_string(in), out);
  }
}

}  // namespace
}  // namespace tidemark::event
