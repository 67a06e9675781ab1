#include <gtest/gtest.h>

#include "core/runtime/decision_record.hpp"
#include "core/runtime/log_cursor.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/people/people.hpp"
#include "tests/support/tally/tally_node.hpp"
#include "tests/support/tally/touchy_decider.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using tally::Add;
using tally::Open;

class NodeTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;

  std::unique_ptr<TallyNode> started(runtime::NodeOptions options = {}, std::string settings = "{\"group_limit\":1000}") {
    auto node = std::make_unique<TallyNode>(scheduler, log, stores, options, tally::make_domain(std::move(settings)));
    auto result = node->start();
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : describe(result.error()));
    return node;
  }
  std::vector<event::Event> records(const std::string& topic) {
    std::vector<event::Event> out;
    for (std::size_t t = 0; t < history->topics.size(); ++t) {
      if (history->topics[t].spec.name != topic) continue;
      for (std::uint32_t lane = 0; lane < history->lanes; ++lane) {
        runtime::LogCursor cursor(log, log::TopicId{static_cast<std::uint16_t>(t)}, topic, LaneId{lane}, Tmseq{0});
        for (;;) {
          auto head = cursor.peek();
          EXPECT_TRUE(head.ok());
          if (!head.ok() || *head == nullptr) break;
          if ((*head)->envelope.type != runtime::kLaneTakenType) out.push_back(**head);
          cursor.pop();
        }
      }
    }
    return out;
  }
  /// Decisions on commands, without the platform's own.
  std::vector<runtime::DecisionRecord> decisions() {
    std::vector<runtime::DecisionRecord> out;
    for (const auto& event : records("tally.decisions")) {
      auto record = runtime::decode_decision(event.data);
      EXPECT_TRUE(record.ok());
      if (record->command.type != runtime::kTakeLaneType) out.push_back(std::move(*record));
    }
    return out;
  }
};

TEST_F(NodeTest, AnAcceptedCommandIsRecordedAppliedAndAnsweredWithItsEvents) {
  auto node = started();
  auto opened = node->execute(Open{"g", "a", 0});
  ASSERT_EQ(opened.kind, Outcome::Kind::accepted);
  ASSERT_EQ(opened.events.size(), 1u);
  EXPECT_EQ(opened.events[0].type, "tidemark.tally.Opened.v1");
  EXPECT_EQ(opened.events[0].subject, "a");
  EXPECT_EQ(opened.events[0].sequence, 0u);
  auto added = node->execute(Add{"g", "a", 5, "hello"});
  ASSERT_EQ(added.kind, Outcome::Kind::accepted);
  EXPECT_EQ(added.reply, "{\"balance\":5}");
  ASSERT_EQ(added.events.size(), 2u);
  EXPECT_EQ(added.events[0].sequence, 1u);
  EXPECT_EQ(added.events[1].sequence, 2u);
  EXPECT_EQ(added.position.parts.size(), 2u);
  node->settle();
  EXPECT_EQ(node->balance("g", "a")->balance, 5);
}

TEST_F(NodeTest, EveryRecordCarriesTheEnvelope) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  auto request = TallyNode::request(Add{"g", "a", 1, "n"});
  request.correlation_id = "corr";
  request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  auto outcome = node->run((*node)->execute(request));
  ASSERT_EQ(outcome.kind, Outcome::Kind::accepted);
  const auto notes = records("tally.notes");
  ASSERT_EQ(notes.size(), 1u);
  const auto& e = notes[0].envelope;
  EXPECT_EQ(e.id, runtime::event_id_of(outcome.command_id, 1));
  EXPECT_EQ(e.source, "/tidemark/tally");
  EXPECT_EQ(e.partitionkey, "a");
  EXPECT_EQ(e.boundary, "g") << "the boundary is recorded where the record key is finer";
  EXPECT_EQ(e.commandid, outcome.command_id);
  EXPECT_EQ(e.causationid, outcome.command_id);
  EXPECT_EQ(e.correlationid, "corr");
  EXPECT_EQ(e.traceparent, request.traceparent);
  EXPECT_EQ(e.actor, "tester");
  EXPECT_EQ(e.tmseq, Tmseq{0});
  ASSERT_TRUE(e.tmdecision);
  EXPECT_EQ(e.tmdecision->index, 1u);
  const auto entries = records("tally.entries");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_TRUE(entries[1].envelope.boundary.empty()) << "the same as the record key";
}

TEST_F(NodeTest, ARefusalIsRecordedWithItsReasonAndNoEvent) {
  auto node = started();
  auto refused = node->execute(Add{"g", "nobody", 1, ""});
  EXPECT_EQ(refused.kind, Outcome::Kind::refused);
  EXPECT_EQ(refused.reason, "NO_SUCH_ACCOUNT");
  EXPECT_EQ(refused.status, 404);
  const auto all = decisions();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].verdict, "refused");
  EXPECT_EQ(all[0].reason, "NO_SUCH_ACCOUNT");
  EXPECT_TRUE(all[0].events.empty());
}

TEST_F(NodeTest, NothingLeavesNoTrace) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  const auto appends = log.appends();
  auto nothing = node->execute(Add{"g", "a", 0, ""});
  EXPECT_EQ(nothing.kind, Outcome::Kind::nothing);
  EXPECT_EQ(nothing.reply, "{\"balance\":0}");
  EXPECT_EQ(log.appends(), appends);
  EXPECT_EQ(decisions().size(), 1u);
}

TEST_F(NodeTest, ARepeatedKeyGetsTheFirstAnswerAndAnotherBodyIsRefused) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  auto first = node->execute(Add{"g", "a", 7, ""}, "key-1");
  auto second = node->execute(Add{"g", "a", 7, ""}, "key-1");
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.kind, Outcome::Kind::accepted);
  EXPECT_EQ(second.reply, first.reply);
  ASSERT_EQ(second.events.size(), 1u);
  EXPECT_EQ(second.events[0].id, first.events[0].id);
  EXPECT_EQ(second.events[0].sequence, first.events[0].sequence);
  EXPECT_EQ(second.position, first.position);
  EXPECT_EQ(node->execute(Add{"g", "a", 8, ""}, "key-1").kind, Outcome::Kind::key_reused);
  EXPECT_EQ(node->execute(Add{"g", "a", 0, ""}).reply, "{\"balance\":7}");
}

TEST_F(NodeTest, ARepeatedRefusalIsTheSameRefusalEvenWhenItWouldNowBeAccepted) {
  auto node = started();
  auto first = node->execute(Add{"g", "a", 7, ""}, "key");
  node->execute(Open{"g", "a", 0});
  auto second = node->execute(Add{"g", "a", 7, ""}, "key");
  EXPECT_EQ(first.kind, Outcome::Kind::refused);
  EXPECT_EQ(second.kind, Outcome::Kind::refused);
  EXPECT_EQ(second.reason, first.reason);
  EXPECT_EQ(second.status, 404);
  EXPECT_TRUE(second.replayed);
}

TEST_F(NodeTest, OneKeyHasOneDecisionWhateverTheBoundary) {
  auto node = started();
  // Boundaries of different lanes: the second use is seen although another lane owns it.
  std::string other;
  for (int i = 0; other.empty(); ++i) {
    const std::string candidate = "group-" + std::to_string(i);
    if (lane_of(candidate, history->lanes) != lane_of("g", history->lanes)) other = candidate;
  }
  EXPECT_EQ(node->execute(Open{"g", "a", 0}, "key").kind, Outcome::Kind::accepted);
  EXPECT_EQ(node->execute(Open{other, "a", 0}, "key").kind, Outcome::Kind::key_reused);
}

TEST_F(NodeTest, RepeatsInTheSameBatchAreDecidedOnce) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  std::vector<std::optional<Outcome>> outcomes(5);
  for (auto& outcome : outcomes) node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 3, ""}, "same")), outcome);
  ASSERT_TRUE(scheduler.run_until([&] { return std::all_of(outcomes.begin(), outcomes.end(), [](auto& o) { return o.has_value(); }); }));
  EXPECT_FALSE(outcomes[0]->replayed);
  for (std::size_t i = 1; i < outcomes.size(); ++i) {
    EXPECT_TRUE(outcomes[i]->replayed);
    EXPECT_EQ(outcomes[i]->events[0].id, outcomes[0]->events[0].id);
  }
  EXPECT_EQ(node->execute(Add{"g", "a", 0, ""}).reply, "{\"balance\":3}");
}

TEST_F(NodeTest, OneKeyInTwoDomainsIsTwoCommandsInOneBatchToo) {
  history->lanes = 1;
  MemoryLog one_lane{history, scheduler};
  std::vector<runtime::Domain> domains{tally::make_domain(), people::make_domain()};
  runtime::NodeParts parts{scheduler, one_lane, stores, [this](std::string_view) -> Executor& { return scheduler; }};
  const auto node = runtime::make_node(std::move(parts), std::move(domains), {});
  const auto execute = [&](runtime::CommandRequest request, std::optional<Outcome>& outcome) {
    spawn([](runtime::Node& to, runtime::CommandRequest command, std::optional<Outcome>& out) -> Task<void> {
      Outcome answer = co_await to.execute(std::move(command));
      out = std::move(answer);
    }(*node, std::move(request), outcome));
  };
  bool ready = false;
  spawn([](runtime::Node& starting, bool& done) -> Task<void> {
    const auto started = co_await starting.start();
    done = started.ok();
  }(*node, ready));
  ASSERT_TRUE(scheduler.run_until([&] { return ready; }));
  const auto appends = one_lane.appends();
  auto open = TallyNode::request(Open{"g", "a", 0}, "key");
  auto other = TallyNode::request(people::ReserveName{"ada", "one"}, "key");
  other.domain = "people";
  std::optional<Outcome> first, second;
  execute(std::move(open), first);
  execute(std::move(other), second);
  ASSERT_TRUE(scheduler.run_until([&] { return first && second; }));
  EXPECT_EQ(one_lane.appends(), appends + 1) << "in one batch";
  EXPECT_EQ(first->kind, Outcome::Kind::accepted);
  EXPECT_EQ(second->kind, Outcome::Kind::accepted) << second->detail;
  EXPECT_FALSE(second->replayed);
}

TEST_F(NodeTest, AKeyIsFreeAgainAfterTheWindow) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  node->execute(Add{"g", "a", 1, ""}, "key");
  scheduler.run_for(std::chrono::hours(25));
  auto again = node->execute(Add{"g", "a", 1, ""}, "key");
  EXPECT_FALSE(again.replayed);
  EXPECT_EQ(again.reply, "{\"balance\":2}");
}

TEST_F(NodeTest, AKeyUsedAgainAfterItsWindowIsRememberedThoughTheFirstUseIsForgotten) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  node->execute(Add{"g", "a", 1, ""}, "key");
  scheduler.run_for(std::chrono::hours(25));
  auto second = node->execute(Add{"g", "a", 1, ""}, "key");
  EXPECT_FALSE(second.replayed);
  for (int i = 0; i < 5; ++i) node->execute(Add{"g", "a", 1, ""}, "other-" + std::to_string(i));  // each forgets what is old
  auto third = node->execute(Add{"g", "a", 1, ""}, "key");
  EXPECT_TRUE(third.replayed);
  EXPECT_EQ(third.reply, second.reply);
}

TEST_F(NodeTest, ARepeatOfADurableDecisionIsTrueWhateverBecomesOfItsBatch) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  auto first = node->execute(Add{"g", "a", 5, ""}, "key");
  log.fail_next(MemoryLog::Fault::refuse_unwritten);
  std::optional<Outcome> repeat, fresh;
  node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 5, ""}, "key")), repeat);
  node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 6, ""}, "new")), fresh);
  ASSERT_TRUE(scheduler.run_until([&] { return repeat && fresh; }));
  EXPECT_EQ(fresh->kind, Outcome::Kind::failed);
  EXPECT_EQ(repeat->kind, Outcome::Kind::accepted);
  EXPECT_TRUE(repeat->replayed);
  EXPECT_EQ(repeat->reply, first.reply);
}

TEST_F(NodeTest, ALogThatDiesWhileIdleStopsTheNode) {
  auto node = started();
  std::optional<Error> told;
  (*node)->on_failure([&](Error error) { told = std::move(error); });
  log.die();
  scheduler.run_ready();
  ASSERT_TRUE(told);
  EXPECT_FALSE((*node)->ready());
  EXPECT_EQ(node->execute(Open{"g", "a", 0}).error.code, Code::unavailable);
}

TEST_F(NodeTest, AStopEndsThoughTheAppendUnderWayFails) {
  auto node = started();
  log.set_append_delay(std::chrono::seconds(20));
  log.fail_next(MemoryLog::Fault::unknown_lost);
  std::optional<Outcome> outcome;
  node->launch((*node)->execute(TallyNode::request(Open{"g", "a", 0})), outcome);
  scheduler.run_ready();
  std::optional<Result<void>> stopped;
  node->launch((*node)->stop(), stopped);
  ASSERT_TRUE(scheduler.run_until([&] { return stopped.has_value(); }));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error.code, Code::outcome_unknown);
}

TEST_F(NodeTest, ACommandTooLargeForARecordIsBadInput) {
  auto node = started();
  auto outcome = node->execute(Add{"g", "a", 1, std::string(tidemark::log::kRecordBytesMax, 'x')});
  EXPECT_EQ(outcome.kind, Outcome::Kind::bad_input);
  EXPECT_TRUE(decisions().empty());
}

TEST_F(NodeTest, CommandsOfOneBatchSeeEachOther) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  const auto before = log.appends();
  std::vector<std::optional<Outcome>> outcomes(20);
  for (auto& outcome : outcomes) node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 100, ""})), outcome);
  ASSERT_TRUE(scheduler.run_until([&] { return outcomes.back().has_value(); }));
  EXPECT_EQ(log.appends(), before + 1) << "what arrives together shares a commit";
  int accepted = 0;
  for (const auto& outcome : outcomes) accepted += outcome->kind == Outcome::Kind::accepted ? 1 : 0;
  EXPECT_EQ(accepted, 10) << "the group's limit of 1000 holds inside a batch";
}

TEST_F(NodeTest, ADeciderThatThrowsFailsThatCommandAloneAndLeavesNoTrace) {
  auto touches = std::make_shared<tally::Touches>();
  auto domain = tally::make_domain();
  domain.decider = std::make_shared<tally::TouchyDecider>(domain.decider, touches);
  TallyNode node(scheduler, log, stores, {}, std::move(domain));
  ASSERT_TRUE(node.start().ok());
  touches->throws.insert("bad");
  const auto appends = log.appends();
  std::vector<std::optional<Outcome>> outcomes(3);
  node.launch(node->execute(TallyNode::request(Open{"g", "a", 0}, "first")), outcomes[0]);
  node.launch(node->execute(TallyNode::request(Open{"g", "bad", 1000}, "key")), outcomes[1]);
  node.launch(node->execute(TallyNode::request(Add{"g", "a", 3, ""})), outcomes[2]);
  ASSERT_TRUE(scheduler.run_until([&] { return std::all_of(outcomes.begin(), outcomes.end(), [](auto& o) { return o.has_value(); }); }));
  EXPECT_EQ(log.appends(), appends + 1) << "in one batch";
  EXPECT_EQ(outcomes[0]->kind, Outcome::Kind::accepted);
  EXPECT_EQ(outcomes[1]->kind, Outcome::Kind::failed);
  EXPECT_EQ(outcomes[1]->error.code, Code::internal);
  EXPECT_EQ(outcomes[2]->reply, "{\"balance\":3}");
  touches->throws.clear();
  scheduler.run_for(std::chrono::seconds(5));  // no timer was set
  const auto again = node.execute(Open{"g", "bad", 0}, "key");
  EXPECT_EQ(again.kind, Outcome::Kind::accepted) << again.reason;
  EXPECT_FALSE(again.replayed);
  EXPECT_EQ(records("tally.entries").size(), 3u);
}

TEST_F(NodeTest, BadInputNamesEveryFieldAndIsNotRecorded) {
  auto node = started();
  runtime::CommandRequest request;
  request.domain = "tally";
  request.name = "Add";
  request.data = R"({"group":1,"account":"a","amount":"x","surplus":true})";
  auto outcome = node->run((*node)->execute(request));
  EXPECT_EQ(outcome.kind, Outcome::Kind::bad_input);
  std::vector<std::string> pointers;
  for (const auto& error : outcome.bad_input.errors) pointers.push_back(error.pointer);
  std::sort(pointers.begin(), pointers.end());
  EXPECT_EQ(pointers, (std::vector<std::string>{"/amount", "/group", "/note", "/surplus"}));
  EXPECT_TRUE(decisions().empty());
  request.name = "NoSuchCommand";
  EXPECT_EQ(node->run((*node)->execute(request)).kind, Outcome::Kind::unknown);
  request.domain = "nowhere";
  EXPECT_EQ(node->run((*node)->execute(request)).kind, Outcome::Kind::unknown);
}

TEST_F(NodeTest, AFullQueueIsUnavailableAndNothingIsApplied) {
  runtime::NodeOptions options;
  options.lane_queue_max = 4;
  auto node = started(options);
  node->execute(Open{"g", "a", 0});
  log.set_append_delay(std::chrono::milliseconds(50));
  std::vector<std::optional<Outcome>> outcomes(10);
  for (auto& outcome : outcomes) node->launch((*node)->execute(TallyNode::request(Add{"g", "a", 1, ""})), outcome);
  ASSERT_TRUE(scheduler.run_until([&] { return std::all_of(outcomes.begin(), outcomes.end(), [](auto& o) { return o.has_value(); }); }));
  int accepted = 0, unavailable = 0;
  for (const auto& outcome : outcomes) {
    if (outcome->kind == Outcome::Kind::accepted) ++accepted;
    if (outcome->kind == Outcome::Kind::failed && outcome->error.code == Code::unavailable) ++unavailable;
  }
  EXPECT_EQ(accepted, 4);
  EXPECT_EQ(unavailable, 6);
  EXPECT_EQ(node->execute(Add{"g", "a", 0, ""}).reply, "{\"balance\":4}");
}

TEST_F(NodeTest, AnAppendThatWasNotWrittenIsUndoneAndTheLaneGoesOn) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  log.fail_next(MemoryLog::Fault::refuse_unwritten);
  auto outcome = node->execute(Add{"g", "a", 5, ""}, "key");
  ASSERT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.error.code, Code::unavailable);
  auto again = node->execute(Add{"g", "a", 5, ""}, "key");
  EXPECT_EQ(again.kind, Outcome::Kind::accepted);
  EXPECT_FALSE(again.replayed);
  EXPECT_EQ(again.reply, "{\"balance\":5}");
}

TEST_F(NodeTest, AnUnknownOutcomeIsSettledByTakingTheLaneAgainAndAnsweredFromTheTruth) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  log.fail_next(MemoryLog::Fault::unknown_written);
  const auto written = node->execute(Add{"g", "a", 5, ""}, "first");
  EXPECT_EQ(written.kind, Outcome::Kind::accepted) << describe(written.error);
  EXPECT_EQ(written.reply, "{\"balance\":5}");
  log.fail_next(MemoryLog::Fault::unknown_lost);
  const auto lost = node->execute(Add{"g", "a", 7, ""}, "second");
  ASSERT_EQ(lost.kind, Outcome::Kind::failed);
  EXPECT_EQ(lost.error.code, Code::unavailable) << "not applied, and we know";
  EXPECT_FALSE((*node)->failure());
  EXPECT_TRUE(node->execute(Add{"g", "a", 5, ""}, "first").replayed);
  EXPECT_EQ(node->execute(Add{"g", "a", 7, ""}, "second").reply, "{\"balance\":12}");
}

TEST_F(NodeTest, ADeposedOwnerIsFencedAndItsClientsAreToldNothingWasApplied) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  for (auto& [lane, epoch] : history->owner_epochs) ++epoch;  // somebody else took every lane
  auto outcome = node->execute(Add{"g", "a", 1, ""});
  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.error.code, Code::unavailable);
  EXPECT_EQ((*node)->failure()->code, Code::fenced);
  const auto call = (*node)->owner_call("tally", "g", [](const runtime::OwnerView&) { FAIL() << "a deposed owner answered"; });
  EXPECT_FALSE(call.ok());
}

TEST_F(NodeTest, OwnerCallsSeeDurableStateOfOneBoundaryOnly) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  node->execute(Open{"h", "b", 0});
  bool saw_a = false, saw_b = false;
  ASSERT_TRUE((*node)->owner_call("tally", "g", [&](const runtime::OwnerView& view) {
    saw_a = tally::kAccounts.contains(view.state, "a");
    saw_b = tally::kAccounts.contains(view.state, "b");
    view.memory.set("x", 1);
  }).ok());
  EXPECT_TRUE(saw_a);
  EXPECT_FALSE(saw_b);
  ASSERT_TRUE((*node)->owner_call("tally", "h", [&](const runtime::OwnerView& view) { EXPECT_FALSE(view.memory.get("x")); }).ok());
}

TEST_F(NodeTest, UnderALeaseOwnerCallsWaitOutThePredecessorAndStopWhenItLapses) {
  log.set_lease(std::chrono::seconds(1));
  auto node = started();
  const auto asks = [&] { return (*node)->owner_call("tally", "g", [](const runtime::OwnerView&) {}).ok(); };
  EXPECT_FALSE(asks()) << "the old owner may still believe in its lease";
  scheduler.run_for(std::chrono::milliseconds(1100));
  EXPECT_TRUE(asks()) << "renewed while idle";
  scheduler.run_for(std::chrono::seconds(5));
  EXPECT_TRUE(asks());
  log.set_append_delay(std::chrono::seconds(30));  // the log no longer answers
  scheduler.run_for(std::chrono::seconds(3));
  EXPECT_FALSE(asks());
}

TEST_F(NodeTest, SettingsAreRecordedWhenTheLaneIsTakenAndUsedFromThere) {
  auto node = started({}, "{\"group_limit\":10}");
  node->execute(Open{"g", "a", 0});
  EXPECT_EQ(node->execute(Add{"g", "a", 11, ""}).reason, "GROUP_LIMIT");
  node.reset();
  auto next = started({}, "{\"group_limit\":20}");
  EXPECT_EQ(next->execute(Add{"g", "a", 11, ""}).kind, Outcome::Kind::accepted);
}

TEST_F(NodeTest, AWaitForAnUnreachedPositionTimesOutAndAForeignEpochIsRefused) {
  auto node = started();
  auto opened = node->execute(Open{"g", "a", 0});
  auto beyond = opened.position;
  beyond.parts[0].last = Tmseq{beyond.parts[0].last.value + 100};
  auto late = node->run((*node)->wait_applied("tally.balances", beyond, scheduler.now() + std::chrono::seconds(2)));
  EXPECT_EQ(late.error().code, Code::timed_out);
  auto foreign = opened.position;
  foreign.log_epoch = derive_uuid("another", "epoch");
  EXPECT_EQ(node->run((*node)->wait_applied("tally.balances", foreign, scheduler.now())).error().code, Code::invalid_argument);
}

TEST_F(NodeTest, TimeNeverGoesBackInALaneThoughTheClockDoes) {
  auto node = started();
  node->execute(Open{"g", "a", 0});
  scheduler.jump_wall(std::chrono::hours(-5));
  node->execute(Add{"g", "a", 1, ""});
  const auto entries = records("tally.entries");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_LE(entries[0].envelope.time, entries[1].envelope.time);
}

}  // namespace
}  // namespace tidemark::testing
