#include "core/observe/metrics_registry.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "core/observe/process_metrics.hpp"

namespace tidemark::observe {
namespace {

bool has_line(const std::string& text, const std::string& line) { return ("\n" + text).find("\n" + line + "\n") != std::string::npos; }

TEST(MetricsRegistry, ExposesEveryKindWithHelpAndType) {
  auto registry = make_metrics_registry();
  registry->counter({"tm_things_total", "Things seen", {{"kind", "a"}}}).add(2);
  registry->gauge({"tm_level_bytes", "A level"}).set(7.5);
  registry->histogram({"tm_wait_seconds", "A wait"}, {0.5, 1}).observe(0.7);
  const std::string text = registry->expose();
  EXPECT_TRUE(has_line(text, "# HELP tm_things_total Things seen")) << text;
  EXPECT_TRUE(has_line(text, "# TYPE tm_things_total counter")) << text;
  EXPECT_TRUE(has_line(text, "tm_things_total{kind=\"a\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "# TYPE tm_level_bytes gauge")) << text;
  EXPECT_TRUE(has_line(text, "tm_level_bytes 7.5")) << text;
  EXPECT_TRUE(has_line(text, "# TYPE tm_wait_seconds histogram")) << text;
  EXPECT_TRUE(has_line(text, "tm_wait_seconds_bucket{le=\"0.5\"} 0")) << text;
  EXPECT_TRUE(has_line(text, "tm_wait_seconds_bucket{le=\"1\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "tm_wait_seconds_bucket{le=\"+Inf\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "tm_wait_seconds_count 1")) << text;
}

TEST(MetricsRegistry, GivesTheSameHandleForTheSameNameAndLabels) {
  auto registry = make_metrics_registry();
  auto& one = registry->counter({"tm_x_total", "x", {{"a", "1"}, {"b", "2"}}});
  EXPECT_EQ(&one, &registry->counter({"tm_x_total", "x", {{"b", "2"}, {"a", "1"}}}));
  EXPECT_NE(&one, &registry->counter({"tm_x_total", "x", {{"a", "1"}, {"b", "3"}}}));
}

TEST(MetricsRegistry, EscapesLabelValues) {
  auto registry = make_metrics_registry();
  registry->gauge({"tm_x", "x", {{"a", "quote \" back \\ line \n"}}}).set(1);
  EXPECT_TRUE(has_line(registry->expose(), R"(tm_x{a="quote \" back \\ line \n"} 1)")) << registry->expose();
}

TEST(MetricsRegistry, AsksCollectorsAtEachExposition) {
  auto registry = make_metrics_registry();
  metrics::Gauge gauge(registry.get(), {"tm_asked", "How often"});
  registry->on_expose([gauge] { gauge.add(1); });
  registry->expose();
  EXPECT_TRUE(has_line(registry->expose(), "tm_asked 2"));
}

TEST(MetricsRegistry, CountsFromManyThreadsWhileItIsRead) {
  auto registry = make_metrics_registry();
  metrics::Counter counter(registry.get(), {"tm_x_total", "x"});
  metrics::Histogram histogram(registry.get(), {"tm_x_seconds", "x"}, {1});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) {
        counter.add();
        histogram.observe(0.5);
      }
    });
  }
  for (int i = 0; i < 20; ++i) registry->expose();
  for (auto& thread : threads) thread.join();
  const std::string text = registry->expose();
  EXPECT_TRUE(has_line(text, "tm_x_total 4000")) << text;
  EXPECT_TRUE(has_line(text, "tm_x_seconds_count 4000")) << text;
}

TEST(MetricsRegistry, ShowsAPartOfWhatItHas) {
  auto registry = make_metrics_registry();
  metrics::Counter(registry.get(), {"tm_x_total", "x", {{"domain", "a"}}}).add(1);
  metrics::Counter(registry.get(), {"tm_x_total", "x", {{"domain", "b"}}}).add(2);
  metrics::Gauge(registry.get(), {"tm_y", "y"}).set(3);
  const std::string text = registry->expose_selected([](std::string_view name, const metrics::Labels& labels) {
    return name == "tm_x_total" && labels == metrics::Labels{{"domain", "b"}};
  });
  EXPECT_TRUE(has_line(text, "tm_x_total{domain=\"b\"} 2")) << text;
  EXPECT_EQ(text.find("\"a\""), std::string::npos) << text;
  EXPECT_EQ(text.find("tm_y"), std::string::npos) << text;
}

TEST(MetricsRegistryDeathTest, RefusesOneNameForTwoThings) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        auto registry = make_metrics_registry();
        registry->counter({"tm_x_total", "x"});
        registry->gauge({"tm_x_total", "x"});
      },
      "two kinds");
  EXPECT_DEATH(
      {
        auto registry = make_metrics_registry();
        registry->counter({"tm_x_total", "x", {{"a", "1"}}});
        registry->counter({"tm_x_total", "x", {{"b", "1"}}});
      },
      "two helps or sets of labels");
}

TEST(Metrics, WithoutARegistryDoNothing) {
  metrics::Counter(nullptr, {"tm_x_total", "x"}).add();
  metrics::Gauge(nullptr, {"tm_x", "x"}).set(1);
  const metrics::Histogram none(nullptr, {"tm_x_seconds", "x"}, {1});
  EXPECT_FALSE(none);
  metrics::Stopwatch(none).stop();
}

TEST(ProcessMetrics, AreReadAtEachExposition) {
  auto registry = make_metrics_registry();
  watch_process(*registry, "1.2.3", "/");
  const std::string text = registry->expose();
  EXPECT_TRUE(has_line(text, "tidemark_build_info{version=\"1.2.3\"} 1")) << text;
  for (const char* name : {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
                           "process_start_time_seconds", "tidemark_data_free_bytes", "tidemark_data_size_bytes"}) {
    EXPECT_NE(text.find("\n" + std::string(name) + " "), std::string::npos) << name;
    EXPECT_FALSE(has_line(text, std::string(name) + " 0")) << name;
  }
}

}  // namespace
}  // namespace tidemark::observe
