// Topics on a real broker: as they are created, and what is refused because it would lose events.
#include <gtest/gtest.h>

#include "core/log/kafka/cluster.hpp"
#include "tests/contract/kafka/kafka_rig.hpp"
#include "tests/support/broker/broker.hpp"

namespace tidemark::log::test {
namespace {

using kafka::Finding;
using tidemark::test::Broker;
using tidemark::test::fresh_prefix;

constexpr Duration kWindow = std::chrono::hours(24);
const Duration kPatience = std::chrono::seconds(30);

const std::vector<TopicSpec>& specs() {
  static const std::vector<TopicSpec> all{{"builds.ledger", TopicClass::fact},
                                          {"builds.activity", TopicClass::ephemeral, std::chrono::hours(12), 1u << 30},
                                          {"builds.decisions", TopicClass::decisions, std::chrono::hours(24 * 7)}};
  return all;
}

class KafkaTopics : public ::testing::Test {
 protected:
  KafkaTopics() {
    auto client = kafka::make_consumer(options_.client, kafka::Isolation::uncommitted, {});
    if (!client) throw std::runtime_error(describe(client.error()));
    client_ = std::move(*client);
  }
  void alter(const std::string& topic, const kafka::TopicConfig& changes) {
    auto facts = kafka::describe_topic(client_.get(), prefix_ + topic, kPatience);
    ASSERT_TRUE(facts.ok());
    auto altered = kafka::alter_topic(client_.get(), prefix_ + topic, *facts, changes, kPatience);
    ASSERT_TRUE(altered.ok()) << describe(altered.error());
  }
  /// "topic setting" of all that is not well.
  std::vector<std::string> found(Finding::Kind kind) {
    auto report = examine_kafka(options_, specs(), kWindow);
    EXPECT_TRUE(report.ok()) << describe(report.error());
    std::vector<std::string> out;
    for (const auto& topic : report->topics) {
      for (const auto& finding : topic.findings) {
        EXPECT_EQ(finding.reason.empty(), finding.kind == Finding::Kind::fine) << finding.setting;
        if (finding.kind == kind) out.push_back(topic.name.substr(prefix_.size()) + " " + finding.setting);
      }
    }
    return out;
  }
  const std::string prefix_ = fresh_prefix();
  const KafkaLogOptions options_ = kafka_options(Broker::shared().bootstrap(), prefix_);
  kafka::Handle client_;
};

using Names = std::vector<std::string>;

TEST_F(KafkaTopics, AreCreatedSoThatNothingIsLost) {
  auto made = create_kafka_topics(options_, specs());
  ASSERT_TRUE(made.ok()) << describe(made.error());
  EXPECT_EQ(made->size(), 4u);  // that of the lanes beside them
  EXPECT_EQ(made->back(), prefix_ + "tidemark.lanes");
  EXPECT_EQ(found(Finding::Kind::loses), Names{});
  EXPECT_EQ(create_kafka_topics(options_, specs())->size(), 0u);
  auto facts = kafka::describe_topic(client_.get(), prefix_ + "builds.activity", kPatience);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->config["retention.ms"], "43200000");
  EXPECT_EQ(facts->config["retention.bytes"], "1073741824");
  EXPECT_EQ(facts->partitions, 4u);
}

TEST_F(KafkaTopics, AreRefusedWithTheReasonWhenTheirSettingsWouldLoseEvents) {
  ASSERT_TRUE(create_kafka_topics(options_, specs()).ok());
  struct Case {
    std::string topic, setting, value;
  };
  const Case cases[] = {{"builds.ledger", "cleanup.policy", "compact"},          {"builds.ledger", "retention.ms", "604800000"},
                        {"builds.ledger", "retention.bytes", "1000000"},         {"builds.ledger", "unclean.leader.election.enable", "true"},
                        {"builds.ledger", "max.message.bytes", "1048588"},       {"builds.ledger", "message.timestamp.type", "LogAppendTime"},
                        {"builds.decisions", "retention.bytes", "1000000"},      {"builds.ledger", "min.insync.replicas", "2"}};
  for (const Case& one : cases) {
    auto before = kafka::describe_topic(client_.get(), prefix_ + one.topic, kPatience);
    ASSERT_TRUE(before.ok());
    alter(one.topic, {{one.setting, one.value}});
    EXPECT_EQ(found(Finding::Kind::loses), Names{one.topic + " " + one.setting});
    Mailbox home;
    auto log = open_kafka_log(home, options_);
    ASSERT_TRUE(log.ok()) << describe(log.error());
    for (const TopicSpec& spec : specs()) {
      auto opened = (*log)->open_topic(spec);
      EXPECT_EQ(opened.ok(), spec.name != one.topic);
      if (opened.ok()) continue;
      EXPECT_EQ(opened.error().code, Code::invalid_argument);
      EXPECT_NE(opened.error().message.find(one.setting + " is " + one.value), std::string::npos) << opened.error().message;
    }
    alter(one.topic, {{one.setting, before->config[one.setting]}});
  }
  // Decisions must outlive the window; a node checks its own settings for that.
  alter("builds.decisions", {{"retention.ms", "3600000"}});
  EXPECT_EQ(found(Finding::Kind::loses), Names{"builds.decisions retention.ms"});
}

TEST_F(KafkaTopics, WithAnotherNumberOfPartitionsAreRefused) {
  ASSERT_TRUE(kafka::create_topic(client_.get(), prefix_ + "builds.ledger", 3, 1, kafka::config_for(specs()[0], 1), kPatience).ok());
  EXPECT_EQ(found(Finding::Kind::loses), Names{"builds.ledger partitions"});
  Mailbox home;
  auto log = open_kafka_log(home, options_);
  ASSERT_TRUE(log.ok());
  auto opened = (*log)->open_topic(specs()[0]);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("has 4 lanes"), std::string::npos) << opened.error().message;
}

TEST_F(KafkaTopics, FollowTheRetentionThatTheNodeIsGiven) {
  Mailbox home;
  {
    auto log = open_kafka_log(home, options_);
    ASSERT_TRUE(log.ok());
    ASSERT_TRUE((*log)->open_topic(specs()[1]).ok());
  }
  auto log = open_kafka_log(home, options_);
  ASSERT_TRUE(log.ok());
  ASSERT_EQ((*log)->topics().size(), 1u);
  EXPECT_EQ((*log)->topics()[0].retention, specs()[1].retention);
  TopicSpec longer = specs()[1];
  longer.retention = std::chrono::hours(48);
  ASSERT_TRUE((*log)->open_topic(longer).ok());
  auto facts = kafka::describe_topic(client_.get(), prefix_ + "builds.activity", kPatience);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->config["retention.ms"], "172800000");
  EXPECT_EQ(facts->config["max.message.bytes"], "5242880") << "the other settings stay";
}

TEST_F(KafkaTopics, KeepTheLanesOfTheInstallationWhateverIsAskedLater) {
  Mailbox home;
  ASSERT_TRUE(open_kafka_log(home, options_).ok());
  auto more = options_;
  more.lanes = 8;
  auto log = open_kafka_log(home, more);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ((*log)->lanes(), 4u);
}

TEST_F(KafkaTopics, OfAnotherKeyRingAreRefused) {
  Mailbox home;
  auto first = options_, second = options_;
  first.ring = "ring-a";
  second.ring = "ring-b";
  ASSERT_TRUE(open_kafka_log(home, first).ok());
  auto other = open_kafka_log(home, second);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::invalid_argument);
  EXPECT_TRUE(open_kafka_log(home, first).ok());
}

TEST_F(KafkaTopics, OnAClusterThatDoesNotAnswerAreUnavailable) {
  auto options = kafka_options("127.0.0.1:1", prefix_);
  options.patience = std::chrono::seconds(2);
  Mailbox home;
  auto log = open_kafka_log(home, options);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, Code::unavailable) << describe(log.error());
  EXPECT_EQ(examine_kafka(options, specs(), kWindow).error().code, Code::unavailable);
}

}  // namespace
}  // namespace tidemark::log::test
