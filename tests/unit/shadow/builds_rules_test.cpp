// Each difference of the contract's allow-list: where it is explained, and the next thing to it, which is not.

#include "schemas/builds/shadow/builds_rules.hpp"

#include <gtest/gtest.h>

#include "replay/shadow/comparison.hpp"

namespace tidemark::schemas::builds::shadow {
namespace {

using tidemark::shadow::Comparison;
using tidemark::shadow::Pair;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kBuild = "aaaaaaaaaaaaaaaaaaaaa";

struct Answered {
  int status = 200;
  std::string json;
};

Pair made(const std::string& method, const std::string& target, Headers headers, const std::string& body, const Answered& primary,
          const Answered& shadow) {
  Pair pair;
  pair.request.method = method;
  pair.request.target = target;
  pair.request.headers = std::move(headers);
  pair.request.body.bytes = body;
  pair.primary.status = primary.status;
  pair.primary.headers = {{"content-type", "application/json; charset=utf-8"}};
  pair.primary.body.bytes = primary.json;
  pair.shadow = pair.primary;
  pair.shadow->status = shadow.status;
  pair.shadow->body.bytes = shadow.json;
  return pair;
}
Pair get(const std::string& target, const std::string& primary, const std::string& shadow) {
  return made("GET", target, {}, "", {200, primary}, {200, shadow});
}
std::string of_build(const std::string& suffix) { return "/api/builds/" + std::string(kBuild) + suffix; }
std::string form(const std::string& fields) {
  std::string out;
  for (std::size_t at = 0; at < fields.size();) {
    const std::size_t end = fields.find('&', at), equals = fields.find('=', at);
    out += "--b\r\nContent-Disposition: form-data; name=\"" + fields.substr(at, equals - at) + "\"\r\n\r\n" +
           fields.substr(equals + 1, end == std::string::npos ? end : end - equals - 1) + "\r\n";
    at = end == std::string::npos ? fields.size() : end + 1;
  }
  return out + "--b--\r\n";
}

/// The rules that explained something, then "?" when something was left.
std::vector<std::string> judged(Primary primary, const std::vector<Pair>& pairs) {
  const auto rules = make_rules(primary);
  Comparison comparison(*rules, [](const tidemark::shadow::Finding&) {});
  std::uint64_t line = 0;
  for (const Pair& pair : pairs) comparison.add(++line, pair);
  std::vector<std::string> out;
  for (const auto& [name, count] : comparison.summary().rules) out.push_back(name);
  if (comparison.summary().unexplained > 0) out.push_back("?");
  return out;
}
std::vector<std::string> ts(const std::vector<Pair>& pairs) { return judged(Primary::typescript, pairs); }
std::vector<std::string> ex(const std::vector<Pair>& pairs) { return judged(Primary::elixir, pairs); }
std::vector<std::string> by(const std::string& name) { return {name}; }
const std::vector<std::string> kUnexplained{"?"};

Pair given_to_worker(const std::string& primary_job, const std::string& shadow_job) {
  return get("/api/workers/poll?worker_id=w1", primary_job.empty() ? R"({"job":null})" : R"({"job":{"id":")" + primary_job + "\"}}",
             shadow_job.empty() ? R"({"job":null})" : R"({"job":{"id":")" + shadow_job + "\"}}");
}
Pair cancelled() { return made("POST", of_build("/cancel"), {}, "{}", {200, R"({"status":"cancelled"})"}, {200, R"({"status":"cancelled"})"}); }

TEST(BuildsShadowRules, VolatileValuesKeepTypeAndFormat) {
  const auto one = [](const std::string& a, const std::string& b) { return judged(Primary::contract, {get(of_build("/status"), a, b)}); };
  EXPECT_EQ(one(R"({"submitted_at":1700000000000})", R"({"submitted_at":1700000000001})"), by("volatile"));
  EXPECT_EQ(one(R"({"submitted_at":1700000000000})", R"({"submitted_at":1700000000})"), kUnexplained) << "seconds";
  EXPECT_EQ(one(R"({"submitted_at":1700000000000})", R"({"submitted_at":"2026-01-01T00:00:00.000Z"})"), kUnexplained);
  EXPECT_EQ(one(R"({"completed_at":null})", R"({"completed_at":1700000000000})"), kUnexplained);
  EXPECT_EQ(one(R"({"otp":"0123456789abcdefghij"})", R"({"otp":"ABCDEFGHIJ0123456789"})"), by("volatile"));
  EXPECT_EQ(one(R"({"otp":"0123456789abcdefghij"})", R"({"otp":""})"), kUnexplained);
  EXPECT_EQ(one(R"({"uptime":"1d 2h"})", R"({"uptime":"59s"})"), by("volatile"));
  EXPECT_EQ(one(R"({"uptime":"1d 2h"})", R"({"uptime":"1d 02:00"})"), kUnexplained);
  EXPECT_EQ(one(R"({"platform":"ios"})", R"({"platform":"android"})"), kUnexplained);
  EXPECT_EQ(judged(Primary::exact, {get(of_build("/status"), R"({"submitted_at":1700000000000})", R"({"submitted_at":1700000000001})")}), kUnexplained);
}

TEST(BuildsShadowRules, EquivalencesAreOfOnePrimaryEach) {
  const Pair state = get(of_build("/status"), R"({"status":"assigned"})", R"({"status":"building"})");
  EXPECT_EQ(ts({state}), by("building-is-assigned"));
  EXPECT_EQ(ex({state}), kUnexplained);
  EXPECT_EQ(ts({get(of_build("/status"), R"({"status":"assigned"})", R"({"status":"pending"})")}), kUnexplained);
  EXPECT_EQ(ex({get("/api/builds", R"({"builds":[{"id":"x"}],"total":1})", R"([{"id":"x"}])")}), std::vector<std::string>{});
  EXPECT_EQ(ex({get("/api/builds", R"({"builds":[{"id":"x"}],"total":1})", R"([{"id":"y"}])")}), kUnexplained);
  EXPECT_EQ(ts({get("/api/builds", R"({"builds":[],"total":0})", "[]")}), kUnexplained);
  EXPECT_EQ(ex({get(of_build("/status"), R"({"started_at":null})", R"({"started_at":1700000000000})")}), by("elixir-null-times"));
  const Pair refusal = made("GET", of_build("/status"), {}, "", {404, R"({"errors":{"detail":"Not Found"}})"}, {404, R"({"error":"Build not found"})"});
  EXPECT_EQ(ex({refusal}), by("elixir-error-body"));
  EXPECT_EQ(ts({refusal}), kUnexplained);
}

TEST(BuildsShadowRules, D1InventedStatisticsUntilTenBuildsHaveFinished) {
  const auto stats = [](int total) {
    return get("/public/stats", R"({"nodesOnline":25,"totalBuilds":12345})", R"({"nodesOnline":1,"totalBuilds":)" + std::to_string(total) + "}");
  };
  EXPECT_EQ(ts({stats(10)}), by("D1-real-stats"));
  EXPECT_EQ(ts({stats(11)}), kUnexplained);
  EXPECT_EQ(ex({stats(10)}), kUnexplained);
  EXPECT_EQ(ts({get("/public/stats", R"({"totalBuilds":3})", R"({"totalBuilds":"3"})")}), kUnexplained);
}

TEST(BuildsShadowRules, D2HeartbeatsThatTypeScriptFails) {
  EXPECT_EQ(ts({made("POST", of_build("/heartbeat"), {}, "", {500, "{}"}, {200, "{}"})}), by("D2-signs-of-life"));
  EXPECT_EQ(ts({made("POST", of_build("/heartbeat"), {}, "", {500, "{}"}, {403, "{}"})}), kUnexplained);
  EXPECT_EQ(ts({made("POST", of_build("/logs"), {}, "", {500, "{}"}, {200, "{}"})}), kUnexplained);
}

TEST(BuildsShadowRules, D3CancelWithAnEmptyBody) {
  const auto cancel = [](const std::string& body) { return made("POST", of_build("/cancel"), {}, body, {400, "{}"}, {200, R"({"status":"cancelled"})"}); };
  EXPECT_EQ(ts({cancel("")}), by("D3-cancel-without-body"));
  EXPECT_EQ(ts({cancel("{}")}), kUnexplained);
  EXPECT_EQ(ts({cancel(""), get(of_build("/status"), R"({"status":"pending","error_message":null})", R"({"status":"failed","error_message":"Build cancelled by user"})")}),
            (std::vector<std::string>{"D3-cancel-without-body", "after-parting"}));
}

TEST(BuildsShadowRules, D4CancelledBuildsLeaveTheQueue) {
  const std::string build(kBuild);
  EXPECT_EQ(ts({cancelled(), given_to_worker(build, "")}), by("D4-cancelled-leaves-queue"));
  EXPECT_EQ(ts({given_to_worker(build, "")}), kUnexplained) << "it was not cancelled";
  EXPECT_EQ(ts({cancelled(), given_to_worker("", build)}), kUnexplained) << "the shadow gives it away";
  const auto health = [](int there, int here) {
    return get("/health", R"({"queue":{"pending":)" + std::to_string(there) + "}}", R"({"queue":{"pending":)" + std::to_string(here) + "}}");
  };
  EXPECT_EQ(ts({cancelled(), health(3, 2)}), by("D4-cancelled-leaves-queue"));
  EXPECT_EQ(ts({cancelled(), health(4, 2)}), kUnexplained) << "by more than was cancelled";
  EXPECT_EQ(ts({health(3, 2)}), kUnexplained);
}

TEST(BuildsShadowRules, D5AnOutcomeIsFinal) {
  const Answered finished{409, R"({"error":"Build already finished"})"};
  const Headers type{{"content-type", "multipart/form-data; boundary=b"}};
  const Pair overwritten = made("POST", "/api/workers/upload", type, form("build_id=" + std::string(kBuild) + "&success=false"), {200, "{}"}, finished);
  EXPECT_EQ(ts({overwritten}), by("D5-outcome-is-final"));
  const Pair state = get(of_build("/status"), R"({"status":"failed"})", R"({"status":"completed"})");
  EXPECT_EQ(ts({overwritten, state}), (std::vector<std::string>{"D5-outcome-is-final", "after-parting"}));
  EXPECT_EQ(ts({state}), kUnexplained) << "no outcome was overwritten";
  const Pair of_another = get("/api/builds/bbbbbbbbbbbbbbbbbbbbb/status", R"({"status":"failed"})", R"({"status":"completed"})");
  EXPECT_EQ(ts({overwritten, of_another}), (std::vector<std::string>{"D5-outcome-is-final", "?"}));
  const Pair after_artifact = made("POST", "/api/workers/upload", type, form("build_id=x&success=true"), {400, "{}"}, {200, R"({"status":"success"})"});
  EXPECT_EQ(ex({after_artifact}), by("D5-outcome-is-final"));
  EXPECT_EQ(ex({made("POST", "/api/workers/upload", type, form("build_id=x&success=false"), {400, "{}"}, {200, "{}"})}), kUnexplained);
}

TEST(BuildsShadowRules, D6FilesOfPendingBuildsAreClosed) {
  const Pair refused = made("GET", of_build("/source"), {{"x-api-key", "k"}, {"x-worker-id", "w1"}}, "", {200, "{}"},
                            {403, R"({"error":"Worker not authorized for this build"})"});
  EXPECT_EQ(ts({refused}), by("D6-pending-is-closed"));
  EXPECT_EQ(ts({given_to_worker(std::string(kBuild), std::string(kBuild)), refused}), kUnexplained) << "it has an owner";

  const std::string other = "bbbbbbbbbbbbbbbbbbbbb";
  const Pair submitted = made("POST", "/api/builds/submit", {}, "", {200, R"({"id":")" + std::string(kBuild) + "\"}"}, {200, R"({"id":")" + other + "\"}"});
  EXPECT_EQ(ts({submitted, given_to_worker(std::string(kBuild), other), refused}), kUnexplained) << "under another id on the shadow";
}

TEST(BuildsShadowRules, SumsOfDurationsAreNumbersOnBothSides) {
  const auto stats = [](const std::string& ms) { return R"({"totalBuilds":3,"totalBuildTimeMs":)" + ms + "}"; };
  EXPECT_EQ(by("volatile-durations"), judged(Primary::contract, {get("/api/stats", stats("10"), stats("2.5"))}));
  EXPECT_EQ(kUnexplained, judged(Primary::contract, {get("/api/stats", stats("10"), stats("-1"))}));
  EXPECT_EQ(kUnexplained, judged(Primary::contract, {get("/api/stats", stats("10"), stats("null"))}));
  EXPECT_EQ(kUnexplained, judged(Primary::exact, {get("/api/stats", stats("10"), stats("11"))}));
}

TEST(BuildsShadowRules, D7OneCredentialIsEnough) {
  const auto read = [](Headers headers) { return made("GET", of_build("/status"), std::move(headers), "", {401, "{}"}, {200, "{}"}); };
  EXPECT_EQ(ts({read({{"x-build-token", "t"}})}), by("D7-token-is-enough"));
  EXPECT_EQ(ts({read({{"x-api-key", "k"}})}), kUnexplained);
  EXPECT_EQ(ex({read({{"x-api-key", "k"}})}), by("D7-key-is-enough"));
  EXPECT_EQ(ts({read({})}), kUnexplained);
}

TEST(BuildsShadowRules, D8ToD12) {
  EXPECT_EQ(ts({made("POST", "/api/workers/upload", {}, "", {500, "{}"}, {413, "{}"})}), by("D8-oversize-result"));
  EXPECT_EQ(ts({made("POST", "/api/builds/submit", {}, "", {500, "{}"}, {413, "{}"})}), kUnexplained);
  EXPECT_EQ(ts({made("GET", "/api/builds/statistics", {}, "", {404, R"({"message":"Route GET:/api/builds/statistics not found"})"}, {200, "{}"})}),
            by("D9-extra-routes"));
  EXPECT_EQ(ts({made("GET", of_build("/status"), {}, "", {404, R"({"error":"Build not found"})"}, {200, "{}"})}), kUnexplained);
  EXPECT_EQ(ts({made("POST", "/api/workers/register", {}, "", {200, R"({"id":"a"})"}, {200, R"({"id":"a","access_token":"t"})"})}), by("D10-registration"));
  EXPECT_EQ(ts({made("POST", "/api/workers/register", {}, "", {200, R"({"id":"a"})"}, {200, R"({"id":"a","secret":"t"})"})}), kUnexplained);
  EXPECT_EQ(ts({made("GET", of_build("/download"), {{"range", "bytes=0-1"}}, "", {200, ""}, {206, ""})}), by("D11-ranges"));
  EXPECT_EQ(ts({made("GET", of_build("/download"), {}, "", {200, ""}, {206, ""})}), kUnexplained);
  EXPECT_EQ(ts({get("/health", R"({"storage":{"path":"/var/lib"}})", R"({"storage":{"path":"blobs"}})")}).size(), 1u);
  EXPECT_EQ(ts({get("/health", R"({"storage":{"path":"/var/lib"}})", R"({"storage":{"path":5}})")}), kUnexplained);
}

TEST(BuildsShadowRules, D13LinesOfSnapshotsAreLeftOut) {
  const auto logs = [](const std::string& lines) { return R"({"logs":[)" + lines + "]}"; };
  const std::string line = R"({"level":"info","message":"Build submitted"})", snapshot = R"({"level":"debug","message":"[VM] CPU: 5% Mem: 3MB"})",
                    beat = R"({"level":"debug","message":"[VM] Stage: running | CPU: 5.0% | Mem: 3MB | Disk: 1% | Beat: 1"})";
  EXPECT_EQ(ts({get(of_build("/logs"), logs(snapshot + "," + line), logs(line))}), by("D13-snapshots-log-nothing"));
  EXPECT_EQ(ts({get(of_build("/logs"), logs(line + "," + beat), logs(line))}), kUnexplained);
  EXPECT_EQ(ts({get(of_build("/logs"), logs(line), logs(line + "," + snapshot))}), kUnexplained);
}

TEST(BuildsShadowRules, D14ToD16) {
  const Pair open = made("POST", "/api/workers/fail", {}, R"({"build_id":"x"})", {200, "{}"}, {401, "{}"});
  EXPECT_EQ(ex({open}), by("D14-credentials"));
  EXPECT_EQ(ts({open}), kUnexplained);
  EXPECT_EQ(ex({made("POST", "/api/workers/fail", {{"x-worker-token", "t"}}, "{}", {200, "{}"}, {401, "{}"})}), kUnexplained);
  const std::string timed_out = R"({"status":"failed","error_message":"Build timeout - no heartbeat from worker for 120s"})";
  EXPECT_EQ(ts({get(of_build("/status"), timed_out, R"({"status":"building","error_message":null})")}), by("D15-timers"));
  EXPECT_EQ(ts({get(of_build("/status"), R"({"status":"failed","error_message":"no"})", R"({"status":"building","error_message":null})")}), kUnexplained);
  const Pair stranger = made("POST", "/api/workers/upload", {}, form("build_id=" + std::string(kBuild)), {200, "{}"},
                             {403, R"({"error":"Build not assigned to this worker"})"});
  EXPECT_EQ(ts({stranger}), by("D16-owner-only"));
  EXPECT_EQ(judged(Primary::contract, {stranger}), kUnexplained) << "nothing is allowed to differ from the contract";
}

TEST(BuildsShadowRules, AreKnownByName) {
  EXPECT_EQ(make_rules("rust"), nullptr);
  for (const char* name : {"contract", "exact", "typescript", "elixir"}) EXPECT_NE(make_rules(name), nullptr) << name;
  EXPECT_GE(rule_descriptions().size(), 20u);
}

}  // namespace
}  // namespace tidemark::schemas::builds::shadow
