#include "commands/builds/silence.hpp"
#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

Given assigned_build() {
  return given<Builds>({registered("w1"), registered("w2"), submitted("b1"), assigned("b1", "w1")});
}
HeartbeatRecorded beat() { return {.pool_id = "default", .build_id = "b1", .worker_id = "w1", .attempt = 1}; }
ExpireBuild expire(std::optional<std::int64_t> last_sign = std::nullopt, std::uint32_t attempt = 1) {
  return {.build_id = "b1", .attempt = attempt, .last_sign_at = last_sign, .pool_id = std::nullopt};
}

TEST(Heartbeat, TheFirstOfAnAttemptStartsTheBuild) {
  auto g = assigned_build();
  BuildStarted expected = started("b1");
  expected.liveness_due_at = kT0 + 310 * kSecond;
  g.after(10 * kSecond).when(heartbeat("b1", "w1")).then({expected, beat()})
      .then_reply(SignOfLifeReply{.timestamp = kT0 + 10 * kSecond, .active = true});
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::building);
  EXPECT_EQ(to_ms(g.state().timer("build/b1")->due), kT0 + 310 * kSecond);
}

TEST(Heartbeat, LaterOnesAreMarkedAtMostOnceInThirtySeconds) {
  RecordSignOfLife command = heartbeat("b1", "w1");
  command.last_mark_at = kT0;
  assigned_build().event(started("b1")).after(29'999).when(command).then_nothing();
  assigned_build().event(started("b1")).after(30'000).when(command).then({beat()});
}

TEST(Heartbeat, ItNeverReachesTheState) {
  auto g = assigned_build().event(started("b1"));
  const auto before = g.state().rows();
  g.when(heartbeat("b1", "w1")).then({beat()});
  EXPECT_EQ(before, g.state().rows());
}

TEST(Heartbeat, ProgressAddsALogLine) {
  RecordSignOfLife command = heartbeat("b1", "w1");
  command.progress = "42";
  command.last_mark_at = kT0;
  assigned_build().event(started("b1")).when(command).then({logged("b1", 0, "Build progress: 42%")});
}

TEST(Heartbeat, WithoutAWorkerIdTheOwnerIsMeant) {
  RecordSignOfLife command = heartbeat("b1", "w1");
  command.worker_id = std::nullopt;
  assigned_build().when(command).then_types({"BuildStarted", "HeartbeatRecorded"});
}

TEST(Heartbeat, OfOthersIsRefused) {
  assigned_build().when(heartbeat("b9", "w1")).then_refused("BUILD_NOT_FOUND", 404);
  assigned_build().when(heartbeat("b1", "w2")).then_refused("NOT_BUILD_OWNER", 403);
  given<Builds>({registered("w1"), submitted("b1")}).when(heartbeat("b1", "w1")).then_refused("NOT_BUILD_OWNER", 403);
  RecordSignOfLife stale = heartbeat("b1", "w1");
  stale.attempt = 2;
  assigned_build().when(stale).then_refused("STALE_ATTEMPT", 403);
}

TEST(Heartbeat, OfACompletedOrTimedOutBuildItIsWelcomeAndIgnored) {
  const SignOfLifeReply ignored{.timestamp = kT0, .active = false};
  assigned_build().event(completed("b1", "w1")).when(heartbeat("b1", "w1")).then_nothing().then_reply(ignored);
  assigned_build().event(timed_out("b1", "w1")).when(heartbeat("b1", "w1")).then_nothing().then_reply(ignored);
}

TEST(Heartbeat, OfACancelledOrFailedBuildItIsRefusedSoThatTheWorkerStops) {
  assigned_build().event(cancelled("b1", "w1")).when(heartbeat("b1", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
  assigned_build().event(failed("b1", "w1")).when(heartbeat("b1", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(Timeout, AnAssignedBuildMayBeSilentForTenMinutes) {
  auto g = assigned_build();
  g.after(599'999).when(expire()).then_nothing_until(1);
  g.after(1).when(expire())
      .then({timed_out("b1", "w1"), logged("b1", 0, LogLevel::error, "Build timeout - worker stopped responding")});
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::failed);
  EXPECT_EQ(build_of(g, "b1").failure_code, kTimedOutFailure);
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
  EXPECT_EQ(worker_of(g, "w1").builds_failed, 1u);
  EXPECT_FALSE(g.state().timer("build/b1"));
}

TEST(Timeout, ABuildingOneForFive) {
  assigned_build().after(100 * kSecond).event(started("b1")).after(299'999).when(expire()).then_nothing_until(1);
  assigned_build().after(100 * kSecond).event(started("b1")).after(300'000).when(expire())
      .then({timed_out("b1", "w1", 300 * kSecond),
             logged("b1", 0, LogLevel::error, "Build timeout - worker stopped responding")});
}

TEST(Timeout, TheOwnersMemoryOfASignOfLifePostponesIt) {
  assigned_build().event(started("b1")).after(300 * kSecond).when(expire(kT0 + 290 * kSecond))
      .then_nothing_until(290 * kSecond);
}

TEST(Timeout, NobodyIsTimedOutBecauseOfOurOwnOutage) {
  assigned_build().event(started("b1")).after(3600 * kSecond).lane_taken_now().after(10 * kSecond).when(expire())
      .then_nothing_until(290 * kSecond);
}

TEST(Timeout, OfAnEndedBuildOrAnotherAttemptNothingComes) {
  assigned_build().event(completed("b1", "w1")).after(3600 * kSecond).when(expire()).then_nothing();
  assigned_build().after(3600 * kSecond).when(expire(std::nullopt, 2)).then_nothing();
  given<Builds>({}).when(expire()).then_nothing();
}

TEST(Timeout, ItMayRequeueInstead) {
  Settings settings;
  settings.requeue_on_timeout = true;
  assigned_build().with(settings).after(600 * kSecond).when(expire())
      .then({requeued("b1", "w1", "worker stopped responding"),
             logged("b1", 0, "Build requeued: worker stopped responding")});
}

TEST(Timeout, AnEndThatTheWorkerDidNotBringIsNoContactOfIt) {
  Settings requeueing, last_attempt;
  requeueing.requeue_on_timeout = last_attempt.requeue_on_timeout = true;
  last_attempt.attempts_max = 1;
  for (const Settings& settings : {Settings{}, requeueing, last_attempt}) {
    auto g = assigned_build().with(settings);
    g.after(600 * kSecond).when(expire());
    ASSERT_FALSE(g.events().empty());
    EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
    EXPECT_EQ(worker_of(g, "w1").contact_at, kT0);
    g.when(ExpireWorker{.worker_id = "w1"}).then_types({"WorkerWentOffline"});
  }
  auto g = assigned_build();
  g.after(100 * kSecond).when(CancelBuild{.build_id = "b1"});
  EXPECT_EQ(worker_of(g, "w1").contact_at, kT0);
  EXPECT_EQ(nodes_online(g.state(), from_ms(g.now()), from_ms(kT0), std::chrono::seconds(60), [](auto) { return std::nullopt; }), 0);
}

TEST(Timeout, AnEndThatTheWorkerBringsIsAContactOfIt) {
  const std::int64_t later = 100 * kSecond;
  auto done = assigned_build(), broken = assigned_build(), given_back = assigned_build();
  done.after(later).when(success("b1", "w1"));
  broken.after(later).when(failure("b1", "w1"));
  given_back.after(later).when(AbandonBuild{.build_id = "b1", .worker_id = "w1", .reason = "no disk"});
  for (const Given* g : {&done, &broken, &given_back}) EXPECT_EQ(worker_of(*g, "w1").contact_at, kT0 + later);
}

TEST(Timeout, TheMessageSaysHowLong) {
  EXPECT_EQ(timeout_message(300'999), "Build timeout - no heartbeat from worker for 300s");
}

TEST(TimerCompletion, AnUploadThatNamesNobodyMayBeOfAnyBuild) {
  const auto completed = [](std::int64_t seen, std::int64_t upload) {
    const auto memory = [&](std::string_view key) { return std::optional(key == kUnnamedUploadKey ? upload : seen); };
    return complete_timer(Timer{{}, "ExpireBuild", R"({"build_id":"b1","attempt":1})"}, memory);
  };
  EXPECT_EQ(completed(7, 9), R"({"build_id":"b1","attempt":1,"last_sign_at":9})");
  EXPECT_EQ(completed(9, 7), R"({"build_id":"b1","attempt":1,"last_sign_at":9})");
}

TEST(TimerCompletion, TheOwnersMemoryComesWithTheCommand) {
  const auto memory = [](std::string_view key) -> std::optional<std::int64_t> {
    if (key == "seen/b1") return 7;
    if (key == "contact/w1") return 8;
    return std::nullopt;
  };
  EXPECT_EQ(complete_timer(Timer{{}, "ExpireBuild", R"({"build_id":"b1","attempt":1})"}, memory),
            R"({"build_id":"b1","attempt":1,"last_sign_at":7})");
  EXPECT_EQ(complete_timer(Timer{{}, "ExpireBuild", R"({"build_id":"b2","attempt":1})"}, memory),
            R"({"build_id":"b2","attempt":1})");
  EXPECT_EQ(complete_timer(Timer{{}, "ExpireWorker", R"({"worker_id":"w1"})"}, memory),
            R"({"worker_id":"w1","last_contact_at":8})");
}

}  // namespace
}  // namespace tidemark::commands::builds
