// Repeats of commands whose first answer the log is slow to tell.
#include <gtest/gtest.h>

#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using tally::Add;
using tally::Open;

class RepeatsTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;
  test::ManualExecutor reads;  ///< where the state of the domain is folded and its log is read, once `slow` is set
  bool slow = false;

  /// Runs at once until it is slow.
  class Executors final : public Executor {
   public:
    explicit Executors(RepeatsTest& test) : test_(test) {}
    void post(Fn<void()> work) override { (test_.slow ? static_cast<Executor&>(test_.reads) : test_.scheduler).post(std::move(work)); }

   private:
    RepeatsTest& test_;
  } executor{*this};

  std::unique_ptr<DomainNode> started(runtime::NodeOptions options = {}) {
    auto executors = [this](std::string_view name) -> Executor& { return name == "state/tally" ? static_cast<Executor&>(executor) : scheduler; };
    auto node = std::make_unique<DomainNode>(scheduler, log, stores, tally::make_domain(), std::move(options), nullptr, nullptr, std::move(executors));
    EXPECT_TRUE(node->start().ok());
    node->execute(Open{"g", "a", 0});
    return node;
  }
  void ask(DomainNode& node, std::int64_t amount, const std::string& key, std::optional<Outcome>& outcome) {
    node.launch((*node).execute(DomainNode::request_to("tally", Add{"g", "a", amount, ""}, key)), outcome);
  }
};

TEST_F(RepeatsTest, AFirstAnswerThatIsLongInComingHoldsNobodyUp) {
  auto node = started();
  const auto first = node->execute(Add{"g", "a", 5, ""}, "key");
  slow = true;
  std::optional<Outcome> repeat, other, fresh;
  ask(*node, 5, "key", repeat);
  ask(*node, 6, "key", other);
  ask(*node, 1, "new", fresh);
  ASSERT_TRUE(scheduler.run_until([&] { return fresh && other; }));
  EXPECT_EQ(fresh->kind, Outcome::Kind::accepted);
  EXPECT_EQ(fresh->reply, "{\"balance\":6}");
  EXPECT_EQ(other->kind, Outcome::Kind::key_reused) << "the fingerprint is known here";
  EXPECT_FALSE(repeat);
  while (reads.run_one()) {
  }
  ASSERT_TRUE(scheduler.run_until([&] { return repeat.has_value(); }));
  EXPECT_EQ(repeat->kind, Outcome::Kind::accepted);
  EXPECT_TRUE(repeat->replayed);
  EXPECT_EQ(repeat->reply, first.reply);
  EXPECT_EQ(repeat->position, first.position);
}

TEST_F(RepeatsTest, AStopWaitsForFirstAnswersThatAreBeingRead) {
  auto node = started();
  node->execute(Add{"g", "a", 5, ""}, "key");
  slow = true;
  std::optional<Outcome> repeat;
  ask(*node, 5, "key", repeat);
  scheduler.run_ready();
  std::optional<Result<void>> stopped;
  node->launch((*node)->stop(), stopped);
  scheduler.run_ready();
  EXPECT_FALSE(stopped);
  slow = false;
  while (reads.run_one()) {
  }
  ASSERT_TRUE(scheduler.run_until([&] { return stopped.has_value(); }));
  ASSERT_TRUE(repeat);
  EXPECT_TRUE(repeat->replayed);
}

TEST_F(RepeatsTest, NoMoreFirstAnswersAreReadAtOnceThanALaneQueues) {
  runtime::NodeOptions options;
  options.lane_queue_max = 3;
  auto node = started(options);
  node->execute(Add{"g", "a", 5, ""}, "key");
  slow = true;
  std::vector<std::optional<Outcome>> repeats(5);
  for (auto& repeat : repeats) {
    ask(*node, 5, "key", repeat);
    scheduler.run_ready();
  }
  while (reads.run_one()) {
  }
  ASSERT_TRUE(scheduler.run_until([&] { return std::all_of(repeats.begin(), repeats.end(), [](auto& one) { return one.has_value(); }); }));
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    EXPECT_EQ(repeats[i]->kind, i < 3 ? Outcome::Kind::accepted : Outcome::Kind::failed) << i;
    if (i >= 3) {
      EXPECT_EQ(repeats[i]->error.code, Code::unavailable);
    }
  }
}

}  // namespace
}  // namespace tidemark::testing
