// Commands that are asked of a node whose lane another one owns.

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/event/record.hpp"
#include "core/runtime/dead_command.hpp"
#include "tests/support/tally/tally_node.hpp"
#include "tests/support/tally/touchy_decider.hpp"
#include "tests/unit/forwarding/forward_world.hpp"

namespace tidemark::testing {
namespace {

using runtime::CommandRequest;
using runtime::DeadCommand;
using runtime::Outcome;
using tally::Add;
using tally::Open;
using Fault = MemoryInbox::Fault;

class WordProof final : public runtime::NodeProof {
 public:
  Result<std::string> prove(std::string_view what) const override { return "word." + std::to_string(std::hash<std::string_view>{}(what)); }
  bool holds(std::string_view what, std::string_view proof) const override { return proof == *prove(what); }
};

class ForwardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (ForwardNode* member : {&a, &b}) {
      auto started = member->node->start();
      ASSERT_TRUE(started.ok()) << describe(started.error());
    }
  }
  /// What is still posted holds snapshots of the stores.
  ~ForwardTest() override {
    a.node.reset();
    b.node.reset();
    scheduler.drop_everything();
  }
  /// Whatever a test did, nobody waits for an answer any more.
  void TearDown() override { EXPECT_EQ(waiting(), 0u); }

  std::string group_in(std::uint32_t lane, int which = 0) {
    for (int i = 0;; ++i) {
      const std::string name = "g" + std::to_string(i);
      if (lane_of(name, history->lanes) == LaneId{lane} && which-- == 0) return name;
    }
  }
  void give(ForwardNode& member, std::vector<std::uint32_t> lanes) {
    member.group.propose(lanes);
    for (const auto lane : lanes) ASSERT_TRUE(scheduler.run_until([&] { return member.serves(lane); }));
    scheduler.run_for(std::chrono::seconds(1));
  }
  /// A group in lane 0, which node a serves.
  std::string served_by_a() {
    const std::string group = group_in(0);
    give(a, {0});
    EXPECT_EQ(a.node->execute(Open{group, "a", 0}).kind, Outcome::Kind::accepted);
    return group;
  }
  template <class C>
  static CommandRequest request(const C& command, std::string key = {}) { return TallyNode::request(command, std::move(key)); }

  struct Asked {
    std::optional<Outcome> outcome;
  };
  template <class C>
  std::shared_ptr<Asked> launch(ForwardNode& member, const C& command, std::string key = {}) { return launch(member, request(command, std::move(key))); }
  std::shared_ptr<Asked> launch(ForwardNode& member, CommandRequest command) {
    auto asked = std::make_shared<Asked>();
    all_.push_back(asked);
    member.node->launch((*member.node)->execute(std::move(command)), asked->outcome);
    return asked;
  }
  std::size_t waiting() const {
    return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [](const auto& asked) { return !asked->outcome; }));
  }
  Outcome answer(const std::shared_ptr<Asked>& asked) {
    EXPECT_TRUE(scheduler.run_until([&] { return asked->outcome.has_value(); })) << "nobody answers";
    return *asked->outcome;
  }
  Outcome ask(ForwardNode& member, CommandRequest command) { return answer(launch(member, std::move(command))); }

  std::vector<Decided> decisions() { return decisions_of(a.log, "tally", "tidemark.tally."); }
  std::vector<Decided> on(const std::string& id) {
    auto all = decisions();
    std::erase_if(all, [&](const Decided& decided) { return decided.command_id != id; });
    return all;
  }
  std::vector<DeadCommand> letters() {
    std::vector<DeadCommand> out;
    for (const auto& [lane, event] : records_of(a.log, "tally.dead-letters")) {
      std::vector<event::FieldError> errors;
      auto letter = event::from_json<DeadCommand>(event.data, event::Decoding::strict, errors);
      EXPECT_TRUE(letter) << event.data;
      if (letter) out.push_back(std::move(*letter));
    }
    return out;
  }
  std::size_t sent() { return commands_of(*history, "tally").size(); }
  void put(std::uint32_t lane, log::OwnedRecord record) {
    for (std::size_t t = 0; t < history->topics.size(); ++t) {
      if (history->topics[t].spec.name == "tally.commands") produce(*history, log::TopicId{static_cast<std::uint16_t>(t)}, LaneId{lane}, std::move(record));
    }
  }
  std::int64_t balance(const std::string& group, const std::string& account) {
    a.node->settle();
    const auto row = tally::kBalances.get(*(*a.node)->projection_rows("tally.balances"), group, account);
    return row ? row->balance : -1;
  }
  static void expect_same(const Outcome& one, const Outcome& other) {
    EXPECT_EQ(one.kind, other.kind);
    EXPECT_EQ(one.command_id, other.command_id);
    EXPECT_EQ(one.reply, other.reply);
    EXPECT_EQ(one.reason, other.reason);
    EXPECT_EQ(one.detail, other.detail);
    EXPECT_EQ(one.status, other.status);
    EXPECT_EQ(one.position, other.position);
    ASSERT_EQ(one.events.size(), other.events.size());
    for (std::size_t i = 0; i < one.events.size(); ++i) {
      EXPECT_EQ(one.events[i].id, other.events[i].id);
      EXPECT_EQ(one.events[i].type, other.events[i].type);
      EXPECT_EQ(one.events[i].subject, other.events[i].subject);
      EXPECT_EQ(one.events[i].sequence, other.events[i].sequence);
    }
  }
  runtime::Domain touchy() {
    auto domain = tally::make_domain();
    domain.decider = std::make_shared<tally::TouchyDecider>(domain.decider, touches);
    return domain;
  }

  VirtualScheduler scheduler{17};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::shared_ptr<tally::Touches> touches = std::make_shared<tally::Touches>();
  WordProof proof;
  std::vector<std::shared_ptr<Asked>> all_;
  ForwardNode a{"a", scheduler, history, touchy(), &proof}, b{"b", scheduler, history, touchy(), &proof};
};

TEST_F(ForwardTest, TheOwnerDecidesAndBothNodesAnswerAlike) {
  const std::string group = served_by_a();
  const Outcome there = ask(b, request(Add{group, "a", 5, "with a note"}, "k"));
  ASSERT_EQ(there.kind, Outcome::Kind::accepted) << describe(there.error);
  EXPECT_FALSE(there.replayed);
  EXPECT_EQ(there.reply, "{\"balance\":5}");
  EXPECT_FALSE(there.position.empty());
  const Outcome here = ask(a, request(Add{group, "a", 5, "with a note"}, "k"));
  EXPECT_TRUE(here.replayed);
  expect_same(here, there);
  ASSERT_EQ(on(there.command_id).size(), 1u);
  EXPECT_EQ(balance(group, "a"), 5);
}

TEST_F(ForwardTest, WhoAskedAndWhyIsInTheDecisionAsIfTheOwnerHadBeenAsked) {
  const std::string group = served_by_a();
  CommandRequest command = request(Add{group, "a", 5, ""});
  command.actor = "somebody";
  command.tenant = "acme";
  command.correlation_id = "the conversation";
  command.causation_id = "the cause";
  command.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const Outcome outcome = ask(b, command);
  ASSERT_EQ(outcome.kind, Outcome::Kind::accepted) << describe(outcome.error);
  EXPECT_FALSE(outcome.command_id.empty()) << "an id was drawn for it";
  for (const auto& topic : {"tally.decisions", "tally.entries"}) {
    for (const auto& [lane, event] : records_of(a.log, topic)) {
      if (event.envelope.commandid != outcome.command_id) continue;
      EXPECT_EQ(event.envelope.actor, "somebody") << topic;
      EXPECT_EQ(event.envelope.tenant, "acme");
      EXPECT_EQ(event.envelope.correlationid, "the conversation");
      EXPECT_EQ(event.envelope.traceparent, command.traceparent);
    }
  }
  ASSERT_EQ(on(outcome.command_id).size(), 1u);
  EXPECT_TRUE(on(outcome.command_id)[0].record.forwarded && on(outcome.command_id)[0].record.input);
}

TEST_F(ForwardTest, ARepeatIsAnsweredFromTheLogByWhicheverNodeIsAsked) {
  const std::string group = served_by_a();
  const Outcome first = ask(a, request(Add{group, "a", 5, ""}, "k"));
  b.node->settle();
  scheduler.run_for(std::chrono::milliseconds(10));
  const Outcome again = ask(b, request(Add{group, "a", 5, ""}, "k"));
  EXPECT_TRUE(again.replayed);
  expect_same(again, first);
  EXPECT_EQ(sent(), 0u) << "nobody else had to be asked";
}

TEST_F(ForwardTest, TheSameKeyAtTwoNodesAtOnceIsOneDecision) {
  const std::string group = served_by_a();
  for (int round = 0; round < 20; ++round) {
    const std::string key = "k" + std::to_string(round);
    const auto there = launch(b, Add{group, "a", 1, ""}, key);
    const auto twice = launch(b, Add{group, "a", 1, ""}, key);
    for (int i = 0; i < round; ++i) scheduler.step();
    const auto here = launch(a, Add{group, "a", 1, ""}, key);
    const Outcome first = answer(here);
    expect_same(answer(there), first);
    expect_same(answer(twice), first);
    EXPECT_EQ(int(first.replayed) + int(answer(there).replayed) + int(answer(twice).replayed), 2) << "one of them was the first";
    EXPECT_EQ(on(first.command_id).size(), 1u);
  }
  EXPECT_EQ(balance(group, "a"), 20);
}

TEST_F(ForwardTest, AnotherBodyUnderTheSameKeyIsRefusedWhereverItComes) {
  const std::string group = served_by_a();
  ASSERT_EQ(ask(a, request(Add{group, "a", 5, ""}, "k")).kind, Outcome::Kind::accepted);
  EXPECT_EQ(ask(b, request(Add{group, "a", 6, ""}, "k")).kind, Outcome::Kind::key_reused);
  for (int round = 0; round < 20; ++round) {
    const std::string key = "r" + std::to_string(round);
    const auto there = launch(b, Add{group, "a", 1, ""}, key);
    for (int i = 0; i < round; ++i) scheduler.step();
    const auto here = launch(a, Add{group, "a", 2, ""}, key);
    const auto kinds = std::multiset{answer(there).kind, answer(here).kind};
    EXPECT_EQ(kinds, (std::multiset{Outcome::Kind::accepted, Outcome::Kind::key_reused})) << round;
    EXPECT_EQ(on(answer(here).command_id).size(), 1u);
  }
}

TEST_F(ForwardTest, ARefusalAndACommandThatAsksForNothingAreToldToo) {
  const std::string group = served_by_a();
  const Outcome refused = ask(b, request(Add{group, "nobody", 5, ""}));
  EXPECT_EQ(refused.kind, Outcome::Kind::refused);
  EXPECT_EQ(refused.reason, "NO_SUCH_ACCOUNT");
  EXPECT_EQ(refused.status, 404);
  const Outcome nothing = ask(b, request(Add{group, "a", 0, ""}));
  EXPECT_EQ(nothing.kind, Outcome::Kind::nothing);
  EXPECT_EQ(nothing.reply, "{\"balance\":0}");
}

TEST_F(ForwardTest, WhatIsNoCommandIsToldWithoutAskingAnybody) {
  served_by_a();
  CommandRequest bad = request(Open{"", "", 0});
  bad.data = "{\"group\":7}";
  EXPECT_EQ(ask(b, bad).kind, Outcome::Kind::bad_input);
  bad.name = "Fly";
  EXPECT_EQ(ask(b, bad).kind, Outcome::Kind::unknown);
  EXPECT_EQ(sent(), 0u);
}

TEST_F(ForwardTest, AnExpectedVersionIsCheckedByTheOwnerAndAConflictIsNotRemembered) {
  const std::string group = served_by_a();
  CommandRequest command = request(Add{group, "a", 5, ""}, "k");
  command.expected = runtime::ExpectedVersion{"a", true, 1};
  const Outcome conflict = ask(b, command);
  EXPECT_EQ(conflict.kind, Outcome::Kind::version_conflict);
  EXPECT_EQ(conflict.version, 0u);
  CommandRequest nobody = request(Add{group, "nobody", 5, ""});
  nobody.expected = runtime::ExpectedVersion{"nobody", true, std::nullopt};
  const Outcome none = ask(b, nobody);
  EXPECT_EQ(none.kind, Outcome::Kind::version_conflict);
  EXPECT_EQ(none.version, std::nullopt);
  ASSERT_EQ(ask(b, request(Add{group, "a", 1, ""})).kind, Outcome::Kind::accepted);
  const Outcome held = ask(b, command);
  EXPECT_EQ(held.kind, Outcome::Kind::accepted);
  EXPECT_EQ(held.reply, "{\"balance\":6}");
  command.expected = runtime::ExpectedVersion{"a", false, std::nullopt};
  EXPECT_TRUE(ask(b, command).replayed) << "of a repeat nothing is expected";
  const auto all = on(held.command_id);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].record.reason, "VERSION_CONFLICT");
  std::set<std::string> ids;
  for (const auto& [lane, event] : records_of(a.log, "tally.decisions")) EXPECT_TRUE(ids.insert(event.envelope.id).second) << event.data;
}

TEST_F(ForwardTest, ADeciderThatFailsIsToldAsAFailure) {
  const std::string group = served_by_a();
  touches->throws.insert("boom");
  const Outcome outcome = ask(b, request(Add{group, "a", 5, "boom"}));
  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.error.code, Code::internal);
  ASSERT_EQ(letters().size(), 1u);
  EXPECT_EQ(letters()[0].code, "DECIDER_FAILED");
}

TEST_F(ForwardTest, WithoutAnOwnerACommandWaitsForOne) {
  const std::string group = served_by_a();
  a.group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  const auto asked = launch(b, Add{group, "a", 5, ""});
  scheduler.run_for(std::chrono::seconds(3));
  EXPECT_FALSE(asked->outcome);
  give(a, {0});
  EXPECT_EQ(answer(asked).kind, Outcome::Kind::accepted);
}

TEST_F(ForwardTest, ANodeAnswersWhenTheLaneBecomesItsOwnMeanwhile) {
  const std::string group = served_by_a();
  a.group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  const auto first = launch(b, Add{group, "a", 5, ""}, "k");
  scheduler.run_for(std::chrono::seconds(1));
  give(b, {0});
  const auto second = launch(b, Add{group, "a", 5, ""}, "k");
  EXPECT_EQ(answer(first).kind, Outcome::Kind::accepted);
  expect_same(answer(second), answer(first));
  EXPECT_EQ(on(answer(first).command_id).size(), 1u);
}

TEST_F(ForwardTest, CommandsThatWaitWhenTheLaneMovesAreDecidedByItsNextOwner) {
  const std::string group = served_by_a();
  a.log.set_append_delay(std::chrono::milliseconds(500));
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 5; ++i) {
    asked.push_back(launch(a, Add{group, "a", 1, ""}));
    scheduler.run_for(std::chrono::milliseconds(10));
  }
  a.group.propose({});
  give(b, {0});
  for (const auto& one : asked) EXPECT_EQ(answer(one).kind, Outcome::Kind::accepted) << describe(answer(one).error);
  EXPECT_EQ(balance(group, "a"), 5);
}

TEST_F(ForwardTest, WhatNobodyDecidedInTimeIsNeverDecidedAndMayBeAskedAgain) {
  const std::string group = served_by_a();
  a.group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  const Outcome unknown = ask(b, request(Add{group, "a", 5, ""}, "k"));
  EXPECT_EQ(unknown.kind, Outcome::Kind::failed);
  EXPECT_EQ(unknown.error.code, Code::outcome_unknown);
  give(a, {0});
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_EQ(on(unknown.command_id).size(), 1u);
  EXPECT_EQ(on(unknown.command_id)[0].record.reason, "EXPIRED");
  const Outcome again = ask(b, request(Add{group, "a", 5, ""}, "k"));
  EXPECT_EQ(again.kind, Outcome::Kind::accepted);
  EXPECT_EQ(balance(group, "a"), 5);
}

TEST_F(ForwardTest, AnOwnerThatComesTooLateSaysSo) {
  const std::string group = served_by_a();
  a.group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  const auto asked = launch(b, Add{group, "a", 5, ""});
  scheduler.run_for(std::chrono::milliseconds(10'500));
  EXPECT_FALSE(asked->outcome);
  a.group.propose({0});
  EXPECT_EQ(answer(asked).error.code, Code::unavailable) << describe(answer(asked).error);
  EXPECT_EQ(balance(group, "a"), 0);
}

TEST_F(ForwardTest, TheEndOfAnEarlierRequestIsNotTakenForThatOfTheNext) {
  const std::string group = served_by_a();
  a.group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  EXPECT_EQ(ask(b, request(Add{group, "a", 5, ""}, "k")).error.code, Code::outcome_unknown);
  const auto again = launch(b, Add{group, "a", 5, ""}, "k");
  give(a, {0});
  EXPECT_EQ(answer(again).kind, Outcome::Kind::accepted);
  const auto all = on(answer(again).command_id);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].record.reason, "EXPIRED");
  EXPECT_EQ(balance(group, "a"), 5);
}

TEST_F(ForwardTest, ARecordThatCouldNotBeSentIsNotAppliedAndOneOfWhichNobodyKnowsIsLookedFor) {
  const std::string group = served_by_a();
  b.log.fail_next_command(Fault::refuse_unwritten);
  EXPECT_EQ(ask(b, request(Add{group, "a", 1, ""}, "refused")).error.code, Code::unavailable);
  b.log.fail_next_command(Fault::unknown_written);
  EXPECT_EQ(ask(b, request(Add{group, "a", 10, ""}, "written")).kind, Outcome::Kind::accepted);
  b.log.fail_next_command(Fault::unknown_lost);
  EXPECT_EQ(ask(b, request(Add{group, "a", 100, ""}, "lost")).error.code, Code::outcome_unknown);
  EXPECT_EQ(balance(group, "a"), 10);
  for (const auto& [key, amount] : std::map<std::string, int>{{"refused", 1}, {"written", 10}, {"lost", 100}}) {
    EXPECT_EQ(ask(b, request(Add{group, "a", amount, ""}, key)).kind, Outcome::Kind::accepted) << key;
  }
  EXPECT_EQ(balance(group, "a"), 111);
}

TEST_F(ForwardTest, AnAppendOfWhichTheOwnerKnowsNothingIsSettledForTheOneWhoAsked) {
  const std::string group = served_by_a();
  for (const auto fault : {MemoryLog::Fault::unknown_written, MemoryLog::Fault::unknown_lost, MemoryLog::Fault::refuse_unwritten}) {
    a.log.fail_next(fault);
    const Outcome outcome = ask(b, request(Add{group, "a", 1, ""}));
    EXPECT_EQ(outcome.kind, Outcome::Kind::accepted) << describe(outcome.error);
    EXPECT_EQ(on(outcome.command_id).size(), 1u);
  }
  EXPECT_EQ(balance(group, "a"), 3);
}

TEST_F(ForwardTest, ANodeThatIsOutOfTouchSaysSoAtOnceAndOnlyWhileItIs) {
  const std::string group = served_by_a();
  b.group.is_in_force = false;
  EXPECT_EQ(ask(b, request(Add{group, "a", 1, ""})).kind, Outcome::Kind::accepted) << "a group that agrees anew is no reason to refuse";
  scheduler.run_for(std::chrono::seconds(3));
  const auto before = scheduler.now();
  EXPECT_EQ(ask(b, request(Add{group, "a", 1, ""})).error.code, Code::unavailable);
  EXPECT_EQ(scheduler.now(), before);
  b.group.is_in_force = true;
  scheduler.run_for(std::chrono::seconds(1));
  b.group.is_in_force = false;
  EXPECT_EQ(ask(b, request(Add{group, "a", 1, ""})).kind, Outcome::Kind::accepted);
  EXPECT_EQ(balance(group, "a"), 2);
}

TEST_F(ForwardTest, ANodeThatStopsSaysThatItDoesNotKnow) {
  const std::string group = served_by_a();
  a.group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  const auto asked = launch(b, Add{group, "a", 5, ""}, "k");
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_TRUE(b.node->stop().ok());
  EXPECT_EQ(answer(asked).error.code, Code::outcome_unknown);
  EXPECT_EQ(ask(b, request(Add{group, "a", 5, ""}, "k")).error.code, Code::unavailable);
  give(a, {0});
  scheduler.run_for(std::chrono::seconds(1));
  const Outcome again = ask(a, request(Add{group, "a", 5, ""}, "k"));
  EXPECT_TRUE(again.kind == Outcome::Kind::accepted && again.replayed);
}

TEST_F(ForwardTest, AStrangersRecordSpeaksForNobodyElse) {
  const std::string group = served_by_a();
  ASSERT_EQ(ask(b, request(Add{group, "a", 1, ""})).kind, Outcome::Kind::accepted);
  const auto true_record = commands_of(*history, "tally").back();
  const auto change = [&](std::string_view header, std::string value) {
    auto record = true_record;
    for (auto& [name, text] : record.headers) {
      if (name == header) text = value;
    }
    return record;
  };
  put(0, change("ce_actor", "the king"));
  put(0, change("ce_commandid", "00000000-0000-7000-8000-000000000001"));
  put(0, change("tidemark-not-after", "99999999999999"));
  put(0, change("tidemark-node-proof", "word.1"));
  auto other_data = true_record;
  other_data.value = event::to_json(Add{group, "a", 1000, ""});
  put(0, other_data);
  auto more = true_record;
  more.headers.emplace_back("tidemark-expected", "{\"subject\":\"a\",\"exists\":false}");
  put(0, more);
  scheduler.run_for(std::chrono::seconds(1));
  EXPECT_EQ(letters().size(), 6u);
  for (const auto& letter : letters()) EXPECT_EQ(letter.code, "BAD_PROOF");
  // The same record again is the same command, and once its time is over it is nothing.
  put(0, true_record);
  put(1, true_record);
  scheduler.run_for(std::chrono::seconds(20));
  put(0, true_record);
  scheduler.run_for(std::chrono::seconds(1));
  EXPECT_EQ(balance(group, "a"), 1);
  // Without a proof it is a CloudEvent of the operator like any other: its own name, and no other id.
  auto without = change("ce_actor", "the king");
  std::erase_if(without.headers, [](const auto& header) { return header.first.starts_with("tidemark-"); });
  put(0, without);
  scheduler.run_for(std::chrono::seconds(1));
  const auto all = decisions();
  EXPECT_EQ(all.back().actor, "operator");
  EXPECT_NE(all.back().command_id, all[1].command_id);
  for (const auto& decided : all) EXPECT_NE(decided.actor, "the king");
}

TEST_F(ForwardTest, ARecordInTheWrongLaneIsMovedAndStillProved) {
  const std::string group = served_by_a();
  give(a, {0, 1});
  ASSERT_EQ(ask(b, request(Add{group, "a", 1, ""}, "first")).kind, Outcome::Kind::accepted);
  a.group.propose({1});
  scheduler.run_for(std::chrono::seconds(3));
  const auto asked = launch(b, Add{group, "a", 2, ""});
  scheduler.run_for(std::chrono::milliseconds(100));
  put(1, commands_of(*history, "tally").back());
  give(a, {0, 1});
  EXPECT_EQ(answer(asked).kind, Outcome::Kind::accepted);
  scheduler.run_for(std::chrono::seconds(1));
  EXPECT_EQ(balance(group, "a"), 3);
  EXPECT_TRUE(letters().empty());
}

class ForwardStorm : public ForwardTest, public ::testing::WithParamInterface<std::uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, ForwardStorm, ::testing::Range(1u, 9u));

TEST_P(ForwardStorm, LanesMoveAndClientsAskAnyNodeUntilTheyAreAnswered) {
  std::vector<std::string> groups;
  for (std::uint32_t lane = 0; lane < history->lanes; ++lane) groups.push_back(group_in(lane));
  give(a, {0, 1, 2});
  for (const auto& group : groups) ASSERT_EQ(ask(b, request(Open{group, "a", 0})).kind, Outcome::Kind::accepted);
  std::mt19937 draw(GetParam());
  struct Client {
    std::string key, group;
    std::shared_ptr<Asked> asked;
    bool answered = false;
  };
  std::vector<Client> clients;
  std::map<std::string, int> wanted;
  const auto tend = [&](bool may_begin) {
    for (Client& client : clients) {
      if (client.answered || !client.asked->outcome) continue;
      const Outcome& outcome = *client.asked->outcome;
      if (outcome.kind == Outcome::Kind::accepted) client.answered = true;
      else if (outcome.kind == Outcome::Kind::failed) client.asked = launch(draw() % 2 == 0 ? a : b, Add{client.group, "a", 1, ""}, client.key);
      else ADD_FAILURE() << int(outcome.kind) << ' ' << outcome.detail;
    }
    if (!may_begin) return;
    Client client{"c" + std::to_string(clients.size()), groups[draw() % groups.size()], nullptr};
    client.asked = launch(draw() % 2 == 0 ? a : b, Add{client.group, "a", 1, ""}, client.key);
    ++wanted[client.group];
    clients.push_back(std::move(client));
  };
  for (int i = 0; i < 600; ++i) {
    tend(true);
    if (draw() % 30 == 0) {
      std::vector<std::uint32_t> of_a, of_b;
      for (std::uint32_t lane = 0; lane < history->lanes; ++lane) {
        const auto whose = draw() % 7;
        if (whose < 3) of_a.push_back(lane);
        else if (whose < 6) of_b.push_back(lane);
      }
      a.group.propose(of_a);
      b.group.propose(of_b);
    }
    if (draw() % 20 == 0) (draw() % 2 == 0 ? a : b).log.fail_next(draw() % 2 == 0 ? MemoryLog::Fault::unknown_written : MemoryLog::Fault::unknown_lost);
    if (draw() % 20 == 0) (draw() % 2 == 0 ? a : b).log.fail_next_command(static_cast<Fault>(1 + draw() % 3));
    scheduler.run_for(std::chrono::milliseconds(draw() % 60));
  }
  a.group.propose({0, 1, 2});
  b.group.propose({});
  for (int i = 0; i < 400 && !std::all_of(clients.begin(), clients.end(), [](const Client& c) { return c.answered; }); ++i) {
    scheduler.run_for(std::chrono::milliseconds(200));
    tend(false);
  }
  for (const Client& client : clients) EXPECT_TRUE(client.answered) << client.key;
  for (const auto& [group, count] : wanted) EXPECT_EQ(balance(group, "a"), count) << group;
  std::map<std::string, int> decided;
  for (const auto& one : decisions()) decided[one.command_id] += one.record.verdict == "accepted";
  for (const auto& [id, times] : decided) EXPECT_LE(times, 1) << id;
  scheduler.run_for(std::chrono::seconds(15));
  b.node->settle();
  ForwardNode c("c", scheduler, history, touchy(), &proof);
  ASSERT_TRUE(c.node->start().ok());
  for (ForwardNode* member : {&a, &b}) EXPECT_EQ(all_rows(member->stores.at("state/tally-v1")), all_rows(c.stores.at("state/tally-v1")));
  c.node.reset();
  scheduler.drop_everything();
}

}  // namespace
}  // namespace tidemark::testing
