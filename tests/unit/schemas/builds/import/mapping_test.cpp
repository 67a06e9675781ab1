#include "schemas/builds/import/mapping.hpp"

#include <gtest/gtest.h>

#include "schemas/builds/ids.hpp"

namespace tidemark::schemas::builds {
namespace {

constexpr std::int64_t kThen = 1'600'000'000'000;

legacy::Worker worker_row() { return {"w1", "Mac", "idle", R"({"cpus":8})", kThen, kThen + 1, 3, 4}; }
legacy::Build build_row(const std::string& status) {
  return {"V1StGXR8_Z5jdHi6B-myT", status, "ios", "/srv/builds/x.zip", std::nullopt, std::nullopt, "w1", kThen, kThen + 1, kThen + 2, std::nullopt, "secret"};
}
FoundFiles source_only() { return {FoundFile{"aa", 5}, std::nullopt, std::nullopt}; }

template <class T>
std::string notes_of(const Mapped<T>& mapped) {
  std::string text;
  for (const ImportNote& note : mapped.notes) {
    text += (note.kind == ImportNote::Kind::rejected ? "rejected " : "") + note.table + "/" + note.key + ": " + note.text + "\n";
  }
  return text;
}
Mapped<ImportedBuild> map(const legacy::Build& row, Holder holder = Holder::at_work) { return map_build(row, source_only(), holder, "d"); }

TEST(LegacyMapping, AWorkerIsTakenAsItIs) {
  const auto mapped = map_worker(worker_row());
  EXPECT_EQ(notes_of(mapped), "");
  ImportedWorker expected{.id = "w1", .name = "Mac", .status = WorkerStatus::idle, .capabilities = {R"({"cpus":8})"}, .registered_at = kThen,
                          .last_seen_at = kThen + 1, .builds_completed = 3, .builds_failed = 4, .digest = row_digest(worker_row())};
  EXPECT_EQ(mapped.value, expected);
}

TEST(LegacyMapping, NullCountersAreZeroAndSayNothing) {
  legacy::Worker row = worker_row();
  row.builds_completed.reset();
  row.builds_failed.reset();
  const auto mapped = map_worker(row);
  EXPECT_EQ(mapped.value->builds_completed + mapped.value->builds_failed, 0u);
  EXPECT_EQ(notes_of(mapped), "");
}

TEST(LegacyMapping, CapabilitiesThatAreNoJsonBecomeAnEmptyObjectWithAWarning) {
  for (const char* bad : {"", "{", "{\"a\":1}}", "nul"}) {
    legacy::Worker row = worker_row();
    row.capabilities = bad;
    const auto mapped = map_worker(row);
    EXPECT_EQ(mapped.value->capabilities.raw, "{}") << bad;
    EXPECT_EQ(notes_of(mapped), "workers/w1: capabilities is no JSON, read as {}\n") << bad;
  }
}

TEST(LegacyMapping, WhatAWorkerRowLacksIsMendedAndNamed) {
  legacy::Worker row;
  row.id = "w1";
  row.status = "sleeping";
  row.builds_failed = -3;
  const auto mapped = map_worker(row);
  EXPECT_EQ(mapped.value->name, "w1");
  EXPECT_EQ(mapped.value->registered_at, 0);
  EXPECT_EQ(mapped.value->builds_failed, 0u);
  EXPECT_EQ(mapped.notes.size(), 5u) << notes_of(mapped);
}

TEST(LegacyMapping, RowsWhoseIdCouldNameAnotherFileAreRejected) {
  for (const char* bad : {"", "../etc/passwd", "a/b", "a.b", "a b"}) {
    legacy::Worker worker = worker_row();
    worker.id = bad;
    EXPECT_FALSE(map_worker(worker).value) << bad;
    legacy::Build build = build_row("pending");
    build.id = bad;
    EXPECT_FALSE(map(build).value) << bad;
    EXPECT_TRUE(file_candidates(BlobKind::source, bad, "ios").empty()) << bad;
  }
}

TEST(LegacyMapping, BuildIdsThatBeginWithADashAreKept) {
  legacy::Build row = build_row("completed");
  row.id = "-dash";
  EXPECT_EQ(map(row).value->id, "-dash");
}

TEST(LegacyMapping, ACancelledBuildIsTheFailedOneWithTheCancelsWords) {
  legacy::Build row = build_row("failed");
  row.error_message = "Build cancelled by user";
  EXPECT_EQ(map(row).value->status, BuildStatus::cancelled);
  row.error_message = "Build cancelled by user!";
  EXPECT_EQ(map(row).value->status, BuildStatus::failed);
}

TEST(LegacyMapping, TerminalRowsKeepTheirStatusThoughTheyContradictThemselves) {
  legacy::Build row = build_row("completed");
  row.error_message = "exit 65";
  row.completed_at.reset();
  row.worker_id.reset();
  const auto mapped = map(row, Holder::unknown);
  EXPECT_EQ(mapped.value->status, BuildStatus::completed);
  EXPECT_EQ(mapped.value->error_message, "exit 65");
  EXPECT_FALSE(mapped.value->completed_at);
  EXPECT_EQ(notes_of(mapped), "");
}

TEST(LegacyMapping, ABuildUnderWayNeedsAWorkerThatIsAtWorkOnIt) {
  for (const char* status : {"assigned", "building"}) {
    EXPECT_EQ(map(build_row(status)).value->status, parse_status(status));
    for (const Holder holder : {Holder::unknown, Holder::elsewhere}) {
      const auto mapped = map(build_row(status), holder);
      EXPECT_EQ(mapped.value->status, BuildStatus::pending);
      EXPECT_TRUE(mapped.value->front_of_queue);
      EXPECT_FALSE(mapped.value->worker_id);
      EXPECT_FALSE(mapped.value->started_at);
      EXPECT_EQ(mapped.notes.size(), 1u);
    }
  }
}

TEST(LegacyMapping, AccessTokensAreKeptAsHashesOnly) {
  const auto mapped = map(build_row("completed"));
  EXPECT_EQ(mapped.value->access_token_sha256, token_hash("secret"));
  legacy::Build row = build_row("completed");
  row.access_token.reset();
  EXPECT_EQ(map(row).value->access_token_sha256, "");
  row.access_token = "";
  EXPECT_EQ(map(row).value->access_token_sha256, "");
}

TEST(LegacyMapping, FilesThatARowNamesAndThatAreMissingAreWarnings) {
  legacy::Build row = build_row("completed");
  row.certs_path = row.result_path = "somewhere";
  const auto mapped = map_build(row, {}, Holder::at_work, "d");
  EXPECT_EQ(mapped.value->source.sha256, "");
  EXPECT_FALSE(mapped.value->certs);
  EXPECT_FALSE(mapped.value->result);
  EXPECT_EQ(mapped.notes.size(), 3u) << notes_of(mapped);
}

TEST(LegacyMapping, FilesAreLookedForByKindAndId) {
  EXPECT_EQ(file_candidates(BlobKind::source, "b", "ios"), std::vector<std::string>{"builds/b.zip"});
  EXPECT_EQ(file_candidates(BlobKind::certs, "b", "ios"), std::vector<std::string>{"certs/b.zip"});
  EXPECT_EQ(file_candidates(BlobKind::result, "b", "ios"), (std::vector<std::string>{"results/b.ipa", "results/b.apk"}));
  EXPECT_EQ(file_candidates(BlobKind::result, "b", "android"), (std::vector<std::string>{"results/b.apk", "results/b.ipa"}));
}

TEST(LegacyMapping, UnknownStatesAndPlatformsAreRejected) {
  EXPECT_EQ(notes_of(map(build_row("exploded"))), "rejected builds/V1StGXR8_Z5jdHi6B-myT: status \"exploded\" is none\n");
  legacy::Build row = build_row("pending");
  row.platform = "windows";
  EXPECT_FALSE(map(row).value);
}

TEST(LegacyMapping, TimesThatNoCalendarHasAreAbsent) {
  legacy::Build row = build_row("completed");
  row.completed_at = -5;
  row.started_at = 9'000'000'000'000'000;
  const auto mapped = map(row);
  EXPECT_FALSE(mapped.value->completed_at);
  EXPECT_FALSE(mapped.value->started_at);
  EXPECT_EQ(mapped.notes.size(), 2u);
}

TEST(LegacyMapping, LinesKeepTheirNumberTimeAndLevel) {
  const auto mapped = map_line({7, "b", kThen, "debug", "x"});
  EXPECT_EQ(mapped.value, (ImportedLine{7, kThen, LogLevel::debug, "x"}));
  EXPECT_EQ(map_line({7, "b", kThen, "loud", "x"}).value->level, LogLevel::info);
  EXPECT_EQ(map_line({7, "b", kThen, "loud", "x"}).notes.size(), 1u);
  EXPECT_FALSE(map_line({std::nullopt, "b", kThen, "info", "x"}).value);
}

TEST(LegacyMapping, SamplesAreCountedInThousandths) {
  EXPECT_EQ(map_sample({7, "b", kThen, 12.3456, 100.5}).value, (ImportedSample{7, kThen, CpuReading{12'346, 100'500}}));
  for (const double bad : {-0.1, 1000.1}) {
    const auto mapped = map_sample({7, "b", kThen, bad, 1.0});
    EXPECT_FALSE(mapped.value);
    EXPECT_EQ(notes_of(mapped), "cpu_snapshots/7: cpu_percent is none, left out\n");
  }
  EXPECT_FALSE(map_sample({7, "b", kThen, 1.0, std::nullopt}).value);
}

TEST(LegacyMapping, ReportsKeepTheirChecksOrAnEmptyArray) {
  EXPECT_EQ(map_diagnostic({"r1", "w1", "critical", kThen, 5, 1, R"([{"name":"disk"}])"}).value,
            (ImportedDiagnostic{"r1", "w1", DiagnosticStatus::critical, kThen, 5, true, {R"([{"name":"disk"}])"}}));
  for (const char* bad : {"", "[", "{}", "[1"}) {
    const auto mapped = map_diagnostic({"r1", "w1", "healthy", kThen, 5, 0, bad});
    EXPECT_EQ(mapped.value->checks.raw, "[]") << bad;
    EXPECT_EQ(mapped.notes.size(), 1u) << bad;
  }
  EXPECT_FALSE(map_diagnostic({"r1", "w1", "sick", kThen, 5, 0, "[]"}).value);
}

TEST(LegacyMapping, VeryLongTextsAreCutBetweenCharacters) {
  std::string text(kImportedLineBytesMax - 1, 'x');
  text += "\xc3\xa4";
  const auto mapped = map_line({7, "b", kThen, "info", text});
  EXPECT_EQ(mapped.value->message.size(), kImportedLineBytesMax - 1);
  EXPECT_EQ(mapped.notes.size(), 1u);
}

TEST(LegacyMapping, ADigestChangesWithEveryColumn) {
  const auto digest = [](const legacy::Build& row, std::optional<std::uint64_t> result = std::nullopt) { return row_digest(row, 5, std::nullopt, result); };
  const legacy::Build row = build_row("pending");
  legacy::Build other = row;
  other.completed_at.reset();
  EXPECT_NE(digest(row), digest(other));
  other = row;
  other.certs_path = "";
  EXPECT_NE(digest(row), digest(other));
  EXPECT_NE(digest(row), digest(row, 1));
  EXPECT_EQ(digest(row), digest(row));
  legacy::Worker worker = worker_row();
  worker.last_seen_at = kThen + 2;
  EXPECT_NE(row_digest(worker), row_digest(worker_row()));
}

TEST(LegacyMapping, AGrownCopyIsOfTheSameInstallation) {
  const auto identity = database_identity(build_row("pending"), worker_row());
  EXPECT_EQ(identity, database_identity(build_row("completed"), std::nullopt));
  EXPECT_NE(identity, database_identity(std::nullopt, worker_row()));
  EXPECT_EQ(identity.size(), 64u);
}

}  // namespace
}  // namespace tidemark::schemas::builds
