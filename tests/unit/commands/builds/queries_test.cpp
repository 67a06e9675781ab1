#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

TEST(OwnerQueries, AnAccessTokenIsKnownByItsHash) {
  const auto g = given<Builds>({submitted("b1")});
  EXPECT_TRUE(is_access_token(build_of(g, "b1"), std::string(64, '7')));
  EXPECT_FALSE(is_access_token(build_of(g, "b1"), std::string(64, '8')));
  EXPECT_FALSE(is_access_token(build_of(g, "b1"), ""));
}

TEST(OwnerQueries, AWorkerWithoutATokenIsNotFoundByTheEmptyOne) {
  WorkerRegistered plain = registered("w1");
  plain.token_sha256.clear();
  EXPECT_FALSE(worker_by_token(given<Builds>({plain}).state(), "", from_ms(kT0)));
}

TEST(OwnerQueries, TheActiveBuildOfAWorker) {
  const auto g = given<Builds>({registered("w1"), registered("w2"), submitted("b1"), assigned("b1", "w1")});
  EXPECT_EQ(active_build_of(g.state(), "w1")->id, "b1");
  EXPECT_FALSE(active_build_of(g.state(), "w2"));
  EXPECT_FALSE(active_build_of(g.state(), "w9"));
  ASSERT_EQ(active_builds(g.state()).size(), 1u);
  EXPECT_EQ(owner_of(active_builds(g.state())[0]), "w1");
}

TEST(OwnerQueries, TotalsFollowEveryBuild) {
  const auto g =
      given<Builds>({registered("w1"), submitted("b1"), submitted("b2", 1), submitted("b3", 2), assigned("b1", "w1"),
                                cancelled("b2")});
  const TotalsRow row = totals(g.state());
  EXPECT_EQ(row.pending, 1);
  EXPECT_EQ(row.assigned, 1);
  EXPECT_EQ(row.cancelled, 1);
  EXPECT_EQ(row.total(), 3);
}

std::optional<PollReply> asked(const Given& g, const PollForJob& command, std::int64_t now = kT0) {
  return idle_poll(g.state(), command, Context{from_ms(now), from_ms(kT0), {}, {}, kDefaultPool}, Settings{});
}

TEST(OwnerQueries, APollThatChangesNothingIsAnsweredWithoutADecision) {
  auto g = given<Builds>({registered("w1"), registered("w2")});
  ASSERT_TRUE(asked(g, poll("w1")));
  EXPECT_FALSE(asked(g, poll("w1"))->job);
  g.event(submitted("b1")).event(assigned("b1", "w1"));
  ASSERT_TRUE(asked(g, poll("w1")));
  EXPECT_EQ(asked(g, poll("w1"))->job->build_id, "b1");
  EXPECT_FALSE(asked(g, poll("w2"))->job);
}

TEST(OwnerQueries, APollThatWouldBeRecordedOrRefusedMustBeDecided) {
  auto g = given<Builds>({registered("w1"), registered("w2"), submitted("b1")});
  EXPECT_FALSE(asked(g, poll("w1")));
  EXPECT_FALSE(asked(g, poll("w9")));
  g.event(assigned("b1", "w1"));
  EXPECT_FALSE(asked(g, token_poll("w2", "wrong")));
  PollForJob rotating = token_poll("w2", "token-w2");
  rotating.next_token_sha256 = "next";
  rotating.next_token_key_id = "k2";
  EXPECT_TRUE(asked(g, rotating));
  EXPECT_FALSE(asked(g, rotating, kT0 + 61 * kSecond));
  g.event(reregistered("w1", 0));
  EXPECT_FALSE(asked(g, poll("w1")));
  g.event(WorkerWentOffline{.pool_id = "default", .worker_id = "w2"});
  EXPECT_FALSE(asked(g, poll("w2")));
}

TEST(OwnerQueries, TheFirstOfTheQueueIsKnownWhateverLeavesIt) {
  auto g = given<Builds>({registered("w1"), registered("w2"), submitted("b1"), submitted("b2", 1), submitted("b3", 2)});
  const auto first = [&] { return kPending.get(g.state(), totals(g.state()).first_queued_at, totals(g.state()).first_order)->id; };
  EXPECT_EQ(first(), "b1");
  g.event(cancelled("b2"));
  EXPECT_EQ(first(), "b1");
  g.event(assigned("b1", "w1"));
  EXPECT_EQ(first(), "b3");
  g.event(requeued("b1", "w1", "why"));
  EXPECT_EQ(first(), "b1");
  g.event(cancelled("b1")).event(cancelled("b3"));
  g.event(submitted("b4", 3));
  EXPECT_EQ(first(), "b4");
}

TEST(OwnerQueries, NodesOnlineAreThoseInContactOrAtWork) {
  const auto g =
      given<Builds>({registered("w1"), registered("w2"), registered("w3"), submitted("b1"), assigned("b1", "w1"),
                                WorkerUnregistered{.pool_id = "default", .worker_id = "w3"}});
  const auto silent = [](std::string_view) { return std::optional<std::int64_t>(); };
  const auto w2_seen =
      [](std::string_view id) { return id == "w2" ? std::optional<std::int64_t>(kT0 + 100 * kSecond) : std::nullopt; };
  const Time at = from_ms(kT0 + 200 * kSecond);
  const Duration two_minutes(120 * kSecond);
  EXPECT_EQ(nodes_online(g.state(), from_ms(kT0), from_ms(0), two_minutes, silent), 2);
  EXPECT_EQ(nodes_online(g.state(), at, from_ms(0), two_minutes, silent), 1);
  EXPECT_EQ(nodes_online(g.state(), at, from_ms(0), two_minutes, w2_seen), 2);
  EXPECT_EQ(nodes_online(g.state(), at, from_ms(kT0 + 150 * kSecond), two_minutes, silent), 2);
}

TEST(OwnerQueries, ABlobIsUsedByItsBuilds) {
  const auto g = given<Builds>({submitted("b1")});
  EXPECT_TRUE(is_blob_used(g.state(), kHash));
  EXPECT_FALSE(is_blob_used(g.state(), std::string(64, 'b')));
}

TEST(OwnerQueries, ATokenIsDueForRotationWhenLessThanThirtySecondsAreLeft) {
  const auto g = given<Builds>({registered("w1")});
  EXPECT_FALSE(token_rotation_due(worker_of(g, "w1"), from_ms(kT0 + 60 * kSecond), Settings{}));
  EXPECT_TRUE(token_rotation_due(worker_of(g, "w1"), from_ms(kT0 + 60 * kSecond + 1), Settings{}));
}

}  // namespace
}  // namespace tidemark::commands::builds
