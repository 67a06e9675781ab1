// Commands as CloudEvents, one and many; expected versions and entity tags.

#include "tests/unit/api/surface_rig.hpp"

namespace tidemark::api::testing {
namespace {

const http::Headers kStructured{{"Content-Type", "application/cloudevents+json; charset=utf-8"}};
const http::Headers kBatch{{"Content-Type", "application/cloudevents-batch+json"}};

std::string cloud(const std::string& id, const std::string& command, const std::string& data, const std::string& more = {}) {
  return R"({"specversion":"1.0","source":"/test","id":")" + id + R"(","type":"tidemark.tally.)" + command + R"(.v1",)" + more + R"("data":)" +
         data + "}";
}
std::string open(const std::string& id, const std::string& account, const std::string& group = "g") {
  return cloud(id, "Open", R"({"group":")" + group + R"(","account":")" + account + R"(","expires_in_ms":0})");
}
std::string add(const std::string& id, const std::string& account, int amount, const std::string& more = {}) {
  return cloud(id, "Add", R"({"group":"g","account":")" + account + R"(","amount":)" + std::to_string(amount) + R"(,"note":""})", more);
}
std::string batch(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? "," : "") + item;
  return out + "]";
}

class CloudEventCommands : public SurfaceRig {};

TEST_F(CloudEventCommands, AStructuredEventIsDecidedUnderItsSourceAndId) {
  const auto first = post("/commands", open("1", "a"), kStructured);
  ASSERT_EQ(first.status(), 200) << first.body;
  EXPECT_EQ(first.text("id"), runtime::command_id_of_cloudevent("/test", "1"));
  EXPECT_EQ(first.header("ETag"), "\"0\"");
  EXPECT_EQ(first.header("Tidemark-Subject"), "a");
  const auto again = post("/commands", open("1", "a"), kStructured);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("Tidemark-Replayed"), "true");
  EXPECT_EQ(again.header("ETag"), "\"0\"");
  EXPECT_EQ(problem_of(post("/commands", open("1", "b"), kStructured)), "422 /problems/idempotency-key-reused");
}

TEST_F(CloudEventCommands, ABinaryEventIsTheSameCommand) {
  const http::Headers headers{{"Content-Type", "application/json"}, {"ce-specversion", "1.0"}, {"ce-id", "%31"}, {"ce-source", "/test"},
                              {"ce-type", "tidemark.tally.Open.v1"}, {"ce-unheardof", "x"}, {"ce-partitionkey", "elsewhere"},
                              {"ce-tenant", "t%C3%A9"}, {"ce-correlationid", "corr-1"}};
  const auto first = post("/commands", R"({"group":"g","account":"a","expires_in_ms":0})", headers);
  ASSERT_EQ(first.status(), 200) << first.body;
  EXPECT_EQ(post("/commands", open("1", "a"), kStructured).header("Tidemark-Replayed"), "true") << "%31 is 1";
  const auto decision = get("/decisions/" + first.text("id"));
  EXPECT_EQ(decision.text("tenant"), "t\xC3\xA9");
  EXPECT_EQ(decision.text("correlationid"), "corr-1");
}

TEST_F(CloudEventCommands, OnThePathOfACommandTheEventMustNameIt) {
  EXPECT_EQ(post("/commands/tally/Open", open("1", "a"), kStructured).status(), 200);
  EXPECT_EQ(post("/commands/tally/Open.v1", open("2", "b"), kStructured).status(), 200);
  const auto other = post("/commands/tally/Add", open("3", "c"), kStructured);
  EXPECT_EQ(problem_of(other), "400 /problems/bad-input");
  EXPECT_NE(other.body.find(R"("pointer":"/type")"), std::string::npos);
  EXPECT_EQ(problem_of(post("/commands/tally/Open", batch({open("4", "d")}), kBatch)), "415 /problems/media-type-unsupported");
}

TEST_F(CloudEventCommands, EveryFaultOfAnEventIsNamed) {
  const auto bad = post("/commands", R"({"specversion":"0.3","source":"/s","type":"Open","tenant":7})", kStructured);
  EXPECT_EQ(problem_of(bad), "400 /problems/bad-input");
  for (const char* pointer : {"/specversion", "/id", "/tenant"}) EXPECT_NE(bad.body.find(pointer), std::string::npos) << pointer << bad.body;
  const auto type = post("/commands", R"({"specversion":"1.0","id":"1","source":"/s","type":"Open"})", kStructured);
  EXPECT_NE(type.body.find("/type"), std::string::npos);
  const auto data = post("/commands", cloud("1", "Open", R"({"group":7,"colour":"red"})"), kStructured);
  for (const char* pointer : {"/data/group", "/data/account", "/data/colour"}) EXPECT_NE(data.body.find(pointer), std::string::npos) << data.body;
  const auto large = post("/commands", open("1", "a").insert(1, R"("correlationid":")" + std::string(257, 'c') + "\","), kStructured);
  EXPECT_NE(large.body.find("/correlationid"), std::string::npos);
  const http::Headers twice{{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-id", "2"}, {"ce-source", "/s"}, {"ce-type", "tidemark.tally.Open.v1"}};
  EXPECT_NE(post("/commands", "{}", twice).body.find("may be given once"), std::string::npos);
  const http::Headers escape{{"ce-specversion", "1.0"}, {"ce-id", "%zz"}, {"ce-source", "%ff"}, {"ce-type", "tidemark.tally.Open.v1"}};
  EXPECT_NE(post("/commands", "{}", escape).body.find("percent-encoded"), std::string::npos);
  EXPECT_EQ(post("/commands", "\xff", kStructured).status(), 400);
  EXPECT_EQ(problem_of(post("/commands", "{}")), "415 /problems/media-type-unsupported");
  EXPECT_EQ(history->appends, history->lanes) << "nothing was recorded but the taking of the lanes";
}

TEST_F(CloudEventCommands, AnIdempotencyKeyWouldBeASecondName) {
  http::Headers headers = kStructured;
  headers.emplace_back("Idempotency-Key", "k");
  EXPECT_EQ(problem_of(post("/commands", open("1", "a"), headers)), "400 /problems/idempotency-key-with-cloudevent");
}

TEST_F(CloudEventCommands, ItemsOfABatchAreIndependentAndInOrder) {
  const auto reply = post("/commands", batch({open("1", "a"), add("2", "a", 5), add("3", "nobody", 1), R"({"id":"x"})", "7",
                                              cloud("5", "Paint", "{}"), add("6", "a", 7), add("2", "a", 5), add("2", "a", 6)}), kBatch);
  ASSERT_EQ(reply.status(), 200) << reply.body;
  std::vector<std::int64_t> statuses;
  for (const auto item : reply.json()["items"].items()) statuses.push_back(*item["status"].as_int64());
  EXPECT_EQ(statuses, (std::vector<std::int64_t>{200, 200, 404, 400, 400, 404, 200, 200, 422}));
  std::size_t at = 0;
  for (const auto item : reply.json()["items"].items()) {
    if (at == 6) {
      EXPECT_EQ(item["body"]["reply"]["balance"].as_int64(), 12);
      EXPECT_EQ(item["etag"].as_string(), "\"2\"");
    }
    if (at == 7) {
      EXPECT_EQ(item["replayed"].as_bool(), true);
      EXPECT_EQ(item["body"]["reply"]["balance"].as_int64(), 5);
    }
    ++at;
  }
  EXPECT_EQ(reply.header("Tidemark-Position"), reply.text("position"));
}

TEST_F(CloudEventCommands, ABatchSharesItsCommits) {
  std::vector<std::string> items;
  for (int i = 0; i < 1000; ++i) items.push_back(open(std::to_string(i), "a" + std::to_string(i), "g" + std::to_string(i % 7)));
  const std::size_t before = history->appends;
  const auto reply = post("/commands", batch(items), kBatch);
  ASSERT_EQ(reply.status(), 200);
  EXPECT_EQ(reply.json()["items"].size(), 1000u);
  for (const auto item : reply.json()["items"].items()) EXPECT_EQ(item["status"].as_int64(), 200);
  EXPECT_LE(history->appends - before, history->lanes);
}

TEST_F(CloudEventCommands, ABatchAboveTheLimitRecordsNothing) {
  std::vector<std::string> items;
  for (int i = 0; i < 1001; ++i) items.push_back(open(std::to_string(i), "a" + std::to_string(i)));
  const std::size_t before = history->appends;
  EXPECT_EQ(problem_of(post("/commands", batch(items), kBatch)), "413 /problems/batch-too-large");
  EXPECT_EQ(history->appends, before);
  for (const char* body : {"", "{}", "[", "7", "[{}] x"}) EXPECT_EQ(post("/commands", body, kBatch).status(), 400) << body;
  const auto empty = post("/commands", "[]", kBatch);
  EXPECT_EQ(empty.body, R"({"position":null,"items":[]})");
}

TEST_F(CloudEventCommands, LinesAreABatchToo) {
  const auto reply = post("/commands", open("1", "a") + "\n\n" + "{broken\r\n" + add("2", "a", 1), {{"Content-Type", "application/x-ndjson"}});
  std::vector<std::int64_t> statuses;
  for (const auto item : reply.json()["items"].items()) statuses.push_back(*item["status"].as_int64());
  EXPECT_EQ(statuses, (std::vector<std::int64_t>{200, 400, 200}));
}

TEST_F(CloudEventCommands, HeadersOfOneCommandDoNotGoWithABatch) {
  for (const char* header : {"Idempotency-Key", "If-Match", "If-None-Match", "Tidemark-Subject"}) {
    http::Headers headers = kBatch;
    headers.emplace_back(header, "*");
    EXPECT_EQ(problem_of(post("/commands", "[]", headers)), "400 /problems/header-on-batch") << header;
  }
}

TEST_F(CloudEventCommands, IfMatchHoldsTheCommandToAVersion) {
  const std::string body = R"({"group":"g","account":"a b\u00e9","expires_in_ms":0})", added = R"({"group":"g","account":"a b\u00e9","amount":1,"note":""})";
  const http::Headers subject{{"Tidemark-Subject", "a%20b%C3%A9"}};
  const auto with = [&](std::string name, std::string value) {
    http::Headers headers = subject;
    headers.emplace_back(std::move(name), std::move(value));
    return headers;
  };
  EXPECT_EQ(problem_of(post("/commands/tally/Open", body, with("If-Match", "*"))), "412 /problems/version-conflict");
  const auto opened = post("/commands/tally/Open", body, with("If-None-Match", "*"));
  ASSERT_EQ(opened.status(), 200) << opened.body;
  EXPECT_EQ(opened.header("Tidemark-Subject"), "a%20b%c3%a9");
  EXPECT_EQ(problem_of(post("/commands/tally/Open", body, with("If-None-Match", "*"))), "412 /problems/version-conflict");
  const auto matched = post("/commands/tally/Add", added, with("If-Match", opened.header("ETag")));
  EXPECT_EQ(matched.header("ETag"), "\"1\"");
  const auto late = post("/commands/tally/Add", added, with("If-Match", opened.header("ETag")));
  EXPECT_EQ(problem_of(late), "412 /problems/version-conflict");
  EXPECT_EQ(late.header("ETag"), "\"1\"");
  EXPECT_EQ(late.json()["version"].as_int64(), 1);
  EXPECT_EQ(post("/commands", add("9", "a b\\u00e9", 1, R"("subject":"a b\u00e9",)"), {kStructured[0], {"If-Match", "\"1\""}}).header("ETag"), "\"2\"");
}

TEST_F(CloudEventCommands, AMalformedPreconditionIsRefused) {
  const auto refused = [&](http::Headers headers) { return problem_of(post("/commands/tally/Open", "{}", std::move(headers))); };
  const std::string malformed = "400 /problems/precondition-malformed";
  EXPECT_EQ(refused({{"If-Match", "\"1\""}}), malformed) << "of no stream";
  for (const char* tag : {"1", "\"\"", "\"01\"", "\"-1\"", "\"1\", \"2\"", "W/\"1\"", "\"18446744073709551616\"", "\"x\""}) {
    EXPECT_EQ(refused({{"Tidemark-Subject", "a"}, {"If-Match", tag}}), malformed) << tag;
  }
  EXPECT_EQ(refused({{"Tidemark-Subject", "a"}, {"If-None-Match", "\"1\""}}), malformed);
  EXPECT_EQ(refused({{"Tidemark-Subject", "a"}, {"If-None-Match", "*"}, {"If-Match", "*"}}), malformed);
  EXPECT_EQ(refused({{"Tidemark-Subject", "a"}, {"If-Match", "*"}, {"If-Match", "*"}}), malformed);
  EXPECT_EQ(refused({{"Tidemark-Subject", "%ff"}, {"If-Match", "*"}}), malformed);
  EXPECT_EQ(problem_of(post("/commands", add("9", "a", 1, R"("subject":"a",)"), {kStructured[0], {"Tidemark-Subject", "b"}})), malformed);
}

}  // namespace
}  // namespace tidemark::api::testing
