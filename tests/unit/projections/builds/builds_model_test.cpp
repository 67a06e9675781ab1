#include "tests/unit/projections/builds/model.hpp"

namespace tidemark::projections::builds {
namespace {

using Model = Fed<BuildsModel>;

std::string newest(const Model& model, const ListFilter& filter = {}) {
  std::string ids;
  scan_newest(model.rows(), filter, [&](const ListItem& item) {
    ids += item.id + " ";
    return true;
  });
  return ids;
}

TEST(BuildsModel, ABuildIsShownThroughItsLife) {
  Model model;
  model(registered("w1"));
  model.at(10)(submitted("b1"));
  auto build = find_build(model.rows(), "b1").value();
  EXPECT_EQ(build.status, BuildStatus::pending);
  EXPECT_EQ(build.submitted_at, kT0 + 10);
  EXPECT_FALSE(build.started_at);
  EXPECT_FALSE(build.worker_id);
  EXPECT_EQ(build.access_token_sha256, "t");

  model.at(20)(assigned("b1", "w1"));
  build = find_build(model.rows(), "b1").value();
  EXPECT_EQ(build.status, BuildStatus::assigned);
  EXPECT_EQ(build.started_at, kT0 + 20);
  EXPECT_EQ(worker_name(model.rows(), build.worker_id), "Mac w1");
  EXPECT_EQ(find_worker(model.rows(), "w1")->status, WorkerStatus::building);

  model.at(30)(BuildStarted{.pool_id = "default", .build_id = "b1", .attempt = 1, .liveness_due_at = 0});
  EXPECT_EQ(find_build(model.rows(), "b1")->status, BuildStatus::building);
  EXPECT_EQ(find_build(model.rows(), "b1")->updated_at, kT0 + 30);

  model.at(40)(completed("b1", "w1"));
  build = find_build(model.rows(), "b1").value();
  EXPECT_EQ(build.status, BuildStatus::completed);
  EXPECT_EQ(build.completed_at, kT0 + 40);
  EXPECT_EQ(build.result->sha256, "r");
  EXPECT_FALSE(build.error_message);
  const auto worker = find_worker(model.rows(), "w1").value();
  EXPECT_EQ(worker.builds_completed, 1u);
  EXPECT_EQ(worker.status, WorkerStatus::idle);
  EXPECT_FALSE(worker.active_build_id);
}

TEST(BuildsModel, AnUnknownIdIsNothing) {
  const Model model;
  EXPECT_FALSE(find_build(model.rows(), "b9"));
  EXPECT_FALSE(find_worker(model.rows(), "w9"));
  EXPECT_FALSE(worker_name(model.rows(), "w9"));
  EXPECT_FALSE(worker_name(model.rows(), std::nullopt));
}

TEST(BuildsModel, ACancelledBuildIsShownAsFailedOutsideTheStatistics) {
  Model model;
  model(submitted("b1"))(BuildCancelled{.pool_id = "default", .build_id = "b1", .worker_id = std::nullopt});
  const auto build = find_build(model.rows(), "b1").value();
  EXPECT_EQ(build.status, BuildStatus::cancelled);
  EXPECT_EQ(shown_status(build.status), BuildStatus::failed);
  EXPECT_EQ(build.error_message, "Build cancelled by user");
  EXPECT_EQ(newest(model, {.status = BuildStatus::failed, .worker_id = std::nullopt, .platform = std::nullopt}), "b1 ");
  EXPECT_EQ(statistics(model.rows()).cancelled, 1);
  EXPECT_EQ(statistics(model.rows()).failed, 0);
}

TEST(BuildsModel, TheListIsNewestFirstAndFiltered) {
  Model model;
  model(registered("w1"));
  model.at(1)(submitted("b1"))(submitted("b2", 1, Platform::android));
  model.at(2)(submitted("b3", 2));
  model(assigned("b1", "w1"));
  EXPECT_EQ(newest(model), "b3 b2 b1 ");
  EXPECT_EQ(newest(model, {.status = BuildStatus::pending, .worker_id = std::nullopt, .platform = std::nullopt}),
            "b3 b2 ");
  EXPECT_EQ(newest(model, {.status = std::nullopt, .worker_id = "w1", .platform = std::nullopt}), "b1 ");
  EXPECT_EQ(newest(model, {.status = std::nullopt, .worker_id = std::nullopt, .platform = Platform::android}), "b2 ");
}

TEST(BuildsModel, ActiveBuildsAreAssignedAndBuilding) {
  Model model;
  model(registered("w1"))(registered("w2"))(submitted("b1"))(submitted("b2", 1))(submitted("b3", 2));
  model.at(5)(assigned("b2", "w1"))(assigned("b1", "w2"));
  model(BuildStarted{.pool_id = "default", .build_id = "b1", .attempt = 1, .liveness_due_at = 0});
  const auto active = active_builds(model.rows());
  ASSERT_EQ(active.size(), 2u);
  EXPECT_EQ(active[0].id, "b1");
  EXPECT_EQ(active[0].status, BuildStatus::building);
  EXPECT_EQ(active[1].started_at, kT0 + 5);
  model(failed("b1", "w2"))(completed("b2", "w1"));
  EXPECT_TRUE(active_builds(model.rows()).empty());
}

TEST(BuildsModel, ARequeuedBuildIsPendingWithoutAWorkerAndBeginsAnew) {
  Model model;
  model(registered("w1"))(submitted("b1"))(assigned("b1", "w1"));
  model.at(7)(BuildRequeued{.pool_id = "default", .build_id = "b1", .worker_id = "w1", .attempt = 1, .reason = "why"});
  auto build = find_build(model.rows(), "b1").value();
  EXPECT_EQ(build.status, BuildStatus::pending);
  EXPECT_FALSE(build.worker_id);
  EXPECT_FALSE(build.started_at);
  model.at(9)(assigned("b1", "w1", 2));
  EXPECT_EQ(find_build(model.rows(), "b1")->attempt, 2u);
  EXPECT_EQ(find_build(model.rows(), "b1")->started_at, kT0 + 9);
}

TEST(BuildsModel, ATimeoutIsAFailureThatALateSuccessTakesBack) {
  Model model;
  model(registered("w1"))(submitted("b1"))(assigned("b1", "w1"));
  model.at(600'000)(BuildTimedOut{.pool_id = "default", .build_id = "b1", .worker_id = "w1", .attempt = 1,
                                  .silent_ms = 600'000});
  EXPECT_EQ(find_build(model.rows(), "b1")->error_message, "Build timeout - no heartbeat from worker for 600s");
  EXPECT_EQ(find_worker(model.rows(), "w1")->builds_failed, 1u);
  EXPECT_EQ(statistics(model.rows()).build_time_ms, 600'000);
  model.at(700'000)(completed("b1", "w1", true));
  EXPECT_EQ(find_build(model.rows(), "b1")->status, BuildStatus::completed);
  EXPECT_FALSE(find_build(model.rows(), "b1")->error_message);
  EXPECT_EQ(statistics(model.rows()).timed_out, 1);
  EXPECT_EQ(find_worker(model.rows(), "w1")->builds_failed, 0u);
  EXPECT_EQ(find_worker(model.rows(), "w1")->builds_completed, 1u);
  EXPECT_EQ(statistics(model.rows()).failed, 0);
  EXPECT_EQ(statistics(model.rows()).build_time_ms, 700'000);
}

TEST(BuildsModel, AClaimLeavesTheWorkersOwnBuildAlone) {
  Model model;
  model(registered("w1"))(submitted("b1"))(submitted("b2", 1))(assigned("b1", "w1"));
  model(assigned("b2", "w1", 1, true))(completed("b2", "w1"));
  const auto worker = find_worker(model.rows(), "w1").value();
  EXPECT_EQ(worker.active_build_id, "b1");
  EXPECT_EQ(worker.status, WorkerStatus::building);
  EXPECT_EQ(worker.builds_completed, 1u);
}

TEST(BuildsModel, StatisticsAreARecount) {
  Model model;
  model(registered("w1"))(submitted("b1"))(submitted("b2", 1))(submitted("b3", 2))(submitted("b4", 3));
  model.at(1000)(assigned("b1", "w1"));
  model.at(3000)(completed("b1", "w1"));
  model.at(4000)(assigned("b2", "w1"));
  model.at(9000)(failed("b2", "w1"));
  model(BuildCancelled{.pool_id = "default", .build_id = "b3", .worker_id = std::nullopt});
  const auto sums = statistics(model.rows());
  EXPECT_EQ(sums.total(), 4);
  EXPECT_EQ(sums.finished(), 3);
  EXPECT_EQ(sums.pending, 1);
  EXPECT_EQ(sums.completed, 1);
  EXPECT_EQ(sums.failed, 1);
  EXPECT_EQ(sums.cancelled, 1);
  EXPECT_EQ(sums.build_time_ms, 2000 + 5000);
}

TEST(BuildsModel, CompletedBuildsAreCountedByUtcDay) {
  const std::int64_t day = 86'400'000;
  const std::int64_t to_midnight = day - kT0 % day;
  Model model;
  model(registered("w1"))(submitted("b1"))(submitted("b2", 1));
  model.at(to_midnight - 1)(assigned("b1", "w1"))(completed("b1", "w1"));
  model.at(to_midnight)(assigned("b2", "w1"))(completed("b2", "w1"));
  EXPECT_EQ(completed_on_day(model.rows(), from_ms(kT0)), 1);
  EXPECT_EQ(completed_on_day(model.rows(), from_ms(kT0 + to_midnight)), 1);
  EXPECT_EQ(completed_on_day(model.rows(), from_ms(kT0 + to_midnight + day)), 0);
}

TEST(BuildsModel, WorkersComeAndGo) {
  Model model;
  model(registered("w1"));
  model(WorkerWentOffline{.pool_id = "default", .worker_id = "w1", .silent_ms = 1});
  EXPECT_EQ(find_worker(model.rows(), "w1")->status, WorkerStatus::offline);
  model(WorkerCameOnline{.pool_id = "default", .worker_id = "w1", .offline_due_at = 0});
  EXPECT_EQ(find_worker(model.rows(), "w1")->status, WorkerStatus::idle);
  model(WorkerUnregistered{.pool_id = "default", .worker_id = "w1"});
  EXPECT_EQ(find_worker(model.rows(), "w1")->status, WorkerStatus::offline);
}

ImportedBuild old_build(const std::string& id, BuildStatus status, std::int64_t submitted_at) {
  ImportedBuild build;
  build.id = id;
  build.status = status;
  build.worker_id = "w1";
  build.submitted_at = submitted_at;
  build.started_at = submitted_at + 10;
  if (is_terminal(status)) build.completed_at = submitted_at + 110;
  return build;
}
BuildImported imported(ImportedBuild build, std::uint32_t revision = 0) {
  BuildImported event;
  event.build = std::move(build);
  event.revision = revision;
  return event;
}

TEST(BuildsModel, ImportedBuildsHaveTheirOldTimesAndPlaces) {
  Model model;
  WorkerImported worker;
  worker.worker = {.id = "w1", .name = "Old", .status = WorkerStatus::idle, .capabilities = {"{}"}, .registered_at = 5,
                   .last_seen_at = 6, .builds_completed = 2, .builds_failed = 1, .digest = "d"};
  worker.completed_added = 2;
  worker.failed_added = 1;
  model(worker)(imported(old_build("b1", BuildStatus::completed, 1000)))(imported(old_build("b2", BuildStatus::assigned, 2000)));
  model.at(0)(submitted("b3"));
  EXPECT_EQ(newest(model), "b3 b2 b1 ");
  EXPECT_EQ(find_build(model.rows(), "b1")->completed_at, 1110);
  EXPECT_EQ(find_build(model.rows(), "b1")->updated_at, 1110);
  EXPECT_EQ(find_worker(model.rows(), "w1")->registered_at, 5);
  EXPECT_EQ(find_worker(model.rows(), "w1")->builds_completed, 2u);
  EXPECT_EQ(find_worker(model.rows(), "w1")->active_build_id, "b2");
  EXPECT_EQ(statistics(model.rows()).build_time_ms, 100);
  EXPECT_EQ(active_builds(model.rows()).size(), 1u);
}

TEST(BuildsModel, AnImportedBuildThatIsBroughtUpToDateIsCountedOnce) {
  Model model;
  model(imported(old_build("b1", BuildStatus::assigned, 1000)))(imported(old_build("b1", BuildStatus::completed, 1000), 1));
  EXPECT_EQ(newest(model), "b1 ");
  EXPECT_TRUE(active_builds(model.rows()).empty());
  EXPECT_EQ(statistics(model.rows()).completed, 1);
  EXPECT_EQ(statistics(model.rows()).total(), 1);
}

}  // namespace
}  // namespace tidemark::projections::builds
