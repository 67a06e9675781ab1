#include "commands/builds/import.hpp"

#include "commands/builds/files.hpp"
#include "core/base/ids.hpp"
#include "tests/unit/commands/builds/history.hpp"

namespace tidemark::commands::builds {
namespace {

const std::string kDatabase(64, '5');
constexpr std::int64_t kThen = 1'600'000'000'000;

ImportedWorker worker(const std::string& id, std::uint64_t done = 0, const std::string& digest = "d1") {
  return {.id = id, .name = "Old " + id, .status = WorkerStatus::idle, .capabilities = {"{}"}, .registered_at = kThen,
          .last_seen_at = kThen + 1, .builds_completed = done, .builds_failed = 1, .digest = digest};
}
ImportedBuild build(const std::string& id, BuildStatus status, std::optional<std::string> worker = std::nullopt,
                    const std::string& digest = "d1") {
  ImportedBuild made;
  made.id = id;
  made.status = status;
  made.worker_id = std::move(worker);
  made.submitted_at = kThen;
  if (status != BuildStatus::pending) made.started_at = kThen + 5;
  if (is_terminal(status)) made.completed_at = kThen + 9;
  made.source = source_blob();
  made.access_token_sha256 = std::string(64, '7');
  made.digest = digest;
  return made;
}
ImportedLines lines(const std::string& id, std::vector<ImportedLine> of, std::int64_t pass_end, bool complete) {
  return {.build_id = id, .lines = std::move(of), .pass_end = pass_end, .pass_complete = complete};
}
ImportedLine line(std::int64_t row, std::int64_t timestamp) {
  return {.row = row, .timestamp = timestamp, .level = LogLevel::info, .message = "line " + std::to_string(row)};
}
Import import(std::vector<ImportedWorker> workers, std::vector<ImportedBuild> builds = {}, std::vector<ImportedLines> logs = {}) {
  Import command;
  command.database = kDatabase;
  command.workers = std::move(workers);
  command.builds = std::move(builds);
  command.logs = std::move(logs);
  command.otp_key_id = "k1";
  return command;
}
const BuildImported& imported_build(const Given& g) { return std::get<BuildImported>(g.history().back().event); }
std::string rows_of(const Given& g) {
  std::string rows;
  for (const Event& event : g.events()) {
    for (const ImportedLine& line : std::get<BuildLogImported>(event).logs.lines) rows += std::to_string(line.row) + " ";
  }
  return rows;
}

TEST(BuildImport, WorkersKeepTheirIdsTimesAndCounters) {
  auto g = given<Builds>({});
  g.when(import({worker("w1", 12)})).then_reply(ImportReply{.imported = 1, .updated = 0});
  const WorkerRow row = worker_of(g, "w1");
  EXPECT_EQ(row.name, "Old w1");
  EXPECT_EQ(row.registered_at, kThen);
  EXPECT_EQ(row.builds_completed, 12u);
  EXPECT_EQ(row.builds_failed, 1u);
  EXPECT_EQ(row.status, WorkerStatus::idle);
}

TEST(BuildImport, TheSameRowsAgainChangeNothingHoweverLate) {
  auto g = given<Builds>({});
  const auto rows = [] { return import({worker("w1")}, {build("b1", BuildStatus::completed, "w1")}, {lines("b1", {line(1, 1)}, 1, true)}); };
  g.when(rows()).then_types({"WorkerImported", "BuildImported", "BuildLogImported"});
  g.after(90ll * 24 * 3600 * kSecond).when(rows()).then_nothing();
}

TEST(BuildImport, AnEventHasTheIdOfItsRow) {
  EXPECT_EQ(imported_event_id(kDatabase, "builds", "b1"), to_string(make_uuid_v5(uuid_from_bytes(std::string(16, '\x55')), "builds/b1")));
  auto g = given<Builds>({});
  g.when(import({}, {build("b1", BuildStatus::pending)}));
  EXPECT_EQ(imported_build(g).event_id(), imported_event_id(kDatabase, "builds", "b1", 0));
  g.when(import({}, {build("b1", BuildStatus::failed, std::nullopt, "d2")}));
  EXPECT_EQ(imported_build(g).event_id(), imported_event_id(kDatabase, "builds", "b1", 1));
}

TEST(BuildImport, ABuildUnderWayOfAKnownWorkerStaysItsAttemptOne) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::assigned, "w1")}));
  const BuildRow row = build_of(g, "b1");
  EXPECT_EQ(row.attempt, 1u);
  EXPECT_EQ(row.assigned_at, kT0);
  EXPECT_EQ(row.submitted_at, kThen);
  EXPECT_EQ(worker_of(g, "w1").active_build_id, "b1");
  g.when(poll("w1")).then_nothing();
  EXPECT_EQ(job_of(g), "b1");
  g.when(success("b1", "w1")).then_types({"BuildCompleted", "BuildLogAppended"});
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 1u);
}

TEST(BuildImport, ABuildUnderWayIsGivenUpWhenNobodySpeaksOfItAfterTheNodeServes) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::building, "w1")}));
  const ExpireBuild expire{.build_id = "b1", .attempt = 1, .last_sign_at = std::nullopt, .pool_id = std::nullopt};
  g.after(7200 * kSecond).lane_taken_now().when(expire).then_nothing_until(300 * kSecond);
  g.after(301 * kSecond).when(expire).then_types({"BuildTimedOut", "BuildLogAppended"});
}

TEST(BuildImport, ABuildUnderWayOfAnUnknownWorkerIsFirstInTheQueue) {
  auto g = given<Builds>({});
  ImportedBuild older = build("older", BuildStatus::pending);
  older.submitted_at = kThen - 1000;
  g.when(import({worker("w1")}, {older, build("orphan", BuildStatus::building, "gone")}));
  EXPECT_EQ(build_of(g, "orphan").status, BuildStatus::pending);
  EXPECT_EQ(build_of(g, "orphan").attempt, 0u);
  g.when(poll("w1"));
  EXPECT_EQ(job_of(g), "orphan");
}

TEST(BuildImport, AWorkerNeverGetsTwoBuilds) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::assigned, "w1"), build("b2", BuildStatus::assigned, "w1")}));
  EXPECT_EQ(worker_of(g, "w1").active_build_id, "b1");
  EXPECT_EQ(build_of(g, "b2").status, BuildStatus::pending);
}

TEST(BuildImport, AFailureOfSilenceStillTakesALateSuccess) {
  auto g = given<Builds>({});
  ImportedBuild silent = build("b1", BuildStatus::failed, "w1");
  silent.error_message = "Build timeout - no heartbeat from worker for 120s";
  silent.completed_at = kT0;
  g.when(import({worker("w1")}, {silent, build("b2", BuildStatus::failed, "w1")}));
  g.when(success("b1", "w1")).then_types({"BuildCompleted", "BuildLogAppended"});
  g.when(success("b2", "w1")).then_refused("BUILD_ALREADY_FINISHED", 409);
}

TEST(BuildImport, CertificatesOfALongEndedBuildAreKeptAWeekAfterTheImport) {
  constexpr std::int64_t kWeek = 7ll * 24 * 3600 * kSecond;
  auto g = given<Builds>({});
  ImportedBuild old = build("old", BuildStatus::completed), recent = build("recent", BuildStatus::completed), none = build("none", BuildStatus::failed);
  old.certs = recent.certs = certs_blob();
  recent.completed_at = kT0 - kSecond;
  g.when(import({}, {old, recent, none}));
  ASSERT_TRUE(g.state().timer("certs/old") && g.state().timer("certs/recent"));
  EXPECT_FALSE(g.state().timer("certs/none"));
  EXPECT_EQ(to_ms(g.state().timer("certs/old")->due), kT0 + kWeek);
  EXPECT_EQ(to_ms(g.state().timer("certs/recent")->due), kT0 - kSecond + kWeek);
  const auto purge = [](const std::string& id) { return PurgeBlob{.build_id = id, .kind = BlobKind::certs, .at_once = false, .pool_id = std::nullopt}; };
  EXPECT_TRUE(due_files(g.state(), from_ms(kT0 + kWeek - kSecond - 1), Settings{}, 10).empty());
  g.after(kWeek - kSecond).when(purge("recent")).then_types({"BlobPurged"});
  g.when(purge("old")).then_nothing_until(kSecond);
  g.after(kSecond).when(purge("old")).then_types({"BlobPurged"});
  EXPECT_FALSE(g.state().timer("certs/old"));
}

TEST(BuildImport, AnOldAccessTokenStillOpensItsBuild) {
  auto g = given<Builds>({});
  ImportedBuild with = build("b1", BuildStatus::completed), without = build("b2", BuildStatus::completed);
  with.access_token_sha256 = token_hash("old-token");
  without.access_token_sha256.clear();
  g.when(import({}, {with, without}));
  EXPECT_TRUE(is_access_token(build_of(g, "b1"), token_hash("old-token")));
  EXPECT_FALSE(is_access_token(build_of(g, "b2"), token_hash("")));
}

TEST(BuildImport, ABuildWithoutItsSourceCannotBeRetried) {
  auto g = given<Builds>({});
  ImportedBuild bare = build("b1", BuildStatus::completed);
  bare.source = {};
  g.when(import({}, {bare}));
  g.when(RetryBuild{.original_build_id = "b1", .source_available = true, .keep_certs = false, .access_token_sha256 = kHash,
                    .token_key_id = "k1", .build_id = std::nullopt, .pool_id = std::nullopt}).then_refused("SOURCE_GONE", 400);
}

TEST(BuildImport, ABuildThatWentOnThereIsBroughtUpToDate) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::assigned, "w1")}));
  g.after(kSecond).when(import({worker("w1", 1, "d2")}, {build("b1", BuildStatus::completed, "w1", "d2")}))
      .then_reply(ImportReply{.imported = 0, .updated = 2});
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::completed);
  EXPECT_EQ(worker_of(g, "w1").active_build_id, "");
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 1u);
  EXPECT_EQ(totals(g.state()).completed, 1);
  EXPECT_EQ(totals(g.state()).total(), 1);
}

TEST(BuildImport, ABuildThatWasGivenUpHereForSilenceYieldsToTheOldRow) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::assigned, "w1")}));
  g.event(timed_out("b1", "w1")).when(import({}, {build("b1", BuildStatus::completed, "w1", "d2")})).then_types({"BuildImported"});
  EXPECT_EQ(build_of(g, "b1").status, BuildStatus::completed);
}

TEST(BuildImport, ABuildThatWentOnOnBothSidesIsAConflictAndTheWholeCommandIsRefused) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::pending), build("b2", BuildStatus::pending)}));
  g.when(poll("w1"));
  g.when(import({}, {build("b1", BuildStatus::failed, "w9", "d2"), build("b2", BuildStatus::failed, "w9", "d2")}))
      .then_refused("IMPORT_CONFLICT", 409);
  EXPECT_EQ(build_of(g, "b2").status, BuildStatus::pending);
  g.when(import({}, {build("b2", BuildStatus::failed, "w9", "d2")})).then_types({"BuildImported"});
}

TEST(BuildImport, BothSidesMayHaveComeToTheSameEnd) {
  auto g = given<Builds>({});
  g.when(import({worker("w1")}, {build("b1", BuildStatus::assigned, "w1")})).when(success("b1", "w1"));
  g.when(import({}, {build("b1", BuildStatus::completed, "w1", "d2")})).then_nothing();
}

TEST(BuildImport, AnOlderCopyOfABuildIsAConflict) {
  auto g = given<Builds>({});
  g.when(import({}, {build("b1", BuildStatus::completed)}));
  g.when(import({}, {build("b1", BuildStatus::pending, std::nullopt, "d0")})).then_refused("IMPORT_CONFLICT", 409);
}

TEST(BuildImport, AnIdThatWasGivenOutHereIsAConflict) {
  given<Builds>({submitted("b1")}).when(import({}, {build("b1", BuildStatus::completed)})).then_refused("IMPORT_CONFLICT", 409);
  auto g = given<Builds>({});
  ImportedWorker other = worker("w1", 0, "d2");
  other.registered_at += 1;
  g.when(import({worker("w1")})).when(import({other})).then_refused("IMPORT_CONFLICT", 409);
}

TEST(BuildImport, AWorkerThatRegisteredHereFirstIsTheSameWorker) {
  auto g = given<Builds>({registered("w1"), submitted("b1"), assigned("b1", "w1"), completed("b1", "w1")});
  g.when(import({worker("w1", 10)})).then_types({"WorkerImported"});
  EXPECT_EQ(worker_of(g, "w1").name, "Mac w1");
  EXPECT_EQ(worker_of(g, "w1").registered_at, kThen);
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 11u);
}

TEST(BuildImport, CountersOfBothSidesAreAddedUp) {
  auto g = given<Builds>({});
  g.when(import({worker("w1", 10)}));
  g.event(submitted("b1")).event(assigned("b1", "w1")).event(completed("b1", "w1"));
  g.when(import({worker("w1", 12, "d2")}));
  EXPECT_EQ(worker_of(g, "w1").builds_completed, 13u);
}

TEST(BuildImport, LinesAreNumberedOnAndAreHereOnce) {
  auto g = given<Builds>({});
  g.when(import({}, {build("b1", BuildStatus::completed)}, {lines("b1", {line(2, 10), line(1, 20)}, 2, true)}));
  g.event(logged("b1", 2, "Retried as build x"));
  g.when(import({}, {}, {lines("b1", {line(2, 10), line(3, 15), line(1, 20)}, 3, true)}));
  EXPECT_EQ(rows_of(g), "3 ");
  EXPECT_EQ(std::get<BuildLogImported>(g.history().back().event).first_seq, 3u);
}

TEST(BuildImport, APassThatWasBrokenOffIsGoneOnWithThoughTheDatabaseHasGrown) {
  auto g = given<Builds>({});
  // Rows 1 to 4 by time: 4 1 3 2; the run ends behind 1. Row 5 comes meanwhile, with a time before all of them.
  g.when(import({}, {build("b1", BuildStatus::completed)}, {lines("b1", {line(4, 1), line(1, 2)}, 4, false)}));
  g.when(import({}, {}, {lines("b1", {line(4, 1), line(1, 2), line(3, 3), line(2, 4)}, 4, true)}));
  EXPECT_EQ(rows_of(g), "3 2 ");
  g.when(import({}, {}, {lines("b1", {line(5, 0), line(4, 1), line(1, 2), line(3, 3), line(2, 4)}, 5, true)}));
  EXPECT_EQ(rows_of(g), "5 ");
  EXPECT_FALSE(line_progress(g.state(), "b1").under_way());
}

TEST(BuildImport, LinesOfABuildThatWasNotImportedAreAConflict) {
  given<Builds>({submitted("b1")}).when(import({}, {}, {lines("b1", {line(1, 1)}, 1, true)})).then_refused("IMPORT_CONFLICT", 409);
}

TEST(BuildImport, SamplesAndReportsAreHereOnce) {
  auto g = given<Builds>({});
  const auto rows = [](std::int64_t last) {
    Import command = import({worker("w1")}, {build("b1", BuildStatus::completed, "w1")});
    ImportedSamples samples{"b1", {}};
    for (std::int64_t row = 1; row <= last; ++row) samples.samples.push_back({row, kThen + row, {1000, 2000}});
    command.cpu_snapshots = {samples};
    command.diagnostics = {{"r1", "w1", DiagnosticStatus::healthy, kThen, 5, false, {"[]"}}};
    return command;
  };
  g.when(rows(2)).then_types({"WorkerImported", "BuildImported", "CpuSnapshotImported", "DiagnosticImported"});
  g.when(rows(2)).then_nothing();
  g.when(rows(3)).then_types({"CpuSnapshotImported"});
  EXPECT_EQ(std::get<CpuSnapshotImported>(g.events()[0]).of.samples.size(), 1u);
}

TEST(BuildImport, ReportsOfAWorkerThatIsNotKnownAreAConflict) {
  Import command = import({});
  command.diagnostics = {{"r1", "w1", DiagnosticStatus::healthy, kThen, 5, false, {"[]"}}};
  given<Builds>({}).when(command).then_refused("IMPORT_CONFLICT", 409);
}

TEST(BuildImport, ACompletedRunIsRecordedOncePerChange) {
  auto g = given<Builds>({});
  Import command = import({});
  command.completed = ImportSummary{.workers = 1, .builds = 2, .log_lines = 3, .cpu_snapshots = 0, .diagnostics = 0, .last_log_row = 3};
  g.when(command).then_types({"ControllerImported"});
  g.when(command).then_nothing();
  EXPECT_EQ(last_import(g.state(), kDatabase)->log_lines, 3u);
  command.completed->log_lines = 4;
  g.when(command).then_types({"ControllerImported"});
  EXPECT_EQ(std::get<ControllerImported>(g.history().back().event).run, 1u);
}

TEST(BuildImport, ADatabaseThatIsNoHashIsRefused) {
  Import command = import({});
  command.database = "old.db";
  given<Builds>({}).when(command).then_refused("IMPORT_CONFLICT", 409);
}

}  // namespace
}  // namespace tidemark::commands::builds
