// Processes of several steps: by the endpoint, by the reactor when the endpoint's node dies, and both at once.

#include <gtest/gtest.h>

#include "tests/support/people/people_world.hpp"

namespace tidemark::testing {
namespace {

using people::NameReserved;
using runtime::Outcome;

constexpr Duration kLong = std::chrono::minutes(5);

TEST(StepsTest, TheEndpointAnswersAfterTheLastStep) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  const auto outcome = world.run(world.sign_up("ann", "a1", "k1"));
  ASSERT_EQ(outcome.kind, Outcome::Kind::accepted) << outcome.reason << describe(outcome.error);
  ASSERT_EQ(outcome.events.size(), 3u);
  EXPECT_EQ(outcome.events[0].type, "tidemark.people.NameReserved.v1");
  EXPECT_EQ(outcome.events[2].type, "tidemark.people.NameConfirmed.v1");
  EXPECT_TRUE(world.name("ann")->confirmed);
  EXPECT_EQ(world.account("a1"), "ann");
}

TEST(StepsTest, TheReactorTakesTheSameStepsLaterAndChangesNothing) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  world.run(world.sign_up("ann", "a1", "k1"));
  world.scheduler.run_for(kLong);
  EXPECT_EQ(world.count("people.facts", "tidemark.people.AccountCreated.v1"), 1u);
  EXPECT_EQ(world.count("people.facts", "tidemark.people.NameConfirmed.v1"), 1u);
  EXPECT_EQ(world.count("people.reactions", "tidemark.platform.ReactionEnded.v1"), 2u);
  EXPECT_TRUE(world.records("people.dead-letters").empty());
}

TEST(StepsTest, ARepeatGetsTheSameAnswer) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  const auto first = world.run(world.sign_up("ann", "a1", "k1"));
  const auto again = world.run(world.sign_up("ann", "a1", "k1"));
  EXPECT_EQ(again.kind, first.kind);
  EXPECT_EQ(again.command_id, first.command_id);
  EXPECT_EQ(again.position, first.position);
  ASSERT_EQ(again.events.size(), first.events.size());
  for (std::size_t i = 0; i < first.events.size(); ++i) EXPECT_EQ(again.events[i].id, first.events[i].id);
}

TEST(StepsTest, ARefusedFirstStepEndsItAndHasNoReaction) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  world.run(world.sign_up("ann", "a1", "k1"));
  const auto intents = world.count("people.reactions", "tidemark.platform.ReactionIntended.v1");
  EXPECT_EQ(world.run(world.sign_up("ann", "a2", "k2")).reason, "NAME_TAKEN");
  EXPECT_EQ(world.count("people.reactions", "tidemark.platform.ReactionIntended.v1"), intents);
}

TEST(StepsTest, ARefusedSecondStepIsTakenBackAndIsTheAnswer) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  const auto outcome = world.run(world.sign_up("ann", "refused-1", "k1"));
  EXPECT_EQ(outcome.kind, Outcome::Kind::refused);
  EXPECT_EQ(outcome.reason, "ACCOUNT_REFUSED");
  EXPECT_FALSE(world.name("ann")) << "the reservation is released at once, not by its timer";
  world.scheduler.run_for(kLong);
  EXPECT_EQ(world.count("people.facts", "tidemark.people.NameReleased.v1"), 1u);
}

TEST(StepsTest, WithoutItsEndpointTheReactorFinishes) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "a1"}).kind, Outcome::Kind::accepted);
  EXPECT_FALSE(world.name("ann")->confirmed);
  world.scheduler.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(world.name("ann")->confirmed);
  EXPECT_EQ(world.account("a1"), "ann");
}

TEST(StepsTest, AReservationThatNobodyConfirmsExpires) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "refused-1"}).kind, Outcome::Kind::accepted);
  world.scheduler.run_for(kLong);
  EXPECT_FALSE(world.name("ann"));
}

// The node dies after a step and comes back when the reservation has long expired: the account that was made is closed again.
TEST(StepsTest, AConfirmationThatComesTooLateTakesBackTheAct) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "a1"}).kind, Outcome::Kind::accepted);
  world.crash();
  world.scheduler.run_for(std::chrono::hours(2));
  ASSERT_TRUE(world.start());
  world.scheduler.run_for(kLong);
  EXPECT_FALSE(world.name("ann"));
  EXPECT_FALSE(world.account("a1"));
}

// The command of a reaction is decided once even when its index has been forgotten meanwhile.
TEST(StepsTest, AfterAnOutageLongerThanTheWindowNoStepIsTakenTwice) {
  runtime::NodeOptions options;
  options.idempotency_window = std::chrono::hours(1);
  PeopleWorld world;
  ASSERT_TRUE(world.start(options));
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "a1"}).kind, Outcome::Kind::accepted);
  // Dies when the reactor's first step is decided and nothing says so yet.
  ASSERT_TRUE(world.scheduler.run_until([&] { return world.count("people.facts", "tidemark.people.AccountCreated.v1") == 1; }));
  world.crash();
  world.scheduler.run_for(std::chrono::hours(3));
  ASSERT_TRUE(world.start(options));
  ASSERT_EQ(world.execute(people::CloseAccount{"ann", "a1"}).kind, Outcome::Kind::accepted) << "what a second creation would undo";
  world.scheduler.run_for(kLong);
  EXPECT_EQ(world.count("people.facts", "tidemark.people.AccountCreated.v1"), 1u);
  EXPECT_FALSE(world.name("ann")) << "it expired, so the confirmation was refused";
}

TEST(StepsTest, AStepWhoseDecisionIsCutMeanwhileIsNotTakenTwice) {
  runtime::NodeOptions options;
  options.idempotency_window = std::chrono::hours(1);
  PeopleWorld world;
  ASSERT_TRUE(world.start(options));
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "a1"}).kind, Outcome::Kind::accepted);
  ASSERT_TRUE(world.scheduler.run_until([&] { return world.count("people.facts", "tidemark.people.AccountCreated.v1") == 1; }));
  world.log->fail_next(MemoryLog::Fault::refuse_unwritten);  // so that nothing says it, for a second
  world.scheduler.run_for(Duration(500));
  ASSERT_EQ(world.execute(people::CloseAccount{"ann", "a1"}).kind, Outcome::Kind::accepted) << "what a second creation would undo";
  ASSERT_TRUE(world.run(world.node->stop()).ok());
  ASSERT_EQ(world.count("people.reactions", "tidemark.platform.ReactionEnded.v1"), 0u);
  world.cut("people.decisions");
  world.crash();
  world.scheduler.run_for(std::chrono::hours(200));
  ASSERT_TRUE(world.start(options));
  world.scheduler.run_for(kLong);
  EXPECT_EQ(world.count("people.reactions", "tidemark.platform.ReactionIntended.v1"), world.count("people.reactions", "tidemark.platform.ReactionEnded.v1"));
  EXPECT_EQ(world.count("people.facts", "tidemark.people.AccountCreated.v1"), 1u);
  EXPECT_EQ(world.count("people.dead-letters", "tidemark.platform.DeadLetter.v1"), 1u);
}

// Crash at every step of the scheduler, with and without the endpoint coming back to ask.
class StepsCrashTest : public ::testing::TestWithParam<bool> {};

TEST_P(StepsCrashTest, AtEveryPointTheNameIsConfirmedExactlyWhenTheAccountExists) {
  const bool asks_again = GetParam();
  const auto clients = [](PeopleWorld& world, std::vector<std::optional<Outcome>>& outcomes) {
    world.launch(world.sign_up("ann", "a1", "k1"), outcomes[0]);
    world.launch(world.sign_up("ann", "a2", "k2"), outcomes[1]);
    world.launch(world.sign_up("bob", "refused-b", "k3"), outcomes[2]);
    world.launch(world.sign_up("cid", "a1", "k4"), outcomes[3]);
  };
  std::size_t steps = 0;
  {
    PeopleWorld dry;
    ASSERT_TRUE(dry.start());
    std::vector<std::optional<Outcome>> outcomes(4);
    clients(dry, outcomes);
    const SteadyTime until = dry.scheduler.now() + std::chrono::seconds(4);
    while (dry.scheduler.now() < until && dry.scheduler.step()) ++steps;
  }
  ASSERT_GT(steps, 40u);
  for (std::size_t cut = 0; cut < steps; ++cut) {
    SCOPED_TRACE("crash after scheduler step " + std::to_string(cut));
    PeopleWorld world;
    ASSERT_TRUE(world.start());
    std::vector<std::optional<Outcome>> outcomes(4);
    clients(world, outcomes);
    for (std::size_t i = 0; i < cut; ++i) world.scheduler.step();
    const auto told = outcomes;
    world.crash();
    ASSERT_TRUE(world.start());
    if (asks_again) {
      std::vector<std::optional<Outcome>> again(4);
      clients(world, again);
      world.scheduler.run_for(std::chrono::seconds(1));
      for (std::size_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(again[i].has_value());
        if (!told[i]) continue;
        EXPECT_EQ(again[i]->kind, told[i]->kind) << i;
        EXPECT_EQ(again[i]->reason, told[i]->reason) << i;
      }
    }
    world.scheduler.run_for(kLong);
    for (const std::string name : {"ann", "bob", "cid"}) {
      const auto row = world.name(name);
      if (!row) continue;
      EXPECT_TRUE(row->confirmed) << name << " is still only reserved";
      EXPECT_EQ(world.account(row->account), name);
    }
    for (const std::string account : {"a1", "a2", "refused-b"}) {
      const auto name = world.account(account);
      if (!name) continue;
      ASSERT_TRUE(world.name(*name)) << account << " has a name that is nobody's";
      EXPECT_EQ(world.name(*name)->account, account);
    }
    EXPECT_EQ(world.count("people.reactions", "tidemark.platform.ReactionIntended.v1"), world.count("people.reactions", "tidemark.platform.ReactionEnded.v1"));
    EXPECT_TRUE(world.records("people.dead-letters").empty());
    for (std::size_t i = 0; i < 4; ++i) {
      if (told[i] && told[i]->kind == Outcome::Kind::accepted) {
        EXPECT_TRUE(i == 0 ? world.name("ann").has_value() : i == 3 ? world.name("cid").has_value() : world.account("a2").has_value()) << i;
      }
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Clients, StepsCrashTest, ::testing::Bool());

}  // namespace
}  // namespace tidemark::testing
