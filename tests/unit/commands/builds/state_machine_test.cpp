// Section 4 of the contract as tables: a case for every row of the state machine, for every report on every state, and for every
// timer at its edge. What each step says in detail is in the tests of its subject.

#include <map>

#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {


/// Two workers; a build "b" in the named state, whose worker is or was "w1".
Given world(const std::string& state) {
  BuildFailed exhausted = failed("b", "w1", "used up");
  exhausted.failure_code = std::string(kAttemptsExhausted);
  const std::map<std::string, std::vector<Event>> states = {
      {"none", {}},
      {"pending", {submitted("b")}},
      {"requeued", {submitted("b"), assigned("b", "w1"), requeued("b", "w1", "why")}},
      {"assigned", {submitted("b"), assigned("b", "w1")}},
      {"building", {submitted("b"), assigned("b", "w1"), started("b")}},
      {"completed", {submitted("b"), assigned("b", "w1"), started("b"), completed("b", "w1")}},
      {"failed", {submitted("b"), assigned("b", "w1"), started("b"), failed("b", "w1")}},
      {"exhausted", {submitted("b"), assigned("b", "w1"), exhausted}},
      {"timed out", {submitted("b"), assigned("b", "w1"), started("b"), timed_out("b", "w1")}},
      {"cancelled", {submitted("b"), assigned("b", "w1"), cancelled("b", "w1")}},
      {"cancelled in the queue", {submitted("b"), cancelled("b")}},
  };
  std::vector<Event> history{registered("w1"), registered("w2")};
  for (const Event& event : states.at(state)) history.push_back(event);
  return given<Builds>(std::move(history));
}


/// "BuildCompleted late", "409", "nothing failed", ...
std::string outcome_of(const Given& g) {
  if (const auto* refused = std::get_if<Refused>(&g.decision())) return std::to_string(refused->status);
  if (std::holds_alternative<Nothing<Reply>>(g.decision())) {
    const auto reply = g.reply();
    const auto* result = std::get_if<ResultReply>(&reply);
    return result ? "nothing " + std::string(name_of(result->status)) : "nothing";
  }
  std::string out;
  for (const Event& event : g.events()) std::visit([&](const auto& e) {
    using E = std::decay_t<decltype(e)>;
    if constexpr (!std::is_same_v<E, BuildLogAppended>) out += (out.empty() ? "" : " ") + std::string(E::kType);
    if constexpr (std::is_same_v<E, BuildCompleted>) out += e.late ? " late" : "";
  }, event);
  return out;
}

RetryBuild retry() {
  return {.original_build_id = "b", .source_available = true, .keep_certs = false, .access_token_sha256 = kHash, .token_key_id = "k1",
          .build_id = "b2", .pool_id = std::nullopt};
}
CancelBuild cancel() { return {.build_id = "b", .pool_id = std::nullopt}; }
AbandonBuild abandon(const std::string& worker) {
  return {.build_id = "b", .worker_id = worker, .reason = "why", .pool_id = std::nullopt};
}
UnregisterWorker unregister(const std::string& worker) { return {.worker_id = worker, .pool_id = std::nullopt}; }
RecordTelemetry telemetry() {
  RecordTelemetry command;
  command.build_id = "b";
  command.worker_id = "w1";
  command.type = "other";
  return command;
}
ExpireBuild expire(std::optional<std::int64_t> last_sign = std::nullopt) {
  return {.build_id = "b", .attempt = 1, .last_sign_at = last_sign, .pool_id = std::nullopt};
}
ReportResult without_file(ReportResult report) {
  report.result.reset();
  return report;
}
ReportResult from_vm() {
  ReportResult report = success("b", "w1");
  report.credential = Credential::vm_token;
  report.attempt = 1;
  return report;
}
SubmitBuild submit() {
  return {.platform = Platform::ios, .source = source_blob(), .certs = std::nullopt, .access_token_sha256 = kHash, .token_key_id = "k1",
          .build_id = "b", .pool_id = std::nullopt};
}

struct Row {
  const char* row;
  const char* from;
  Command command;
  const char* outcome;
  const char* to;          ///< of "b"; of "b2" for a retry
  const char* worker = "";  ///< the build in the hands of w1 afterwards
};

TEST(StateMachine, EveryRow) {
  const std::vector<Row> rows = {
      {"1", "none", submit(), "BuildSubmitted", "pending"},
      {"2", "pending", retry(), "BuildSubmitted", "pending"},
      {"2", "assigned", retry(), "BuildSubmitted", "pending", "b"},
      {"2", "building", retry(), "BuildSubmitted", "pending", "b"},
      {"2", "completed", retry(), "BuildSubmitted", "pending"},
      {"2", "failed", retry(), "BuildSubmitted", "pending"},
      {"2", "timed out", retry(), "BuildSubmitted", "pending"},
      {"2", "cancelled", retry(), "BuildSubmitted", "pending"},
      {"3", "pending", poll("w1"), "BuildAssigned", "assigned", "b"},
      {"3", "requeued", poll("w1"), "BuildAssigned", "assigned", "b"},
      {"3", "pending", poll("w9"), "404", "pending"},
      {"4", "assigned", poll("w1"), "nothing", "assigned", "b"},
      {"4", "building", poll("w1"), "nothing", "building", "b"},
      {"6", "assigned", heartbeat("b", "w1"), "BuildStarted HeartbeatRecorded", "building", "b"},
      {"6", "assigned", telemetry(), "BuildStarted TelemetryRecorded", "building", "b"},
      {"6", "building", heartbeat("b", "w1"), "HeartbeatRecorded", "building", "b"},
      {"7", "assigned", success("b", "w1"), "BuildCompleted", "completed"},
      {"7", "building", success("b", "w1"), "BuildCompleted", "completed"},
      {"7", "assigned", from_vm(), "BuildCompleted", "completed"},
      {"7", "building", from_vm(), "BuildCompleted", "completed"},
      {"8", "assigned", failure("b", "w1"), "BuildFailed", "failed"},
      {"8", "building", failure("b", "w1"), "BuildFailed", "failed"},
      {"8", "building", without_file(success("b", "w1")), "BuildFailed", "failed"},
      {"9", "assigned", abandon("w1"), "BuildRequeued", "pending"},
      {"9", "building", abandon("w1"), "BuildRequeued", "pending"},
      {"9", "building", abandon("w2"), "403", "building", "b"},
      {"9", "assigned", unregister("w1"), "BuildRequeued WorkerUnregistered", "pending"},
      {"9", "building", unregister("w1"), "BuildRequeued WorkerUnregistered", "pending"},
      {"10", "pending", cancel(), "BuildCancelled", "cancelled"},
      {"10", "requeued", cancel(), "BuildCancelled", "cancelled"},
      {"10", "assigned", cancel(), "BuildCancelled", "cancelled"},
      {"10", "building", cancel(), "BuildCancelled", "cancelled"},
      {"10", "completed", cancel(), "400", "completed"},
      {"10", "failed", cancel(), "400", "failed"},
      {"10", "timed out", cancel(), "400", "failed"},
      {"10", "cancelled", cancel(), "400", "cancelled"},
      {"12", "timed out", success("b", "w1"), "BuildCompleted late", "completed"},
      {"12", "timed out", from_vm(), "BuildCompleted late", "completed"},
      {"13", "pending", success("b", "w2"), "BuildAssigned BuildCompleted", "completed"},
      {"13", "pending", failure("b", "w2"), "BuildAssigned BuildFailed", "failed"},
  };
  for (const Row& row : rows) {
    Given g = world(row.from);
    g.after(kSecond).when(row.command);
    const std::string what = std::string("row ") + row.row + " from " + row.from;
    EXPECT_EQ(outcome_of(g), row.outcome) << what;
    const bool retried = std::holds_alternative<RetryBuild>(row.command);
    EXPECT_EQ(name_of(build_of(g, retried ? "b2" : "b").status), row.to) << what;
    EXPECT_EQ(worker_of(g, "w1").active_build_id, row.worker) << what;
    EXPECT_EQ(g.state().rows(), g.replayed().rows()) << what;
  }
}

TEST(StateMachine, ATokenPollGetsItsJobAgainUntilTheAttemptShowsASignOfLife) {
  const auto asks = [](Given g, std::optional<std::int64_t> last_sign) {
    PollForJob command = token_poll("w1", "token-w1");
    command.last_sign_at = last_sign;
    g.after(kSecond).when(command).then_nothing();
    return job_of(g);
  };
  EXPECT_EQ(asks(world("assigned"), std::nullopt), "b");
  EXPECT_EQ(asks(world("assigned"), kT0 - 1), "b");
  EXPECT_EQ(asks(world("assigned"), kT0 + 1), "none");
  EXPECT_EQ(asks(world("building"), std::nullopt), "none");
  // A virtual machine that has authenticated is one, also when the owner's memory of it is lost.
  Given g = world("assigned");
  g.event(VmAuthenticated{.pool_id = "default", .build_id = "b", .attempt = 1, .auth_seq = 1, .token_key_id = "k1",
                          .vm_token_expires_at = kT0 + 7'200'000});
  EXPECT_EQ(asks(std::move(g), std::nullopt), "none");
}

TEST(StateMachine, AWorkerThatComesBackWithoutItsJobGetsANewAttemptOfIt) {
  struct Case {
    const char* from;
    std::optional<std::int64_t> count;
    const char* outcome;
    std::uint32_t attempt;
  };
  for (const Case& c : {Case{"assigned", 0, "BuildReassigned", 2}, Case{"building", 0, "BuildReassigned", 2}, Case{"assigned", 1, "nothing", 1},
                        Case{"building", 1, "nothing", 1}, Case{"building", std::nullopt, "nothing", 1}}) {
    Given g = world(c.from);
    g.event(reregistered("w1", c.count)).when(poll("w1"));
    EXPECT_EQ(outcome_of(g), c.outcome) << c.from;
    EXPECT_EQ(build_of(g, "b").attempt, c.attempt) << c.from;
    EXPECT_EQ(job_of(g), "b") << c.from;
    g.when(poll("w1")).then_nothing();  // once
    EXPECT_EQ(build_of(g, "b").attempt, c.attempt) << c.from;
  }
}

TEST(StateMachine, EveryReportOnEveryState) {
  struct Reports {
    const char* state;
    const char* success;           ///< of w1, with its file
    const char* success_no_file;   ///< of w1
    const char* failure;           ///< of w1
    const char* success_of_other;  ///< of w2, with its file
    const char* failure_of_other;  ///< of w2
  };
  const std::vector<Reports> table = {
      {"pending", "BuildAssigned BuildCompleted", "BuildAssigned BuildFailed", "BuildAssigned BuildFailed", "BuildAssigned BuildCompleted",
       "BuildAssigned BuildFailed"},
      {"requeued", "BuildCompleted late", "409", "409", "403", "409"},
      {"assigned", "BuildCompleted", "BuildFailed", "BuildFailed", "403", "403"},
      {"building", "BuildCompleted", "BuildFailed", "BuildFailed", "403", "403"},
      {"completed", "nothing completed", "nothing completed", "409", "nothing completed", "409"},
      {"failed", "409", "nothing failed", "nothing failed", "409", "nothing failed"},
      {"exhausted", "409", "nothing failed", "nothing failed", "409", "nothing failed"},
      {"timed out", "BuildCompleted late", "nothing failed", "nothing failed", "409", "nothing failed"},
      {"cancelled", "409", "nothing failed", "nothing failed", "409", "nothing failed"},
      {"cancelled in the queue", "409", "nothing failed", "nothing failed", "409", "nothing failed"},
  };
  const auto ended = [](const WorkerRow& worker) { return worker.builds_completed + worker.builds_failed; };
  for (const Reports& row : table) {
    const std::pair<ReportResult, const char*> reports[] = {
        {success("b", "w1"), row.success}, {without_file(success("b", "w1")), row.success_no_file}, {failure("b", "w1"), row.failure},
        {success("b", "w2"), row.success_of_other}, {failure("b", "w2"), row.failure_of_other}};
    for (const auto& [report, outcome] : reports) {
      Given g = world(row.state);
      g.after(kSecond).when(report);
      const std::string what = std::string(row.state) + ": " + (report.success ? report.result ? "success" : "success without file" : "failure") +
                               " of " + *report.worker_id;
      EXPECT_EQ(outcome_of(g), outcome) << what;
      // Whatever follows, an outcome is counted once.
      const auto counted = ended(worker_of(g, "w1")) + ended(worker_of(g, "w2"));
      EXPECT_LE(counted, 1u) << what;
      const auto status = build_of(g, "b").status;
      for (const auto& [again, ignored] : reports) g.when(again);
      if (status == BuildStatus::completed) {
        EXPECT_EQ(build_of(g, "b").status, BuildStatus::completed) << what;
      }
      EXPECT_LE(ended(worker_of(g, "w1")) + ended(worker_of(g, "w2")), 1u) << what;
      EXPECT_EQ(g.state().rows(), g.replayed().rows()) << what;
    }
  }
}

TEST(StateMachine, AReportOnAPendingBuildLeavesTheWorkersOwnBuildAlone) {
  for (const auto& report : {success("b2", "w1"), failure("b2", "w1")}) {
    Given g = world("building");
    g.event(submitted("b2", 1)).when(report);
    EXPECT_EQ(worker_of(g, "w1").active_build_id, "b");
    EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::building);
    EXPECT_EQ(build_of(g, "b").status, BuildStatus::building);
  }
}

TEST(StateMachine, AHeartbeatOfAnEndedBuildIsRefusedOnlyWhenItWasCancelledOrFailedByReport) {
  const std::pair<const char*, const char*> table[] = {{"completed", "nothing"}, {"timed out", "nothing"}, {"exhausted", "nothing"},
                                                       {"failed", "409"}, {"cancelled", "409"}};
  for (const auto& [state, outcome] : table) {
    Given g = world(state);
    g.when(heartbeat("b", "w1"));
    EXPECT_EQ(outcome_of(g), outcome) << state;
  }
}

TEST(Timers, TheDefaultsAreTheContracts) {
  const Settings defaults;
  EXPECT_EQ(defaults.assigned_silence_ms, 600 * kSecond);
  EXPECT_EQ(defaults.building_silence_ms, 300 * kSecond);
  EXPECT_EQ(defaults.late_success_ms, 24 * 3600 * kSecond);
  EXPECT_EQ(defaults.worker_offline_ms, 300 * kSecond);
  EXPECT_EQ(defaults.worker_token_ms, 90 * kSecond);
  EXPECT_EQ(defaults.worker_token_rotate_ms, 30 * kSecond);
  EXPECT_EQ(defaults.otp_ms, 600 * kSecond);
  EXPECT_EQ(defaults.vm_token_ms, 7200 * kSecond);
  EXPECT_EQ(defaults.vm_token_max_ms, 4 * 3600 * kSecond);
  EXPECT_EQ(defaults.attempts_max, 10u);
  EXPECT_EQ(defaults.activity_mark_ms, 30 * kSecond);
  EXPECT_FALSE(defaults.requeue_on_timeout);
}

struct Edge {
  const char* timer;
  const char* from;
  Command command;
  std::int64_t at_ms;    ///< since everything in the history happened
  const char* just_before;
  const char* at;
};

TEST(Timers, EachAtItsEdge) {
  const auto sign = [](std::int64_t ms) { return expire(kT0 + ms); };
  const ExpireWorker worker{.worker_id = "w2", .last_contact_at = std::nullopt, .pool_id = std::nullopt};
  const ExpireWorker contacted{.worker_id = "w2", .last_contact_at = kT0 + 100 * kSecond, .pool_id = std::nullopt};
  const ExpireWorker busy{.worker_id = "w1", .last_contact_at = std::nullopt, .pool_id = std::nullopt};
  const AuthenticateVm authenticate{.build_id = "b", .attempt = 1, .token_key_id = "k1", .pool_id = std::nullopt};
  PollForJob rotating = token_poll("w2", "token-w2");
  rotating.next_token_sha256 = "next";
  rotating.next_token_key_id = "k1";
  const std::vector<Edge> edges = {
      {"silence while assigned, since the assignment", "assigned", expire(), 600 * kSecond, "nothing", "BuildTimedOut"},
      {"silence while assigned, since the last sign of life", "assigned", sign(500 * kSecond), 1100 * kSecond, "nothing", "BuildTimedOut"},
      {"silence while building", "building", expire(), 300 * kSecond, "nothing", "BuildTimedOut"},
      {"silence while building, since the last sign of life", "building", sign(200 * kSecond), 500 * kSecond, "nothing", "BuildTimedOut"},
      {"late success", "timed out", success("b", "w1"), 24 * 3600 * kSecond + 1, "BuildCompleted late", "409"},
      {"worker offline", "none", worker, 300 * kSecond, "nothing", "WorkerWentOffline"},
      {"worker offline, since its last contact", "none", contacted, 400 * kSecond, "nothing", "WorkerWentOffline"},
      {"worker with a live build", "building", busy, 100'000 * kSecond, "nothing", "nothing"},
      {"rotation of a worker token", "none", rotating, 60 * kSecond + 1, "nothing", "WorkerTokenRotated"},
      {"end of a worker token", "none", rotating, 90 * kSecond, "WorkerTokenRotated", "401"},
      {"one-time password", "assigned", authenticate, 600 * kSecond, "VmAuthenticated", "401"},
  };
  for (const Edge& edge : edges) {
    EXPECT_EQ(outcome_of(world(edge.from).after(edge.at_ms - 1).when(edge.command)), edge.just_before) << edge.timer;
    EXPECT_EQ(outcome_of(world(edge.from).after(edge.at_ms).when(edge.command)), edge.at) << edge.timer;
  }
}

TEST(Timers, NothingOfAnEndedOrQueuedBuildTimesOut) {
  for (const char* state : {"none", "pending", "requeued", "completed", "failed", "exhausted", "timed out", "cancelled"}) {
    EXPECT_EQ(outcome_of(world(state).after(1'000'000 * kSecond).when(expire())), "nothing") << state;
  }
}

TEST(Timers, EveryActiveBuildHasOneAndNoOtherHas) {
  for (const char* state : {"pending", "requeued", "assigned", "building", "completed", "failed", "exhausted", "timed out", "cancelled"}) {
    const Given g = world(state);
    EXPECT_EQ(g.state().timer("build/b").has_value(), is_active(build_of(g, "b").status)) << state;
  }
}

TEST(Timers, AVmTokenSlidesOnUseUpToItsCap) {
  constexpr std::int64_t kHour = 3600 * kSecond;
  const Settings settings;
  Given g = world("assigned");
  g.event(VmAuthenticated{.pool_id = "default", .build_id = "b", .attempt = 1, .auth_seq = 1, .token_key_id = "k1",
                          .vm_token_expires_at = kT0 + 2 * kHour});
  const BuildRow build = build_of(g, "b");
  const auto alive = [&](std::optional<std::int64_t> last_use, std::int64_t at) {
    const auto use = last_use ? std::optional<Time>(from_ms(kT0 + *last_use)) : std::nullopt;
    return vm_token_alive(build, use, from_ms(kT0 + at), settings);
  };
  EXPECT_TRUE(alive(std::nullopt, 2 * kHour - 1));
  EXPECT_FALSE(alive(std::nullopt, 2 * kHour));
  EXPECT_TRUE(alive(kHour, 3 * kHour - 1));
  EXPECT_FALSE(alive(kHour, 3 * kHour));
  EXPECT_TRUE(alive(3 * kHour, 4 * kHour - 1));
  EXPECT_FALSE(alive(3 * kHour, 4 * kHour));
}

TEST(Timers, ThePreviousWorkerTokenEndsByItself) {
  Given g = world("none");
  PollForJob rotating = token_poll("w2", "token-w2");
  rotating.next_token_sha256 = "next";
  rotating.next_token_key_id = "k1";
  g.after(70 * kSecond).when(rotating).then_types({"WorkerTokenRotated"});
  g.after(20 * kSecond - 1).when(token_poll("w2", "token-w2")).then_nothing();
  g.after(1).when(token_poll("w2", "token-w2")).then_refused("WORKER_TOKEN_INVALID", 401);
  g.when(token_poll("w2", "next")).then_nothing();
}

TEST(Timers, TheTenthAttemptIsNotQueuedAgain) {
  Given g = world("assigned");
  for (std::uint32_t attempt = 1; attempt < 10; ++attempt) {
    g.when(abandon("w1"));
    ASSERT_EQ(outcome_of(g), "BuildRequeued") << attempt;
    g.when(poll("w1"));
    ASSERT_EQ(outcome_of(g), "BuildAssigned") << attempt;
  }
  g.when(abandon("w1"));
  EXPECT_EQ(outcome_of(g), "BuildFailed");
  EXPECT_EQ(build_of(g, "b").failure_code, kAttemptsExhausted);
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 1u);
}

}  // namespace
}  // namespace tidemark::commands::builds
