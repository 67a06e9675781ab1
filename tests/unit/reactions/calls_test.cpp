// Outbound calls of reactors: once recorded, retried, broken off, given up; and what the log says of it.

#include <gtest/gtest.h>

#include <set>

#include "core/runtime/reaction_records.hpp"
#include "tests/support/people/people_world.hpp"

namespace tidemark::testing {
namespace {

using runtime::OutboundAnswer;
using runtime::Outcome;

constexpr std::string_view kDead = "tidemark.platform.DeadLetter.v1";
constexpr std::string_view kAttempted = "tidemark.platform.ReactionAttempted.v1";

class CallsTest : public ::testing::Test {
 protected:
  PeopleWorld world{7, true};
  void SetUp() override { ASSERT_TRUE(world.start()); }
  void sign_up(const std::string& name) {
    const auto outcome = world.run(world.sign_up(name, "account-" + name, "key-" + name));
    ASSERT_EQ(outcome.kind, Outcome::Kind::accepted) << outcome.reason << describe(outcome.error);
  }
  std::string dead_reason(std::size_t index = 0) {
    const auto letters = world.records("people.dead-letters");
    if (index >= letters.size()) return "(no dead letter)";
    std::vector<event::FieldError> errors;
    return event::from_json<runtime::DeadLetter>(letters[index].data, event::Decoding::strict, errors)->reason;
  }
};

TEST_F(CallsTest, ACallIsMadeOnceWithItsIdAndItsAnswerComesBackAsACommand) {
  sign_up("ann");
  world.scheduler.run_for(std::chrono::seconds(1));
  ASSERT_EQ(world.receiver.calls.size(), 1u);
  const auto& call = world.receiver.calls[0].call;
  EXPECT_EQ(call.url, "https://hooks.example/people");
  EXPECT_EQ(call.body, R"({"name":"ann","account":"account-ann"})");
  EXPECT_EQ(call.signing, "people-hook");
  EXPECT_TRUE(parse_uuid(call.idempotency_key)) << call.idempotency_key;
  EXPECT_EQ(call.traceparent.substr(3, 32), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(world.name("ann")->deliveries, 1);
  world.scheduler.run_for(std::chrono::hours(1));
  EXPECT_EQ(world.receiver.calls.size(), 1u);
}

TEST_F(CallsTest, AFailureIsTriedAgainWithTheSameIdAndRecorded) {
  world.receiver.answers.push_back(make_error(Code::unavailable, "no route"));
  world.receiver.answers.push_back(OutboundAnswer{503, "", {}});
  sign_up("ann");
  world.scheduler.run_for(std::chrono::minutes(1));
  ASSERT_EQ(world.receiver.calls.size(), 3u);
  EXPECT_EQ(world.receiver.calls[0].call.idempotency_key, world.receiver.calls[2].call.idempotency_key);
  EXPECT_EQ(world.count("people.reactions", kAttempted), 2u);
  EXPECT_EQ(world.name("ann")->deliveries, 1);
}

TEST_F(CallsTest, RetryAfterIsHonoured) {
  world.receiver.answers.push_back(OutboundAnswer{429, "", std::chrono::seconds(90)});
  sign_up("ann");
  world.scheduler.run_for(std::chrono::minutes(5));
  ASSERT_EQ(world.receiver.calls.size(), 2u);
  EXPECT_GE(world.receiver.calls[1].at - world.receiver.calls[0].at, std::chrono::seconds(90));
}

TEST_F(CallsTest, AfterTheLastAttemptItIsADeadLetterWithTheReason) {
  world.receiver.always = Result<OutboundAnswer>(OutboundAnswer{500, "", {}});
  sign_up("ann");
  world.scheduler.run_for(std::chrono::hours(1));
  EXPECT_EQ(world.receiver.calls.size(), 4u);
  EXPECT_EQ(world.count("people.dead-letters", kDead), 1u);
  EXPECT_EQ(dead_reason(), "the receiver answered 500");
  EXPECT_EQ(world.name("ann")->deliveries, 0);
}

TEST_F(CallsTest, WhatCanNeverSucceedIsNotTriedAgain) {
  world.receiver.answers.push_back(OutboundAnswer{410, "", {}});
  world.receiver.answers.push_back(OutboundAnswer{302, "", {}});
  world.receiver.answers.push_back(make_error(Code::invalid_argument, "an address that is not allowed"));
  for (const char* name : {"ann", "bob", "cid"}) {
    sign_up(name);
    world.scheduler.run_for(std::chrono::seconds(1));
  }
  world.scheduler.run_for(std::chrono::hours(1));
  EXPECT_EQ(world.receiver.calls.size(), 3u);
  EXPECT_EQ(world.count("people.dead-letters", kDead), 3u);
}

TEST_F(CallsTest, APoisonReactionIsADeadLetterAndTheDecisionStands) {
  sign_up("poison-1");
  world.scheduler.run_for(std::chrono::minutes(1));
  EXPECT_TRUE(world.name("poison-1")->confirmed);
  EXPECT_TRUE(world.receiver.calls.empty());
  EXPECT_EQ(dead_reason(), "the reactor failed: poison");
}

TEST_F(CallsTest, TheBreakerKeepsCallsFromADestinationThatFailsAndProbesItLater) {
  world.receiver.always = Result<OutboundAnswer>(make_error(Code::unavailable, "down"));
  for (int i = 0; i < 12; ++i) sign_up("n" + std::to_string(i));
  world.scheduler.run_for(std::chrono::seconds(20));
  const std::size_t made = world.receiver.calls.size();
  EXPECT_LE(made, 12u) << "those under way when it opened, and none after";
  world.receiver.always.reset();
  world.scheduler.run_for(std::chrono::minutes(5));
  for (int i = 0; i < 12; ++i) EXPECT_EQ(world.name("n" + std::to_string(i))->deliveries, 1) << i;
  EXPECT_TRUE(world.records("people.dead-letters").empty());
}

TEST_F(CallsTest, ACrashRepeatsACallUnderWayWithTheSameId) {
  sign_up("ann");
  ASSERT_TRUE(world.scheduler.run_until([&] { return world.receiver.calls.size() == 1; }));
  world.crash();
  ASSERT_TRUE(world.start());
  world.scheduler.run_for(std::chrono::seconds(5));
  ASSERT_EQ(world.receiver.calls.size(), 2u);
  EXPECT_EQ(world.receiver.calls[0].call.idempotency_key, world.receiver.calls[1].call.idempotency_key);
  EXPECT_EQ(world.name("ann")->deliveries, 1);
}

TEST_F(CallsTest, ARetryKeepsItsTimeAndCountOverACrash) {
  world.receiver.always = Result<OutboundAnswer>(OutboundAnswer{429, "", std::chrono::minutes(10)});
  sign_up("ann");
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(world.scheduler.run_until([&] { return world.count("people.reactions", kAttempted) == static_cast<std::size_t>(i); }));
    world.crash();
    ASSERT_TRUE(world.start());
    world.scheduler.run_for(std::chrono::minutes(5));
    EXPECT_EQ(world.receiver.calls.size(), static_cast<std::size_t>(i)) << "not before its time";
    world.scheduler.run_for(std::chrono::minutes(6));
  }
  EXPECT_EQ(world.receiver.calls.size(), 4u);
  EXPECT_EQ(world.count("people.dead-letters", kDead), 1u);
}

TEST_F(CallsTest, AStateRebuiltFromTheLogHasTheSamePendingCalls) {
  world.receiver.always = Result<OutboundAnswer>(OutboundAnswer{429, "", std::chrono::minutes(10)});
  sign_up("ann");
  ASSERT_TRUE(world.scheduler.run_until([&] { return world.count("people.reactions", kAttempted) == 1; }));
  world.crash();
  world.stores.remove_all();
  ASSERT_TRUE(world.start());
  world.receiver.always.reset();
  world.scheduler.run_for(std::chrono::minutes(5));
  EXPECT_EQ(world.receiver.calls.size(), 1u);
  world.scheduler.run_for(std::chrono::minutes(6));
  EXPECT_EQ(world.receiver.calls.size(), 2u);
  EXPECT_EQ(world.name("ann")->deliveries, 1);
}

TEST_F(CallsTest, WhileTheOutcomeCannotBeRecordedTheCallIsNotRepeated) {
  sign_up("ann");
  ASSERT_TRUE(world.scheduler.run_until([&] { return world.receiver.calls.size() == 1; }));
  world.log->fail_next(MemoryLog::Fault::refuse_unwritten);
  world.scheduler.run_for(std::chrono::seconds(10));
  EXPECT_EQ(world.receiver.calls.size(), 1u);
  EXPECT_EQ(world.name("ann")->deliveries, 1);
}

TEST(ReactionHistoryTest, EventsFromBeforeAReactorWasRegisteredAreNotReactedTo) {
  PeopleWorld before(1, false);
  ASSERT_TRUE(before.start());
  before.run(before.sign_up("ann", "a1", "k1"));
  before.crash();
  PeopleWorld after(1, true);
  after.history = before.history;
  ASSERT_TRUE(after.start());
  after.scheduler.run_for(std::chrono::minutes(5));
  EXPECT_TRUE(after.receiver.calls.empty());
}

TEST(ReactionHistoryTest, AReactionOfAReactorThatIsGoneIsStillCarriedOut) {
  PeopleWorld before(1, true);
  ASSERT_TRUE(before.start());
  before.receiver.always = Result<OutboundAnswer>(make_error(Code::unavailable, "down"));
  before.run(before.sign_up("ann", "a1", "k1"));
  before.scheduler.run_for(Duration(50));
  before.crash();
  PeopleWorld after(1, false);
  after.history = before.history;
  ASSERT_TRUE(after.start());
  after.scheduler.run_for(std::chrono::minutes(5));
  EXPECT_EQ(after.receiver.calls.size(), 1u);
}

TEST(ReactionLeaseTest, NothingIsDoneWithoutTheLease) {
  PeopleWorld world;
  ASSERT_TRUE(world.start());
  world.log->set_lease(std::chrono::seconds(1));  // asked for from here on, and renewed by commands only
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "a1"}).kind, Outcome::Kind::accepted);
  world.scheduler.run_for(std::chrono::seconds(20));
  EXPECT_EQ(world.count("people.facts", "tidemark.people.AccountCreated.v1"), 0u);
  ASSERT_EQ(world.execute(people::ReserveName{"ann", "a2"}).kind, Outcome::Kind::refused);
  world.scheduler.run_for(std::chrono::seconds(1));
  EXPECT_EQ(world.count("people.facts", "tidemark.people.AccountCreated.v1"), 1u);
}

TEST(ReactionRecordsTest, AHandMadeRecordThatDoesNotDecodeIsNamed) {
  event::Envelope envelope;
  envelope.type = std::string(runtime::kReactionIntendedType);
  const auto store = store::make_memory_store();
  store::Overlay rows(*store);
  for (const char* data : {"", "{}", "[]", R"({"reaction":"x"})", R"({"reaction":"x","reactor":"a.b","cause":"c","due":"2026-01-01T00:00:00Z","intent":{"delay_ms":0,"note":""}})"}) {
    const auto folded = runtime::fold_reaction(rows, LaneId{0}, envelope, data);
    ASSERT_FALSE(folded.ok()) << data;
    EXPECT_EQ(folded.error().code, Code::corrupt) << data;
  }
}

}  // namespace
}  // namespace tidemark::testing
