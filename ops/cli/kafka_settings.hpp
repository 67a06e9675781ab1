#pragma once
// The settings of a log on Kafka, as a user writes them.

#include <optional>
#include <string>
#include <string_view>

#include "core/log/kafka/kafka_log.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

inline constexpr std::string_view kKafkaLogExpected = "embedded, or kafka://host:port,host:port";
inline constexpr std::string_view kKafkaPropertyExpected =
    "<name>=<value> with a property of librdkafka that the log does not set itself, or <name>=file:<path>, as secrets must be given";

/// "kafka://a:9092,b:9092" gives "a:9092,b:9092"; nullopt when `text` is none.
std::optional<std::string> parse_kafka_log(std::string_view text);
struct KafkaProperty {
  std::string name, value;
  bool is_file = false;  ///< `value` names the file that has it
};
/// nullopt when `text` is none, when the log sets that property itself, and for a secret that is not in a file.
std::optional<KafkaProperty> parse_kafka_property(std::string_view text);
/// The value, from its file when it names one.
Result<std::string> read_kafka_property(const KafkaProperty& property);
/// What may stand before topic names: "", or ending with '.', '-' or '_'.
bool is_topic_prefix(std::string_view text);

/// How to reach the log of `settings`, which is one on Kafka. Reads the files of secrets.
Result<log::KafkaLogOptions> kafka_log_options(const Settings& settings);
/// What kafka_log_options() reads.
std::vector<std::string> kafka_setting_keys();

}  // namespace tidemark::cli
