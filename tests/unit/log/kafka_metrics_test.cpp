#include "core/log/kafka/kafka_metrics.hpp"

#include <gtest/gtest.h>

#include "core/observe/metrics_registry.hpp"

namespace tidemark::log::kafka {
namespace {

class KafkaMetricsTest : public ::testing::Test {
 protected:
  std::unique_ptr<observe::MetricsRegistry> registry = observe::make_metrics_registry();
  KafkaMetrics metrics{registry.get()};

  bool shows(const std::string& line) { return ("\n" + registry->expose()).find("\ntidemark_kafka_" + line + "\n") != std::string::npos; }
  /// As librdkafka writes them, of one client with two brokers.
  static std::string statistics(const std::string& client, int sent, int retries, int answers = 0) {
    const std::string n = std::to_string(sent), r = std::to_string(retries), a = std::to_string(answers);
    return R"({"name":")" + client + R"(","type":"producer","brokers":{"a:9092/1":{"txbytes":)" + n + R"(,"txerrs":0,"txretries":)" + r +
           R"(,"req_timeouts":1,"disconnects":0,"rtt":{"avg":2000,"cnt":)" + a + R"(}},"b:9092/2":{"txbytes":5,"disconnects":2,"rtt":{"avg":0,"cnt":0}}}})";
  }
};

TEST_F(KafkaMetricsTest, StatisticsOfClientsAreTakenOverAsWhatHasGrown) {
  metrics.client_said(statistics("node#producer-1", 100, 3, 10));
  EXPECT_TRUE(shows("sent_bytes_total 105")) << registry->expose();
  EXPECT_TRUE(shows("request_retries_total 3"));
  EXPECT_TRUE(shows("request_timeouts_total 1"));
  EXPECT_TRUE(shows("disconnects_total 2"));
  EXPECT_TRUE(shows("request_seconds_count 1")) << "a broker that was asked nothing has no mean";
  metrics.client_said(statistics("node#producer-1", 130, 3));
  EXPECT_TRUE(shows("sent_bytes_total 135"));
  EXPECT_TRUE(shows("request_retries_total 3"));
  metrics.client_said(statistics("node#producer-2", 10, 1));
  EXPECT_TRUE(shows("sent_bytes_total 150")) << "a new client begins at nothing";
  EXPECT_TRUE(shows("request_retries_total 4"));
}

TEST_F(KafkaMetricsTest, StatisticsThatCannotBeReadAreLeft) {
  for (const char* bad : {"", "{", "[]", "{}", R"({"name":1})", R"({"name":"x","brokers":[{"txbytes":-1}]})", R"({"name":"x","brokers":{"a":{"txbytes":"many","rtt":7}}})"}) {
    metrics.client_said(bad);
  }
  EXPECT_TRUE(shows("sent_bytes_total 0")) << registry->expose();
}

TEST_F(KafkaMetricsTest, ThousandsOfProducersAreForgottenOldestFirst) {
  for (int i = 0; i < 1000; ++i) {
    metrics.client_said(statistics("node#producer-" + std::to_string(i), 95, 0));
    metrics.client_said(statistics("node#producer-steady", 95 + i, 0));
  }
  EXPECT_TRUE(shows("sent_bytes_total 101099")) << registry->expose();
}

TEST_F(KafkaMetricsTest, AppendsAreCountedByWhatBecameOfThem) {
  metrics.appended({}, false, 3, 300);
  metrics.appended({}, true, 1, 50);
  metrics.appended(make_error(Code::fenced, ""), false, 9, 9);
  metrics.appended(make_error(Code::outcome_unknown, ""), true, 9, 9);
  metrics.appended(make_error(Code::unavailable, ""), false, 9, 9);
  for (const char* line : {R"(appends_total{outcome="written"} 2)", R"(appends_total{outcome="fenced"} 1)", R"(appends_total{outcome="unknown"} 1)",
                           R"(appends_total{outcome="not_written"} 1)", R"(settled_appends_total{outcome="written"} 1)",
                           R"(settled_appends_total{outcome="unknown"} 1)", R"(settled_appends_total{outcome="fenced"} 0)", "records_total 4", "written_bytes_total 350"}) {
    EXPECT_TRUE(shows(line)) << line << "\n" << registry->expose();
  }
}

TEST(KafkaMetrics, WithoutARegistryNothingIsCounted) {
  KafkaMetrics metrics(nullptr);
  EXPECT_FALSE(metrics.wanted());
  metrics.appended({}, false, 1, 1);
  metrics.client_said("{}");
}

}  // namespace
}  // namespace tidemark::log::kafka
