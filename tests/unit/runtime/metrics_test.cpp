// What a node counts: the metrics of lanes and projections, and the gauges that are read from it.

#include <gtest/gtest.h>

#include "core/observe/metrics_registry.hpp"
#include "core/runtime/node_gauges.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using tally::Add;
using tally::Open;

/// Stops at every event about the account "poison".
class Picky final : public runtime::Projection {
 public:
  const runtime::ProjectionSpec& spec() const override { return spec_; }
  Result<void> apply(const event::Event& event, RowWriter&) const override {
    if (event.envelope.subject == "poison") return make_error(Code::internal, "not this one");
    return {};
  }

 private:
  runtime::ProjectionSpec spec_{.name = "tally.picky", .version = 1, .topics = {"tally.entries"}};
};

class RuntimeMetrics : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::shared_ptr<LogHistory> history = std::make_shared<LogHistory>();
  MemoryLog log{history, scheduler};
  MemoryStores stores;
  std::unique_ptr<observe::MetricsRegistry> registry = observe::make_metrics_registry();
  std::vector<std::string> faults;
  std::unique_ptr<TallyNode> node;

  void start() {
    runtime::NodeOptions options;
    options.metrics = registry.get();
    options.on_projection_fault = [this](std::string_view projection, const runtime::ProjectionFault& fault) {
      faults.push_back(std::string(projection) + ": " + fault.error.message);
    };
    runtime::Domain domain = tally::make_domain();
    domain.projections.push_back(std::make_shared<Picky>());
    node = std::make_unique<TallyNode>(scheduler, log, stores, std::move(options), std::move(domain));
    ASSERT_TRUE(node->start().ok());
  }

  /// Value of the sample that is exposed as `sample`; -1 when there is none.
  double value(const std::string& sample) {
    const std::string text = "\n" + registry->expose();
    const auto at = text.find("\n" + sample + " ");
    return at == text.npos ? -1 : std::stod(text.substr(at + sample.size() + 2));
  }
  double commands(const std::string& verdict) {
    return value("tidemark_lane_commands_total{domain=\"tally\",verdict=\"" + verdict + "\"}");
  }
  double of_projection(const std::string& metric, const std::string& projection) {
    return value(metric + "{projection=\"" + projection + "\"}");
  }
  void read_gauges() {
    bool done = false;
    spawn(runtime::set_node_gauges(*registry, **node, scheduler), [&] { done = true; });
    ASSERT_TRUE(scheduler.run_until([&] { return done; }));
  }
};

TEST_F(RuntimeMetrics, CommandsAreCountedByVerdict) {
  start();
  EXPECT_EQ(commands("accepted"), 0) << "the lanes' own records are no commands";
  node->execute(Open{"g", "a", 0}, "key");
  node->execute(Open{"g", "a", 0}, "key");
  node->execute(Open{"g", "b", 0}, "key");
  node->execute(Add{"g", "a", 0, ""});
  node->execute(Add{"g", "nobody", 1, ""});
  log.fail_next(MemoryLog::Fault::refuse_unwritten);
  node->execute(Add{"g", "a", 1, ""});
  EXPECT_EQ(commands("accepted"), 1);
  EXPECT_EQ(commands("replayed"), 1);
  EXPECT_EQ(commands("key_reused"), 1);
  EXPECT_EQ(commands("nothing"), 1);
  EXPECT_EQ(commands("refused"), 1);
  EXPECT_EQ(commands("failed"), 1);
  EXPECT_EQ(value("tidemark_lane_queue_commands"), 0);
  EXPECT_EQ(value("tidemark_lane_batch_commands_count"), 5) << "the repeat was not decided again";
}

TEST_F(RuntimeMetrics, TimersAreCountedWhenTheyFire) {
  start();
  node->execute(Open{"g", "a", 60'000});
  const std::string fired = "tidemark_lane_timers_fired_total{domain=\"tally\"}";
  EXPECT_EQ(value(fired), 0);
  scheduler.run_for(std::chrono::seconds(61));
  EXPECT_EQ(value(fired), 1);
}

TEST_F(RuntimeMetrics, AProjectionThatStopsIsToldCountedAndFallsBehind) {
  start();
  node->execute(Open{"g", "good", 0});
  node->settle();
  read_gauges();
  EXPECT_EQ(of_projection("tidemark_projection_lag_events", "tally.picky"), 0);
  EXPECT_EQ(of_projection("tidemark_projection_lag_seconds", "tally.picky"), 0);
  EXPECT_TRUE(faults.empty());

  node->execute(Open{"g", "poison", 0});
  node->execute(Open{"g", "behind it", 0});
  scheduler.run_for(std::chrono::seconds(90));
  read_gauges();
  EXPECT_EQ(faults, std::vector<std::string>{"tally.picky: not this one"});
  EXPECT_EQ(of_projection("tidemark_projection_faults_total", "tally.picky"), 1);
  EXPECT_EQ(of_projection("tidemark_projection_stopped_lanes", "tally.picky"), 1);
  EXPECT_EQ(of_projection("tidemark_projection_lag_events", "tally.picky"), 2);
  EXPECT_GE(of_projection("tidemark_projection_lag_seconds", "tally.picky"), 90);
  EXPECT_LT(of_projection("tidemark_projection_lag_seconds", "tally.picky"), 100);
  EXPECT_EQ(of_projection("tidemark_projection_lag_events", "tally.balances"), 0);
  EXPECT_EQ(of_projection("tidemark_projection_stopped_lanes", "tally.balances"), 0);
}

TEST_F(RuntimeMetrics, TopicsAreAsLongAsWhatWasWritten) {
  start();
  read_gauges();
  const std::string end = "tidemark_log_end_records{topic=\"tally.entries\"}";
  const double before = value(end);
  node->execute(Open{"g", "a", 0});
  read_gauges();
  EXPECT_EQ(value(end), before + 1);
  EXPECT_EQ(value("tidemark_log_cut_records{topic=\"tally.entries\"}"), 0);
  EXPECT_EQ(value("tidemark_node_ready"), 1);
}

}  // namespace
}  // namespace tidemark::testing
