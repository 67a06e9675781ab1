#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

RegisterWorker enroll(std::optional<std::string> id) {
  return {.worker_id = std::move(id), .name = "Mac w1", .capabilities = {R"({"xcode":"15"})"},
          .public_identifier = "pub", .active_build_count = 0,
          .token_sha256 = "new-token", .token_key_id = "k2", .pool_id = std::nullopt};
}

TEST(WorkerRegistration, AnUnknownWorkerIsRegisteredUnderItsOwnId) {
  auto g = given<Builds>({});
  g.when(enroll("w1"))
      .then({WorkerRegistered{.pool_id = "default", .worker_id = "w1", .name = "Mac w1",
                              .capabilities = {R"({"xcode":"15"})"},
                              .public_identifier = "pub", .token_sha256 = "new-token", .token_key_id = "k2",
                              .token_expires_at = kT0 + 90 * kSecond, .offline_due_at = kT0 + 300 * kSecond}})
      .then_reply(RegisteredReply{.worker_id = "w1", .reregistered = false, .token_key_id = "k2",
                                  .token_nonce = g.command_id(),
                                  .token_expires_at = kT0 + 90 * kSecond});
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
  EXPECT_EQ(worker_of(g, "w1").token_nonce, g.command_id());
  EXPECT_TRUE(g.state().timer("worker/w1"));
}

TEST(WorkerRegistration, AWorkerWithoutAnIdGetsOneDerivedFromTheCommand) {
  auto g = given<Builds>({});
  g.when(enroll(std::nullopt)).then_types({"WorkerRegistered"});
  EXPECT_TRUE(find_worker(g.state(), derive_worker_id(g.command_id())));
}

TEST(WorkerRegistration, AKnownWorkerKeepsItsNameAndGetsANewToken) {
  auto g = given<Builds>({registered("w1")});
  g.after(60 * kSecond).when(enroll("w1"))
      .then({WorkerReregistered{.pool_id = "default", .worker_id = "w1", .active_build_count = 0,
                                .token_sha256 = "new-token",
                                .token_key_id = "k2", .token_expires_at = kT0 + 150 * kSecond,
                                .offline_due_at = kT0 + 360 * kSecond}})
      .then_reply(RegisteredReply{.worker_id = "w1", .reregistered = true, .token_key_id = "k2",
                                  .token_nonce = g.command_id(),
                                  .token_expires_at = kT0 + 150 * kSecond});
  EXPECT_EQ(worker_of(g, "w1").name, "Mac w1");
  EXPECT_TRUE(worker_by_token(g.state(), "new-token", from_ms(g.now())));
  EXPECT_TRUE(worker_by_token(g.state(), "token-w1", from_ms(kT0 + 89 * kSecond)));
  EXPECT_FALSE(worker_by_token(g.state(), "token-w1", from_ms(kT0 + 90 * kSecond)));
}

TEST(WorkerRegistration, NameAndCapabilitiesAreRequired) {
  RegisterWorker nameless = enroll("w1");
  nameless.name.clear();
  given<Builds>({}).when(nameless).then_refused("NAME_OR_CAPABILITIES_MISSING", 400);
  RegisterWorker incapable = enroll("w1");
  incapable.capabilities.raw = "null";
  given<Builds>({}).when(incapable).then_refused("NAME_OR_CAPABILITIES_MISSING", 400);
}

TEST(WorkerRegistration, AnIdOutsideTheAlphabetIsRefused) {
  for (const char* bad : {"a b", "../x", "", "ä"})
    given<Builds>({}).when(enroll(bad)).then_refused("WORKER_ID_INVALID", 400);
}

TEST(WorkerUnregister, ItsBuildGoesBackToItsOldPlace) {
  auto g = given<Builds>({registered("w1"), registered("w2"), submitted("b1"), submitted("b2", 1), assigned("b1", "w1"),
                          started("b1")});
  g.when(UnregisterWorker{.worker_id = "w1"})
      .then({requeued("b1", "w1", "worker unregistered"), logged("b1", 0, "Build requeued: worker unregistered"),
             WorkerUnregistered{.pool_id = "default", .worker_id = "w1"}})
      .then_reply(UnregisteredReply{.builds_reassigned = 1});
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::offline);
  EXPECT_FALSE(worker_by_token(g.state(), "token-w1", from_ms(kT0)));
  EXPECT_FALSE(g.state().timer("worker/w1"));
  g.when(poll("w2"));
  EXPECT_EQ(job_of(g), "b1");
  EXPECT_EQ(build_of(g, "b1").attempt, 2u);
}

TEST(WorkerUnregister, TheSecondTimeNothingHappens) {
  given<Builds>({registered("w1")})
      .when(UnregisterWorker{.worker_id = "w1"}).then({WorkerUnregistered{.pool_id = "default", .worker_id = "w1"}})
      .when(UnregisterWorker{.worker_id = "w1"}).then_nothing().then_reply(UnregisteredReply{.builds_reassigned = 0});
}

TEST(WorkerUnregister, AnUnknownWorkerIsRefused) {
  given<Builds>({}).when(UnregisterWorker{.worker_id = "w9"}).then_refused("WORKER_NOT_FOUND", 404);
}

TEST(WorkerOffline, WithoutContactAnIdleWorkerGoesOffline) {
  auto g = given<Builds>({registered("w1")});
  g.after(300 * kSecond).when(ExpireWorker{.worker_id = "w1"})
      .then({WorkerWentOffline{.pool_id = "default", .worker_id = "w1", .silent_ms = 300 * kSecond}});
  EXPECT_FALSE(g.state().timer("worker/w1"));
  g.when(ExpireWorker{.worker_id = "w1"}).then_nothing();
}

TEST(WorkerOffline, ContactInTheOwnersMemoryPostponesIt) {
  given<Builds>({registered("w1")}).after(300 * kSecond)
      .when(ExpireWorker{.worker_id = "w1", .last_contact_at = kT0 + 280 * kSecond}).then_nothing_until(280 * kSecond);
}

TEST(WorkerOffline, TakingTheLaneCountsAsContact) {
  given<Builds>({registered("w1")}).after(1000 * kSecond).lane_taken_now().after(kSecond)
      .when(ExpireWorker{.worker_id = "w1"}).then_nothing_until(299 * kSecond);
}

TEST(WorkerOffline, NeverWhileItHasALiveBuild) {
  given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1")}).after(500 * kSecond)
      .when(ExpireWorker{.worker_id = "w1"}).then_nothing_until(300 * kSecond);
}

TEST(WorkerOffline, OfAnUnknownWorkerNothingComes) {
  given<Builds>({}).when(ExpireWorker{.worker_id = "w9"}).then_nothing();
}

TEST(WorkerOffline, APollBringsItBack) {
  auto g = given<Builds>({registered("w1"),
                          WorkerWentOffline{.pool_id = "default", .worker_id = "w1", .silent_ms = 300 * kSecond}});
  g.when(poll("w1"))
      .then({WorkerCameOnline{.pool_id = "default", .worker_id = "w1", .offline_due_at = kT0 + 300 * kSecond}});
  EXPECT_EQ(worker_of(g, "w1").status, WorkerStatus::idle);
  EXPECT_TRUE(g.state().timer("worker/w1"));
}

}  // namespace
}  // namespace tidemark::commands::builds
