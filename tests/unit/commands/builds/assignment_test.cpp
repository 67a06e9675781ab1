#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

Job job(const std::string& build, std::uint32_t attempt = 1) {
  return {.build_id = build, .platform = Platform::ios, .has_certs = false, .submitted_at = kT0, .attempt = attempt,
          .otp_key_id = "k1",
          .otp_expires_at = kT0 + 600 * kSecond};
}
PollReply given_job(const std::string& worker, std::optional<Job> job) {
  return {.job = std::move(job), .token_key_id = "k1", .token_nonce = "00000000-0000-8000-8000-000000000000",
          .token_expires_at = worker.empty() ? 0 : kT0 + 90 * kSecond};
}

TEST(Poll, AnIdleWorkerGetsTheOldestPendingBuild) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), submitted("b2", 1)});
  g.when(poll("w1"))
      .then({assigned("b1", "w1"), logged("b1", 0, "Assigned to worker Mac w1")})
      .then_reply(given_job("w1", job("b1")));
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::assigned);
  EXPECT_EQ(worker_of(g, "w1").active_build_id, "b1");
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::building);
  EXPECT_EQ(to_ms(g.state().timer("build/b1").value().due), kT0 + 600 * kSecond);
  EXPECT_EQ(g.state().timer("build/b1")->data, R"({"build_id":"b1","attempt":1})");
}

TEST(Poll, WithNothingToDoNothingIsRecorded) {
  given<Builds>({registered("w1")}).when(poll("w1")).then_nothing().then_reply(given_job("w1", std::nullopt));
}

TEST(Poll, ASecondPollGetsTheSameJobAndRecordsNothing) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), submitted("b2", 1)});
  g.when(poll("w1")).then_types({"BuildAssigned", "BuildLogAppended"});
  g.after(kSecond).when(poll("w1")).then_nothing().then_reply(given_job("w1", job("b1")));
  g.event(started("b1")).when(poll("w1")).then_nothing().then_reply(given_job("w1", job("b1")));
}

TEST(Poll, AnUnknownWorkerIsRefused) {
  given<Builds>({submitted("b1")}).when(poll("w9")).then_refused("WORKER_NOT_FOUND", 404);
}

TEST(Poll, TenWorkersAndOneBuildGiveOneJob) {
  auto g = given<Builds>({submitted("b1")});
  for (int i = 0; i < 10; ++i) g.event(registered("w" + std::to_string(i)));
  int jobs = 0;
  for (int i = 0; i < 10; ++i) jobs += job_of(g.when(poll("w" + std::to_string(i)))) == "b1" ? 1 : 0;
  EXPECT_EQ(jobs, 1);
}

TEST(Poll, ARequeuedBuildComesBeforeYoungerOnes) {
  auto g = given<Builds>({registered("w1"), registered("w2"), submitted("b1"), submitted("b2", 1), assigned("b1", "w1"),
                          requeued("b1", "w1", "why")});
  EXPECT_EQ(job_of(g.when(poll("w2"))), "b1");
  EXPECT_EQ(job_of(g.when(poll("w1"))), "b2");
}

TEST(TokenPoll, ATokenThatIsWrongOrExpiredIsRefused) {
  given<Builds>({registered("w1")}).when(token_poll("w1", "other")).then_refused("WORKER_TOKEN_INVALID", 401);
  given<Builds>({registered("w1")}).after(90 * kSecond).when(token_poll("w1", "token-w1"))
      .then_refused("WORKER_TOKEN_INVALID", 401);
}

TEST(TokenPoll, TheJobIsRepeatedWhileTheAttemptShowsNoSignOfLife) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1")});
  EXPECT_EQ(job_of(g.after(kSecond).when(token_poll("w1", "token-w1")).then_nothing()), "b1");
  PollForJob seen = token_poll("w1", "token-w1");
  for (const std::int64_t at : {kT0, kT0 + 500}) {  // in the millisecond of the assignment, too
    seen.last_sign_at = at;
    EXPECT_EQ(job_of(g.when(seen).then_nothing()), "none") << at;
  }
  g.event(started("b1"));
  EXPECT_EQ(job_of(g.when(token_poll("w1", "token-w1")).then_nothing()), "none");
}

TEST(TokenPoll, ATokenNearItsEndIsRotatedAndTheOldOneStaysValidUntilItsOwn) {
  PollForJob command = token_poll("w1", "token-w1");
  command.next_token_sha256 = "next";
  command.next_token_key_id = "k2";
  auto g = given<Builds>({registered("w1")});
  g.after(60 * kSecond).when(command).then_nothing();
  g.after(1).when(command)
      .then({WorkerTokenRotated{.pool_id = "default", .worker_id = "w1", .token_sha256 = "next", .token_key_id = "k2",
                                .token_expires_at = g.now() + 90 * kSecond}})
      .then_reply(PollReply{.job = std::nullopt, .token_key_id = "k2", .token_nonce = g.command_id(),
                            .token_expires_at = g.now() + 90 * kSecond});
  EXPECT_TRUE(worker_by_token(g.state(), "token-w1", from_ms(kT0 + 89 * kSecond)));
  EXPECT_FALSE(worker_by_token(g.state(), "token-w1", from_ms(kT0 + 90 * kSecond)));
  EXPECT_TRUE(worker_by_token(g.state(), "next", from_ms(kT0 + 140 * kSecond)));
  g.after(kSecond).when(token_poll("w1", "token-w1")).then_nothing();
}

TEST(LostJob, AWorkerThatCameBackEmptyHandedBeginsTheSameBuildAnew) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), submitted("b2", 1), assigned("b1", "w1"), started("b1")});
  g.event(reregistered("w1", 0));
  g.when(poll("w1"))
      .then({BuildReassigned{.pool_id = "default", .build_id = "b1", .worker_id = "w1", .attempt = 2,
                             .otp_key_id = "k1",
                             .otp_expires_at = kT0 + 600 * kSecond, .liveness_due_at = kT0 + 600 * kSecond},
             logged("b1", 0, "Assigned to worker Mac w1")});
  EXPECT_EQ(job_of(g), "b1");
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::assigned);
  g.when(poll("w1")).then_nothing();
  EXPECT_EQ(job_of(g), "b1");
}

TEST(LostJob, AWorkerThatStillHasItsJobKeepsTheAttempt) {
  for (const std::optional<std::int64_t> count : {std::optional<std::int64_t>(1), std::optional<std::int64_t>()}) {
    auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1")});
    g.event(reregistered("w1", count)).when(poll("w1")).then_nothing();
    EXPECT_EQ(std::get<PollReply>(g.reply()).job->attempt, 1u);
  }
}

TEST(LostJob, CredentialsOfTheOldAttemptAreDead) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1"),
                          VmAuthenticated{.pool_id = "default", .build_id = "b1", .attempt = 1, .auth_seq = 1,
                                          .token_key_id = "k1",
                                          .vm_token_expires_at = kT0 + 7200 * kSecond}});
  g.event(reregistered("w1", 0)).when(poll("w1"));
  EXPECT_EQ(build_of(g, "b1").auth_seq, 0u);
  RecordSignOfLife old = heartbeat("b1", "w1");
  old.credential = Credential::vm_token;
  old.worker_id = std::nullopt;
  old.attempt = 1;
  g.when(old).then_refused("STALE_ATTEMPT", 403);
}

TEST(Abandon, TheBuildGoesBackToTheQueue) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1"), started("b1")});
  g.when(AbandonBuild{.build_id = "b1", .worker_id = "w1", .reason = "disk full"})
      .then({requeued("b1", "w1", "disk full"), logged("b1", 0, "Build requeued: disk full")})
      .then_reply(BuildReply{.build_id = "b1", .status = BuildStatus::pending});
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 0u);
  EXPECT_TRUE(build_of(g, "b1").worker_id.empty());
}

TEST(Abandon, TheTenthAttemptIsTheLast) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1", 10)});
  BuildFailed expected = failed("b1", "w1", "Build failed after 10 attempts: disk full", 10);
  expected.failure_code = "ATTEMPTS_EXHAUSTED";
  g.when(AbandonBuild{.build_id = "b1", .worker_id = "w1", .reason = "disk full"})
      .then({expected, logged("b1", 0, LogLevel::error, "Build failed after 10 attempts: disk full")})
      .then_reply(BuildReply{.build_id = "b1", .status = BuildStatus::failed});
}

TEST(Abandon, OnlyItsOwnerCan) {
  const AbandonBuild command{.build_id = "b1", .worker_id = "w2", .reason = "x"};
  given<Builds>({}).when(command).then_refused("BUILD_NOT_FOUND", 404);
  given<Builds>({registered("w1"), registered("w2"), submitted("b1"), assigned("b1", "w1")}).when(command)
      .then_refused("NOT_BUILD_OWNER", 403);
  given<Builds>({registered("w2"), submitted("b1")}).when(command).then_refused("NOT_BUILD_OWNER", 403);
  given<Builds>({registered("w2"), submitted("b1"), assigned("b1", "w2"), failed("b1", "w2")}).when(command)
      .then_refused("NOT_BUILD_OWNER", 403);
}

}  // namespace
}  // namespace tidemark::commands::builds
