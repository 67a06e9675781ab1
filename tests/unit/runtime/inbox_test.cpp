// Commands that other writers have put into a lane's partition of the commands topic.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/bytes.hpp"
#include "core/event/cloudevents.hpp"
#include "core/runtime/dead_command.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/runtime/lane_group.hpp"
#include "core/runtime/lane_inbox.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/state_layout.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"
#include "tests/support/tally/touchy_decider.hpp"

namespace tidemark::testing {
namespace {

using log::OwnedRecord;
using runtime::DeadCommand;
using runtime::DecisionRecord;
using runtime::Outcome;
using tally::Add;
using tally::Open;

constexpr const char* kSource = "/somebody";

std::string command_id(const std::string& id) { return runtime::command_id_of_cloudevent(kSource, id); }

template <class C>
OwnedRecord binary(const std::string& id, const C& command) {
  OwnedRecord record;
  record.value = event::to_json(command);
  record.headers = {{"ce_specversion", "1.0"}, {"ce_id", id}, {"ce_source", kSource}, {"ce_type", "tidemark.tally." + std::string(C::kType) + ".v1"}};
  record.timestamp_ms = 1'700'000'000'000;
  return record;
}

struct Decided {
  std::string command_id;
  std::uint32_t lane = 0;
  DecisionRecord record;
};

class InboxTest : public ::testing::Test {
 protected:
  InboxTest() { log->open_inbox(); }

  void start(runtime::NodeOptions options = {}, runtime::Domain domain = tally::make_domain()) {
    node = std::make_unique<TallyNode>(scheduler, *log, stores, options, std::move(domain));
    auto started = node->start();
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log = std::make_unique<MemoryLog>(history, scheduler);
    log->open_inbox();
    stores.crash();
  }
  log::TopicId topic(const std::string& name) {
    for (std::size_t i = 0; i < history->topics.size(); ++i) {
      if (history->topics[i].spec.name == name) return log::TopicId{static_cast<std::uint16_t>(i)};
    }
    ADD_FAILURE() << "no topic " << name;
    return {};
  }
  void put(std::uint32_t lane, OwnedRecord record) { produce(*history, topic("tally.commands"), LaneId{lane}, std::move(record)); }
  void run() { scheduler.run_for(std::chrono::seconds(2)); }

  std::string group_in(std::uint32_t lane, int which = 0) {
    for (int i = 0;; ++i) {
      const std::string name = "g" + std::to_string(i);
      if (lane_of(name, history->lanes) == LaneId{lane} && which-- == 0) return name;
    }
  }
  std::vector<std::pair<std::uint32_t, event::Event>> records(const std::string& name) {
    std::vector<std::pair<std::uint32_t, event::Event>> out;
    for (std::uint32_t lane = 0; lane < history->lanes; ++lane) {
      runtime::LogCursor cursor(*log, topic(name), name, LaneId{lane}, Tmseq{0});
      for (;;) {
        auto head = cursor.peek();
        EXPECT_TRUE(head.ok());
        if (!head.ok() || *head == nullptr) break;
        out.emplace_back(lane, **head);
        cursor.pop();
      }
    }
    return out;
  }
  /// On commands of the domain; or of the platform, whose types begin with `prefix`.
  std::vector<Decided> decisions(const std::string& prefix = "tidemark.tally.") {
    std::vector<Decided> out;
    for (const auto& [lane, event] : records("tally.decisions")) {
      auto record = runtime::decode_decision(event.data);
      EXPECT_TRUE(record.ok());
      if (record->command.type.starts_with(prefix)) out.push_back({event.envelope.commandid, lane, std::move(*record)});
    }
    return out;
  }
  std::vector<Decided> on(const std::string& id) {
    auto all = decisions();
    std::erase_if(all, [&](const Decided& decided) { return decided.command_id != id; });
    return all;
  }
  std::vector<DeadCommand> letters() {
    std::vector<DeadCommand> out;
    for (const auto& [lane, event] : records("tally.dead-letters")) {
      EXPECT_EQ(event.envelope.type, runtime::kDeadCommandType);
      std::vector<event::FieldError> errors;
      auto letter = event::from_json<DeadCommand>(event.data, event::Decoding::strict, errors);
      EXPECT_TRUE(letter) << event.data;
      if (letter) out.push_back(std::move(*letter));
    }
    return out;
  }
  /// What a lane keeps of its inbox, and everything else, is what the log makes of it.
  void expect_rows_of_a_fold() {
    const auto live = all_rows(stores.at("state/tally-v1"));
    MemoryStores anew;
    MemoryLog reader(history, scheduler);
    reader.open_inbox();
    reader.refuse_takes(true);  // it folds, and owns nothing
    TestGroup nobody;
    DomainNode folding(scheduler, reader, anew, tally::make_domain(), {}, nullptr, &nobody);
    ASSERT_TRUE(folding.start().ok());
    EXPECT_EQ(all_rows(anew.at("state/tally-v1")), live);
  }
  class TestGroup final : public runtime::LaneGroup {
   public:
    void join(std::function<void(const std::vector<LaneId>&)> proposed) override { proposed_ = std::move(proposed); }
    void agree_anew() override {}
    void leave(Fn<void()> done) override { done(); }
    void propose(std::vector<std::uint32_t> lanes) {
      std::vector<LaneId> ids;
      for (const auto lane : lanes) ids.push_back(LaneId{lane});
      proposed_(ids);
    }

   private:
    std::function<void(const std::vector<LaneId>&)> proposed_;
  };

  VirtualScheduler scheduler{11};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  MemoryStores stores;
  std::unique_ptr<TallyNode> node;
};

TEST_F(InboxTest, EveryCommandReadGetsADecisionWhateverItSays) {
  start();
  const std::string group = group_in(1);
  put(1, binary("open", Open{group, "a", 0}));
  put(1, binary("add", Add{group, "a", 5, ""}));
  put(1, binary("none", Add{group, "a", 0, ""}));
  put(1, binary("no", Add{group, "nobody", 5, ""}));
  run();
  const auto all = decisions();
  ASSERT_EQ(all.size(), 4u);
  const std::vector<std::string> verdicts{all[0].record.verdict, all[1].record.verdict, all[2].record.verdict, all[3].record.verdict};
  EXPECT_EQ(verdicts, (std::vector<std::string>{"accepted", "accepted", "nothing", "refused"}));
  EXPECT_EQ(all[0].command_id, command_id("open"));
  EXPECT_EQ(all[1].record.reply->raw, "{\"balance\":5}");
  EXPECT_EQ(all[2].record.reply->raw, "{\"balance\":5}");
  EXPECT_EQ(all[3].record.reason, "NO_SUCH_ACCOUNT");
  for (const Decided& decided : all) {
    EXPECT_EQ(decided.lane, 1u);
    EXPECT_TRUE(decided.record.input && decided.record.fingerprint);
  }
  node->settle();
  EXPECT_EQ(node->balance(group, "a")->balance, 5);
  EXPECT_TRUE(letters().empty());
  expect_rows_of_a_fold();
}

TEST_F(InboxTest, AStructuredCloudEventIsACommandToo) {
  start();
  OwnedRecord record;
  record.headers = {{"content-type", "application/cloudevents+json; charset=utf-8"}};
  event::Envelope envelope;
  envelope.id = "1";
  envelope.source = kSource;
  envelope.type = "tidemark.tally.Open.v1";
  std::string json;
  event::encode_cloudevent(envelope, event::to_json(Open{group_in(0), "a", 0}), json);
  record.value = json;
  put(0, record);
  run();
  ASSERT_EQ(on(command_id("1")).size(), 1u);
  EXPECT_EQ(on(command_id("1"))[0].record.verdict, "accepted");
}

TEST_F(InboxTest, TheSameEventByHttpAndByKafkaIsOneDecision) {
  start();
  const std::string group = group_in(0);
  put(0, binary("open", Open{group, "a", 0}));
  run();
  auto request = TallyNode::request(Open{group, "a", 0});
  request.command_id = command_id("open");
  request.keyed = true;
  auto outcome = node->run((*node)->execute(request));
  EXPECT_EQ(outcome.kind, Outcome::Kind::accepted);
  EXPECT_TRUE(outcome.replayed);

  put(0, binary("none", Add{group, "a", 0, ""}));
  run();
  auto none = TallyNode::request(Add{group, "a", 0, ""});
  none.command_id = command_id("none");
  none.keyed = true;
  outcome = node->run((*node)->execute(none));
  EXPECT_EQ(outcome.kind, Outcome::Kind::nothing);
  EXPECT_TRUE(outcome.replayed);

  auto first = TallyNode::request(Add{group, "a", 3, ""});
  first.command_id = command_id("add");
  first.keyed = true;
  EXPECT_EQ(node->run((*node)->execute(first)).kind, Outcome::Kind::accepted);
  put(0, binary("add", Add{group, "a", 3, ""}));
  put(0, binary("add", Add{group, "a", 3, ""}));
  run();
  EXPECT_EQ(on(command_id("add")).size(), 1u);
  EXPECT_EQ(decisions().size(), 3u);
  EXPECT_TRUE(letters().empty());
  expect_rows_of_a_fold();
}

TEST_F(InboxTest, ACommandOfAnotherLaneMovesThereUnchanged) {
  start();
  const std::string group = group_in(2);
  OwnedRecord record = binary("open", Open{group, "a", 0});
  record.key = "a key of theirs";
  record.headers.emplace_back("x-trace", std::nullopt);
  record.headers.emplace_back("x-trace", "again");
  put(0, record);
  put(0, binary("of lane 1", Open{group_in(1), "b", 0}));
  run();
  const auto& moved = history->topics[topic("tally.commands").value].commands[2];
  ASSERT_EQ(moved.size(), 1u);
  EXPECT_EQ(moved[0].record.key, record.key);
  EXPECT_EQ(moved[0].record.value, record.value);
  EXPECT_EQ(moved[0].record.headers, record.headers);
  ASSERT_EQ(on(command_id("open")).size(), 1u);
  EXPECT_EQ(on(command_id("open"))[0].lane, 2u);
  EXPECT_EQ(on(command_id("of lane 1"))[0].lane, 1u);
  const auto read = decisions("tidemark.platform.ReadCommands");
  ASSERT_EQ(read.size(), 1u) << "what left no decision is recorded as read, once for both";
  EXPECT_EQ(read[0].lane, 0u);
  EXPECT_EQ(read[0].record.command.data.raw, "{\"moved\":2,\"repeated\":0}");
  expect_rows_of_a_fold();
}

TEST_F(InboxTest, WhatCannotBeDecidedIsPutAsideWithItsReasonAndItsBytes) {
  auto touches = std::make_shared<tally::Touches>();
  touches->throws = {"bomb"};
  auto domain = tally::make_domain();
  domain.decider = std::make_shared<tally::TouchyDecider>(domain.decider, touches);
  start({}, domain);
  const std::string group = group_in(0);
  std::vector<std::pair<std::string, OwnedRecord>> bad;
  const auto with = [](OwnedRecord record, const std::string& header, std::optional<std::string> value) {
    for (auto& [name, text] : record.headers) {
      if (name == header) text = value;
    }
    return record;
  };
  const OwnedRecord good = binary("x", Open{group, "a", 0});
  bad.emplace_back("BAD_CLOUDEVENT", OwnedRecord{});
  bad.emplace_back("BAD_CLOUDEVENT", OwnedRecord{"key", "\xff\xfe not text", {{"\xff", std::nullopt}}, -5});
  bad.emplace_back("BAD_CLOUDEVENT", with(good, "ce_source", "\xff"));
  bad.emplace_back("BAD_CLOUDEVENT", with(good, "ce_specversion", "0.3"));
  bad.emplace_back("BAD_CLOUDEVENT", with(good, "ce_type", "com.example.Open"));
  OwnedRecord late = good;
  late.headers.emplace_back("tidemark-not-after", "soon");
  bad.emplace_back("BAD_CLOUDEVENT", late);
  bad.emplace_back("OTHER_DOMAIN", with(good, "ce_type", "tidemark.people.Open.v1"));
  bad.emplace_back("UNKNOWN_COMMAND", with(good, "ce_type", "tidemark.tally.Shut.v1"));
  bad.emplace_back("UNKNOWN_COMMAND", with(good, "ce_type", "tidemark.tally.Open.v9"));
  OwnedRecord misfit = good;
  misfit.value = "{\"group\":7,\"accounts\":\"a\"}";
  bad.emplace_back("BAD_DATA", misfit);
  misfit.value = "{";
  bad.emplace_back("BAD_DATA", misfit);
  misfit.value = std::nullopt;
  bad.emplace_back("BAD_DATA", misfit);
  misfit.value = std::string(log::kRecordBytesMax, 'x');
  bad.emplace_back("TOO_LARGE", misfit);
  bad.emplace_back("BAD_DATA", with(binary("y", Add{group, "a", 1, ""}), "ce_type", "tidemark.tally.Open.v1"));
  bad.emplace_back("DECIDER_FAILED", binary("bomb", Open{group, "bomb", 0}));
  for (const auto& [code, record] : bad) put(0, record);
  put(0, good);
  run();
  EXPECT_EQ(on(command_id("x")).size(), 1u) << "the lane goes on";
  const auto put_aside = letters();
  ASSERT_EQ(put_aside.size(), bad.size());
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const OwnedRecord& record = bad[i].second;
    const DeadCommand& letter = put_aside[i];
    EXPECT_EQ(letter.code, bad[i].first) << i << ' ' << letter.reason;
    EXPECT_FALSE(letter.reason.empty()) << i;
    EXPECT_EQ(letter.timestamp_ms, record.timestamp_ms);
    if (letter.code == "TOO_LARGE") {
      EXPECT_EQ(letter.value_size, record.value->size());
      EXPECT_TRUE(letter.value_sha256);
      EXPECT_TRUE(record.value->starts_with(*letter.value));
      continue;
    }
    EXPECT_EQ(letter.key, record.key);
    const auto value = letter.value_base64 ? from_base64(*letter.value_base64) : letter.value;
    EXPECT_EQ(value, record.value) << i;
    ASSERT_EQ(letter.headers.size(), record.headers.size());
    for (std::size_t h = 0; h < record.headers.size(); ++h) {
      const auto& header = letter.headers[h];
      EXPECT_EQ(header.name_base64 ? *from_base64(*header.name_base64) : *header.name, record.headers[h].first);
      EXPECT_EQ(header.value_base64 ? from_base64(*header.value_base64) : header.value, record.headers[h].second);
    }
  }
  EXPECT_EQ(put_aside[9].errors.size(), 4u) << "every bad field is named";
  EXPECT_EQ(put_aside[9].command_id, command_id("x"));
  expect_rows_of_a_fold();
}

TEST_F(InboxTest, AnIdThatIsUsedAgainForAnotherCommandIsPutAside) {
  start();
  const std::string group = group_in(0);
  put(0, binary("1", Open{group, "a", 0}));
  put(0, binary("1", Open{group, "b", 0}));
  run();
  put(1, binary("1", Open{group_in(1), "a", 0}));
  run();
  EXPECT_EQ(on(command_id("1")).size(), 1u);
  const auto put_aside = letters();
  ASSERT_EQ(put_aside.size(), 2u);
  EXPECT_EQ(put_aside[0].code, "ID_REUSED");
  EXPECT_EQ(put_aside[1].code, "ID_REUSED") << "in another lane too";
  EXPECT_EQ(put_aside[0].command_id, command_id("1"));
}

TEST_F(InboxTest, ACommandPastItsTimeIsRefusedAndMayComeAgain) {
  start();
  const std::string group = group_in(0);
  OwnedRecord late = binary("1", Open{group, "a", 0});
  late.headers.emplace_back("tidemark-not-after", std::to_string(to_ms(scheduler.wall()) - 1));
  put(0, late);
  run();
  ASSERT_EQ(on(command_id("1")).size(), 1u);
  EXPECT_EQ(on(command_id("1"))[0].record.verdict, "refused");
  EXPECT_EQ(on(command_id("1"))[0].record.reason, "EXPIRED");
  OwnedRecord soon = binary("1", Open{group, "a", 0});
  soon.headers.emplace_back("tidemark-not-after", std::to_string(to_ms(scheduler.wall()) + 60'000));
  put(0, soon);
  run();
  ASSERT_EQ(on(command_id("1")).size(), 2u);
  EXPECT_EQ(on(command_id("1"))[1].record.verdict, "accepted");
  put(0, late);
  run();
  EXPECT_EQ(on(command_id("1")).size(), 2u) << "a repeat of what was decided";
  expect_rows_of_a_fold();
}

TEST_F(InboxTest, ANodeThatDiesIsFollowedByOneThatLosesNothingAndDecidesNothingTwice) {
  start();
  const std::string group = group_in(0);
  put(0, binary("open", Open{group, "a", 0}));
  put(1, binary("moves", Add{group, "a", 1, ""}));
  put(0, OwnedRecord{});
  run();
  for (int i = 0; i < 200; ++i) put(i % 3u, binary("add" + std::to_string(i), Add{group, "a", 1, ""}));
  log->set_append_delay(std::chrono::milliseconds(5));
  scheduler.run_for(std::chrono::milliseconds(7));  // in the middle of an append
  crash();
  start();
  run();
  for (int i = 0; i < 200; ++i) EXPECT_EQ(on(command_id("add" + std::to_string(i))).size(), 1u) << i;
  EXPECT_EQ(on(command_id("moves")).size(), 1u);
  EXPECT_EQ(letters().size(), 1u);
  node->settle();
  EXPECT_EQ(node->balance(group, "a")->balance, 201);
  stores.remove_all();
  crash();
  start();
  run();
  EXPECT_EQ(decisions().size(), 202u);
  expect_rows_of_a_fold();
}

TEST_F(InboxTest, AnAppendThatFailsOrOfWhichNobodyKnowsChangesNothing) {
  for (const auto fault : {MemoryLog::Fault::refuse_unwritten, MemoryLog::Fault::unknown_lost, MemoryLog::Fault::unknown_written}) {
    SCOPED_TRACE(static_cast<int>(fault));
    history = std::make_shared<LogHistory>();
    node.reset();
    scheduler.drop_everything();
    stores.remove_all();
    crash();
    start();
    const std::string group = group_in(0);
    put(0, binary("open", Open{group, "a", 0}));
    run();
    log->fail_next(fault);
    for (int i = 0; i < 5; ++i) put(0, binary("add" + std::to_string(i), Add{group, "a", 1, ""}));
    put(0, binary("elsewhere", Open{group_in(1), "b", 0}));
    put(0, OwnedRecord{});
    scheduler.run_for(std::chrono::seconds(30));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(on(command_id("add" + std::to_string(i))).size(), 1u) << i;
    EXPECT_EQ(history->topics[topic("tally.commands").value].commands[1].size(), 1u) << "moved once";
    EXPECT_EQ(on(command_id("elsewhere")).size(), 1u);
    EXPECT_EQ(letters().size(), 1u);
    expect_rows_of_a_fold();
  }
}

TEST_F(InboxTest, HowCommandsFallIntoBatchesChangesNothing) {
  std::optional<std::vector<std::string>> first;
  for (const std::size_t batch : {1u, 3u, 1000u}) {
    history = std::make_shared<LogHistory>();
    node.reset();
    scheduler.drop_everything();
    stores.remove_all();
    crash();
    runtime::NodeOptions options;
    options.batch_commands_max = batch;
    start(options);
    const std::string group = group_in(0);
    put(0, binary("open", Open{group, "a", 0}));
    for (int i = 0; i < 50; ++i) {
      if (i % 7 == 0) put(0, OwnedRecord{});
      if (i % 5 == 0) put(0, binary("other" + std::to_string(i), Open{group_in(1), "b" + std::to_string(i), 0}));
      put(0, binary("add" + std::to_string(i % 40), Add{group, "a", i % 40, ""}));
    }
    run();
    std::vector<std::string> said;
    for (const Decided& decided : decisions()) said.push_back(decided.command_id + ' ' + decided.record.verdict + ' ' + decided.record.reply->raw);
    for (const DeadCommand& letter : letters()) said.push_back(letter.code);
    EXPECT_EQ(said.size(), 1u + 40u + 10u + 8u);
    if (!first) first = said;
    EXPECT_EQ(said, *first);
    expect_rows_of_a_fold();
  }
}

TEST_F(InboxTest, WhatRetentionDeletedUnreadIsSaid) {
  start();
  const std::string group = group_in(0);
  put(0, binary("open", Open{group, "a", 0}));
  run();
  ASSERT_TRUE(node->stop().ok());
  crash();
  auto& commands = history->topics[topic("tally.commands").value];
  put(0, binary("gone", Add{group, "a", 1, ""}));
  put(0, binary("there", Add{group, "a", 2, ""}));
  commands.commands[0].erase(commands.commands[0].begin(), commands.commands[0].begin() + 2);
  commands.commands_begin[0] = commands.commands[0].front().position;
  start();
  run();
  EXPECT_EQ(on(command_id("there")).size(), 1u);
  ASSERT_EQ(letters().size(), 1u);
  EXPECT_EQ(letters()[0].code, "CUT");
  EXPECT_FALSE(letters()[0].value);
  crash();
  start();
  run();
  EXPECT_EQ(letters().size(), 1u) << "said once";
}

TEST_F(InboxTest, APositionOfAnotherLogIsNone) {
  start();
  const std::string group = group_in(0);
  put(0, binary("open", Open{group, "a", 0}));
  put(0, binary("add", Add{group, "a", 1, ""}));
  run();
  node.reset();
  scheduler.drop_everything();
  history = std::make_shared<LogHistory>(*history);  // a copy of the history, in which nobody has written commands
  history->logs = std::make_shared<std::vector<MemoryLog*>>();
  history->epoch = derive_uuid("memory log", "copy");
  history->topics[topic("tally.commands").value].commands.clear();
  crash();
  start();
  put(0, binary("new", Add{group, "a", 1, ""}));
  run();
  EXPECT_EQ(on(command_id("new")).size(), 1u);
}

TEST_F(InboxTest, ALaneThatMovesTakesItsInboxAlong) {
  TestGroup group_a, group_b;
  MemoryLog log_b(history, scheduler);
  log_b.open_inbox();
  MemoryStores stores_b;
  DomainNode a(scheduler, *log, stores, tally::make_domain(), {}, nullptr, &group_a);
  DomainNode b(scheduler, log_b, stores_b, tally::make_domain(), {}, nullptr, &group_b);
  ASSERT_TRUE(a.start().ok());
  ASSERT_TRUE(b.start().ok());
  group_a.propose({0, 1, 2});
  group_b.propose({});
  const std::string group = group_in(0);
  put(0, binary("open", Open{group, "a", 0}));
  run();
  log->set_append_delay(std::chrono::milliseconds(3));
  for (int i = 0; i < 300; ++i) {
    put(i % 3u, binary("add" + std::to_string(i), Add{group, "a", 1, ""}));
    if (i % 60 == 59) {
      const bool to_b = i % 120 == 59;
      group_a.propose(to_b ? std::vector<std::uint32_t>{1} : std::vector<std::uint32_t>{0, 1, 2});
      group_b.propose(to_b ? std::vector<std::uint32_t>{0, 2} : std::vector<std::uint32_t>{});
      scheduler.run_for(std::chrono::milliseconds(4));
    }
  }
  scheduler.run_for(std::chrono::seconds(30));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(on(command_id("add" + std::to_string(i))).size(), 1u) << i;
  EXPECT_EQ(decisions().size(), 301u);
}

TEST_F(InboxTest, AFullInboxIsReadInPartsAndDoesNotStarveTheQueue) {
  start();
  const std::string group = group_in(0);
  node->execute(Open{group, "a", 0});
  const std::string text(64 << 10, 'n');
  for (int i = 0; i < 400; ++i) put(0, binary("n" + std::to_string(i), Add{group, "a", 0, text}));  // 25 MiB
  log->set_append_delay(std::chrono::milliseconds(10));
  std::optional<Outcome> answered;
  node->launch((*node)->execute(TallyNode::request(Add{group, "a", 1, ""})), answered);
  scheduler.run_until([&] { return answered.has_value(); });
  EXPECT_LT(decisions().size(), 300u) << "it was answered in between";
  run();
  EXPECT_EQ(decisions().size(), 402u);
}

}  // namespace
}  // namespace tidemark::testing
