// POST /commands/...: what each outcome of the runtime looks like to a client.

#include <gtest/gtest.h>

#include <map>

#include "core/api/platform_surface.hpp"
#include "core/event/json_document.hpp"

namespace tidemark::api {
namespace {

/// Answers every command with `outcome` and keeps what it was given.
class FakeNode final : public runtime::Node {
 public:
  runtime::Outcome outcome;
  std::optional<runtime::CommandRequest> given;
  bool is_ready = true;
  std::optional<Error> why;

  Task<Result<void>> start() override { co_return Result<void>(); }
  void abandon_start() override {}
  Task<Result<void>> stop() override { co_return Result<void>(); }
  bool ready() const override { return is_ready; }
  std::optional<Error> failure() const override { return why; }
  void on_failure(Fn<void(Error)>) override {}
  Task<runtime::Outcome> execute(runtime::CommandRequest request) override {
    given = std::move(request);
    co_return outcome;
  }
  Result<void> owner_call(std::string_view, std::string_view, FnRef<void(const runtime::OwnerView&)>) override { return {}; }
  Task<Result<void>> wait_owner(std::string, std::string, SteadyTime, std::function<bool(const runtime::OwnerView&)>) override { unused(); }
  std::shared_ptr<const RowReader> projection_rows(std::string_view) const override { unused(); }
  std::shared_ptr<const RowReader> projection_snapshot(std::string_view) const override { unused(); }
  Task<Result<void>> wait_applied(std::string, runtime::Position, SteadyTime) override { unused(); }
  Task<Result<void>> wait_domain_applied(std::string, runtime::Position, SteadyTime) override { unused(); }
  runtime::Position domain_end(std::string_view) const override { return {}; }
  std::vector<runtime::LaneStanding> lane_standings() const override { return {}; }
  std::vector<runtime::ProjectionStatus> projection_statuses() const override { return {}; }
  Task<Result<runtime::ProjectionStatus>> retry_projection(std::string) override { unused(); }
  Task<Result<runtime::ProjectionStatus>> skip_projection_event(runtime::SkipRequest) override { unused(); }
  Result<void> rebuild_projection(std::string_view) override { unused(); }
  const std::vector<runtime::Domain>& domains() const override { unused(); }
  log::EventLog& log() override { unused(); }
  Scheduler& scheduler() override { unused(); }

 private:
  [[noreturn]] static void unused() { assertion_failed("unused", "this test does not get here", __FILE__, __LINE__); }
};

class FakeRequest final : public http::Request {
 public:
  std::map<std::string, std::string, std::less<>> headers{{"X-Operator-Key", "the-operator"}, {"Content-Type", "application/json"}};
  std::map<std::string, std::string, std::less<>> params{{"domain", "builds"}, {"command", "CancelBuild"}};
  Result<std::string> body = std::string("{}");
  bool was_read = false;

  http::Method method() const override { return http::Method::post; }
  std::string_view method_name() const override { return "POST"; }
  std::string_view target() const override { return "/"; }
  std::string_view surface_target() const override { return "/"; }
  http::Headers fields() const override { return {headers.begin(), headers.end()}; }
  std::string_view path() const override { return "/"; }
  std::string_view param(std::string_view name) const override { return params.find(name)->second; }
  std::optional<std::string> query(std::string_view) const override { return std::nullopt; }
  std::optional<std::string_view> header(std::string_view name) const override {
    const auto found = headers.find(name);
    if (found == headers.end()) return std::nullopt;
    return found->second;
  }
  std::size_t header_count(std::string_view name) const override { return headers.count(std::string(name)); }
  std::string_view peer_address() const override { return "127.0.0.1"; }
  std::optional<std::uint64_t> content_length() const override { return std::nullopt; }
  bool has_body() const override { return true; }
  Task<Result<std::string>> read_body(std::size_t) override {
    was_read = true;
    co_return body;
  }
  Task<Result<void>> read_multipart(http::MultipartSink&, http::MultipartLimits) override { co_return Result<void>(); }
  Task<Result<void>> read_stream(std::function<Task<Result<void>>(std::string_view)>, std::uint64_t) override { co_return Result<void>(); }
};

class NoExecutor final : public Executor {
 public:
  void post(Fn<void()> work) override { work(); }
};

class CommandRoute : public ::testing::Test {
 protected:
  http::Response ask(std::string_view pattern = "/commands/:domain/:command") {
    const http::Surface surface = make_platform_surface(
        {.node = node, .blocking = executor, .position_tag = [](std::string_view) { return std::string(8, 't'); },
         .operator_key = "the-operator", .version = "1.2.3"});
    for (const http::Route& route : surface.routes) {
      if (route.pattern != pattern) continue;
      http::Response response;
      spawn(run(route.handler, response));
      return response;
    }
    ADD_FAILURE() << "no route " << pattern;
    return {};
  }
  Task<void> run(const http::Handler& handler, http::Response& response) { response = co_await handler(request); }

  static std::string body_of(const http::Response& response) { return std::get<std::string>(response.body); }
  static std::string member(const http::Response& response, std::string_view name) {
    const std::string body = body_of(response);
    const auto document = event::JsonDocument::parse(body);
    return document.ok() ? std::string(document->root()[name].as_string().value_or("(none)")) : "(no JSON) " + body;
  }
  static std::string header_of(const http::Response& response, std::string_view name) {
    for (const auto& [given, value] : response.headers) {
      if (given == name) return value;
    }
    return "(none)";
  }
  runtime::Outcome::Kind kind(runtime::Outcome::Kind kind) { return node.outcome.kind = kind; }
  void fails(Code code) {
    kind(runtime::Outcome::Kind::failed);
    node.outcome.command_id = "c-1";
    node.outcome.error = make_error(code, "the log is away");
  }

  FakeNode node;
  NoExecutor executor;
  FakeRequest request;
};

using Kind = runtime::Outcome::Kind;

TEST_F(CommandRoute, AnAcceptedCommandShowsItsEvents) {
  kind(Kind::accepted);
  node.outcome.command_id = "c-1";
  node.outcome.reply = R"({"a":1})";
  node.outcome.events.push_back({.id = "e-1", .type = "tidemark.builds.X.v1", .subject = "s", .sequence = 7});
  const auto response = ask();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(response),
            R"({"id":"c-1","position":null,"events":[{"id":"e-1","type":"tidemark.builds.X.v1","subject":"s","sequence":7}],"reply":{"a":1}})");
  EXPECT_EQ(header_of(response, "Tidemark-Replayed"), "(none)");
}

TEST_F(CommandRoute, ARepeatSaysSo) {
  kind(Kind::accepted);
  node.outcome.replayed = true;
  node.outcome.position.parts.push_back({.topic = "builds.ledger", .lane = LaneId{1}, .last = Tmseq{2}});
  const auto response = ask();
  EXPECT_EQ(header_of(response, "Tidemark-Replayed"), "true");
  EXPECT_EQ(header_of(response, "Tidemark-Position"), member(response, "position"));
}

TEST_F(CommandRoute, NothingIsDoneWithoutTheOperatorKey) {
  request.headers.erase("X-Operator-Key");
  EXPECT_EQ(ask().status, 401);
  for (const char* wrong : {"the-operato", "the-operator2", "", "THE-OPERATOR"}) {
    request.headers["X-Operator-Key"] = wrong;
    EXPECT_EQ(ask().status, 403) << wrong;
  }
  EXPECT_FALSE(request.was_read);
  EXPECT_FALSE(node.given);
  request.headers.erase("X-Operator-Key");
  request.headers["Authorization"] = "bearer the-operator";
  kind(Kind::nothing);
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(node.given->actor, "operator");
}

TEST_F(CommandRoute, TheIdempotencyKeyNamesTheCommand) {
  kind(Kind::nothing);
  ask();
  EXPECT_TRUE(node.given->command_id.empty());
  EXPECT_FALSE(node.given->keyed);
  request.headers["Idempotency-Key"] = "k-1";
  ask();
  const std::string first = node.given->command_id;
  EXPECT_TRUE(node.given->keyed);
  ask();
  EXPECT_EQ(node.given->command_id, first);
  request.params["command"] = "RetryBuild";
  ask();
  EXPECT_NE(node.given->command_id, first) << "the same key on another route is another command";
}

TEST_F(CommandRoute, ARefusalHasTheStatusOfTheSchema) {
  kind(Kind::refused);
  node.outcome.status = 404;
  node.outcome.reason = "BUILD_NOT_FOUND";
  node.outcome.detail = "There is no such build";
  const auto response = ask();
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(member(response, "reason"), "BUILD_NOT_FOUND");
  EXPECT_EQ(member(response, "detail"), "There is no such build");
  EXPECT_EQ(member(response, "type"), "/problems/refused");
}

TEST_F(CommandRoute, WhatWasNotAppliedSaysSo) {
  for (const Code code : {Code::unavailable, Code::fenced, Code::timed_out, Code::cancelled, Code::exhausted}) {
    fails(code);
    const auto response = ask();
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(member(response, "outcome"), "not_applied") << name_of(code);
    EXPECT_EQ(header_of(response, "Retry-After"), "1");
  }
}

TEST_F(CommandRoute, AnUnknownOutcomeIsNeverCalledNotApplied) {
  for (const Code code : {Code::outcome_unknown, Code::internal, Code::corrupt, Code::uninitialised}) {
    fails(code);
    const auto response = ask();
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(member(response, "outcome"), "unknown") << name_of(code);
    EXPECT_EQ(member(response, "id"), "c-1");
    EXPECT_EQ(header_of(response, "Retry-After"), "1");
  }
}

TEST_F(CommandRoute, BadInputListsEveryField) {
  kind(Kind::bad_input);
  node.outcome.bad_input.errors = {{"/a", "expected a string"}, {"/b~1c", "is \"new\""}};
  const auto response = ask();
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(body_of(response).find(R"("errors":[{"pointer":"/a","detail":"expected a string"},{"pointer":"/b~1c","detail":"is \"new\""}])"),
            std::string::npos) << body_of(response);
}

TEST_F(CommandRoute, ABodyThatCannotBeReadIsNotDecided) {
  const std::pair<Code, int> cases[] = {{Code::exhausted, 413}, {Code::timed_out, 408}, {Code::invalid_argument, 400}};
  for (const auto& [code, status] : cases) {
    request.body = make_error(code, "no body");
    const auto response = ask();
    EXPECT_EQ(response.status, status);
    EXPECT_TRUE(response.close);
  }
  EXPECT_FALSE(node.given);
}

TEST_F(CommandRoute, ReadinessFollowsTheNode) {
  EXPECT_EQ(ask("/readyz").status, 200);
  node.is_ready = false;
  EXPECT_EQ(ask("/readyz").status, 503);
  node.why = make_error(Code::internal, "disk gone");
  EXPECT_EQ(ask("/readyz").status, 503);
  EXPECT_EQ(ask("/livez").status, 200);
}

}  // namespace
}  // namespace tidemark::api
