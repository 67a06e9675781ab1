// Schema files that somebody edited by hand, or that a disk or merge has broken: refused, with the place.

#include <gtest/gtest.h>

#include "core/schema/compatibility.hpp"
#include "core/schema/documents.hpp"
#include "tests/unit/schema/agreed.hpp"

namespace tidemark::schema {
namespace {

struct Damage {
  std::string_view found, replacement, said;
};

constexpr Damage kBundles[] = {
    {R"({"$schema":)", R"($schema":)", "byte"},
    {"2020-12", "draft-07", "/$schema must be"},
    {R"("x-domain":"shop")", R"("x-domain":7)", "/x-domain must name the domain"},
    {R"("$defs":{)", R"("defs":{)", "/$defs must be an object of schemas"},
    {R"("x-topics":[)", R"("topics":[)", "/x-topics must be an array"},
    {R"({"name":"shop.orders","class":"fact"})", R"({"class":"fact"})", "/x-topics/0 must have name and class"},
    {R"("retention_ms":86400000)", R"("retention_ms":"1d")", "/x-topics/1/retention_ms must be an integer"},
    {R"("kind":"settings")", R"("kind":"setting")", "/x-messages/5/kind must be"},
    {R"("name":"Pinged","version":1)", R"("name":"Pinged","version":"1")", "/x-messages/3 must have name and version"},
    {R"("current":true,"topic":"shop.pings")", R"("current":true)", "/x-messages/3/topic must name"},
    {R"("schema":{"$ref":"#/$defs/Receipt"})", R"("schema":{"$ref":"#/$defs/Recipe"})", "/x-messages/4/schema must refer"},
    {R"("items":{"$ref":"#/$defs/Line"})", R"("items":{"$ref":"#/$defs/Lines"})", "/$defs/Place.v1 refers to Lines, which is not there"},
    {R"("items":{"$ref":"#/$defs/Line"})", R"("items":{"$ref":"other.json"})", "/$defs/Place.v1/properties/lines/items/$ref must be a reference"},
    {R"("price":{"type":"number"})", R"("price":{"type":"float"})", "/$defs/Place.v1/properties/price/type must be a type"},
    {R"("price":{"type":"number"})", R"("price":{"type":[]})", "/$defs/Place.v1/properties/price/type must name a type"},
    {R"("price":{"type":"number"})", R"("price":"number")", "/$defs/Place.v1/properties/price must be a schema"},
    {R"("price":{"type":"number"})", R"("price":false)", "/$defs/Place.v1/properties/price must not be false"},
    {R"("price":{"type":"number"})", R"("price":{"not":{}})", "/$defs/Place.v1/properties/price/not is a keyword"},
    {R"("price":{"type":"number"})", R"("price":{"type":"number","type":"number"})", "/$defs/Place.v1/properties/price/type is there twice"},
    {R"("price":{"type":"number"})", R"("note":{"type":"number"})", "/$defs/Place.v1/properties/note is there twice"},
    {R"("maxLength":64)", R"("maxLength":-1)", "/$defs/Place.v1/properties/id/maxLength must be an integer"},
    {R"("x-bytes":{"min":2,"max":64})", R"("x-bytes":{"min":2})", "/$defs/Place.v1/properties/id/x-bytes/max must be"},
    {R"("maximum":50)", R"("maximum":"50")", "/$defs/Settings/properties/limit/maximum must be a number"},
    {R"(["red","green"])", R"([])", "/$defs/Place.v1/properties/colour/enum must be an array"},
    {R"("required":["order"])", R"("required":"order")", "/$defs/Placed.v1/required must be an array of names"},
    {R"("required":["order"])", R"("required":[1])", "/$defs/Placed.v1/required must be an array of names"},
};

TEST(DamagedSchema, ABundleIsRefusedWithThePlace) {
  for (const Damage& damage : kBundles) {
    const std::string text = edited(kAgreedBundle, damage.found, damage.replacement);
    ASSERT_FALSE(text.empty()) << damage.found;
    const auto bundle = parse_bundle(text);
    ASSERT_FALSE(bundle.ok()) << damage.said;
    EXPECT_EQ(bundle.error().code, Code::corrupt);
    EXPECT_NE(bundle.error().message.find(damage.said), std::string::npos) << bundle.error().message << "\nwanted: " << damage.said;
    EXPECT_FALSE(make_bundle({.name = "shop", .topics = {}, .contract = {}}, text).ok()) << "an export over a damaged file";
  }
}

TEST(DamagedSchema, EveryTruncationOfABundleIsRefused) {
  for (std::size_t size = 0; size < kAgreedBundle.size(); ++size) EXPECT_FALSE(parse_bundle(kAgreedBundle.substr(0, size)).ok()) << size;
}

constexpr Damage kRoutes[] = {
    {R"({"openapi")", R"(openapi")", "byte"},
    {R"("openapi":"3.1.0")", R"("openapi":"3.0.0")", "/openapi must be 3.1.x"},
    {R"("paths":{)", R"("path":{)", "/paths must be an object"},
    {R"("post":{)", R"("posts":{)", "/paths/~1orders/posts is no method"},
    {R"({"name":"limit","in":"query",)", R"({"name":"limit",)", "/paths/~1orders/get/parameters/0 must have name and in"},
    {R"("maximum":100)", R"("max":100)", "/paths/~1orders/get/parameters/0/schema/max is a keyword"},
    {R"("items":{"$ref":"#/components/schemas/Order"})", R"("items":{"$ref":"#/components/schemas/Orders"})",
     "/paths/~1orders/get/responses/200/content/application~1json/schema refers to Orders"},
    {R"("schemas":{"Order")", R"("schema":{"Order")", "/components/schemas must be an object of schemas"},
    {R"("memo":{"type":["string","null"]})", R"("memo":{"type":["string","nil"]})", "/components/schemas/Order/properties/memo/type must be a type"},
};

TEST(DamagedSchema, ARouteDocumentIsRefusedWithThePlace) {
  for (const Damage& damage : kRoutes) {
    const std::string text = edited(kAgreedRoutes, damage.found, damage.replacement);
    ASSERT_FALSE(text.empty()) << damage.found;
    const auto changes = compare_openapi(text, kAgreedRoutes);
    ASSERT_FALSE(changes.ok()) << damage.said;
    EXPECT_NE(changes.error().message.find(damage.said), std::string::npos) << changes.error().message << "\nwanted: " << damage.said;
  }
}

TEST(DamagedSchema, DefinitionsThatReferToThemselvesEnd) {
  const std::string text = edited(kAgreedBundle, R"("$defs":{)", R"("$defs":{"Loop":{"$ref":"#/$defs/Loop"},)");
  const auto looped = parse_bundle(edited(text, R"("price":{"type":"number"})", R"("price":{"$ref":"#/$defs/Loop"})"));
  const auto agreed = parse_bundle(kAgreedBundle);
  ASSERT_TRUE(looped.ok() && agreed.ok());
  (void)compare_bundles(*looped, *agreed);
  (void)compare_bundles(*looped, *looped);
}

}  // namespace
}  // namespace tidemark::schema
