// GET /decisions, GET /streams, and queries that wait for what their client wrote.

#include "core/api/token.hpp"
#include "tests/unit/api/surface_rig.hpp"

namespace tidemark::api::testing {
namespace {

class ReadingRoutes : public SurfaceRig {
 protected:
  Reply open(const std::string& account, http::Headers headers = {}) {
    return post("/commands/tally/Open", R"({"group":"g","account":")" + account + R"(","expires_in_ms":0})", std::move(headers));
  }
  Reply add(const std::string& account, int amount) {
    return post("/commands/tally/Add", R"({"group":"g","account":")" + account + R"(","amount":)" + std::to_string(amount) + R"(,"note":""})");
  }
  static std::vector<std::string> ids(const Reply& page) {
    std::vector<std::string> out;
    for (const auto event : page.json()["events"].items()) out.emplace_back(event["id"].as_string().value_or("?"));
    return out;
  }
};

TEST_F(ReadingRoutes, ADecisionIsReadByTheIdOfItsCommand) {
  const auto accepted = open("a"), refused = open("a");
  const auto decision = get("/decisions/" + accepted.text("id"));
  ASSERT_EQ(decision.status(), 200) << decision.body;
  EXPECT_EQ(decision.header("Content-Type"), "application/cloudevents+json");
  EXPECT_EQ(decision.text("commandid"), accepted.text("id"));
  EXPECT_EQ(decision.json()["data"]["verdict"].as_string(), "accepted");
  EXPECT_EQ(get("/decisions/" + refused.text("id") + "?domain=tally").json()["data"]["reason"].as_string(), "ACCOUNT_EXISTS");
}

TEST_F(ReadingRoutes, ADecisionThatRetentionHasCutIsGone) {
  const auto first = open("a"), second = add("a", 1);
  ASSERT_EQ(get("/decisions/" + first.text("id")).status(), 200);
  ASSERT_EQ(get("/decisions/" + second.text("id")).status(), 200);
  const auto tmseq = get("/decisions/" + second.text("id")).text("tmseq");
  log.cut("tally.decisions", lane_of("g", history->lanes), Tmseq{std::stoull(tmseq)});
  EXPECT_EQ(problem_of(get("/decisions/" + first.text("id"))), "410 /problems/retention-cut");
  EXPECT_EQ(get("/decisions/" + second.text("id")).status(), 200);
}

TEST_F(ReadingRoutes, WhatWasNeverDecidedIsSaidSo) {
  EXPECT_EQ(problem_of(get("/decisions/" + to_string(derive_uuid("nobody", "asked")))), "404 /problems/no-such-decision");
  for (const char* id : {"x", "0190", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"}) {
    EXPECT_EQ(problem_of(get("/decisions/" + std::string(id))), "400 /problems/command-id-malformed") << id;
  }
  EXPECT_EQ(problem_of(get("/decisions/" + to_string(Uuid{}) + "?domain=games")), "404 /problems/no-such-domain");
}

TEST_F(ReadingRoutes, AStreamPagesThroughAllEventsOfItsSubject) {
  std::vector<std::string> expected;
  const auto keep = [&](const Reply& reply) { expected.emplace_back(*(*reply.json()["events"].items().begin())["id"].as_string()); };
  keep(open("a"));
  open("b");
  for (int i = 0; i < 9; ++i) keep(add("a", 1));
  const auto whole = get("/streams/tally/a", {{"Tidemark-At-Least", add("b", 1).header("Tidemark-Position")}});
  ASSERT_EQ(whole.status(), 200) << whole.body;
  EXPECT_EQ(ids(whole), expected);
  EXPECT_EQ(whole.header("ETag"), "\"9\"");
  EXPECT_EQ(whole.json()["version"].as_int64(), 9);
  EXPECT_EQ(whole.json()["end"].as_bool(), true);

  std::vector<std::string> paged;
  std::string cursor;
  for (int page = 0; page < 20; ++page) {
    const auto reply = get("/streams/tally?subject=a&limit=3" + cursor);
    ASSERT_EQ(reply.status(), 200) << reply.body;
    for (const auto& id : ids(reply)) paged.push_back(id);
    cursor = "&cursor=" + reply.text("next");
    if (*reply.json()["end"].as_bool()) break;
  }
  EXPECT_EQ(paged, expected);
  const auto behind = get("/streams/tally/a?limit=3" + cursor);
  EXPECT_TRUE(ids(behind).empty());
  const auto last = add("a", 1);
  const auto news = get("/streams/tally/a?cursor=" + behind.text("next"), {{"Tidemark-At-Least", last.header("Tidemark-Position")}});
  EXPECT_EQ(ids(news).size(), 1u);
}

TEST_F(ReadingRoutes, AnEventOfTwoSubjectsIsListedUnderBoth) {
  open("a");
  open("b");
  const auto moved = post("/commands/tally/Move", R"({"group":"g","from":"a","to":"b","amount":3})");
  const http::Headers at_least{{"Tidemark-At-Least", moved.header("Tidemark-Position")}};
  const auto of_a = get("/streams/tally/a", at_least), of_b = get("/streams/tally/b", at_least);
  EXPECT_EQ(ids(of_a).back(), ids(of_b).back());
  EXPECT_EQ(of_a.header("ETag"), "\"1\"");
  EXPECT_EQ(of_b.header("ETag"), "\"0\"") << "its own stream has one event";
}

TEST_F(ReadingRoutes, QueriesThatMakeNoSenseAreRefused) {
  open("a");
  EXPECT_EQ(problem_of(get("/streams/games/a")), "404 /problems/no-such-domain");
  EXPECT_EQ(problem_of(get("/streams/tally/nobody")), "404 /problems/no-such-stream");
  for (const char* limit : {"0", "1001", "-1", "x", "", "99999999999999999999"}) {
    EXPECT_EQ(problem_of(get(std::string("/streams/tally/a?limit=") + limit)), "400 /problems/bad-query") << limit;
  }
  EXPECT_EQ(problem_of(get("/streams/tally")), "400 /problems/bad-query");
  EXPECT_EQ(problem_of(get("/streams/tally?subject=%ff")), "400 /problems/bad-query");
}

TEST_F(ReadingRoutes, ForgedForeignAndMisplacedCursorsAreToldApart) {
  const auto position = open("a").header("Tidemark-Position");
  open("b");
  const auto page = get("/streams/tally/a", {{"Tidemark-At-Least", position}});
  const std::string cursor = page.text("next");
  const auto with = [&](const std::string& given, const std::string& subject = "a") { return problem_of(get("/streams/tally/" + subject + "?cursor=" + given)); };
  EXPECT_EQ(with(""), "400 /problems/cursor-malformed");
  EXPECT_EQ(with("AAAA"), "400 /problems/cursor-malformed");
  EXPECT_EQ(with(std::string(40'000, 'A')), "400 /problems/cursor-malformed");
  EXPECT_EQ(with(position), "400 /problems/cursor-malformed") << "a position is no cursor";
  std::string forged = cursor;
  forged[30] = forged[30] == 'A' ? 'B' : 'A';
  EXPECT_EQ(with(forged), "400 /problems/cursor-foreign");
  EXPECT_EQ(with(cursor, "b"), "400 /problems/cursor-of-another-query");
  open_surface("another ring");
  EXPECT_EQ(with(cursor), "400 /problems/cursor-foreign");
  open_surface();
  history->epoch = derive_uuid("another", "log");
  EXPECT_EQ(with(cursor), "409 /problems/cursor-of-another-log");
}

TEST_F(ReadingRoutes, APositionThatCannotBeUsedIsRefusedAtOnce) {
  const std::string position = open("a").header("Tidemark-Position");
  const auto before = scheduler.now();
  const auto with = [&](http::Headers headers) { return problem_of(get("/streams/tally/a", std::move(headers))); };
  EXPECT_EQ(with({{"Tidemark-At-Least", "x"}}), "400 /problems/position-malformed");
  EXPECT_EQ(with({{"Tidemark-At-Least", position}, {"Tidemark-At-Least", position}}), "400 /problems/position-malformed");
  std::string forged = position;
  forged[30] = forged[30] == 'A' ? 'B' : 'A';
  EXPECT_EQ(with({{"Tidemark-At-Least", forged}}), "400 /problems/position-foreign");
  open_surface("another ring");
  EXPECT_EQ(with({{"Tidemark-At-Least", position}}), "400 /problems/position-foreign");
  open_surface();
  history->epoch = derive_uuid("another", "log");
  EXPECT_EQ(with({{"Tidemark-At-Least", position}}), "409 /problems/position-of-another-log");
  EXPECT_EQ(scheduler.now(), before);
}

TEST_F(ReadingRoutes, AQueryWaitsAsLongAsItsClientPrefers) {
  open("a");
  const auto tag = [](std::string_view bytes) { return sha256("ring" + std::string(bytes)).substr(0, 8); };
  const std::string ahead = runtime::encode_position({history->epoch, {{"tally.entries", lane_of("g", history->lanes), Tmseq{500}}}}, tag);
  const std::pair<const char*, int> cases[] = {{nullptr, 2}, {"wait=5", 5}, {"respond-async, WAIT = 7 ; x=y", 7}, {"wait=0", 0}, {"wait=100", 30},
                                               {"wait=99999999999999999999", 30}, {"wait=x", 2}, {"wait=", 2}, {"waiting=5,,", 2}};
  for (const auto& [prefer, seconds] : cases) {
    http::Headers headers{{"Tidemark-At-Least", ahead}};
    if (prefer != nullptr) headers.emplace_back("Prefer", prefer);
    const auto before = scheduler.now();
    const auto reply = get("/streams/tally/a", headers);
    EXPECT_EQ(problem_of(reply), "503 /problems/read-model-behind") << (prefer ? prefer : "none");
    EXPECT_EQ(reply.header("Retry-After"), "1");
    EXPECT_EQ(scheduler.now() - before, std::chrono::seconds(seconds)) << (prefer ? prefer : "none");
  }
}

}  // namespace
}  // namespace tidemark::api::testing
