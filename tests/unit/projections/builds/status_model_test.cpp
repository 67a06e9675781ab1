#include "projections/builds/status_model.hpp"

#include "tests/unit/projections/builds/model.hpp"

namespace tidemark::projections::builds {
namespace {

using Model = Fed<StatusModel>;

template <class Builds>
std::string ids(const Builds& builds) {
  std::string out;
  for (const auto& build : builds) out += build.id + " ";
  return out;
}
std::string queue(const Model& model, std::size_t max = 100) { return ids(queued_builds(model.rows(), max)); }
std::string running(const Model& model, std::size_t max = 100) { return ids(running_builds(model.rows(), max)); }
std::string ended(const Model& model) { return ids(ended_builds(model.rows())); }
std::string failures(const Model& model) { return ids(failed_builds(model.rows())); }

BuildStarted started(const std::string& id) { return {.pool_id = "default", .build_id = id, .attempt = 1, .liveness_due_at = 0}; }
BuildTimedOut timed_out(const std::string& id, const std::string& worker) {
  return {.pool_id = "default", .build_id = id, .worker_id = worker, .attempt = 1, .silent_ms = 300'000};
}
BuildRequeued requeued(const std::string& id, const std::string& worker) {
  return {.pool_id = "default", .build_id = id, .worker_id = worker, .attempt = 1, .reason = "abandoned"};
}
BuildCancelled cancelled(const std::string& id) { return {.pool_id = "default", .build_id = id, .worker_id = std::nullopt}; }

TEST(StatusModel, ABuildGoesFromTheQueueToTheRunningToTheEnded) {
  Model model;
  model.at(10)(submitted("b1"));
  EXPECT_EQ(queue(model), "b1 ");
  model.at(20)(assigned("b1", "w1"));
  EXPECT_EQ(queue(model), "");
  EXPECT_EQ(running(model), "b1 ");
  model.at(30)(started("b1"));
  const auto build = running_builds(model.rows(), 1).at(0);
  EXPECT_EQ(build.status, BuildStatus::building);
  EXPECT_EQ(build.started_at, kT0 + 20);
  EXPECT_EQ(build.worker_id, "w1");
  model.at(90)(completed("b1", "w1"));
  EXPECT_EQ(running(model), "");
  const auto row = ended_builds(model.rows()).at(0);
  EXPECT_EQ(row.ending, Ending::completed);
  EXPECT_EQ(row.started_at, kT0 + 20);
  EXPECT_EQ(row.ended_at, kT0 + 90);
  EXPECT_EQ(row.number, 1u);
  EXPECT_EQ(failures(model), "");
}

TEST(StatusModel, TheQueueIsInItsOrderAndABuildGivenBackKeepsItsPlace) {
  Model model;
  model.at(1)(submitted("b1", 0))(submitted("b2", 1));
  model.at(2)(submitted("b0", 2));
  EXPECT_EQ(queue(model), "b1 b2 b0 ");
  EXPECT_EQ(queue(model, 2), "b1 b2 ");
  EXPECT_EQ(queue(model, 0), "");
  model.at(3)(assigned("b1", "w1"))(requeued("b1", "w1"));
  EXPECT_EQ(queue(model), "b1 b2 b0 ");
  const auto build = queued_builds(model.rows(), 1).at(0);
  EXPECT_EQ(build.attempt, 1u);
  EXPECT_FALSE(build.worker_id);
  EXPECT_FALSE(build.started_at);
}

TEST(StatusModel, AFailureIsAmongTheEndedAndAmongTheFailures) {
  Model model;
  model(submitted("b1"))(assigned("b1", "w1")).at(5)(failed("b1", "w1"));
  EXPECT_EQ(ended_builds(model.rows()).at(0).ending, Ending::failed);
  EXPECT_EQ(ended_builds(model.rows()).at(0).message, "");
  EXPECT_EQ(failed_builds(model.rows()).at(0).message, "boom");
  EXPECT_EQ(failed_builds(model.rows()).at(0).worker_id, "w1");
}

TEST(StatusModel, ALateSuccessTakesATimeoutBack) {
  Model model;
  model(submitted("b1"))(submitted("b2", 1))(assigned("b1", "w1"))(assigned("b2", "w2"));
  model.at(300'000)(timed_out("b1", "w1"))(failed("b2", "w2"));
  EXPECT_EQ(ended(model), "b1 b2 ");
  EXPECT_EQ(failures(model), "b2 b1 ");
  EXPECT_EQ(failed_builds(model.rows()).at(1).message, "Build timeout - no heartbeat from worker for 300s");
  model.at(400'000)(completed("b1", "w1", true));
  EXPECT_EQ(ended(model), "b2 b1 ");
  EXPECT_EQ(failures(model), "b2 ");
  const auto row = ended_builds(model.rows()).at(1);
  EXPECT_EQ(row.ending, Ending::completed);
  EXPECT_EQ(row.started_at, kT0);
  EXPECT_EQ(row.number, 3u);
}

TEST(StatusModel, ALateSuccessOfAQueuedBuildEndsItWithoutATime) {
  Model model;
  model(submitted("b1"))(assigned("b1", "w1"))(requeued("b1", "w1"))(completed("b1", "w1", true));
  EXPECT_EQ(queue(model), "");
  EXPECT_FALSE(ended_builds(model.rows()).at(0).started_at);
}

TEST(StatusModel, ACancelledBuildIsGone) {
  Model model;
  model(submitted("b1"))(cancelled("b1"))(submitted("b2", 1))(assigned("b2", "w1"))(cancelled("b2"));
  EXPECT_EQ(queue(model) + running(model) + ended(model) + failures(model), "");
}

TEST(StatusModel, ABuildClaimedByItsResultEnds) {
  Model model;
  model(submitted("b1"))(assigned("b1", "w1", 1, true))(completed("b1", "w1"));
  EXPECT_EQ(queue(model) + running(model), "");
  EXPECT_EQ(ended(model), "b1 ");
}

TEST(StatusModel, OnlyTheLatestAreKept) {
  Model model;
  constexpr int kBuilds = 500;
  for (int i = 0; i < kBuilds; ++i) {
    const std::string id = "b" + std::to_string(i);
    model.at(i)(submitted(id, static_cast<std::uint64_t>(i)))(assigned(id, "w1"));
    if (i % 5 == 0) model(timed_out(id, "w1"));
    else if (i % 2 == 0) model(failed(id, "w1"));
    else model(completed(id, "w1"));
  }
  const auto rows = ended_builds(model.rows());
  ASSERT_EQ(rows.size(), kEndedKept);
  EXPECT_EQ(rows.front().id, "b300");
  EXPECT_EQ(rows.back().id, "b499");
  EXPECT_EQ(failed_builds(model.rows()).size(), kFailuresKept);
  EXPECT_EQ(failed_builds(model.rows()).front().id, "b498");
  // A timeout that is long forgotten here still turns into a success.
  model.at(1000)(completed("b0", "w1", true));
  EXPECT_EQ(ended_builds(model.rows()).back().id, "b0");
  EXPECT_EQ(ended_builds(model.rows()).size(), kEndedKept);
}

TEST(StatusModel, ALongMessageIsCutBetweenCharacters) {
  Model model;
  BuildFailed event = failed("b1", "w1");
  event.error_message.assign(kFailureMessageBytesMax - 1, 'x');
  event.error_message += "\xE2\x82\xAC and more";
  model(submitted("b1"))(assigned("b1", "w1"))(event);
  EXPECT_EQ(failed_builds(model.rows()).at(0).message, std::string(kFailureMessageBytesMax - 1, 'x') + "\xE2\x80\xA6");
}

TEST(StatusModel, WhatIsNotKnownIsLeftAlone) {
  Model model;
  model(assigned("b9", "w1"))(completed("b9", "w1"))(failed("b9", "w1"))(cancelled("b9"))(registered("w1"));
  EXPECT_EQ(queue(model) + running(model) + ended(model) + failures(model), "");
}

/// Pools lie in different lanes, and nothing says which of two lanes is read first.
TEST(StatusModel, RowsDoNotDependOnWhichPoolIsReadFirst) {
  const auto in_pool = [](testing::MemoryState& rows, const std::string& pool, std::int64_t ms, const std::string& id) {
    const auto apply = [&](const StatusModel::Event& event) { StatusModel::apply(rows, event, EventContext{from_ms(kT0 + ms), "event", "command", pool}); };
    apply(submitted(id));
    apply(assigned(id, "w-" + pool));
    if (ms % 2 == 0) apply(failed(id, "w-" + pool));
    else apply(completed(id, "w-" + pool));
  };
  testing::MemoryState one_after_the_other, in_turn;
  for (int i = 0; i < 30; ++i) in_pool(one_after_the_other, "a", 10 * i, "a" + std::to_string(i));
  for (int i = 0; i < 30; ++i) in_pool(one_after_the_other, "b", 10 * i + 5, "b" + std::to_string(i));
  for (int i = 0; i < 30; ++i) {
    in_pool(in_turn, "b", 10 * i + 5, "b" + std::to_string(i));
    in_pool(in_turn, "a", 10 * i, "a" + std::to_string(i));
  }
  EXPECT_EQ(ids(ended_builds(one_after_the_other)), ids(ended_builds(in_turn)));
  EXPECT_EQ(ids(failed_builds(one_after_the_other)), ids(failed_builds(in_turn)));
  EXPECT_EQ(ended_builds(in_turn).back().id, "b29");
  EXPECT_EQ(ended_builds(in_turn).front().id, "a0");
  EXPECT_EQ(failed_builds(in_turn).front().id, "a29");
  EXPECT_EQ(one_after_the_other.rows(), in_turn.rows());
}

}  // namespace
}  // namespace tidemark::projections::builds
