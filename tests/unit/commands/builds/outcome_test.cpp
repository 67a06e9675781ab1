#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

ResultReply ended(BuildStatus status, bool changed) { return {.status = status, .changed = changed}; }
Given working() {
  return given<Builds>({registered("w1"), registered("w2"), submitted("b1"), assigned("b1", "w1"), started("b1")});
}
Given after(std::vector<Event> events) {
  auto g = working();
  for (const auto& event : events) g.event(event);
  return g;
}

TEST(Result, ASuccessWithItsFileCompletesTheBuild) {
  auto g = working();
  g.after(kSecond).when(success("b1", "w1"))
      .then({completed("b1", "w1"), logged("b1", 0, "Build completed successfully")})
      .then_reply(ended(BuildStatus::completed, true));
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::completed);
  EXPECT_EQ(build_of(g, "b1").completed_at, kT0 + kSecond);
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 1u);
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
  EXPECT_FALSE(g.state().timer("build/b1"));
  EXPECT_TRUE(is_blob_used(g.state(), result_blob().sha256));
}

TEST(Result, AnAssignedBuildCanCompleteWithoutAHeartbeat) {
  given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1")})
      .when(success("b1", "w1")).then_types({"BuildCompleted", "BuildLogAppended"});
}

TEST(Result, AFailureFailsItWithTheWorkersMessage) {
  auto g = working();
  g.when(failure("b1", "w1", "xcodebuild: exit 65"))
      .then({failed("b1", "w1", "xcodebuild: exit 65"), logged("b1", 0, LogLevel::error, "xcodebuild: exit 65")})
      .then_reply(ended(BuildStatus::failed, true));
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 1u);
}

TEST(Result, WithoutAMessageItIsBuildFailed) {
  working().when(failure("b1", "w1"))
      .then({failed("b1", "w1", "Build failed"), logged("b1", 0, LogLevel::error, "Build failed")});
  working().when(failure("b1", "w1", "")).then_types({"BuildFailed", "BuildLogAppended"});
}

TEST(Result, ALongMessageIsCutBetweenCharacters) {
  Settings small;
  small.error_message_bytes_max = 4;
  auto g = working().with(small);
  g.when(failure("b1", "w1", "abcäb")).then({failed("b1", "w1", "abc"), logged("b1", 0, LogLevel::error, "abc")});
}

TEST(Result, SuccessWithoutAFileIsAFailure) {
  ReportResult command = success("b1", "w1");
  command.result = std::nullopt;
  working().when(command).then_types({"BuildFailed", "BuildLogAppended"}).then_reply(ended(BuildStatus::failed, true));
}

TEST(Result, WithoutAWorkerIdTheOwnerIsMeant) {
  ReportResult command = failure("b1", "w1", "x");
  command.worker_id = std::nullopt;
  working().when(command).then({failed("b1", "w1", "x"), logged("b1", 0, LogLevel::error, "x")});
}

TEST(Result, OfAnotherWorkerIsRefused) { working().when(success("b1", "w2")).then_refused("NOT_BUILD_OWNER", 403); }

TEST(Result, TheBuildIsLookedForBeforeTheWorker) {
  working().when(success("b9", "w9")).then_refused("BUILD_NOT_FOUND", 404);
  working().when(success("b1", "w9")).then_refused("WORKER_NOT_FOUND", 404);
}

TEST(Result, AFileOverTheLimitIsRefused) {
  Settings small;
  small.result_bytes_max = 4999;
  working().with(small).when(success("b1", "w1")).then_refused("RESULT_TOO_LARGE", 413);
}

TEST(Result, OfTheVmNeedsItsAttempt) {
  ReportResult command = success("b1", "w1");
  command.credential = Credential::vm_token;
  command.worker_id = std::nullopt;
  working().when(command).then_refused("STALE_ATTEMPT", 403);
  command.attempt = 2;
  working().when(command).then_refused("STALE_ATTEMPT", 403);
  command.attempt = 1;
  working().when(command).then_types({"BuildCompleted", "BuildLogAppended"});
}

TEST(ResultAgain, TheFirstArtifactWins) {
  after({completed("b1", "w1")}).when(success("b1", "w1")).then_nothing()
      .then_reply(ended(BuildStatus::completed, false));
}

TEST(ResultAgain, SuccessWithoutAFileIsFineOnceTheArtifactIsThere) {
  ReportResult command = success("b1", "w1");
  command.result = std::nullopt;
  after({completed("b1", "w1")}).when(command).then_nothing().then_reply(ended(BuildStatus::completed, false));
}

TEST(ResultAgain, FailureOfACompletedBuildIsRefused) {
  after({completed("b1", "w1")}).when(failure("b1", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(ResultAgain, AFailedBuildFailsOnlyOnce) {
  auto g = after({failed("b1", "w1")});
  g.when(failure("b1", "w1", "again")).then_nothing().then_reply(ended(BuildStatus::failed, false));
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 1u);
}

TEST(ResultAgain, SuccessOfAFailedBuildIsRefused) {
  after({failed("b1", "w1")}).when(success("b1", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(ResultAgain, OfACancelledBuildSuccessIsRefusedAndFailureIgnored) {
  after({cancelled("b1", "w1")}).when(success("b1", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
  after({cancelled("b1", "w1")}).when(failure("b1", "w1")).then_nothing().then_reply(ended(BuildStatus::failed, false));
}

TEST(LateSuccess, AfterATimeoutItIsTakenAndCountedOnce) {
  auto g = after({timed_out("b1", "w1")});
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 1u);
  g.after(24 * 3600 * kSecond).when(success("b1", "w1"))
      .then({completed("b1", "w1", 1, true), logged("b1", 0, "Build completed successfully")});
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 0u);
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 1u);
  EXPECT_EQ(totals(g.state()).failed, 0);
}

TEST(LateSuccess, ItLeavesTheWorkersNextBuildAlone) {
  auto g = after({timed_out("b1", "w1"), submitted("b2", 1), assigned("b2", "w1")});
  g.when(success("b1", "w1")).then_types({"BuildCompleted", "BuildLogAppended"});
  EXPECT_EQ(worker_of(g, "w1").active_build_id, "b2");
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::building);
}

TEST(LateSuccess, AfterItsWindowItIsRefused) {
  after({timed_out("b1", "w1")}).after(24 * 3600 * kSecond + 1).when(success("b1", "w1"))
      .then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(LateSuccess, OfAnotherWorkerOrAttemptItIsRefused) {
  after({timed_out("b1", "w1")}).when(success("b1", "w2")).then_refused("BUILD_ALREADY_FINISHED", 409);
  ReportResult command = success("b1", "w1");
  command.attempt = 2;
  after({timed_out("b1", "w1")}).when(command).then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(LateSuccess, OfARequeuedBuildItIsTakenFromWhoHadIt) {
  auto g = after({requeued("b1", "w1", "why")});
  g.when(success("b1", "w1")).then_types({"BuildCompleted", "BuildLogAppended"});
  EXPECT_TRUE(std::get<BuildCompleted>(g.events()[0]).late);
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 1u);
  EXPECT_EQ(totals(g.state()).pending, 0);
  EXPECT_EQ(job_of(g.when(poll("w2"))), "none");
}

TEST(LateSuccess, OfARequeuedBuildFailureAndStrangersAreRefused) {
  after({requeued("b1", "w1", "why")}).when(failure("b1", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
  after({requeued("b1", "w1", "why")}).when(success("b1", "w2")).then_refused("NOT_BUILD_OWNER", 403);
}

TEST(Claim, AReportOnABuildNobodyPolledForClaimsAndEndsItAtOnce) {
  BuildAssigned claim = assigned("b2", "w1");
  claim.claimed = true;
  claim.otp_key_id.clear();
  claim.otp_expires_at = claim.liveness_due_at = 0;
  auto g = after({submitted("b2", 1)});
  g.when(success("b2", "w1"))
      .then({claim, logged("b2", 0, "Assigned to worker Mac w1"), completed("b2", "w1"),
             logged("b2", 1, "Build completed successfully")});
  EXPECT_EQ(worker_of(g, "w1").active_build_id, "b1");
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 1u);
  EXPECT_FALSE(g.state().timer("build/b2"));

  auto f = after({submitted("b2", 1)});
  f.when(failure("b2", "w2", "x"))
      .then({[&] { auto c = claim; c.worker_id = "w2"; return c; }(), logged("b2", 0, "Assigned to worker Mac w2"),
                                        failed("b2", "w2", "x"), logged("b2", 1, LogLevel::error, "x")});
  EXPECT_EQ(worker_of(f, "w2").status, WorkerStatus::idle);
}

TEST(Claim, ItNeedsTheApiKeyAndARegisteredWorker) {
  ReportResult command = success("b2", "w1");
  command.credential = Credential::worker_token;
  after({submitted("b2", 1)}).when(command).then_refused("NOT_BUILD_OWNER", 403);
  after({submitted("b2", 1)}).when(success("b2", "w9")).then_refused("WORKER_NOT_FOUND", 404);
  command.credential = Credential::api_key;
  command.worker_id = std::nullopt;
  after({submitted("b2", 1)}).when(command).then_refused("NOT_BUILD_OWNER", 403);
}

}  // namespace
}  // namespace tidemark::commands::builds
