// A projection built anew beside its live rows; events that it cannot apply, tried again or left out.

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/runtime/projection_skip.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using runtime::ProjectionStatus;
using tally::Add;
using tally::Open;

using Rows = std::map<std::string, std::string>;

/// "tally.balances", which fails at events whose data holds one of the words, while it does; at "!word" by an exception once it
/// has written, at "2word" the second time.
class Touchy final : public runtime::Projection {
 public:
  Touchy(std::shared_ptr<const runtime::Projection> inner, std::shared_ptr<const std::set<std::string>> words, int version)
      : inner_(std::move(inner)), words_(std::move(words)), spec_(inner_->spec()) {
    spec_.version = version;
  }
  const runtime::ProjectionSpec& spec() const override { return spec_; }
  Result<void> apply(const event::Event& event, RowWriter& rows) const override {
    for (const auto& word : *words_) {
      if (word.front() == '2') {
        const bool here = event.data.find('"' + word.substr(1) + '"') != std::string::npos;
        if (here && ++seen_ == 2) return make_error(Code::corrupt, "cannot bear " + word.substr(1) + " again");
        continue;
      }
      if (word.front() == '!' && event.data.find('"' + word.substr(1) + '"') != std::string::npos) {
        (void)inner_->apply(event, rows).ok();
        throw std::runtime_error("thrown at " + word.substr(1));
      }
      if (event.data.find('"' + word + '"') != std::string::npos) return make_error(Code::corrupt, "cannot bear " + word);
    }
    return inner_->apply(event, rows);
  }

 private:
  std::shared_ptr<const runtime::Projection> inner_;
  std::shared_ptr<const std::set<std::string>> words_;
  runtime::ProjectionSpec spec_;
  mutable int seen_ = 0;
};

class RebuildTest : public ::testing::Test {
 protected:
  static constexpr const char* kName = "tally.balances";
  VirtualScheduler scheduler{3};
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>(history, scheduler);
  MemoryStores stores;
  std::shared_ptr<std::set<std::string>> poison = std::make_shared<std::set<std::string>>();
  int version = 1;
  std::unique_ptr<TallyNode> node;

  void start(runtime::NodeOptions options = {}) {
    auto domain = tally::make_domain();
    domain.projections = {std::make_shared<Touchy>(domain.projections.front(), poison, version)};
    node = std::make_unique<TallyNode>(scheduler, *log, stores, options, std::move(domain));
    const auto started = node->start();
    ASSERT_TRUE(started.ok()) << describe(started.error());
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log = std::make_unique<MemoryLog>(history, scheduler);
    stores.crash();
  }
  void write_some(std::mt19937_64& random, int commands) {
    for (int i = 0; i < commands; ++i) {
      const std::string group = "g" + std::to_string(random() % 6), account = "a" + std::to_string(random() % 6);
      if (random() % 3 == 0) node->execute(Open{group, account, 0});
      else node->execute(Add{group, account, static_cast<std::int64_t>(random() % 20), ""});
    }
  }
  ProjectionStatus status() {
    for (auto& one : (*node)->projection_statuses()) {
      if (one.name == kName) return one;
    }
    ADD_FAILURE() << "no such projection";
    return {};
  }
  bool rebuilt() {
    const bool ended = scheduler.run_until([&] { return !status().rebuild; });
    return ended && !status().rebuild_failure;
  }
  Rows rows() { return all_rows(*(*node)->projection_rows(kName)); }
  std::vector<std::string> directories() { return *stores.list(std::string("projections/") + kName); }
  /// Lets what is retired go.
  void rest() { scheduler.run_for(std::chrono::seconds(2)); }
  runtime::SkipRequest skip_of(const runtime::ProjectionFault& fault) {
    return {kName, fault.topic, fault.lane, fault.event_id, "written by a broken client", "olga"};
  }
};

TEST_F(RebuildTest, RebuiltRowsTakeOverAndTheOldDirectoryGoes) {
  start();
  std::mt19937_64 random(1);
  write_some(random, 60);
  node->settle();
  const Rows before = rows();
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  EXPECT_EQ((*node)->rebuild_projection(kName).error().code, Code::version_conflict);
  ASSERT_TRUE(status().rebuild);
  ASSERT_TRUE(rebuilt());
  rest();
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(directories(), std::vector<std::string>{"projections/tally.balances-v1.2"});
  write_some(random, 20);
  node->settle();
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  const Rows later = rows();
  ASSERT_TRUE(rebuilt());
  EXPECT_EQ(rows(), later);
  rest();
  EXPECT_EQ(directories(), std::vector<std::string>{"projections/tally.balances-v1.3"});
}

TEST_F(RebuildTest, AReaderKeepsTheRowsItTookOverTheExchange) {
  start();
  node->execute(Open{"g", "a", 0});
  node->settle();
  auto live = (*node)->projection_rows(kName);
  auto snapshot = (*node)->projection_snapshot(kName);
  const Rows before = all_rows(*live);
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  ASSERT_TRUE(rebuilt());
  node->execute(Add{"g", "a", 5, ""});
  node->settle();
  rest();
  EXPECT_EQ(all_rows(*live), before);
  EXPECT_EQ(all_rows(*snapshot), before);
  EXPECT_EQ(directories().size(), 2u) << "still read";
  live.reset();
  snapshot.reset();
  rest();
  EXPECT_EQ(directories().size(), 1u);
  EXPECT_EQ(node->balance("g", "a")->balance, 5);
}

TEST_F(RebuildTest, WritesAndWaitsGoOnOverTheExchange) {
  runtime::NodeOptions options;
  options.bulk_bytes = 512;  // many runs
  start(options);
  std::mt19937_64 random(2);
  write_some(random, 100);
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  for (int i = 0; i < 50; ++i) {
    const std::string account = "new" + std::to_string(i);
    auto outcome = node->execute(Open{"g", account, 0});
    auto waited = node->run((*node)->wait_applied(kName, outcome.position, scheduler.now() + std::chrono::seconds(5)));
    ASSERT_TRUE(waited.ok()) << describe(waited.error());
    ASSERT_TRUE(node->balance("g", account)) << "a token is answered by rows that have its event";
  }
  ASSERT_TRUE(rebuilt());
  node->settle();
  const Rows live = rows();
  crash();
  stores.remove_all();
  start();
  node->settle();
  EXPECT_EQ(rows(), live) << "as a fold from zero";
}

/// Whatever step of a rebuild the process dies after, the next start serves whole rows and leaves one directory.
TEST_F(RebuildTest, ACrashAtEveryStepLeavesRowsThatAreServed) {
  std::mt19937_64 random(5);
  runtime::NodeOptions options;
  options.bulk_bytes = 700;
  options.store_flush_records = 20;
  bool through = false;
  for (int steps = 0; !through; ++steps) {
    SCOPED_TRACE("crash after " + std::to_string(steps) + " steps");
    ASSERT_LT(steps, 1000);
    start(options);
    write_some(random, 5);
    node->settle();
    const Rows before = rows();
    ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
    for (int i = 0; i < steps; ++i) scheduler.step();
    through = !status().rebuild && directories().size() == 1;
    crash();
    start(options);
    node->settle();
    ASSERT_EQ(rows(), before);
    ASSERT_EQ(directories().size(), 1u);
    crash();
  }
}

TEST_F(RebuildTest, AnotherVersionIsBuiltBeforeTheNodeIsReadyAndTheOldOneGoes) {
  start();
  std::mt19937_64 random(6);
  write_some(random, 40);
  node->settle();
  const Rows before = rows();
  crash();
  version = 2;
  start();
  EXPECT_EQ(rows(), before) << "at once, without a wait";
  EXPECT_EQ(directories(), std::vector<std::string>{"projections/tally.balances-v2"});
}

TEST_F(RebuildTest, AStartThatIsAbandonedEndsAndTheNextOneIsWhole) {
  start();
  std::mt19937_64 random(8);
  write_some(random, 40);
  node->settle();
  const Rows before = rows();
  crash();
  stores.remove_all();
  auto domain = tally::make_domain();
  node = std::make_unique<TallyNode>(scheduler, *log, stores, runtime::NodeOptions{}, std::move(domain));
  std::optional<Result<void>> ended;
  node->launch((*node)->start(), ended);
  (*node)->abandon_start();
  ASSERT_TRUE(scheduler.run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->error().code, Code::cancelled);
  EXPECT_FALSE((*node)->ready());
  crash();
  start();
  node->settle();
  EXPECT_EQ(rows(), before);
}

TEST_F(RebuildTest, APoisonEventStopsItsPartitionUntilARetrySucceeds) {
  start();
  poison->insert("bad");
  node->execute(Open{"g", "bad", 0});
  node->execute(Open{"g", "good", 0});
  scheduler.run_for(std::chrono::seconds(1));
  auto stopped = status();
  ASSERT_EQ(stopped.faults.size(), 1u);
  EXPECT_EQ(stopped.faults.front().error.message, "cannot bear bad");
  EXPECT_FALSE(node->balance("g", "good")) << "order is kept: nothing passes it";

  auto again = node->run((*node)->retry_projection(kName));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->faults.size(), 1u) << "it still cannot";
  poison->clear();
  again = node->run((*node)->retry_projection(kName));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->faults.empty());
  EXPECT_EQ(again->behind, 0u);
  EXPECT_TRUE(node->balance("g", "bad") && node->balance("g", "good"));
}

TEST_F(RebuildTest, AProjectionThatThrowsStopsAtThatEventWithNothingOfItWritten) {
  start();
  poison->insert("!bad");
  node->execute(Open{"other", "a", 0});
  std::vector<std::optional<Outcome>> outcomes(4);  // in one write
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::vector<std::string> accounts{"a", "b", "bad", "c"};
    node->launch((*node)->execute(TallyNode::request(Open{"g", accounts[i], 0})), outcomes[i]);
  }
  scheduler.run_for(std::chrono::seconds(1));
  const auto expect_stopped = [&](const char* when) {
    SCOPED_TRACE(when);
    ASSERT_EQ(status().faults.size(), 1u);
    EXPECT_NE(status().faults.front().error.message.find("thrown at bad"), std::string::npos);
    EXPECT_EQ(rows().size(), 3u);
    for (const auto* account : {"a", "b"}) {
      const auto row = node->balance("g", account);
      ASSERT_TRUE(row);
      EXPECT_EQ(row->events, 1);
    }
    EXPECT_TRUE(node->balance("other", "a"));
  };
  expect_stopped("live");
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  ASSERT_TRUE(rebuilt());
  expect_stopped("rebuilt");
  crash();
  start();
  expect_stopped("after a crash");
  crash();
  stores.remove_all();
  start();
  expect_stopped("from nothing");
  poison->clear();
  ASSERT_TRUE(node->run((*node)->retry_projection(kName)).ok());
  node->settle();
  EXPECT_EQ(node->balance("g", "bad")->events, 1);
  EXPECT_EQ(node->balance("g", "c")->events, 1);
}

TEST_F(RebuildTest, ASkipIsRecordedSurvivesEverythingAndBelongsToItsVersion) {
  start();
  poison->insert("bad");
  node->execute(Open{"g", "bad", 0});
  node->execute(Open{"g", "good", 0});
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_EQ(status().faults.size(), 1u);
  const auto fault = status().faults.front();
  auto skipped = node->run((*node)->skip_projection_event(skip_of(fault)));
  ASSERT_TRUE(skipped.ok()) << describe(skipped.error());
  EXPECT_TRUE(skipped->faults.empty());
  ASSERT_EQ(skipped->skipped.size(), 1u);
  EXPECT_EQ(skipped->skipped.front().reason, "written by a broken client");
  node->settle();
  EXPECT_TRUE(node->balance("g", "good"));
  const Rows rows_with_skip = rows();

  poison->clear();  // even if the event could be applied now: the model of this version is without it
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  ASSERT_TRUE(rebuilt());
  EXPECT_EQ(rows(), rows_with_skip);
  crash();
  stores.remove_all();
  start();
  EXPECT_EQ(rows(), rows_with_skip);
  ASSERT_EQ(status().skipped.size(), 1u);
  EXPECT_EQ(status().skipped.front().actor, "olga");
  EXPECT_EQ(status().skipped.front().at, fault.at);

  crash();
  version = 2;
  start();
  EXPECT_TRUE(node->balance("g", "bad")) << "a new version may understand it";
  EXPECT_TRUE(status().skipped.empty());
}

TEST_F(RebuildTest, ASkipThatDoesNotFitIsRefused) {
  start();
  poison->insert("bad");
  node->execute(Open{"g", "bad", 0});
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_EQ(status().faults.size(), 1u);
  const auto good = skip_of(status().faults.front());
  const auto code_of = [&](auto change) {
    auto request = good;
    change(request);
    auto answer = node->run((*node)->skip_projection_event(std::move(request)));
    return answer.ok() ? Code::internal : answer.error().code;
  };
  EXPECT_EQ(code_of([](auto& r) { r.projection = "tally.nothing"; }), Code::invalid_argument);
  EXPECT_EQ(code_of([](auto& r) { r.reason.clear(); }), Code::invalid_argument);
  EXPECT_EQ(code_of([](auto& r) { r.reason.assign(1001, 'x'); }), Code::invalid_argument);
  EXPECT_EQ(code_of([](auto& r) { r.event_id = "another"; }), Code::version_conflict);
  EXPECT_EQ(code_of([](auto& r) { r.topic = "tally.notes"; }), Code::version_conflict);
  EXPECT_EQ(code_of([](auto& r) { r.lane = LaneId{77}; }), Code::version_conflict);
  EXPECT_TRUE(status().skipped.empty());
  EXPECT_EQ(node->run((*node)->retry_projection("tally.nothing")).error().code, Code::invalid_argument);
  EXPECT_EQ((*node)->rebuild_projection("tally.nothing").error().code, Code::invalid_argument);
}

TEST_F(RebuildTest, ARebuildThatStopsWhereTheLiveRowsPassedIsGivenUp) {
  start();
  node->execute(Open{"g", "a", 0});
  node->execute(Open{"g", "b", 0});
  node->settle();
  const Rows before = rows();
  poison->insert("a");  // this build cannot apply what an earlier one could
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  ASSERT_TRUE(scheduler.run_until([&] { return !status().rebuild; }));
  ASSERT_TRUE(status().rebuild_failure);
  EXPECT_NE(status().rebuild_failure->message.find("cannot bear a"), std::string::npos) << status().rebuild_failure->message;
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(directories().size(), 1u);
  poison->clear();
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok()) << "and may be tried again";
  ASSERT_TRUE(rebuilt());
  EXPECT_EQ(rows(), before);
}

/// Whenever a rebuild comes to an event that only the live rows could apply: before its rows have checkpoints, or after.
TEST_F(RebuildTest, AGivenUpRebuildIsNotServedThoughItCannotBeRemoved) {
  int given_up = 0;
  for (int steps = 0; steps < 20; ++steps) {
    SCOPED_TRACE("late event after " + std::to_string(steps) + " steps");
    poison->clear();
    history = std::make_shared<LogHistory>();
    log = std::make_unique<MemoryLog>(history, scheduler);
    stores.remove_all();
    start();
    for (int group = 0; group < 12; ++group) node->execute(Open{"g" + std::to_string(group), "a", 0});
    node->settle();
    poison->insert("2late");
    stores.removals_fail = true;
    ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
    for (int i = 0; i < steps; ++i) scheduler.step();
    node->execute(Open{"g0", "late", 0});
    ASSERT_TRUE(scheduler.run_until([&] { return !status().rebuild; }));
    node->settle();
    if (status().rebuild_failure) {
      ++given_up;
      ASSERT_EQ(directories().size(), 2u);
      EXPECT_TRUE(stores.at(directories().back()).checkpoints()->empty());
      EXPECT_TRUE(node->balance("g0", "late"));
    }
    stores.removals_fail = false;
    crash();
  }
  EXPECT_GT(given_up, 0);
}

TEST_F(RebuildTest, AStoppedProjectionCanBeRebuiltAsFarAsItIs) {
  start();
  node->execute(Open{"g", "a", 0});
  poison->insert("bad");
  node->execute(Open{"g", "bad", 0});
  scheduler.run_for(std::chrono::seconds(1));
  ASSERT_EQ(status().faults.size(), 1u);
  ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
  ASSERT_TRUE(rebuilt());
  EXPECT_EQ(status().faults.size(), 1u);
  EXPECT_TRUE(node->balance("g", "a"));
  auto skipped = node->run((*node)->skip_projection_event(skip_of(status().faults.front())));
  ASSERT_TRUE(skipped.ok()) << describe(skipped.error());
  EXPECT_TRUE(skipped->faults.empty());
}

TEST_F(RebuildTest, AnEventSkippedDuringARebuildDoesNotEndIt) {
  poison->insert("bad");
  for (int steps = 0; steps < 12; ++steps) {
    SCOPED_TRACE("skip after " + std::to_string(steps) + " steps");
    crash();
    history = std::make_shared<LogHistory>();
    log = std::make_unique<MemoryLog>(history, scheduler);
    stores.remove_all();
    start();
    node->execute(Open{"g", "bad", 0});
    node->execute(Open{"g", "good", 0});
    scheduler.run_for(std::chrono::seconds(1));
    ASSERT_EQ(status().faults.size(), 1u);
    const auto fault = status().faults.front();
    ASSERT_TRUE((*node)->rebuild_projection(kName).ok());
    for (int i = 0; i < steps; ++i) scheduler.step();
    auto skipped = node->run((*node)->skip_projection_event(skip_of(fault)));
    ASSERT_TRUE(skipped.ok()) << describe(skipped.error());
    ASSERT_TRUE(rebuilt());
    EXPECT_TRUE(status().faults.empty());
    EXPECT_TRUE(node->balance("g", "good"));
  }
}

}  // namespace
}  // namespace tidemark::testing
