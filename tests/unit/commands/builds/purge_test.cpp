#include "commands/builds/files.hpp"
#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

constexpr std::int64_t kDay = 86'400'000;
constexpr std::int64_t kWeek = 7 * kDay;

PurgeBlob purge(const std::string& build, BlobKind kind, bool at_once = false) {
  return {.build_id = build, .kind = kind, .at_once = at_once, .pool_id = std::nullopt};
}
BlobPurged purged(const std::string& build, const BlobRef& file, BlobKind kind) {
  return {.pool_id = "default", .sha256 = file.sha256, .kind = kind, .build_id = build};
}
Given running() { return given<Builds>({registered("w1"), submitted_with_certs("b1"), assigned("b1", "w1"), started("b1")}); }
Settings keeping(std::int64_t sources_ms, std::int64_t results_ms) {
  Settings settings;
  settings.sources_kept_ms = sources_ms;
  settings.results_kept_ms = results_ms;
  return settings;
}

TEST(BlobPurge, EveryEndOfABuildArmsTheTimerOfItsCertificates) {
  const std::vector<Command> ends = {success("b1", "w1"), failure("b1", "w1"), CancelBuild{.build_id = "b1"}};
  for (const Command& end : ends) {
    auto g = running();
    g.after(5 * kSecond).when(end);
    const auto timer = g.state().timer("certs/b1");
    ASSERT_TRUE(timer);
    EXPECT_EQ(to_ms(timer->due), g.now() + kWeek);
    EXPECT_EQ(timer->command, "PurgeBlob");
    EXPECT_EQ(timer->data, event::to_json(purge("b1", BlobKind::certs)));
  }
  auto silent = running();
  silent.after(3600 * kSecond).when(ExpireBuild{.build_id = "b1", .attempt = 1}).then_types({"BuildTimedOut", "BuildLogAppended"});
  EXPECT_TRUE(silent.state().timer("certs/b1"));
  auto worn = running();
  Settings once;
  once.attempts_max = 1;
  worn.with(once).when(AbandonBuild{.build_id = "b1", .worker_id = "w1", .reason = "no"}).then_types({"BuildFailed", "BuildLogAppended"});
  EXPECT_TRUE(worn.state().timer("certs/b1"));
}

TEST(BlobPurge, ABuildWithoutCertificatesHasNoTimer) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1")});
  g.when(success("b1", "w1"));
  EXPECT_FALSE(g.state().timer("certs/b1"));
  EXPECT_FALSE(std::get<BuildCompleted>(g.events().at(0)).certs_due_at);
}

TEST(BlobPurge, ALateResultKeepsTheCertificatesAWeekFromThen) {
  auto g = running();
  g.event(timed_out("b1", "w1")).after(kDay / 2).when(success("b1", "w1"));
  EXPECT_EQ(to_ms(g.state().timer("certs/b1")->due), g.now() + kWeek);
  g.after(kWeek - 1).when(purge("b1", BlobKind::certs)).then_nothing_until(1);
}

TEST(BlobPurge, CertificatesGoAWeekAfterTheEndAndTheirTimerWithThem) {
  auto g = running();
  g.when(success("b1", "w1")).after(kWeek).when(purge("b1", BlobKind::certs))
      .then({purged("b1", certs_blob(), BlobKind::certs)})
      .then_reply(PurgedReply{.build_id = "b1", .kind = BlobKind::certs, .purged = true});
  EXPECT_FALSE(build_of(g, "b1").certs);
  EXPECT_FALSE(g.state().timer("certs/b1"));
  EXPECT_EQ(certs_use(g.state(), "b1"), CertsUse::gone);
  EXPECT_EQ(purge_count(g.state()).count, 1u);
  g.when(purge("b1", BlobKind::certs)).then_nothing();
  EXPECT_EQ(purge_count(g.state()).count, 1u) << "once";
  EXPECT_EQ(purge_count(g.state()).shared, 0u) << "no file that another build may have";
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::completed);
}

TEST(BlobPurge, BeforeItsTimeAFileStaysAndTheTimerComesAgain) {
  auto g = running();
  g.when(success("b1", "w1")).after(kWeek - kDay).when(purge("b1", BlobKind::certs)).then_nothing_until(kDay);
  EXPECT_EQ(certs_use(g.state(), "b1"), CertsUse::needed);
}

TEST(BlobPurge, WhatABuildThatHasNotEndedHasIsRefused) {
  for (const BlobKind kind : {BlobKind::source, BlobKind::certs, BlobKind::result}) {
    for (const bool at_once : {false, true}) {
      given<Builds>({submitted_with_certs("b1")}).when(purge("b1", kind, at_once)).then_refused("BLOB_STILL_NEEDED", 409);
      running().after(kWeek).when(purge("b1", kind, at_once)).then_refused("BLOB_STILL_NEEDED", 409);
    }
  }
  given<Builds>({}).when(purge("late", BlobKind::certs)).then_refused("BUILD_NOT_FOUND", 404);
}

TEST(BlobPurge, SourcesAndResultsAreKeptForEverUnlessTheSettingsSayOtherwise) {
  auto g = running();
  g.when(success("b1", "w1")).after(1000 * kDay);
  for (const BlobKind kind : {BlobKind::source, BlobKind::result}) g.when(purge("b1", kind)).then_nothing();
  g.with(keeping(kDay, 2000 * kDay));
  EXPECT_EQ(due_files(g.state(), from_ms(g.now()), keeping(kDay, 2000 * kDay), 10),
            (std::vector<DueFile>{{"b1", BlobKind::certs}, {"b1", BlobKind::source}}));
  g.when(purge("b1", BlobKind::result)).then_nothing_until(1000 * kDay);
  g.when(purge("b1", BlobKind::source)).then({purged("b1", source_blob(), BlobKind::source)});
  EXPECT_EQ(purge_count(g.state()).shared, 1u);
  EXPECT_FALSE(is_blob_used(g.state(), source_blob().sha256));
  EXPECT_TRUE(is_blob_used(g.state(), result_blob().sha256));
  g.when(purge("b1", BlobKind::result, true)).then({purged("b1", result_blob(), BlobKind::result)});
  EXPECT_FALSE(is_blob_used(g.state(), result_blob().sha256));
  EXPECT_TRUE(due_files(g.state(), from_ms(g.now() + 9000 * kDay), keeping(1, 1), 10).size() == 1) << "the certificates are left";
}

TEST(BlobPurge, ASourceThatARetryHasStaysUntilThatIsPurgedToo) {
  auto g = running();
  g.when(success("b1", "w1"));
  g.when(RetryBuild{.original_build_id = "b1", .source_available = true, .keep_certs = true, .access_token_sha256 = kHash,
                    .token_key_id = "k1", .build_id = "b2"});
  g.after(kWeek).when(purge("b1", BlobKind::source, true)).then({purged("b1", source_blob(), BlobKind::source)});
  EXPECT_TRUE(is_blob_used(g.state(), source_blob().sha256)) << "the retry has it";
  g.when(purge("b2", BlobKind::source, true)).then_refused("BLOB_STILL_NEEDED", 409);
  EXPECT_EQ(certs_use(g.state(), "b2"), CertsUse::needed) << "certificates of its own";
  g.when(purge("b1", BlobKind::certs)).then({purged("b1", certs_blob(), BlobKind::certs)});
  EXPECT_EQ(certs_use(g.state(), "b2"), CertsUse::needed);
  g.when(CancelBuild{.build_id = "b2"}).when(purge("b2", BlobKind::source, true)).then({purged("b2", source_blob(), BlobKind::source)});
  EXPECT_FALSE(is_blob_used(g.state(), source_blob().sha256));
}

TEST(BlobPurge, ABuildWithoutItsSourceCannotBeRetried) {
  auto g = running();
  g.when(success("b1", "w1")).when(purge("b1", BlobKind::source, true));
  g.when(RetryBuild{.original_build_id = "b1", .source_available = true, .keep_certs = true, .access_token_sha256 = kHash,
                    .token_key_id = "k1", .build_id = "b2"}).then_refused("SOURCE_GONE", 400);
}

TEST(BlobPurge, ARetryThatWasDecidedAfterThePurgeHasNoCertificates) {
  auto g = running();
  g.when(success("b1", "w1")).when(purge("b1", BlobKind::certs, true));
  g.when(RetryBuild{.original_build_id = "b1", .source_available = true, .keep_certs = true, .access_token_sha256 = kHash,
                    .token_key_id = "k1", .build_id = "b2"});
  EXPECT_FALSE(std::get<BuildSubmitted>(g.events().at(0)).certs);
  EXPECT_EQ(certs_use(g.state(), "b2"), CertsUse::gone) << "a copy made meanwhile is nobody's";
  EXPECT_EQ(certs_use(g.state(), "b3"), CertsUse::unknown);
}

TEST(BlobPurge, WhatIsDueComesInPortions) {
  auto g = given<Builds>({registered("w1")});
  for (int i = 0; i < 5; ++i) {
    const std::string id = "b" + std::to_string(i);
    g.event(submitted(id, static_cast<std::uint64_t>(i))).event(cancelled(id)).after(kSecond);
  }
  const auto due = due_files(g.state(), from_ms(g.now()), keeping(3 * kSecond, 0), 2);
  EXPECT_EQ(due, (std::vector<DueFile>{{"b0", BlobKind::source}, {"b1", BlobKind::source}}));
  EXPECT_EQ(due_files(g.state(), from_ms(g.now()), keeping(3 * kSecond, 0), 100).size(), 3u);
}

}  // namespace
}  // namespace tidemark::commands::builds
