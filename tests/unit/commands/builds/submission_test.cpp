#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

SubmitBuild submit() {
  return {.platform = Platform::android, .source = source_blob(), .certs = certs_blob(),
          .access_token_sha256 = std::string(64, '7'),
          .token_key_id = "k1", .build_id = std::nullopt, .pool_id = std::nullopt};
}
RetryBuild retry(const std::string& original) {
  return {.original_build_id = original, .source_available = true, .keep_certs = true,
          .access_token_sha256 = std::string(64, '8'),
          .token_key_id = "k2", .build_id = "retried", .pool_id = std::nullopt};
}

TEST(BuildSubmission, ASubmittedBuildJoinsTheQueueUnderAnIdDerivedFromTheCommand) {
  auto g = given<Builds>({});
  g.when(submit());
  const std::string id = derive_build_id(g.command_id());
  BuildSubmitted expected = submitted(id);
  expected.platform = Platform::android;
  expected.certs = certs_blob();
  g.then({expected, logged(id, 0, "Build submitted")})
      .then_reply(SubmittedReply{.build_id = id, .submitted_at = kT0, .token_key_id = "k1",
                                 .original_build_id = std::nullopt});
  EXPECT_EQ(build_of(g, id).status, BuildStatus::pending);
  EXPECT_EQ(totals(g.state()).pending, 1);
}

TEST(BuildSubmission, TheSecondBuildOfOneMillisecondIsBehindTheFirst) {
  auto g = given<Builds>({registered("w1")});
  g.when(submit());
  const std::string first = derive_build_id(g.command_id());
  g.when(submit());
  EXPECT_EQ(std::get<BuildSubmitted>(g.events()[0]).order, 1u);
  g.when(poll("w1"));
  EXPECT_EQ(job_of(g), first);
}

TEST(BuildSubmission, AnIdGivenByTheEndpointIsKept) {
  SubmitBuild command = submit();
  command.build_id = "given-id";
  given<Builds>({}).when(command).then_types({"BuildSubmitted", "BuildLogAppended"});
}

TEST(BuildSubmission, AnIdThatOldCommandLinesWouldTakeForAnOptionIsRefused) {
  for (const char* bad : {"-leading-dash", "has space", "a/b", ""}) {
    SubmitBuild command = submit();
    command.build_id = bad;
    given<Builds>({}).when(command).then_refused("BUILD_ID_INVALID", 400);
  }
}

TEST(BuildSubmission, AnIdInUseIsRefused) {
  SubmitBuild command = submit();
  command.build_id = "b1";
  given<Builds>({submitted("b1")}).when(command).then_refused("BUILD_ID_TAKEN", 409);
}

TEST(BuildSubmission, WithoutSourceItIsRefused) {
  SubmitBuild command = submit();
  command.source.sha256.clear();
  given<Builds>({}).when(command).then_refused("SOURCE_MISSING", 400);
}

TEST(BuildSubmission, LimitsAreInclusive) {
  Settings small;
  small.source_bytes_max = 1000;
  small.certs_bytes_max = 100;
  given<Builds>({}).with(small).when(submit()).then_types({"BuildSubmitted", "BuildLogAppended"});
  small.source_bytes_max = 999;
  given<Builds>({}).with(small).when(submit()).then_refused("SOURCE_TOO_LARGE", 413);
  small.source_bytes_max = 1000;
  small.certs_bytes_max = 99;
  given<Builds>({}).with(small).when(submit()).then_refused("CERTS_TOO_LARGE", 413);
}

TEST(BuildRetry, ARetryIsANewBuildOfTheSameFilesAndBothLogsSaySo) {
  BuildSubmitted expected = submitted("retried", 1);
  expected.certs = certs_blob();
  expected.access_token_sha256 = std::string(64, '8');
  expected.token_key_id = "k2";
  expected.retry_of = "b1";
  given<Builds>({submitted_with_certs("b1"), logged("b1", 0, "Build submitted")})
      .when(retry("b1"))
      .then({expected, logged("retried", 0, "Build submitted (retry of b1)"),
             logged("b1", 1, "Retried as build retried")})
      .then_reply(SubmittedReply{.build_id = "retried", .submitted_at = kT0, .token_key_id = "k2",
                                 .original_build_id = "b1"});
}

TEST(BuildRetry, ABuildInAnyStateCanBeRetried) {
  const std::vector<std::vector<Event>> histories = {
      {},
      {assigned("b1", "w1")},
      {assigned("b1", "w1"), started("b1")},
      {assigned("b1", "w1"), completed("b1", "w1")},
      {assigned("b1", "w1"), failed("b1", "w1")},
      {cancelled("b1")}};
  for (const auto& history : histories) {
    auto g = given<Builds>({registered("w1"), submitted("b1")});
    for (const auto& event : history) g.event(event);
    const BuildStatus before = build_of(g, "b1").status;
    g.when(retry("b1")).then_types({"BuildSubmitted", "BuildLogAppended", "BuildLogAppended"});
    EXPECT_EQ(build_of(g, "b1").status, before);
  }
}

TEST(BuildRetry, CertsThatAreGoneAreLeftOut) {
  RetryBuild command = retry("b1");
  command.keep_certs = false;
  auto g = given<Builds>({submitted_with_certs("b1")});
  g.when(command);
  EXPECT_FALSE(std::get<BuildSubmitted>(g.events().at(0)).certs);
}

TEST(BuildRetry, AnUnknownBuildIsRefused) {
  given<Builds>({}).when(retry("late")).then_refused("BUILD_NOT_FOUND", 404);
}

TEST(BuildRetry, WithoutItsSourceItIsRefused) {
  RetryBuild command = retry("b1");
  command.source_available = false;
  given<Builds>({submitted("b1")}).when(command).then_refused("SOURCE_GONE", 400);
}

TEST(BuildRetry, AnIdInUseIsRefused) {
  RetryBuild command = retry("b1");
  command.build_id = "b1";
  given<Builds>({submitted("b1")}).when(command).then_refused("BUILD_ID_TAKEN", 409);
}

TEST(BuildCancel, APendingBuildLeavesTheQueue) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), submitted("b2", 1)});
  g.when(CancelBuild{.build_id = "b1"})
      .then({cancelled("b1"), logged("b1", 0, "Build cancelled")})
      .then_reply(BuildReply{.build_id = "b1", .status = BuildStatus::cancelled});
  g.when(poll("w1"));
  EXPECT_EQ(job_of(g), "b2");
}

TEST(BuildCancel, AnActiveBuildFreesItsWorkerAtOnce) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), submitted("b2", 1), assigned("b1", "w1"), started("b1")});
  g.when(CancelBuild{.build_id = "b1"}).then({cancelled("b1", "w1"), logged("b1", 0, "Build cancelled")});
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 0u);
  EXPECT_FALSE(g.state().timer("build/b1"));
  g.when(poll("w1"));
  EXPECT_EQ(job_of(g), "b2");
}

TEST(BuildCancel, AnUnknownBuildIsRefused) {
  given<Builds>({}).when(CancelBuild{.build_id = "late"}).then_refused("BUILD_NOT_FOUND", 404);
}

TEST(BuildCancel, AFinishedBuildIsRefused) {
  given<Builds>({submitted("b1"), cancelled("b1")}).when(CancelBuild{.build_id = "b1"})
      .then_refused("BUILD_ALREADY_FINISHED", 400);
  given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1"), completed("b1", "w1")})
      .when(CancelBuild{.build_id = "b1"}).then_refused("BUILD_ALREADY_FINISHED", 400);
  given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1"), failed("b1", "w1")})
      .when(CancelBuild{.build_id = "b1"}).then_refused("BUILD_ALREADY_FINISHED", 400);
}

}  // namespace
}  // namespace tidemark::commands::builds
