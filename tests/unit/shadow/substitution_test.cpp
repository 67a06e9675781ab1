// What is put in place of the primary's values in requests, and what stays.

#include "replay/shadow/substitution.hpp"
#include "tests/unit/shadow/json_pair.hpp"

#include <gtest/gtest.h>

namespace tidemark::shadow {
namespace {

class PlainRules final : public Rules {
 public:
  std::span<const Route> routes() const override {
    static constexpr Route kRoutes[] = {{"GET", "/things/:id"}, {"POST", "/things"}, {"GET", "/next"}};
    return kRoutes;
  }
  std::span<const IdentityPlace> identities() const override { return {}; }
  std::span<const IdentityPlace> generated() const override {
    static constexpr IdentityPlace kPlaces[] = {{"POST", "/things", "id"}, {"POST", "/things", "token"}, {"GET", "/next", "thing/password"}};
    return kPlaces;
  }
  ApiKeyPlace api_key() const override {
    static constexpr Route kRoutes[] = {{"POST", "/things"}};
    return {.header = "x-key", .routes = kRoutes};
  }
  std::span<const std::string_view> headers() const override { return {}; }
  std::string_view explain(const Exchange&, const Difference&) override { return {}; }
};

Substitution of_two() {
  Substitution table;
  table.learn("build-A", "build-1");
  table.learn("tok_A", "tok_1");
  return table;
}

Request sent(Request request) {
  Substitution table = of_two();
  return table.in_shadow_words(request);
}
Request with_body(const std::string& type, const std::string& body) {
  Request request;
  request.method = "POST";
  request.target = "/";
  request.headers = {{"content-type", type}};
  request.body.bytes = body;
  return request;
}
std::string json_sent(const std::string& body) { return sent(with_body("application/json", body)).body.bytes; }
std::string form_sent(const std::string& body) { return sent(with_body("multipart/form-data; boundary=b", body)).body.bytes; }

TEST(Substitution, TheTargetNamesTheShadowsThings) {
  Request request;
  request.target = "/builds/build-A/files/build-A-certs.zip?worker=tok_A&name=build-AB";
  EXPECT_EQ(sent(request).target, "/builds/build-1/files/build-1-certs.zip?worker=tok_1&name=build-AB");
}

TEST(Substitution, HeadersDoTooButTheContentTypeStays) {
  Request request;
  request.headers = {{"x-token", "tok_A"}, {"authorization", "Bearer tok_A"}, {"x-other", "tok_AA"}, {"content-type", "multipart/form-data; boundary=tok_A"}};
  const std::vector<std::pair<std::string, std::string>> expected{
      {"x-token", "tok_1"}, {"authorization", "Bearer tok_1"}, {"x-other", "tok_AA"}, {"content-type", "multipart/form-data; boundary=tok_A"}};
  EXPECT_EQ(sent(request).headers, expected);
}

TEST(Substitution, AValueOfOtherCharactersIsReplacedAsAWhole) {
  Substitution table;
  table.learn("a+b/c=", "d+e/f=");
  EXPECT_EQ(table.in_shadow_words("a+b/c="), "d+e/f=");
  EXPECT_EQ(table.in_shadow_words("x a+b/c="), "x a+b/c=");
}

TEST(Substitution, StringsOfJsonAreReplacedAndNothingAroundThem) {
  EXPECT_EQ(json_sent(R"( { "id" : "build-A", "build-A": 1.50, "list":["tok_A", {"deep":"see build-A, line 3"}], "n":null } )"),
            R"( { "id" : "build-1", "build-A": 1.50, "list":["tok_1", {"deep":"see build-1, line 3"}], "n":null } )");
  EXPECT_EQ(json_sent(R"({"id":"b\u0075ild-A","text":"\u00e9\n"})"), R"({"id":"build-1","text":"\u00e9\n"})");
  EXPECT_EQ(json_sent(R"("tok_A")"), R"("tok_1")");
}

TEST(Substitution, ABodyThatIsNoJsonIsSentAsItWas) {
  for (const std::string body : {R"({"id":"build-A")", "build-A", "", R"({"id":"build-A"} x)"}) EXPECT_EQ(json_sent(body), body);
}

TEST(Substitution, TextFieldsOfAFormAreReplacedAndFilesAreNot) {
  const auto form = [](const std::string& id, const std::string& reason) {
    return "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"build-A.zip\"\r\n\r\nbuild-A tok_A\r\n--other\r\n"
           "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n" + id +
           "\r\n--b\r\nContent-Disposition: form-data; name=\"none\"\r\n\r\n\r\n"
           "--b\r\nContent-Disposition: form-data; name=\"reason\"\r\n\r\n" + reason + "\r\n--b--\r\n";
  };
  EXPECT_EQ(form_sent(form("build-A", "of build-A:\r\n-- tok_A")), form("build-1", "of build-1:\r\n-- tok_1"));
}

TEST(Substitution, ABrokenFormIsReplacedUpToWhereItBreaks) {
  const std::string head = "--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n";
  EXPECT_EQ(form_sent(head + "build-A\r\n" + head + "build-A"), head + "build-1\r\n" + head + "build-A");
  EXPECT_EQ(form_sent("build-A"), "build-A");
}

TEST(Substitution, TheLatestMeaningHolds) {
  Substitution table = of_two();
  table.learn("tok_A", "tok_2");
  EXPECT_EQ(table.in_shadow_words("tok_A"), "tok_2");
  table.learn("tok_A", "tok_A");
  EXPECT_EQ(table.in_shadow_words("tok_A"), "tok_A");
  EXPECT_EQ(table.size(), 2u);
}

TEST(Substitution, WhatWasUsedLongestAgoIsForgottenFirst) {
  Substitution table(2);
  table.learn("a", "1");
  table.learn("b", "2");
  EXPECT_EQ(table.in_shadow_words("a"), "1");
  table.learn("c", "3");
  EXPECT_EQ(table.in_shadow_words("a b c"), "1 b 3");
}

TEST(LearnGenerated, ValuesAreLearnedWhereTheDomainSaysSo) {
  Substitution table;
  const PlainRules rules;
  learn_generated(rules, json_pair("POST", "/things", R"({"id":"A","token":"TA","name":"N"})", R"({"id":"1","token":"T1","name":"M"})"), table);
  learn_generated(rules, json_pair("GET", "/next?who=me", R"({"thing":{"password":"PA"}})", R"({"thing":{"password":"P1"}})"), table);
  learn_generated(rules, json_pair("GET", "/things/A", R"({"id":"X","token":"Y"})", R"({"id":"Z","token":"Z"})"), table);
  EXPECT_EQ(table.in_shadow_words("A TA N PA X Y"), "1 T1 N P1 X Y");
}

TEST(LearnGenerated, NothingIsLearnedFromARefusalOrAnotherType) {
  Substitution table;
  Pair refused = json_pair("POST", "/things", R"({"id":"A"})", R"({"id":"1"})");
  refused.shadow->status = 409;
  learn_generated(PlainRules(), refused, table);
  learn_generated(PlainRules(), json_pair("POST", "/things", R"({"id":"A"})", R"({"id":1})"), table);
  learn_generated(PlainRules(), json_pair("GET", "/next", R"({"thing":null})", R"({"thing":{"password":"P"}})"), table);
  EXPECT_EQ(table.size(), 0u);
}

TEST(ShownApiKey, OnlyARequestThatTheKeyAloneOpenedShowsIt) {
  Pair pair = json_pair("POST", "/things", "{}", "{}");
  pair.request.headers = {{"x-key", "secret"}};
  EXPECT_EQ(shown_api_key(PlainRules(), pair), "secret");
  pair.primary.status = 401;
  EXPECT_EQ(shown_api_key(PlainRules(), pair), "");
  pair.primary.status = 200;
  pair.request.method = "GET";
  pair.request.target = "/things/A";
  EXPECT_EQ(shown_api_key(PlainRules(), pair), "");
}

}  // namespace
}  // namespace tidemark::shadow
