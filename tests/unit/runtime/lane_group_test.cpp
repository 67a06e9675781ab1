// Several nodes over one log: who owns a lane, how it moves, and what clients are told meanwhile.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "core/event/record.hpp"
#include "core/runtime/followed_state.hpp"
#include "core/runtime/log_cursor.hpp"
#include "tests/support/lane_group/test_group.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::LaneStanding;
using runtime::Outcome;
using tally::Add;
using tally::Open;

class LaneGroupTest : public ::testing::Test {
 protected:
  struct Member {
    Member(VirtualScheduler& scheduler, const std::shared_ptr<LogHistory>& history) : log(history, scheduler) { open(scheduler); }
    void open(VirtualScheduler& scheduler) { node = std::make_unique<GroupNode>(scheduler, log, stores, group, not_taken); }
    MemoryLog log;
    MemoryStores stores;
    TestGroup group;
    std::vector<std::string> not_taken;
    class GroupNode : public DomainNode {
     public:
      GroupNode(VirtualScheduler& scheduler, log::EventLog& log, store::StoreFactory& stores, runtime::LaneGroup& group, std::vector<std::string>& not_taken)
          : DomainNode(scheduler, log, stores, tally::make_domain(), options(not_taken), nullptr, &group) {}
      static runtime::NodeOptions options(std::vector<std::string>& not_taken) {
        runtime::NodeOptions options;
        options.on_lane_not_taken = [&not_taken](LaneId lane, const Error& why, unsigned times) {
          not_taken.push_back("lane " + std::to_string(lane.value) + ", " + std::to_string(times) + ": " + std::string(name_of(why.code)));
        };
        return options;
      }
    };
    std::unique_ptr<GroupNode> node;
  };

  LaneGroupTest() {
    history->lanes = 3;
    a.log.set_lease(std::chrono::seconds(1));
    b.log.set_lease(std::chrono::seconds(1));
    EXPECT_TRUE(a.node->start().ok());
    EXPECT_TRUE(b.node->start().ok());
  }
  /// Whatever a test did: what both have folded is what the log says.
  void TearDown() override {
    if (HasFatalFailure()) return;
    scheduler.run_for(std::chrono::seconds(30));
    for (Member* member : {&a, &b}) {
      const auto stored = checkpoints(*member);
      ASSERT_TRUE(stored.ok());
      for (const auto& [key, checkpoint] : *stored) EXPECT_EQ(checkpoint.next, log_end(key)) << key.topic << ' ' << key.lane.value;
    }
  }
  Result<std::map<store::CheckpointKey, store::Checkpoint>> checkpoints(Member& member) {
    auto store = member.stores.open("state/tally-v1");
    return store ? (*store)->checkpoints() : Result<std::map<store::CheckpointKey, store::Checkpoint>>(store.take_error());
  }
  Tmseq log_end(const store::CheckpointKey& key) {
    for (std::size_t i = 0; i < history->topics.size(); ++i) {
      if (history->topics[i].spec.name == key.topic) return a.log.end(log::TopicId{static_cast<std::uint16_t>(i)}, key.lane);
    }
    return {};
  }

  static LaneStanding::Role role(Member& member, std::uint32_t lane) { return (*member.node)->lane_standings()[lane].role; }
  bool serves(Member& member, std::uint32_t lane) {
    return scheduler.run_until([&] { return role(member, lane) == LaneStanding::Role::serving; });
  }
  /// A group of the domain that lies in `lane`.
  std::string group_in(std::uint32_t lane) {
    for (int i = 0;; ++i) {
      const std::string name = "g" + std::to_string(i);
      if (lane_of(name, history->lanes) == LaneId{lane}) return name;
    }
  }
  /// Node a serves lane 0, where account "a" of the group returned is open.
  std::string opened_in_lane_0() {
    const std::string group = group_in(0);
    a.group.propose({0});
    EXPECT_TRUE(serves(a, 0));
    EXPECT_EQ(a.node->execute(Open{group, "a", 0}).kind, Outcome::Kind::accepted);
    return group;
  }
  bool owner_answers(Member& member, const std::string& boundary, bool& sees_account) {
    return (*member.node)->owner_call("tally", boundary, [&](const runtime::OwnerView& view) { sees_account = tally::kAccounts.contains(view.state, "a"); }).ok();
  }

  VirtualScheduler scheduler{7};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  Member a{scheduler, history}, b{scheduler, history};
};

TEST_F(LaneGroupTest, ANodeIsReadyBeforeItOwnsAnything) {
  EXPECT_TRUE((*a.node)->ready());
  EXPECT_EQ(role(a, 0), LaneStanding::Role::following);
  const auto outcome = a.node->execute(Open{group_in(0), "a", 0});
  EXPECT_EQ(outcome.error.code, Code::unavailable);
}

TEST_F(LaneGroupTest, ALaneThatCannotBeTakenIsTriedAgainAndSaidEachTime) {
  a.log.refuse_takes(true);
  a.group.propose({1});
  ASSERT_TRUE(scheduler.run_until([&] { return a.not_taken.size() >= 2; }));
  EXPECT_EQ(a.not_taken[0], "lane 1, 1: unavailable");
  EXPECT_EQ(a.not_taken[1], "lane 1, 2: unavailable");
  a.log.refuse_takes(false);
  EXPECT_TRUE(serves(a, 1));
}

TEST_F(LaneGroupTest, WhatOneNodeDecidesTheOtherHasWarm) {
  a.group.propose({0, 1, 2});
  ASSERT_TRUE(serves(a, 0));
  const std::string group = group_in(0);
  ASSERT_EQ(a.node->execute(Open{group, "a", 0}).kind, Outcome::Kind::accepted);
  ASSERT_EQ(a.node->execute(Add{group, "a", 5, ""}).kind, Outcome::Kind::accepted);
  b.node->settle();
  const auto read = tally::kBalances.get(*(*b.node)->projection_rows("tally.balances"), group, "a");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->balance, 5);
}

TEST_F(LaneGroupTest, TheStateOfAFollowedLaneCanBeReadAndThatOfAnOwnedOneOnlyByItsOwner) {
  const std::string group = opened_in_lane_0();
  scheduler.run_for(std::chrono::seconds(3));  // the predecessor's lease has passed
  bool owner_sees = false, follower_sees = false;
  const auto see = [&](Member& member, bool& sees) {
    return followed_state(**member.node).state_call("tally", group, [&](const RowReader& state) { sees = tally::kAccounts.contains(state, "a"); });
  };
  b.node->settle();
  ASSERT_TRUE(see(b, follower_sees).ok());
  EXPECT_TRUE(follower_sees);
  EXPECT_EQ(see(a, owner_sees).error().code, Code::unavailable);
  ASSERT_TRUE(owner_answers(a, group, owner_sees));
  EXPECT_FALSE(owner_answers(b, group, follower_sees));

  ASSERT_EQ(a.node->execute(Add{group, "a", 5, ""}).kind, Outcome::Kind::accepted);
  const auto late = see(b, follower_sees);
  EXPECT_TRUE(late.ok() || late.error().code == Code::unavailable);
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  EXPECT_EQ(see(b, follower_sees).error().code, Code::unavailable);
}

TEST_F(LaneGroupTest, AProposedLaneMovesWithItsStateAndOthersAreNotTouched) {
  a.group.propose({0, 1, 2});
  ASSERT_TRUE(serves(a, 0) && serves(a, 1));
  const std::string moving = group_in(0), staying = group_in(1);
  ASSERT_EQ(a.node->execute(Open{moving, "a", 0}).kind, Outcome::Kind::accepted);
  ASSERT_EQ(a.node->execute(Open{staying, "a", 0}).kind, Outcome::Kind::accepted);
  const auto staying_epoch = (*a.node)->lane_standings()[1].epoch;
  a.group.propose({1, 2});
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  EXPECT_EQ(role(a, 0), LaneStanding::Role::following);
  EXPECT_EQ(a.node->execute(Add{moving, "a", 1, ""}).error.code, Code::unavailable);
  EXPECT_EQ(b.node->execute(Add{moving, "a", 1, ""}).reply, "{\"balance\":1}");
  EXPECT_EQ(a.node->execute(Add{staying, "a", 1, ""}).reply, "{\"balance\":1}");
  EXPECT_EQ((*a.node)->lane_standings()[1].epoch, staying_epoch) << "a lane that does not move is not taken anew";
}

TEST_F(LaneGroupTest, ARepeatedCommandGetsItsFirstAnswerFromTheNewOwner) {
  a.group.propose({0});
  ASSERT_TRUE(serves(a, 0));
  const std::string group = group_in(0);
  ASSERT_EQ(a.node->execute(Open{group, "a", 0}, "open").kind, Outcome::Kind::accepted);
  const auto first = a.node->execute(Add{group, "a", 1, ""}, "add");
  a.group.propose({});
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  const auto second = b.node->execute(Add{group, "a", 1, ""}, "add");
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.reply, first.reply);
}

TEST_F(LaneGroupTest, ADeposedOwnerAppendsNothingAnswersNoOwnerCallAndGoesOnFollowing) {
  const std::string group = opened_in_lane_0();
  ASSERT_FALSE(HasFailure());
  b.group.propose({0});  // a has not heard of it
  ASSERT_TRUE(serves(b, 0));
  const auto outcome = a.node->execute(Add{group, "a", 1, ""});
  EXPECT_EQ(outcome.error.code, Code::unavailable) << describe(outcome.error);
  bool sees = false;
  EXPECT_FALSE(owner_answers(a, group, sees));
  EXPECT_FALSE((*a.node)->failure());
  EXPECT_EQ(role(a, 0), LaneStanding::Role::following);
  EXPECT_EQ(a.group.asked_anew, 1);
  ASSERT_EQ(b.node->execute(Add{group, "a", 10, ""}).reply, "{\"balance\":10}");
  // It is not taken back until the group says so.
  scheduler.run_for(std::chrono::seconds(20));
  EXPECT_EQ(role(b, 0), LaneStanding::Role::serving);
  a.group.propose({0});
  ASSERT_TRUE(serves(a, 0));
  EXPECT_EQ(a.node->execute(Add{group, "a", 1, ""}).reply, "{\"balance\":11}");
}

TEST_F(LaneGroupTest, AnIdleOwnerThatWasDeposedLearnsItFromItsOwnRenewal) {
  a.group.propose({0});
  ASSERT_TRUE(serves(a, 0));
  scheduler.run_for(std::chrono::seconds(3));
  bool sees = false;
  ASSERT_TRUE(owner_answers(a, group_in(0), sees));
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  EXPECT_FALSE(owner_answers(b, group_in(0), sees)) << "the old owner may still believe in its lease";
  scheduler.run_for(std::chrono::milliseconds(1500));
  EXPECT_FALSE(owner_answers(a, group_in(0), sees));
  EXPECT_TRUE(owner_answers(b, group_in(0), sees));
}

TEST_F(LaneGroupTest, AnOwnerThatStoodStillAnswersRepeatsOnlyOnceItKnowsThatNobodyHasTakenTheLane) {
  const std::string group = opened_in_lane_0();
  ASSERT_FALSE(HasFailure());
  const auto first = a.node->execute(Add{group, "a", 1, ""}, "add");
  scheduler.stand_still(std::chrono::seconds(2));
  const auto again = a.node->execute(Add{group, "a", 1, ""}, "add");
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.reply, first.reply);
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  scheduler.stand_still(std::chrono::seconds(2));
  const auto deposed = a.node->execute(Add{group, "a", 1, ""}, "add");
  EXPECT_EQ(deposed.error.code, Code::unavailable) << describe(deposed.error);
  EXPECT_FALSE(deposed.replayed);
  EXPECT_EQ(a.group.asked_anew, 1);
  EXPECT_TRUE(b.node->execute(Add{group, "a", 1, ""}, "add").replayed);
}

TEST_F(LaneGroupTest, NothingIsTakenWhileTheNodeMayHaveBeenLeftOut) {
  const std::string group = opened_in_lane_0();
  ASSERT_FALSE(HasFailure());
  a.group.is_in_force = false;
  a.log.fail_next(MemoryLog::Fault::unknown_lost);
  const auto epoch = (*a.node)->lane_standings()[0].epoch;
  std::optional<Outcome> outcome;
  a.node->launch((*a.node)->execute(TallyNode::request(Add{group, "a", 1, ""}, "add")), outcome);
  scheduler.run_for(std::chrono::seconds(5));
  EXPECT_FALSE(outcome);
  EXPECT_EQ(history->owner_epochs[0], epoch) << "it has taken the lane on the strength of what may hold no longer";
  a.group.is_in_force = true;
  a.group.propose({0});
  ASSERT_TRUE(scheduler.run_until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->error.code, Code::unavailable) << "the append came to nothing";
  ASSERT_TRUE(serves(a, 0));
}

TEST_F(LaneGroupTest, ALogThatDoesNotAnswerKeepsNobodyWaitingForEver) {
  const std::string group = opened_in_lane_0();
  ASSERT_FALSE(HasFailure());
  a.log.fail_next(MemoryLog::Fault::unknown_written);
  a.log.refuse_takes(true);
  std::optional<Outcome> first, second;
  a.node->launch((*a.node)->execute(TallyNode::request(Add{group, "a", 1, ""}, "first")), first);
  scheduler.run_ready();
  a.node->launch((*a.node)->execute(TallyNode::request(Add{group, "a", 2, ""}, "second")), second);
  scheduler.run_for(std::chrono::seconds(11));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->error.code, Code::outcome_unknown);
  EXPECT_EQ(second->error.code, Code::unavailable);
  a.log.refuse_takes(false);
  ASSERT_TRUE(serves(a, 0));
  EXPECT_TRUE(a.node->execute(Add{group, "a", 1, ""}, "first").replayed) << "asked again with the same id, it gets its answer";
  EXPECT_FALSE(a.node->execute(Add{group, "a", 2, ""}, "second").replayed);
}

TEST_F(LaneGroupTest, ALaneGivenUpInTheMiddleOfAnAppendIsLetGoWhenThatIsAnswered) {
  const std::string group = opened_in_lane_0();
  ASSERT_FALSE(HasFailure());
  a.log.set_append_delay(std::chrono::milliseconds(200));
  std::optional<Outcome> outcome;
  a.node->launch((*a.node)->execute(TallyNode::request(Add{group, "a", 1, ""}, "add")), outcome);
  scheduler.run_ready();
  a.group.propose({});
  ASSERT_FALSE(outcome);
  ASSERT_TRUE(scheduler.run_until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->kind, Outcome::Kind::accepted);
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  EXPECT_EQ(b.node->execute(Add{group, "a", 1, ""}).reply, "{\"balance\":2}");
}

TEST_F(LaneGroupTest, AnOwnerThatSettlesItsOwnAppendAnswersOwnerCallsAtOnceAgainUnlessAnotherWasThere) {
  a.group.propose({0});
  ASSERT_TRUE(serves(a, 0));
  const std::string group = group_in(0);
  scheduler.run_for(std::chrono::seconds(2));
  bool sees = false;
  for (const auto fault : {MemoryLog::Fault::unknown_written, MemoryLog::Fault::unknown_lost}) {
    a.log.fail_next(fault);
    (void)a.node->execute(Open{group, "a", 0});
    ASSERT_TRUE(serves(a, 0));
    EXPECT_TRUE(owner_answers(a, group, sees));
  }
  b.group.propose({0});
  ASSERT_TRUE(serves(b, 0));
  (void)a.node->execute(Open{group, "c", 0});
  a.group.propose({0});
  ASSERT_TRUE(serves(a, 0));
  EXPECT_FALSE(owner_answers(a, group, sees)) << "the other may still believe in its lease";
}

TEST_F(LaneGroupTest, ALaneProposedAgainWhileItsLastAppendIsUnderWayIsTakenWhenThatHasEnded) {
  const std::string group = opened_in_lane_0();
  ASSERT_FALSE(HasFailure());
  a.log.set_append_delay(std::chrono::milliseconds(200));
  std::optional<Outcome> outcome;
  a.node->launch((*a.node)->execute(TallyNode::request(Add{group, "a", 1, ""}, "add")), outcome);
  scheduler.run_ready();
  a.group.propose({});
  a.group.propose({0});
  EXPECT_EQ(role(a, 0), LaneStanding::Role::taking);
  ASSERT_TRUE(serves(a, 0));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->kind, Outcome::Kind::accepted);
  EXPECT_EQ(a.node->execute(Add{group, "a", 1, ""}).reply, "{\"balance\":2}");
}

TEST_F(LaneGroupTest, AStopWaitsForATakeAndForWhatIsBeingFolded) {
  a.group.propose({0});
  ASSERT_TRUE(serves(a, 0));
  for (int i = 0; i < 5; ++i) a.node->execute(Open{group_in(0), "a" + std::to_string(i), 0});
  b.group.propose({0, 1, 2});
  ASSERT_TRUE(b.node->stop().ok());
  for (const auto& lane : (*b.node)->lane_standings()) EXPECT_NE(lane.role, LaneStanding::Role::serving);
  EXPECT_FALSE((*b.node)->failure());
  a.group.propose({0, 1, 2});
  EXPECT_TRUE(serves(a, 0) || a.group.asked_anew > 0);
}

class LaneGroupSeeds : public LaneGroupTest, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, LaneGroupSeeds, ::testing::Range(1, 21));

TEST_P(LaneGroupSeeds, LanesThatMoveAtRandomUnderLoadLoseAndRepeatNothing) {
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  Member* members[] = {&a, &b};
  const std::string names[] = {group_in(0), group_in(1), group_in(2)};
  const std::string account = "account";
  std::map<std::string, std::int64_t> expected;
  struct Call {
    std::string group, key;
    std::int64_t amount;
    std::optional<Outcome> outcome;
  };
  a.group.propose({0, 1, 2});
  ASSERT_TRUE(serves(a, 0) && serves(a, 1) && serves(a, 2));
  b.group.propose({});
  for (const auto& group : names) ASSERT_EQ(a.node->execute(Open{group, account, 0}, account + group).kind, Outcome::Kind::accepted);
  std::vector<std::unique_ptr<Call>> open;
  int next = 0;
  for (int step = 0; step < 300; ++step) {
    const auto what = random() % 10;
    if (what < 6) {
      auto call = std::make_unique<Call>(Call{names[random() % 3], account + "-" + std::to_string(next++), static_cast<std::int64_t>(random() % 2 + 1), {}});
      Member& member = *members[random() % 2];
      member.node->launch((*member.node)->execute(TallyNode::request(Add{call->group, account, call->amount, ""}, call->key)), call->outcome);
      open.push_back(std::move(call));
    } else if (what < 8) {
      std::vector<std::uint32_t> ours, theirs;
      for (std::uint32_t lane = 0; lane < 3; ++lane) (random() % 2 ? ours : theirs).push_back(lane);
      // One hears of it, the other perhaps later.
      if (random() % 2) a.group.propose(ours);
      b.group.propose(theirs);
      if (random() % 2) a.group.propose(ours);
    } else if (what == 8) {
      members[random() % 2]->log.fail_next(random() % 2 ? MemoryLog::Fault::unknown_written : MemoryLog::Fault::unknown_lost);
    } else {
      scheduler.run_for(std::chrono::milliseconds(random() % 3000));
    }
  }
  a.group.propose({0, 1, 2});
  b.group.propose({});
  for (int asked = -1; asked != a.group.asked_anew;) {
    asked = a.group.asked_anew;
    scheduler.run_for(std::chrono::seconds(30));
    a.group.propose({0, 1, 2});
  }
  ASSERT_TRUE(serves(a, 0) && serves(a, 1) && serves(a, 2));
  for (auto& call : open) {
    ASSERT_TRUE(call->outcome) << "a client waits for ever";
    // Whoever was not told a verdict asks again with the same key.
    auto last = call->outcome->kind == Outcome::Kind::failed ? a.node->execute(Add{call->group, account, call->amount, ""}, call->key) : *call->outcome;
    if (last.kind == Outcome::Kind::accepted) expected[call->group] += call->amount;
    else EXPECT_EQ(last.kind, Outcome::Kind::refused) << describe(last.error);
  }
  for (Member* member : members) member->node->settle();
  for (const auto& group : names) {
    for (Member* member : members) {
      const auto row = tally::kBalances.get(*(*member->node)->projection_rows("tally.balances"), group, account);
      ASSERT_TRUE(row);
      EXPECT_EQ(row->balance, expected[group]) << group;
    }
  }
  ASSERT_FALSE((*a.node)->failure()) << describe(*(*a.node)->failure());
  ASSERT_FALSE((*b.node)->failure()) << describe(*(*b.node)->failure());
}

}  // namespace
}  // namespace tidemark::testing
