// What the comparison does by itself, with rules that explain nothing.

#include "replay/shadow/comparison.hpp"

#include <gtest/gtest.h>

#include "replay/shadow/report.hpp"
#include "tests/unit/shadow/json_pair.hpp"

namespace tidemark::shadow {
namespace {

class PlainRules final : public Rules {
 public:
  std::span<const Route> routes() const override {
    static constexpr Route kRoutes[] = {{"GET", "/things/:id"}, {"GET", "/things/all"}, {"POST", "/things"}};
    return kRoutes;
  }
  std::span<const IdentityPlace> identities() const override {
    static constexpr IdentityPlace kPlaces[] = {{"POST", "/things", "id"}};
    return kPlaces;
  }
  std::span<const std::string_view> headers() const override {
    static constexpr std::string_view kNames[] = {"x-why"};
    return kNames;
  }
  std::string_view explain(const Exchange&, const Difference& difference) override {
    return difference.name == "time" ? std::string_view("time") : std::string_view();
  }
};

struct Compared {
  Summary summary;
  std::vector<std::string> at;  // of the findings: JSON Pointer, header name or ""
};

Compared compared(const std::vector<Pair>& pairs) {
  PlainRules rules;
  Compared out;
  Comparison comparison(rules, [&](const Finding& finding) { out.at.push_back(finding.difference.at); });
  std::uint64_t line = 0;
  for (const Pair& pair : pairs) comparison.add(++line, pair);
  out.summary = comparison.summary();
  return out;
}

std::vector<std::string> found(const std::string& primary, const std::string& shadow) {
  return compared({json_pair("GET", "/things/1", primary, shadow)}).at;
}

using Places = std::vector<std::string>;

TEST(ShadowComparison, ComparesDocumentsAsValues) {
  EXPECT_EQ(found(R"({"a":1,"b":[1.0,"x"]})", R"({ "b" : [1, "x"], "a" : 1 })"), Places{});
  EXPECT_EQ(found(R"({"a":"é"})", R"({"a":"\u00e9"})"), Places{});
  EXPECT_EQ(found(R"({"a":9007199254740993})", R"({"a":9007199254740992})"), Places{"/a"}) << "not as doubles";
}

TEST(ShadowComparison, NamesEveryPlaceThatDiffers) {
  EXPECT_EQ(found(R"({"a":1,"b":true,"c":null})", R"({"a":"1","b":false,"d":null})"), (Places{"/a", "/b", "/c", "/d"}));
  EXPECT_EQ(found(R"([[1,2],{"x/y":[{"~":0}]}])", R"([[1],{"x/y":[{"~":1}]},5])"), (Places{"/0/1", "/1/x~1y/0/~0", "/2"}));
  EXPECT_EQ(found(R"({"a":null})", R"({"a":{}})"), Places{"/a"});
}

TEST(ShadowComparison, OfTwoStatusesTheBodiesAreNotCompared) {
  Pair pair = json_pair("GET", "/things/1", R"({"a":1})", R"({"b":2})");
  pair.shadow->status = 404;
  EXPECT_EQ(compared({pair}).at, Places{""});
}

TEST(ShadowComparison, ComparesContentTypesWithoutCaseAndSpace) {
  Pair pair = json_pair("GET", "/things/1", "{}", "{}");
  pair.shadow->headers = {{"content-type", "Application/JSON;charset=UTF-8"}};
  EXPECT_EQ(compared({pair}).at, Places{});
  pair.shadow->headers = {{"content-type", "application/json"}};
  EXPECT_EQ(compared({pair}).at, Places{"content-type"});
}

TEST(ShadowComparison, ComparesADeclaredHeaderWhenThePrimaryHasIt) {
  Pair pair = json_pair("GET", "/things/1", "{}", "{}");
  pair.shadow->headers.emplace_back("x-why", "because");
  EXPECT_EQ(compared({pair}).at, Places{});
  pair.primary.headers.emplace_back("x-why", "why not");
  EXPECT_EQ(compared({pair}).at, Places{"x-why"});
}

TEST(ShadowComparison, ComparesOtherBodiesByHash) {
  Pair pair = json_pair("GET", "/things/1", "hello", "hello");
  pair.primary.headers = pair.shadow->headers = {{"content-type", "application/zip"}};
  pair.shadow->body = Body{.bytes = {}, .hashed = true, .sha256 = pair.primary.body.digest(), .size = 5};
  EXPECT_EQ(compared({pair}).at, Places{});
  pair.primary.body.bytes = "hullo";
  EXPECT_EQ(compared({pair}).at, Places{""});
}

TEST(ShadowComparison, ABrokenDocumentEqualsOnlyItself) {
  EXPECT_EQ(found("{", "{"), Places{});
  EXPECT_EQ(found("{", "{}"), Places{""});
}

TEST(ShadowComparison, PutsThePrimarysIdInPlaceOfTheShadows) {
  const std::string ours = "aaaaaaaaaa", theirs = "bbbbbbbbbb";
  const Pair made = json_pair("POST", "/things", R"({"id":")" + ours + "\"}", R"({"id":")" + theirs + "\"}");
  const auto named = [&](const std::string& id) {
    return R"({"url":"/things/)" + id + R"(/x","file":")" + id + R"(-copy.zip","text":"made )" + id + R"(, done","other":"x)" + id + "\"}";
  };
  EXPECT_EQ(compared({made, json_pair("GET", "/things/1", named(ours), named(theirs))}).at, Places{"/other"}) << "part of a longer word";
  EXPECT_EQ(compared({json_pair("GET", "/things/1", named(ours), named(theirs))}).at.size(), 4u) << "an id that nobody introduced";
}

TEST(ShadowComparison, AnIdThatIsGivenTwiceIsADifference) {
  const Pair first = json_pair("POST", "/things", R"({"id":"a1"})", R"({"id":"b1"})");
  const Pair second = json_pair("POST", "/things", R"({"id":"a2"})", R"({"id":"b1"})");
  EXPECT_EQ(compared({first, second}).at, Places{"/id"});
}

TEST(ShadowComparison, CountsByRouteAndByRule) {
  const auto all = compared({json_pair("GET", "/things/all", "{}", "{}"), json_pair("GET", "/things/7?x=1", R"({"time":1})", R"({"time":2})"),
                             json_pair("HEAD", "/things/8/", R"({"a":1})", R"({"a":2})"), json_pair("PUT", "/things", "{}", "{}")});
  ASSERT_EQ(all.summary.routes.size(), 3u);
  EXPECT_EQ(all.summary.routes.at("GET /things/all").equal, 1u);
  EXPECT_EQ(all.summary.routes.at("GET /things/:id").explained, 1u);
  EXPECT_EQ(all.summary.routes.at("GET /things/:id").unexplained, 1u);
  EXPECT_EQ(all.summary.routes.at("(no route)").equal, 1u);
  EXPECT_EQ(all.summary.rules.at("time"), 1u);
  EXPECT_EQ(all.summary.unexplained, 1u);
  EXPECT_EQ(summary_json(all.summary).find(R"({"pairs":4,"unexplained":1,"unexplained_pairs":1,"not_replayed":0,"routes":{)"), 0u);
}

TEST(ShadowComparison, OnePairWithManyDifferencesDoesNotFloodTheReport) {
  std::string ours = "[", theirs = "[";
  for (int i = 0; i < 500; ++i) ours += "0,", theirs += "1,";
  const auto all = compared({json_pair("GET", "/things/1", ours + "0]", theirs + "1]")});
  EXPECT_EQ(all.at.size(), Comparison::kFindingsPerPairMax);
  EXPECT_EQ(all.summary.unexplained, 501u);
}

}  // namespace
}  // namespace tidemark::shadow
