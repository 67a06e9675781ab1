// What may change in a contract and what may not: one edit of an agreed contract per row.

#include "core/schema/compatibility.hpp"

#include <gtest/gtest.h>

#include "tests/unit/schema/agreed.hpp"

namespace tidemark::schema {
namespace {

struct Edit {
  std::string_view what, found, replacement;
  std::string_view also_found = {}, also_replacement = {};
};

std::string edit_text(std::string_view text, const Edit& edit) {
  std::string out = edited(text, edit.found, edit.replacement);
  if (!edit.also_found.empty()) out = edited(out, edit.also_found, edit.also_replacement);
  EXPECT_FALSE(out.empty()) << edit.what << ": does not say which place it edits";
  return out;
}

std::string text_of(const Changes& changes) {
  std::string out;
  for (const Change& change : changes) out += std::string(change.breaking ? "BREAKING " : "compatible ") + change.place + ": " + change.what + "\n";
  return out;
}

bool breaks(const Changes& changes) {
  for (const Change& change : changes) {
    if (change.breaking) return true;
  }
  return false;
}

Changes compare_edited_bundle(const Edit& edit) {
  const auto earlier = parse_bundle(kAgreedBundle);
  const std::string text = edit_text(kAgreedBundle, edit);
  const auto present = parse_bundle(text);
  EXPECT_TRUE(earlier.ok() && present.ok()) << edit.what << ": " << (present.ok() ? "" : present.error().message);
  return earlier.ok() && present.ok() ? compare_bundles(*earlier, *present) : Changes();
}

Changes compare_edited_routes(const Edit& edit) {
  const std::string text = edit_text(kAgreedRoutes, edit);
  auto changes = compare_openapi(kAgreedRoutes, text);
  EXPECT_TRUE(changes.ok()) << edit.what << ": " << changes.error().message;
  return changes.ok() ? *changes : Changes();
}

constexpr Edit kBreakingMessages[] = {
    {"a command is gone", R"({"kind":"command","name":"Place","version":1,"current":true,"schema":{"$ref":"#/$defs/Place.v1"}},)", ""},
    {"a command has another name", R"("kind":"command","name":"Place")", R"("kind":"command","name":"Order")"},
    {"a version of a command is not read any more", R"("kind":"command","name":"Place","version":1)", R"("kind":"command","name":"Place","version":2)"},
    {"an event is gone", R"({"kind":"event","name":"Pinged","version":1,"current":true,"topic":"shop.pings","schema":{"$ref":"#/$defs/Pinged.v1"}},)", ""},
    {"a version of an event lost its upcaster", R"({"kind":"event","name":"Placed","version":1,"current":false,"topic":"shop.orders","schema":{"$ref":"#/$defs/Placed.v1"}},)", ""},
    {"an event has another name", R"("name":"Pinged")", R"("name":"Touched")"},
    {"an event moved to another topic", R"("name":"Pinged","version":1,"current":true,"topic":"shop.pings")", R"("name":"Pinged","version":1,"current":true,"topic":"shop.orders")"},
    {"a topic is gone", R"({"name":"shop.orders","class":"fact"},)", ""},
    {"a topic has another name", R"({"name":"shop.pings",)", R"({"name":"shop.touches",)"},
    {"facts are no longer kept for ever", R"({"name":"shop.orders","class":"fact"})", R"({"name":"shop.orders","class":"ephemeral","retention_ms":86400000})"},
    {"retention is shorter", R"("retention_ms":86400000)", R"("retention_ms":3600000)"},
    {"a command requires a new member", R"("required":["id","colour",)", R"("required":["urgent","id","colour",)"},
    {"a required member of a command is gone", R"( "price":{"type":"number"},)", " ", R"("quantity","price",)", R"("quantity",)"},
    {"a member of a command has another type", R"("note":{"type":"string"})", R"("note":{"type":"integer"})"},
    {"any number became an integer", R"("price":{"type":"number"})", R"("price":{"type":"integer"})"},
    {"null is no longer taken", R"("weight":{"type":["integer","null"]})", R"("weight":{"type":"integer"})"},
    {"a text may be shorter at most", R"("x-bytes":{"min":2,"max":64})", R"("x-bytes":{"min":2,"max":63})"},
    {"a text must be longer at least", R"("x-bytes":{"min":2,"max":64})", R"("x-bytes":{"min":3,"max":64})"},
    {"a text got a limit", R"("item":{"type":"string"})", R"("item":{"type":"string","maxLength":5})"},
    {"a number may be smaller at most", R"("quantity":{"type":"integer","minimum":1,"maximum":10})", R"("quantity":{"type":"integer","minimum":1,"maximum":9})"},
    {"a number must be greater at least", R"("quantity":{"type":"integer","minimum":1,"maximum":10})", R"("quantity":{"type":"integer","minimum":2,"maximum":10})"},
    {"a value of a command's enum is gone", R"(["red","green"])", R"(["red"])"},
    {"a text became an enum", R"("note":{"type":"string"})", R"("note":{"type":"string","enum":["a"]})"},
    {"a text became a time", R"("note":{"type":"string"})", R"("note":{"type":"string","format":"date-time"})"},
    {"a text got a pattern", R"("note":{"type":"string"})", R"("note":{"type":"string","pattern":"^a"})"},
    {"a pattern is another", R"(^[0-9a-f]+$)", R"(^[0-9]+$)"},
    {"any value became a text", R"("extra":{"description":"Any JSON value, kept byte for byte"})", R"("extra":{"type":"string"})"},
    {"items have another type", R"("lines":{"type":"array","items":{"$ref":"#/$defs/Line"}})", R"("lines":{"type":"array","items":{"type":"string"}})"},
    {"an array became an object", R"("lines":{"type":"array","items":{"$ref":"#/$defs/Line"}})", R"("lines":{"$ref":"#/$defs/Line"})"},
    {"the values of a map are shorter", R"("maxLength":9)", R"("maxLength":8)"},
    {"a map became a struct", R"("labels":{"type":"object","additionalProperties":{"type":"string","maxLength":9}})", R"("labels":{"$ref":"#/$defs/Line"})"},
    {"a limit inside a nested type is narrower", R"("count":{"type":"integer","minimum":1,"maximum":12})", R"("count":{"type":"integer","minimum":1,"maximum":11})"},
    {"a dropped name comes back as another type", R"("note":{"type":"string"},)", R"("note":{"type":"string"},"coupon":{"type":"integer"},)"},
    {"a dropped name of an event comes back narrower", R"("seen":{"type":"boolean"})", R"("seen":{"type":"boolean"},"speed":{"type":"integer","minimum":0,"maximum":8})"},
    {"an event no longer has a required member", R"( "total":{"type":"integer","minimum":0,"maximum":1000},)", " ", R"("shade","total",)", R"("shade",)"},
    {"a member of an event may be left out", R"("required":["order_id","shade","total","buyer","body"])", R"("required":["order_id","shade","total","body"])"},
    {"an event requires what was optional", R"("required":["order_id","shade","total","buyer","body"])", R"("required":["order_id","shade","total","remark","buyer","body"])"},
    {"a value of an event's enum is gone", R"(["dark","light"])", R"(["light"])"},
    {"a number of an event is narrower", R"("total":{"type":"integer","minimum":0,"maximum":1000})", R"("total":{"type":"integer","minimum":0,"maximum":999})"},
    {"personal data became plain", R"("buyer":{"type":"object","x-personal":true,"oneOf":[{"properties":{"plain":{"type":"string"}},"required":["plain"]},{"properties":{"erased":{"const":true}},"required":["erased"]}]})", R"("buyer":{"type":"string"})"},
    {"plain data became personal", R"("remark":{"type":"string"})", R"("remark":{"type":"object","oneOf":[{"properties":{"plain":{"type":"string"}},"required":["plain"]}]})"},
    {"an older version of an event reads less", R"("order":{"type":"string"})", R"("order":{"type":"string","maxLength":3})"},
    {"a reply is gone", R"({"kind":"reply","name":"Receipt","version":1,"current":true,"schema":{"$ref":"#/$defs/Receipt"}},)", ""},
    {"a reply has a value that nobody knows", R"(["open","closed"])", R"(["open","closed","lost"])"},
    {"a reply no longer has a member", R"( "fee":{"type":"integer","minimum":0,"maximum":100},)", " ", R"(["number","state","fee"])", R"(["number","state"])"},
    {"a reply may leave a member out", R"("required":["number","state","fee"])", R"("required":["number","state"])"},
    {"a reply's number is wider", R"("fee":{"type":"integer","minimum":0,"maximum":100})", R"("fee":{"type":"integer","minimum":0,"maximum":101})"},
    {"a reply's text has no limit any more", R"("number":{"type":"string","maxLength":20})", R"("number":{"type":"string"})"},
    {"settings require what older ones have not", R"("required":["limit","grace"])", R"("required":["limit","grace","burst"])"},
    {"a setting is narrower", R"("maximum":50)", R"("maximum":49)"},
};

constexpr Edit kCompatibleMessages[] = {
    {"nothing but a description", "Orders something", "Orders anything"},
    {"a command is new", R"("x-messages":[)", R"("x-messages":[{"kind":"command","name":"Undo","version":1,"current":true,"schema":{"$ref":"#/$defs/Line"}},)"},
    {"an event is new", R"("x-messages":[)", R"("x-messages":[{"kind":"event","name":"Undone","version":1,"current":true,"topic":"shop.orders","schema":{"$ref":"#/$defs/Line"}},)"},
    {"a new version of a command beside the old", R"("x-messages":[)", R"("x-messages":[{"kind":"command","name":"Place","version":2,"current":true,"schema":{"$ref":"#/$defs/Line"}},)"},
    {"a new version of an event beside the old", R"("x-messages":[)", R"("x-messages":[{"kind":"event","name":"Placed","version":3,"current":true,"topic":"shop.orders","schema":{"$ref":"#/$defs/Line"}},)"},
    {"a reply is new", R"("x-messages":[)", R"("x-messages":[{"kind":"reply","name":"Gone","version":1,"current":true,"schema":{"$ref":"#/$defs/Line"}},)"},
    {"a topic is new", R"("x-topics":[)", R"("x-topics":[{"name":"shop.audit","class":"fact"},)"},
    {"an ephemeral topic is kept for ever", R"("class":"ephemeral","retention_ms":86400000)", R"("class":"fact")"},
    {"retention is longer", R"("retention_ms":86400000)", R"("retention_ms":172800000)"},
    {"a command has a new optional member", R"("note":{"type":"string"},)", R"("note":{"type":"string"},"urgent":{"type":"boolean"},)"},
    {"an optional member of a command is gone", R"( "note":{"type":"string"},)", " "},
    {"a member of a command is optional now", R"("required":["id","colour","quantity","price",)", R"("required":["id","colour","quantity",)"},
    {"an integer became any number", R"("quantity":{"type":"integer","minimum":1,"maximum":10})", R"("quantity":{"type":"number","minimum":1,"maximum":10})"},
    {"null is taken too", R"("note":{"type":"string"})", R"("note":{"type":["string","null"]})"},
    {"null is taken as another form", R"("note":{"type":"string"})", R"("note":{"anyOf":[{"type":"string"},{"type":"null"}]})"},
    {"a text may be longer", R"("x-bytes":{"min":2,"max":64})", R"("x-bytes":{"min":2,"max":65})"},
    {"a text may be shorter", R"("x-bytes":{"min":2,"max":64})", R"("x-bytes":{"min":1,"max":64})"},
    {"a text has no limits any more", R"("minLength":1,"maxLength":64,"x-bytes":{"min":2,"max":64})", R"("description":"any")"},
    {"a number may be greater", R"("quantity":{"type":"integer","minimum":1,"maximum":10})", R"("quantity":{"type":"integer","minimum":1,"maximum":11})"},
    {"a number may be smaller", R"("quantity":{"type":"integer","minimum":1,"maximum":10})", R"("quantity":{"type":"integer","minimum":0,"maximum":10})"},
    {"a number has no limits any more", R"("quantity":{"type":"integer","minimum":1,"maximum":10})", R"("quantity":{"type":"integer"})"},
    {"a command's enum has a new value", R"(["red","green"])", R"(["red","green","blue"])"},
    {"the order of an enum is another", R"(["red","green"])", R"(["green","red"])"},
    {"an enum became any text", R"("colour":{"type":"string","enum":["red","green"]})", R"("colour":{"type":"string"})"},
    {"a time became any text", R"("ordered_at":{"type":"string","format":"date-time"})", R"("ordered_at":{"type":"string"})"},
    {"a pattern is gone", R"("hash":{"type":"string","pattern":"^[0-9a-f]+$"})", R"("hash":{"type":"string"})"},
    {"a text became any value", R"("note":{"type":"string"})", R"("note":{})"},
    {"items may be any value", R"("lines":{"type":"array","items":{"$ref":"#/$defs/Line"}})", R"("lines":{"type":"array"})"},
    {"the values of a map are longer", R"("maxLength":9)", R"("maxLength":10)"},
    {"a map takes any value", R"("additionalProperties":{"type":"string","maxLength":9})", R"("additionalProperties":true)"},
    {"a nested type has a new optional member", R"("item":{"type":"string"})", R"("item":{"type":"string"},"gift":{"type":"boolean"})"},
    {"a nested type is written in place", R"("items":{"$ref":"#/$defs/Line"})", R"("items":{"type":"object","properties":{"item":{"type":"string"},"count":{"type":"integer","minimum":1,"maximum":12}},"required":["item","count"]})"},
    {"unknown members of a command pass", R"("additionalProperties":false)", R"("additionalProperties":true)"},
    {"a dropped name comes back as it was", R"("note":{"type":"string"},)", R"("note":{"type":"string"},"coupon":{"type":"string"},)"},
    {"a dropped name comes back wider", R"("seen":{"type":"boolean"})", R"("seen":{"type":"boolean"},"speed":{"type":"integer","minimum":0,"maximum":10})"},
    {"a dropped name is no longer remembered", R"(,"x-dropped":{"speed":{"type":"integer","minimum":0,"maximum":9}})", ""},
    {"an event has a new optional member", R"("remark":{"type":"string"})", R"("remark":{"type":"string"},"source":{"type":"string"})"},
    {"an optional member of an event is gone", R"( "remark":{"type":"string"},)", " "},
    {"a number of an event is wider", R"("total":{"type":"integer","minimum":0,"maximum":1000})", R"("total":{"type":"integer","minimum":0,"maximum":1001})"},
    {"an event's enum has a new value", R"(["dark","light"])", R"(["dark","light","dim"])"},
    {"personal data may be sealed", R"({"properties":{"erased":{"const":true}},"required":["erased"]}]})", R"({"properties":{"erased":{"const":true}},"required":["erased"]},{"properties":{"tmkey":{"type":"string"}},"required":["tmkey"]}]})"},
    {"a reply has a new member", R"("hint":{"type":"string"})", R"("hint":{"type":"string"},"tip":{"type":"string"})"},
    {"a reply always has what was optional", R"("required":["number","state","fee"])", R"("required":["number","state","fee","hint"])"},
    {"an optional member of a reply is gone", R"( "hint":{"type":"string"}},)", R"( "h":{"type":"string"}},)"},
    {"a value of a reply is never given any more", R"(["open","closed"])", R"(["open"])"},
    {"a reply's number is narrower", R"("fee":{"type":"integer","minimum":0,"maximum":100})", R"("fee":{"type":"integer","minimum":0,"maximum":99})"},
    {"a reply's text is shorter", R"("number":{"type":"string","maxLength":20})", R"("number":{"type":"string","maxLength":19})"},
    {"a setting is gone", R"(,"grace":{"type":"integer"}},"required":["limit","grace"])", R"(},"required":["limit"])"},
    {"a setting is wider", R"("maximum":50)", R"("maximum":51)"},
};

constexpr Edit kBreakingRoutes[] = {
    {"a route is gone", R"("/orders/{id}":{)", R"("/order/{id}":{)"},
    {"a method is gone", R"("post":{)", R"("put":{)"},
    {"a parameter is required now", R"({"name":"limit","in":"query",)", R"({"name":"limit","in":"query","required":true,)"},
    {"a required parameter is new", R"("parameters":[{"name":"limit")", R"("parameters":[{"name":"from","in":"query","required":true,"schema":{"type":"string"}},{"name":"limit")"},
    {"a parameter is gone", R"({"name":"limit","in":"query","schema":{"type":"integer","minimum":1,"maximum":100}},)", ""},
    {"a parameter moved to a header", R"("name":"limit","in":"query")", R"("name":"limit","in":"header")"},
    {"a parameter is narrower", R"("maximum":100)", R"("maximum":50)"},
    {"a body is required now", R"("requestBody":{)", R"("requestBody":{"required":true,)"},
    {"a body needs another member", R"("required":["item"])", R"("required":["item","size"])"},
    {"a value of a body is not taken any more", R"(["s","m"])", R"(["s"])"},
    {"a media type of the body is not taken any more", R"(,"multipart/form-data":{})", ""},
    {"the successful answer is another", R"("201":{)", R"("202":{)"},
    {"the answer has another media type", R"("content":{"application/json":{"schema":{"type":"array")", R"("content":{"text/csv":{"schema":{"type":"array")"},
    {"the answer has another type", R"({"type":"array","items":{"$ref":"#/components/schemas/Order"}})", R"({"type":"object"})"},
    {"an answer lost a member", R"("number":{"type":"integer"},)", "", R"(["number","status"])", R"(["status"])"},
    {"a member of an answer is wider", R"("number":{"type":"integer"})", R"("number":{"type":"number"})"},
    {"an answer has a value that nobody knows", R"(["new","sent"])", R"(["new","sent","lost"])"},
    {"an answer may be null", R"("number":{"type":"integer"})", R"("number":{"type":["integer","null"]})"},
    {"an answer lost a header", R"("headers":{"ETag":{"schema":{"type":"string"}}},)", ""},
    {"an open route needs a credential", R"("security":[]}}})", R"("security":[{"key":[]}]}}})"},
    {"a credential does not suffice any more", R"([{"key":[]},{"token":[]}])", R"([{"key":[]}])"},
};

constexpr Edit kCompatibleRoutes[] = {
    {"a route is new", R"("paths":{)", R"("paths":{"/stock":{"get":{"responses":{"200":{"description":"Stock"}}}},)"},
    {"a path parameter has another name", R"("/orders/{id}":{"get":{"parameters":[{"name":"id",)", R"("/orders/{order}":{"get":{"parameters":[{"name":"order",)"},
    {"an optional parameter is new", R"("parameters":[{"name":"limit")", R"("parameters":[{"name":"from","in":"query","schema":{"type":"string"}},{"name":"limit")"},
    {"a parameter may be left out", R"("in":"header","required":true,)", R"("in":"header",)"},
    {"a parameter is wider", R"("maximum":100)", R"("maximum":500)"},
    {"a body takes another member", R"("item":{"type":"string"},)", R"("item":{"type":"string"},"gift":{"type":"boolean"},)"},
    {"a body takes another value", R"(["s","m"])", R"(["s","m","l"])"},
    {"a member of a body may be left out", R"(,"required":["item"])", ""},
    {"a body is taken in another form", R"("multipart/form-data":{})", R"("multipart/form-data":{},"application/xml":{})"},
    {"an error is new", R"("404":{)", R"("429":{"description":"Too many"},"404":{)"},
    {"an error is gone", R"(,
"404":{"description":"None","content":{"application/problem+json":{"schema":{"type":"object"}}}})", ""},
    {"an answer has a new member", R"("number":{"type":"integer"},)", R"("number":{"type":"integer"},"weight":{"type":"number"},)"},
    {"an answer always has what was optional", R"("required":["number","status"])", R"("required":["number","status","memo"])"},
    {"a member of an answer is never null any more", R"("memo":{"type":["string","null"]})", R"("memo":{"type":"string"})"},
    {"a value of an answer is never given any more", R"(["new","sent"])", R"(["new"])"},
    {"an answer has a new header", R"("headers":{"ETag":)", R"("headers":{"Age":{"schema":{"type":"integer"}},"ETag":)"},
    {"an answer has another form too", R"("description":"One","content":{)", R"("description":"One","content":{"text/html":{},)"},
    {"another credential suffices", R"("security":[{"key":[]}]}},)", R"("security":[{"key":[]},{"token":[]}]}},)"},
    {"no credential is needed any more", R"("security":[{"key":[]}]}},)", R"("security":[]}},)"},
    {"a description is another", R"("description":"Orders")", R"("description":"All orders")"},
};

TEST(Compatibility, ThereAreRowsEnough) {
  EXPECT_GE(std::size(kBreakingMessages), 40u);
  EXPECT_GE(std::size(kCompatibleMessages), 40u);
}

TEST(Compatibility, MessagesMayNotChangeSo) {
  for (const Edit& edit : kBreakingMessages) {
    const Changes changes = compare_edited_bundle(edit);
    EXPECT_TRUE(breaks(changes)) << edit.what << "\n" << text_of(changes);
  }
}

TEST(Compatibility, MessagesMayChangeSo) {
  for (const Edit& edit : kCompatibleMessages) {
    const Changes changes = compare_edited_bundle(edit);
    EXPECT_FALSE(breaks(changes)) << edit.what << "\n" << text_of(changes);
  }
}

TEST(Compatibility, RoutesMayNotChangeSo) {
  for (const Edit& edit : kBreakingRoutes) {
    const Changes changes = compare_edited_routes(edit);
    EXPECT_TRUE(breaks(changes)) << edit.what << "\n" << text_of(changes);
  }
}

TEST(Compatibility, RoutesMayChangeSo) {
  for (const Edit& edit : kCompatibleRoutes) {
    const Changes changes = compare_edited_routes(edit);
    EXPECT_FALSE(breaks(changes)) << edit.what << "\n" << text_of(changes);
  }
}

TEST(Compatibility, AContractIsCompatibleWithItself) {
  EXPECT_EQ(text_of(compare_edited_bundle({"nothing", "\"Shop\"", "\"Shop\""})), "");
  EXPECT_EQ(text_of(compare_edited_routes({"nothing", "\"Shop\"", "\"Shop\""})), "");
}

TEST(Compatibility, AChangeNamesItsPlace) {
  EXPECT_EQ(text_of(compare_edited_bundle({"", R"("count":{"type":"integer","minimum":1,"maximum":12})", R"("count":{"type":"string"})"})),
            "BREAKING command Place.v1 /lines/[]/count: type was integer, is string\n"
            "BREAKING event Placed.v2 /body/count: type was integer, is string\n");
  EXPECT_EQ(text_of(compare_edited_routes({"", R"(["new","sent"])", R"(["sent"])"})),
            "compatible GET /orders answer 200 /[]/status: value \"new\" is gone\n"
            "compatible GET /orders/{id} answer 200 /status: value \"new\" is gone\n");
}

TEST(Compatibility, TypesThatContainThemselvesAreCompared) {
  constexpr std::string_view kTree = R"({"Tree":{"type":"object","properties":{"children":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/Tree"},{"type":"null"}]}},)"
                                     R"("size":{"type":"integer","maximum":9}}}})";
  const auto table_of = [](std::string_view text) {
    const auto document = event::JsonDocument::parse(text);
    auto table = parse_schemas(document->root(), "#/$defs/", "");
    EXPECT_TRUE(table.ok());
    return *table;
  };
  const SchemaTable earlier = table_of(kTree), present = table_of(edited(kTree, "\"maximum\":9", "\"maximum\":8"));
  Changes changes;
  compare_schemas(earlier.at("Tree"), earlier, present.at("Tree"), present, Use::record, "", changes);
  EXPECT_TRUE(breaks(changes)) << text_of(changes);
}

}  // namespace
}  // namespace tidemark::schema
