// Personal fields of a command on its way to the owner of its lane.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "core/cluster/proof/command_proof.hpp"
#include "core/keys/personal_cipher.hpp"
#include "tests/support/roster/roster.hpp"
#include "tests/unit/forwarding/forward_world.hpp"

namespace tidemark::testing {
namespace {

using roster::Register;
using runtime::Outcome;

class ForwardPersonalTest : public ::testing::Test {
 protected:
  ForwardPersonalTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tm-forward-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    ring = std::move(*keys::open_key_ring(directory_, true));
    subjects = std::move(*keys::SubjectKeys::open(directory_, *ring, true));
    cipher = keys::make_personal_cipher(*subjects, scheduler, scheduler);
    proof = std::make_unique<cluster::CommandProof>(*ring);
    for (auto* member : {&a, &b}) {
      *member = std::make_unique<ForwardNode>(member == &a ? "a" : "b", scheduler, history, roster::make_domain(false), proof.get(), cipher.get());
      auto started = (*member)->node->start();
      EXPECT_TRUE(started.ok()) << describe(started.error());
    }
    a->group.propose({0, 1, 2});
    scheduler.run_for(std::chrono::seconds(3));
  }
  ~ForwardPersonalTest() override {
    a.reset();
    b.reset();
    scheduler.drop_everything();
    std::filesystem::remove_all(directory_);
  }
  static std::string bytes_of(const log::OwnedRecord& record) {
    std::string all = record.key.value_or("") + '\n' + record.value.value_or("");
    for (const auto& [name, value] : record.headers) all += '\n' + name + ':' + value.value_or("");
    return all;
  }

  std::string directory_;
  VirtualScheduler scheduler{11};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<keys::KeyRing> ring;
  std::unique_ptr<keys::SubjectKeys> subjects;
  std::unique_ptr<event::FieldCipher> cipher;
  std::unique_ptr<cluster::CommandProof> proof;
  std::unique_ptr<ForwardNode> a, b;
};

TEST_F(ForwardPersonalTest, AreNeverInTheClearAndTheAnswerIsThatOfTheOwner) {
  const Register ada{"club", "p1", {"Ada Lovelace"}, event::Personal<roster::Address>{{"St James's Square", "London"}}, {{"ada@example.org"}}};
  const Outcome there = b->node->execute(ada, "k");
  ASSERT_EQ(there.kind, Outcome::Kind::accepted) << describe(there.error);
  const auto sent = commands_of(*history, "roster");
  ASSERT_EQ(sent.size(), 1u);
  for (const std::string word : {"Lovelace", "James", "London", "example"}) EXPECT_EQ(bytes_of(sent[0]).find(word), std::string::npos) << word;
  EXPECT_NE(bytes_of(sent[0]).find("ce_tmkey"), std::string::npos);
  const Outcome here = a->node->execute(ada, "k");
  EXPECT_TRUE(here.replayed);
  EXPECT_EQ(here.reply, there.reply);
  EXPECT_NE(there.reply.find("Ada Lovelace"), std::string::npos);
}

TEST_F(ForwardPersonalTest, OfSomebodyWhoWasErasedMeanwhileAreNotDecided) {
  a->group.propose({});
  scheduler.run_for(std::chrono::seconds(3));
  std::optional<Outcome> outcome;
  const Register bob{"club", "p2", {"Robert"}, {}, {}};
  auto request = DomainNode::request_to("roster", bob, "k");
  b->node->launch((*b->node)->execute(std::move(request)), outcome);
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_TRUE(subjects->destroy("p2").ok());
  a->group.propose({0, 1, 2});
  ASSERT_TRUE(scheduler.run_until([&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome->error.code, Code::unavailable) << describe(outcome->error);
  for (const auto& decided : decisions_of(a->log, "roster", "tidemark.roster.")) ADD_FAILURE() << decided.record.verdict;
}

}  // namespace
}  // namespace tidemark::testing
