#include "ops/cli/kafka_settings.hpp"

#include <gtest/gtest.h>

namespace tidemark::cli {
namespace {

TEST(KafkaSettings, ReadTheBrokersOfAnAddress) {
  EXPECT_EQ(parse_kafka_log("kafka://a:9092"), "a:9092");
  EXPECT_EQ(parse_kafka_log("kafka://a:9092,b.example:9093,[::1]:9094"), "a:9092,b.example:9093,[::1]:9094");
  for (const char* bad : {"", "kafka://", "kafka://a", "kafka://a:", "kafka://:9092", "kafka://a:0", "kafka://a:65536", "kafka://a:9092,", "kafka://a:9092/x", "kafka://u@a:9092",
                          "kafka://a b:9092", "http://a:9092", "a:9092"}) {
    EXPECT_FALSE(parse_kafka_log(bad)) << bad;
  }
}

TEST(KafkaSettings, TakePropertiesThatTheLogDoesNotSetItself) {
  const auto plain = parse_kafka_property("security.protocol=SASL_SSL");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->name, "security.protocol");
  EXPECT_EQ(plain->value, "SASL_SSL");
  EXPECT_FALSE(plain->is_file);
  EXPECT_EQ(parse_kafka_property("ssl.ca.pem=a=b")->value, "a=b");
  const auto secret = parse_kafka_property("sasl.password=file:/run/secrets/kafka");
  ASSERT_TRUE(secret);
  EXPECT_TRUE(secret->is_file);
  EXPECT_EQ(secret->value, "/run/secrets/kafka");
  for (const char* bad : {"", "x", "=x", "isolation.level=read_uncommitted", "transactional.id=x", "enable.idempotence=false", "acks=1", "sasl.password=inline",
                          "ssl.key.password=inline", "sasl.password=file:", "Upper=x"}) {
    EXPECT_FALSE(parse_kafka_property(bad)) << bad;
  }
}

TEST(KafkaSettings, KeepAPrefixApartFromTheNameBehindIt) {
  EXPECT_TRUE(is_topic_prefix(""));
  EXPECT_TRUE(is_topic_prefix("staging."));
  EXPECT_TRUE(is_topic_prefix("team_a-"));
  for (const char* bad : {"staging", ".", ".a.", "Upper.", "a b.", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."}) EXPECT_FALSE(is_topic_prefix(bad)) << bad;
}

}  // namespace
}  // namespace tidemark::cli
