// Personal fields through a whole node: sealed in every record, plain for deciders, projections and clients.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "core/base/bytes.hpp"
#include "core/keys/personal_cipher.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/personal_fields.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"
#include "tests/support/roster/roster_node.hpp"

namespace tidemark::testing {
namespace {

using roster::Register;
using runtime::Outcome;

constexpr const char* kName = "Ada Lovelace \"countess\"";

Register ada() {
  Register command{"club", "p1", {kName}, event::Personal<roster::Address>{{"St James's Square", "London"}}, {{"ada@example.org"}, {"lady@example.org"}}};
  return command;
}
Register bob() { return {"club", "p2", {"Robert"}, {}, {}}; }

class PersonalTest : public ::testing::Test {
 protected:
  PersonalTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tm-personal-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    ring = std::move(*keys::open_key_ring(directory_, true));
    subjects = std::move(*keys::SubjectKeys::open(directory_, *ring, true));
    cipher = keys::make_personal_cipher(*subjects, scheduler, scheduler);
  }
  ~PersonalTest() override {
    node.reset();
    scheduler.drop_everything();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    node = std::make_unique<RosterNode>(scheduler, *log, stores, cipher.get());
    auto started = node->start();
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  /// As after a crash that loses every row, or with stores that somebody removed.
  void restart(bool without_stores = false) {
    node.reset();
    scheduler.drop_everything();
    log = std::make_unique<MemoryLog>(history, scheduler);
    if (without_stores) stores.remove_all();
    else stores.crash();
    start();
  }
  /// Every record of every topic, as recorded.
  std::vector<event::Event> records() {
    std::vector<event::Event> all;
    const auto topics = log->topics();
    for (std::size_t t = 0; t < topics.size(); ++t) {
      for (std::uint32_t lane = 0; lane < log->lanes(); ++lane) {
        runtime::LogCursor cursor(*log, log::TopicId{static_cast<std::uint16_t>(t)}, topics[t].name, LaneId{lane}, Tmseq{0});
        for (auto head = cursor.peek(); head.ok() && *head != nullptr; head = cursor.peek()) {
          all.push_back(**head);
          cursor.pop();
        }
      }
    }
    return all;
  }
  std::string directory_;
  VirtualScheduler scheduler{11};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  MemoryStores stores;
  std::unique_ptr<keys::KeyRing> ring;
  std::unique_ptr<keys::SubjectKeys> subjects;
  std::unique_ptr<event::FieldCipher> cipher;
  std::unique_ptr<RosterNode> node;
};

TEST_F(PersonalTest, NoRecordHoldsAPersonalValueAndEachNamesItsKey) {
  start();
  const Outcome outcome = node->execute(ada(), "k");
  ASSERT_EQ(outcome.kind, Outcome::Kind::accepted);
  EXPECT_EQ(outcome.reply, "{\"person\":\"p1\",\"text\":{\"plain\":\"welcome Ada Lovelace \\\"countess\\\"\"}}");
  EXPECT_NE(node->known("p1").find("\"plain\":\"ada@example.org\""), std::string::npos) << node->known("p1");
  scheduler.run_for(std::chrono::minutes(2));  // the timer's command is a record too
  std::size_t sealed = 0;
  for (const auto& record : records()) {
    for (const char* secret : {"Lovelace", "London", "example.org"}) EXPECT_EQ(record.data.find(secret), std::string::npos) << record.data;
    if (record.data.find("\"cipher\"") == std::string::npos) continue;
    ++sealed;
    EXPECT_NE(record.data.find("\"tmkey\":\"" + record.envelope.tmkey + "\""), std::string::npos) << record.data;
  }
  EXPECT_EQ(sealed, 4u) << "two events and two decisions";
}

TEST_F(PersonalTest, AnIntentIsSealedWholeAndForgottenWithItsSubject) {
  const auto start_reacting = [&] {
    node = std::make_unique<RosterNode>(scheduler, *log, stores, cipher.get(), true);
    auto started = node->start();
    ASSERT_TRUE(started.ok()) << describe(started.error());
  };
  start_reacting();
  ASSERT_EQ(node->execute(ada(), "k").kind, Outcome::Kind::accepted);
  std::size_t intended = 0;
  for (const auto& record : records()) {
    EXPECT_EQ(record.data.find("Lovelace"), std::string::npos) << record.data;
    if (record.envelope.type == "tidemark.platform.ReactionIntended.v1") ++intended;
  }
  EXPECT_EQ(intended, 1u);
  // Before it acted, the process dies and the person is erased.
  node.reset();
  scheduler.drop_everything();
  ASSERT_TRUE(subjects->destroy("p1")->has_value());
  log = std::make_unique<MemoryLog>(history, scheduler);
  stores.remove_all();
  start_reacting();
  scheduler.run_for(std::chrono::seconds(30));
  for (const auto& record : records()) EXPECT_NE(record.envelope.type, "tidemark.platform.DeadLetter.v1") << record.data;
  EXPECT_FALSE((*node)->failure().has_value());
}

TEST_F(PersonalTest, ARepeatGetsItsFirstAnswerAndAnotherBodyDoesNot) {
  start();
  const Outcome first = node->execute(ada(), "k");
  for (const bool fresh : {false, true}) {
    if (fresh) restart();
    const Outcome again = node->execute(ada(), "k");
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.reply, first.reply);
    Register other = ada();
    other.name.value = "Ada";
    EXPECT_EQ(node->execute(other, "k").kind, Outcome::Kind::key_reused);
  }
}

TEST_F(PersonalTest, TheFingerprintInTheRecordTellsNothingWithoutTheKey) {
  start();
  node->execute(bob(), "k");
  const std::string unkeyed = to_hex(sha256("tidemark.roster.Register.v1\n" + event::to_json(bob())));
  for (const auto& record : records()) EXPECT_EQ(record.data.find(unkeyed), std::string::npos);
}

TEST_F(PersonalTest, ARebuildFromTheLogGivesTheSameRows) {
  start();
  node->execute(ada(), "k");
  const std::string live = node->known("p1");
  restart(true);
  EXPECT_EQ(node->known("p1"), live);
  EXPECT_EQ(node->execute(ada(), "other").reason, "ALREADY_REGISTERED") << "the state was folded too";
}

TEST_F(PersonalTest, WhatWasRecordedUnderADestroyedKeyIsGoneAndTheHistoryStillFolds) {
  start();
  node->execute(ada(), "k");
  node->execute(bob(), "k2");
  const std::string of_bob = node->known("p2");
  ASSERT_TRUE(subjects->destroy("p1")->has_value());
  restart(true);
  EXPECT_EQ(node->known("p1"),
            "{\"club\":\"club\",\"person\":\"p1\",\"name\":{\"plain\":\"\"},\"address\":{\"plain\":{\"street\":\"\",\"city\":\"\"}},"
            "\"mails\":[{\"plain\":\"\"},{\"plain\":\"\"}],\"notes\":{\"said/of~them\":{\"plain\":\"\"}}}");
  EXPECT_EQ(node->known("p2"), of_bob);
  EXPECT_EQ(node->execute(bob(), "k2").reply, "{\"person\":\"p2\",\"text\":{\"plain\":\"welcome Robert\"}}");
  EXPECT_EQ(node->execute(ada(), "k").kind, Outcome::Kind::key_reused) << "nobody can tell any more that it is the same body";
  EXPECT_EQ(node->execute(ada(), "k3").reason, "ALREADY_REGISTERED") << "the fact stays";
}

TEST_F(PersonalTest, WhatCannotBeReadIsSealedWholeUnderAKeyOfItsDay) {
  log->open_inbox();
  start();
  for (std::size_t i = 0; i < history->topics.size(); ++i) {
    if (history->topics[i].spec.name != "roster.commands") continue;
    log::OwnedRecord record;
    record.value = "Ada Lovelace, London";
    produce(*history, log::TopicId{static_cast<std::uint16_t>(i)}, LaneId{0}, record);
  }
  scheduler.run_for(std::chrono::seconds(2));
  const auto domain = roster::make_domain();
  const runtime::PersonalFields fields(domain.decider, cipher.get());
  std::size_t letters = 0;
  const auto opened = [&] {
    std::string data;
    for (auto& record : records()) {
      EXPECT_EQ(record.data.find("Lovelace"), std::string::npos) << record.data;
      if (record.envelope.type != "tidemark.platform.DeadCommand.v1") continue;
      ++letters;
      EXPECT_TRUE(fields.open(record).ok());
      data = record.data;
    }
    return data;
  };
  EXPECT_NE(opened().find("\"value\":\"Ada Lovelace, London\""), std::string::npos);
  ASSERT_TRUE(subjects->destroy("dead-letters/" + to_rfc3339(scheduler.wall()).substr(0, 10))->has_value());
  EXPECT_EQ(opened(), "{\"erased\":true}");
  EXPECT_EQ(letters, 2u);
}

TEST_F(PersonalTest, ADecisionCanBeOpenedForReplay) {
  start();
  node->execute(ada(), "k");
  const auto domain = roster::make_domain();
  const runtime::PersonalFields fields(domain.decider, cipher.get());
  std::size_t decided = 0;
  const auto replay = [&](const std::string& command, const std::string& reply) {
    for (const auto& record : records()) {
      if (record.envelope.type != "tidemark.roster.CommandDecided.v1" || record.envelope.tmkey.empty()) continue;
      auto decision = runtime::decode_decision(record.data);
      ASSERT_TRUE(decision.ok());
      const auto opened = fields.open_decision(record.envelope, *decision);
      ASSERT_TRUE(opened.ok()) << describe(opened.error());
      EXPECT_EQ(decision->command.data.raw, command);
      EXPECT_EQ(decision->reply->raw, reply);
      ++decided;
    }
  };
  replay(event::to_json(ada()), "{\"person\":\"p1\",\"text\":{\"plain\":\"welcome Ada Lovelace \\\"countess\\\"\"}}");
  ASSERT_TRUE(subjects->destroy("p1")->has_value());
  replay("{\"club\":\"club\",\"person\":\"p1\",\"name\":{\"erased\":true},\"address\":{\"erased\":true},"
         "\"mails\":[{\"erased\":true},{\"erased\":true}]}",
         "{\"erased\":true}");
  EXPECT_EQ(decided, 2u);
}

TEST_F(PersonalTest, AMissingKeyIsNotTakenForADestroyedOne) {
  start();
  node->execute(ada(), "k");
  node.reset();
  subjects.reset();
  std::filesystem::remove(directory_ + "/subject-keys");
  subjects = std::move(*keys::SubjectKeys::open(directory_, *ring, true));
  cipher = keys::make_personal_cipher(*subjects, scheduler, scheduler);
  scheduler.drop_everything();
  log = std::make_unique<MemoryLog>(history, scheduler);
  stores.remove_all();
  RosterNode bare(scheduler, *log, stores, cipher.get());
  const auto started = bare.start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::not_found) << describe(started.error());
  EXPECT_NE(started.error().message.find("subject-keys"), std::string::npos) << started.error().message;
}

TEST_F(PersonalTest, ANodeWithoutKeysDoesNotStart) {
  RosterNode bare(scheduler, *log, stores, nullptr);
  const auto started = bare.start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, Code::invalid_argument);
  EXPECT_EQ(log->topics().size(), 0u) << "nothing was written";
}

/// A cipher whose new keys cannot be made durable.
class UnsettledCipher final : public event::FieldCipher {
 public:
  UnsettledCipher(event::FieldCipher& real, Scheduler& home) : real_(real), home_(home) {}
  Result<std::unique_ptr<event::SubjectSealer>> sealer_of(std::string_view subject) override { return real_.sealer_of(subject); }
  Result<std::optional<std::string>> open(std::string_view key, const event::FieldPlace& place, std::string_view text) const override {
    return real_.open(key, place, text);
  }
  bool unsettled() const override { return real_.unsettled(); }
  void settle(Fn<void(Result<void>)> done) override {
    home_.post([done = std::move(done)]() mutable { done(make_error(Code::internal, "the disk of the keys is gone")); });
  }

 private:
  event::FieldCipher& real_;
  Scheduler& home_;
};

TEST_F(PersonalTest, ARecordWhoseKeyCouldBeLostIsNotWritten) {
  UnsettledCipher unsettled(*cipher, scheduler);
  node = std::make_unique<RosterNode>(scheduler, *log, stores, &unsettled);
  ASSERT_TRUE(node->start().ok());
  const std::size_t before = records().size();
  const Outcome outcome = node->execute(ada(), "k");
  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.error.code, Code::unavailable) << describe(outcome.error);
  EXPECT_EQ(records().size(), before);
  EXPECT_TRUE((*node)->failure().has_value());
}

}  // namespace
}  // namespace tidemark::testing
