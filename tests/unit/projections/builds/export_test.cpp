// The old controller's rows and files, from events and read models.

#include "projections/builds/export/legacy_rows.hpp"
#include "projections/builds/export/mapping.hpp"

#include "core/event/json.hpp"
#include "schemas/builds/samples.hpp"
#include "tests/unit/projections/builds/model.hpp"

namespace tidemark::projections::builds {
namespace {

using replay::Cell;
using replay::Cells;
using replay::FileWish;

enum : std::size_t { kWorkersAt, kBuildsAt, kLogsAt, kSnapshotsAt, kDiagnosticsAt };

/// Knows the second entity of the events that these tests make.
class NamesSeconds final : public runtime::Decider {
 public:
  std::unique_ptr<runtime::DecodedCommand> decode(std::string_view, std::string_view, runtime::BadInput&) const override { return nullptr; }
  runtime::Verdict decide(const runtime::DecodedCommand&, const Context&, std::string_view, State&,
                          const std::function<std::string(std::size_t)>&) const override { return {}; }
  Result<bool> evolve(const event::Event&, State&) const override { return true; }
  bool is_ignorable(std::string_view) const override { return true; }
  std::string second_subject(const event::Event& event) const override { return event.envelope.actor; }
};

/// An export of one read model: events reach both.
class Exported {
 public:
  Exported() {
    int drawn = 0;
    mapping_ = make_legacy_mapping({std::make_shared<NamesSeconds>(), "/old", [drawn]() mutable { return "token-" + std::to_string(++drawn); }});
  }
  template <class Event>
  Exported& operator()(const Event& event, const std::string& second = {}) {
    model_(event);
    return mention(event.subject(), second);
  }
  Exported& mention(const std::string& subject, const std::string& second = {}) {
    replay::FollowedEvent followed{0, {}};
    followed.event.envelope.subject = subject;
    followed.event.envelope.actor = second;
    events_.push_back(std::move(followed));
    return *this;
  }
  Exported& lines(const BuildLogAppended& appended, std::int64_t at) { return recorded(1, appended, at); }
  template <class Event>
  Exported& recorded(std::size_t topic, const Event& event, std::int64_t at) {
    replay::FollowedEvent followed{topic, {}};
    followed.event.envelope.subject = event.subject();
    followed.event.envelope.type = event::make_type("builds", Event::kType, 1);
    followed.event.envelope.time = from_ms(at);
    followed.event.data = event::to_json(event);
    events_.push_back(std::move(followed));
    return *this;
  }
  /// What the events since the last call change.
  replay::ExportChanges changes() {
    auto mapped = mapping_->map(events_, [this](std::string_view) -> const RowReader& { return model_.rows(); });
    EXPECT_TRUE(mapped.ok());
    events_.clear();
    return std::move(*mapped);
  }
  const replay::ExportLayout& layout() const { return mapping_->layout(); }
  Fed<BuildsModel>& model() { return model_; }

 private:
  Fed<BuildsModel> model_;
  std::unique_ptr<replay::ExportMapping> mapping_;
  std::vector<replay::FollowedEvent> events_;
};

Cell text(std::string value) { return Cell(std::move(value)); }
std::string path_of(const replay::ExportChanges& changes, std::size_t i) { return changes.files.at(i).path; }

TEST(LegacyExport, AQueuedBuildIsARowWithoutWorkerAndItsSourceAFile) {
  Exported exported;
  const auto changes = exported(submitted("b1")).changes();
  const Cells expected{text("b1"), text("pending"), text("ios"), text("/old/builds/b1.zip"), {}, {}, {}, std::int64_t{kT0}, {}, {}, {}, text("token-1")};
  ASSERT_EQ(changes.rows[kBuildsAt].size(), 1u);
  EXPECT_EQ(changes.rows[kBuildsAt][0], expected);
  ASSERT_EQ(changes.files.size(), 3u);
  EXPECT_EQ(path_of(changes, 0), "builds/b1.zip");
  EXPECT_EQ(changes.files[0].origin, (replay::FileOrigin{replay::FileOrigin::Kind::shared, "s", "s", 3}));
  EXPECT_FALSE(changes.files[1].origin);  // no certificates
  EXPECT_FALSE(changes.files[2].origin);  // no result
}

TEST(LegacyExport, CertificatesAreSecretAndTheirPathGoesWhenTheyCannotBeHad) {
  Exported exported;
  auto with_certs = submitted("b1");
  with_certs.certs = BlobRef{.sha256 = "c", .size = 5, .kind = BlobKind::certs, .declared_name = {}, .declared_type = {}};
  const auto changes = exported(with_certs).changes();
  const FileWish& wish = changes.files.at(1);
  EXPECT_EQ(wish.path, "certs/b1.zip");
  EXPECT_EQ(wish.origin, (replay::FileOrigin{replay::FileOrigin::Kind::secret, "b1", "c", 5}));
  ASSERT_TRUE(wish.if_lost);
  EXPECT_EQ(changes.rows[wish.if_lost->table][wish.if_lost->row][wish.if_lost->column], text("/old/certs/b1.zip"));
  EXPECT_EQ(exported.layout().tables[wish.if_lost->table].columns[wish.if_lost->column], "certs_path");
}

TEST(LegacyExport, ACancelledBuildHasFailed) {
  Exported exported;
  exported(submitted("b1"))(BuildCancelled{.pool_id = "default", .build_id = "b1", .worker_id = std::nullopt});
  const auto changes = exported.changes();
  ASSERT_EQ(changes.rows[kBuildsAt].size(), 1u) << "one row for all events of a build";
  EXPECT_EQ(changes.rows[kBuildsAt][0][1], text("failed"));
  EXPECT_EQ(changes.rows[kBuildsAt][0][10], text("Build cancelled by user"));
}

TEST(LegacyExport, EveryStatusOfABuildIsOneThatTheOldControllerKnows) {
  const std::pair<BuildStatus, const char*> statuses[] = {{BuildStatus::pending, "pending"}, {BuildStatus::assigned, "assigned"}, {BuildStatus::building, "building"},
                                                          {BuildStatus::completed, "completed"}, {BuildStatus::failed, "failed"}, {BuildStatus::cancelled, "failed"}};
  for (const auto& [status, name] : statuses) {
    BuildView build;
    build.status = status;
    EXPECT_EQ(legacy_build(build, "/old", {}).status, name);
  }
}

TEST(LegacyExport, AnAssignmentBringsTheWorkerAlongHoweverItIsNamed) {
  Exported exported;
  exported.model()(registered("w1"))(submitted("b1"))(assigned("b1", "w1"));
  const auto changes = exported.mention("b1").changes();
  ASSERT_EQ(changes.rows[kWorkersAt].size(), 1u);
  EXPECT_EQ(changes.rows[kWorkersAt][0], (Cells{text("w1"), text("Mac w1"), text("building"), text("{}"), std::int64_t{kT0}, std::int64_t{kT0}, std::int64_t{0}, std::int64_t{0}}));
  EXPECT_EQ(changes.rows[kBuildsAt][0][6], text("w1"));
}

TEST(LegacyExport, ASecondEntityHasItsRowToo) {
  Exported exported;
  exported.model()(registered("w1"))(submitted("b1"));
  exported.changes();
  exported(completed("b1", "w1"), "w1");
  const auto changes = exported.changes();
  EXPECT_EQ(changes.rows[kWorkersAt].at(0)[6], Cell(std::int64_t{1}));
  EXPECT_EQ(changes.rows[kBuildsAt].at(0)[5], text("/old/results/b1.ipa"));
}

TEST(LegacyExport, BuildsComeInTheOrderOfTheirSubmission) {
  Exported exported;
  const auto changes = exported(submitted("z", 1))(submitted("a", 2))(submitted("m", 3)).changes();
  std::vector<Cell> ids;
  for (const auto& row : changes.rows[kBuildsAt]) ids.push_back(row[0]);
  EXPECT_EQ(ids, (std::vector<Cell>{text("z"), text("a"), text("m")}));
}

TEST(LegacyExport, LogLinesHaveTheirEventsTimeAndBringTheirBuildAlong) {
  Exported exported;
  exported.model()(submitted("b1"));
  const auto changes = exported.lines({.pool_id = "default", .build_id = "b1", .first_seq = 0, .entries = {{LogLevel::warn, "one"}, {LogLevel::debug, "two"}}}, kT0 + 7).changes();
  EXPECT_EQ(changes.rows[kLogsAt], (std::vector<Cells>{{text("b1"), std::int64_t{kT0 + 7}, text("warn"), text("one")},
                                                       {text("b1"), std::int64_t{kT0 + 7}, text("debug"), text("two")}}));
  EXPECT_EQ(changes.rows[kBuildsAt].size(), 1u);
  EXPECT_EQ(changes.left_out, 0u);
}

TEST(LegacyExport, SamplesAreRealNumbersAgain) {
  Exported exported;
  exported.model()(submitted("b1"));
  exported.recorded(2, CpuSnapshotRecorded{.pool_id = "default", .build_id = "b1", .attempt = 1, .reading = {.cpu_millipercent = 45'200, .memory_kb = 2'048'500}}, kT0 + 3);
  EXPECT_EQ(exported.changes().rows[kSnapshotsAt], (std::vector<Cells>{{text("b1"), std::int64_t{kT0 + 3}, 45.2, 2048.5}}));
}

TEST(LegacyExport, ADiagnosticKeepsItsChecksByteForByte) {
  Exported exported;
  exported.model()(registered("w1"));
  exported.recorded(2, DiagnosticReported{.pool_id = "default", .worker_id = "w1", .report_id = "r1", .status = DiagnosticStatus::warning, .duration_ms = 8, .auto_fixed = true,
                                          .checks = {R"([{"name": "disk"}])"}}, kT0 + 3);
  const auto changes = exported.changes();
  EXPECT_EQ(changes.rows[kDiagnosticsAt], (std::vector<Cells>{{text("r1"), text("w1"), text("warning"), std::int64_t{kT0 + 3}, std::int64_t{8}, std::int64_t{1}, text(R"([{"name": "disk"}])")}}));
  EXPECT_EQ(changes.rows[kWorkersAt].size(), 1u);
}

TEST(LegacyExport, SamplesOfWhatNobodyKnowsAreLeftOut) {
  Exported exported;
  exported.recorded(2, CpuSnapshotRecorded{.pool_id = "default", .build_id = "b1", .attempt = 1, .reading = {}}, kT0);
  exported.recorded(2, DiagnosticReported{.pool_id = "default", .worker_id = "w1", .report_id = "r1", .status = DiagnosticStatus::healthy, .duration_ms = 8, .auto_fixed = false,
                                          .checks = {"[]"}}, kT0);
  const auto changes = exported.changes();
  EXPECT_TRUE(changes.rows[kSnapshotsAt].empty());
  EXPECT_TRUE(changes.rows[kDiagnosticsAt].empty());
  EXPECT_EQ(changes.left_out, 2u);
}

TEST(LegacyExport, LinesOfABuildThatNobodyKnowsAreLeftOut) {
  Exported exported;
  const auto changes = exported.lines({.pool_id = "default", .build_id = "b1", .first_seq = 0, .entries = {{LogLevel::info, "one"}}}, kT0).changes();
  EXPECT_TRUE(changes.rows[kLogsAt].empty());
  EXPECT_EQ(changes.left_out, 1u);
}

TEST(LegacyExport, ABuildWhoseWorkerNobodyKnowsRefersToNone) {
  Exported exported;
  exported.model()(submitted("b1"))(assigned("b1", "ghost"));
  EXPECT_EQ(exported.mention("b1").changes().rows[kBuildsAt].at(0)[6], Cell());
}

TEST(LegacyExport, AnIdThatIsNoFileNameHasNoFiles) {
  Exported exported;
  EXPECT_TRUE(exported(submitted("../b1")).changes().files.empty());
}

TEST(LegacyExport, AWorkerWasSeenWhenItSpokeNotWhenItFellSilent) {
  Exported exported;
  auto& model = exported.model();
  model.at(0)(registered("w1"));
  model.at(50)(WorkerTokenRotated{.pool_id = "default", .worker_id = "w1", .token_sha256 = {}, .token_key_id = {}, .token_expires_at = 0});
  model.at(90)(WorkerWentOffline{.pool_id = "default", .worker_id = "w1", .silent_ms = 40});
  const auto row = legacy_worker(*find_worker(model.rows(), "w1"));
  EXPECT_EQ(row.last_seen_at, kT0 + 50);
  EXPECT_EQ(row.status, "offline");
}

}  // namespace
}  // namespace tidemark::projections::builds
