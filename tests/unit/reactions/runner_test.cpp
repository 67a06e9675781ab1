// The runner of a lane alone: how many it carries out at once, and what it tells the lane.

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/event/json.hpp"
#include "core/runtime/reaction_runner.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::testing {
namespace {

using runtime::PendingReaction;
using runtime::ReactionSettlement;

/// A runner whose lane keeps `lane` and executes every command.
class RunnerTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  runtime::VolatileMemory breakers;
  const runtime::ReactionMetrics metrics{nullptr, {"people"}};
  std::map<Uuid, PendingReaction> lane;
  std::vector<runtime::CommandRequest> executed;
  std::vector<ReactionSettlement> settled;
  runtime::ReactionRunner runner{scheduler, nullptr, breakers, metrics, hooks()};

  runtime::ReactionRunner::Hooks hooks() {
    runtime::ReactionRunner::Hooks hooks;
    hooks.find = [this](std::size_t, const Uuid& id) { return lane.contains(id) ? std::optional(lane.at(id)) : std::nullopt; };
    hooks.may_act = [] { return true; };
    hooks.execute = [this](runtime::CommandRequest request, Time, Fn<void(runtime::Outcome)> done) {
      executed.push_back(std::move(request));
      runtime::Outcome outcome;
      outcome.kind = runtime::Outcome::Kind::accepted;
      scheduler.after(Duration(10), [outcome = std::move(outcome), done = std::move(done)]() mutable { done(std::move(outcome)); });
    };
    hooks.settle = [this](std::size_t domain, ReactionSettlement settlement, Fn<void(bool)> done) {
      settled.push_back(settlement);
      scheduler.after(Duration(10), [this, domain, id = settlement.reaction, done = std::move(done)]() mutable {
        lane.erase(id);
        runner.remove(domain, id);
        done(true);
      });
    };
    return hooks;
  }
  void add(std::uint64_t number, runtime::Intent intent, std::int64_t attempts = 0) {
    const Uuid id = derive_uuid("runner test", "reaction", number);
    PendingReaction pending;
    pending.due = pending.intended = scheduler.wall();
    pending.attempts = attempts;
    pending.record = event::to_json(runtime::ReactionIntended{to_string(id), "people.announce", "cause", pending.due, std::move(intent), {}});
    lane.emplace(id, pending);
    runner.add(0, id, pending.due);
  }
};

TEST_F(RunnerTest, MoreThanItTakesAtOnceAreAllDoneThoughNothingElseHappens) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    runtime::Intent intent;
    intent.command = runtime::CommandIntent{"people", "CreateAccount", event::Json{"{}"}};
    add(i, std::move(intent));
  }
  runner.start();
  scheduler.run_for(std::chrono::seconds(5));
  EXPECT_EQ(executed.size(), 200u);
  EXPECT_EQ(runner.pending(), 0u);
}

// The ids of what is recorded come from the number of the attempt.
TEST_F(RunnerTest, GivingUpAfterARecordedAttemptIsAnAttemptOfItsOwn) {
  runtime::Intent intent;
  intent.call = runtime::CallIntent{};
  add(0, std::move(intent), 2);  // this node makes no calls
  add(1, runtime::Intent{}, 2);  // neither a command nor a call
  add(2, runtime::Intent{}, 2);
  lane.at(derive_uuid("runner test", "reaction", 2)).record = "{}";
  runner.start();
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_EQ(settled.size(), 3u);
  for (const auto& settlement : settled) {
    EXPECT_EQ(settlement.attempts, 3) << settlement.result.detail;
    EXPECT_EQ(settlement.result.kind, runtime::ReactionResult::Kind::dead);
  }
}

}  // namespace
}  // namespace tidemark::testing
