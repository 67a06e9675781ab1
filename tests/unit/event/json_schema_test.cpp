#include "core/event/json_schema.hpp"

#include <gtest/gtest.h>

#include "core/event/json_document.hpp"
#include "tests/unit/event/sample_types.hpp"

namespace tidemark::event {
namespace {

std::string definition(const std::string& schema, std::string_view name) {
  const auto document = JsonDocument::parse(schema);
  EXPECT_TRUE(document.ok()) << schema;
  return std::string(document->root()["$defs"][name].raw());
}

TEST(JsonSchema, EveryKindOfMemberHasOne) {
  const std::string all = json_schema<sample::Everything>();
  EXPECT_EQ(definition(all, "Everything"),
            R"({"type":"object","properties":{"flag":{"type":"boolean"},"tiny":{"type":"integer","minimum":-128,"maximum":127},)"
            R"("big":{"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807},)"
            R"("huge":{"type":"integer","minimum":0,"maximum":18446744073709551615},"ratio":{"type":"number"},"text":{"type":"string"},)"
            R"("platform":{"$ref":"#/$defs/Platform"},"note":{"type":"string"},"points":{"type":"array","items":{"$ref":"#/$defs/Point"}},)"
            R"("counts":{"type":"object","additionalProperties":{"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807}},)"
            R"("code":{"type":"string","minLength":1,"maxLength":8,"x-bytes":{"min":1,"max":8}},"percent":{"type":"integer","minimum":0,"maximum":100},)"
            R"("extra":{"description":"Any JSON value, kept byte for byte"},)"
            R"("email":{"type":"object","x-personal":true,"oneOf":[{"properties":{"plain":{"type":"string"}},"required":["plain"]},)"
            R"({"properties":{"tmkey":{"type":"string"},"cipher":{"type":"string","contentEncoding":"base64url"}},"required":["tmkey","cipher"]},)"
            R"({"properties":{"erased":{"const":true}},"required":["erased"]}]},)"
            R"("body":{"type":"object","x-claimed":true,"oneOf":[{"properties":{"inline":{"type":"string","maxLength":262144,)"
            R"("x-bytes":{"min":0,"max":262144}}},"required":["inline"]},{"properties":{"sha256":{"type":"string","pattern":"^[0-9a-f]{64}$"},)"
            R"("size":{"type":"integer","minimum":0,"maximum":9007199254740992}},"required":["sha256","size"]}]},)"
            R"("tree":{"$ref":"#/$defs/Tree"},"opaque":{"description":"Any JSON value, kept byte for byte"},"at":{"type":"string","format":"date-time"}},)"
            R"("required":["flag","tiny","big","huge","ratio","text","platform","points","counts","code","percent","email","body","tree","at"]})");
  EXPECT_EQ(definition(all, "Platform"), R"({"type":"string","enum":["ios","android","default"]})");
  EXPECT_EQ(definition(all, "Tree"), R"({"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/Tree"}}},)"
                                     R"("required":["name","children"]})");
}

TEST(JsonSchema, ATypeIsReferredToByName) {
  EXPECT_EQ(json_schema<sample::Point>().find(R"({"$ref":"#/$defs/Point","$defs":{)"), 0u);
  EXPECT_EQ(json_schema<int>(), R"({"type":"integer","minimum":-2147483648,"maximum":2147483647})");
  EXPECT_EQ((json_schema<Bounded<int, -9, -3>>()), R"({"type":"integer","minimum":-9,"maximum":-3})");
  EXPECT_EQ(json_schema<sample::Nothing>(), R"({"$ref":"#/$defs/Nothing","$defs":{"Nothing":{"type":"object","properties":{}}}})");
}

TEST(JsonSchema, TextLimitsAreBytesAndTheirCharactersNeverRefuseMore) {
  EXPECT_EQ((json_schema<Text<0, 5>>()), R"({"type":"string","maxLength":5,"x-bytes":{"min":0,"max":5}})");
  EXPECT_EQ((json_schema<Text<5, 9>>()), R"({"type":"string","minLength":2,"maxLength":9,"x-bytes":{"min":5,"max":9}})");  // two of four bytes
}

TEST(JsonSchema, ASecretIsOnlyWritten) {
  EXPECT_EQ(definition(json_schema<sample::Login>(), "Login"),
            R"({"type":"object","properties":{"user":{"type":"string"},"password":{"type":"string","minLength":1,"maxLength":16,)"
            R"("x-bytes":{"min":1,"max":16},"writeOnly":true}},"required":["user","password"]})");
}

struct Described {
  static constexpr std::string_view kType = "Described";
  static constexpr int kVersion = 3;
  static constexpr std::string_view kDescription = "What it is \"for\"";
  int x = 0;
};
BOOST_DESCRIBE_STRUCT(Described, (), (x))

TEST(JsonSchema, ACommandIsClosedAndNamedWithItsVersion) {
  SchemaDefinitions definitions;
  EXPECT_EQ(define_schema<Described>(definitions, Openness::closed), "Described.v3");
  EXPECT_EQ(definitions.schemas["Described.v3"],
            R"({"type":"object","description":"What it is \"for\"","properties":{"x":{"type":"integer","minimum":-2147483648,)"
            R"("maximum":2147483647}},"required":["x"],"additionalProperties":false})");
}

namespace other {
struct Point {
  int z = 0;
};
BOOST_DESCRIBE_STRUCT(Point, (), (z))
}  // namespace other

TEST(JsonSchemaDeathTest, TwoTypesOfOneNameAreAMistake) {
  SchemaDefinitions definitions;
  define_schema<sample::Point>(definitions);
  EXPECT_DEATH(define_schema<other::Point>(definitions), "kSchemaName");
}

}  // namespace
}  // namespace tidemark::event
