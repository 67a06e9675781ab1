#include "ops/cli/kafka_settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/disk.hpp"

namespace tidemark::cli {
namespace {

constexpr std::string_view kScheme = "kafka://";
constexpr std::string_view kFile = "file:";
// On a command line or in the environment they could be read by others.
constexpr std::array<std::string_view, 6> kSecrets{"sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.client.secret",
                                                   "sasl.oauthbearer.config"};

bool is_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return false;
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536 &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == '/' || c == '@'; });
}

}  // namespace

std::optional<std::string> parse_kafka_log(std::string_view text) {
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  for (std::string_view rest = text;;) {
    const auto comma = rest.find(',');
    if (!is_address(rest.substr(0, comma))) return std::nullopt;
    if (comma == rest.npos) return std::string(text);
    rest.remove_prefix(comma + 1);
  }
}

std::optional<KafkaProperty> parse_kafka_property(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0) return std::nullopt;
  KafkaProperty property{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)), false};
  const bool good = std::all_of(property.name.begin(), property.name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_'; });
  if (!good || log::kafka::is_reserved_property(property.name)) return std::nullopt;
  if (property.value.starts_with(kFile)) {
    property.value.erase(0, kFile.size());
    property.is_file = true;
    if (property.value.empty()) return std::nullopt;
  } else if (std::find(kSecrets.begin(), kSecrets.end(), property.name) != kSecrets.end()) {
    return std::nullopt;
  }
  return property;
}

bool is_topic_prefix(std::string_view text) {
  if (text.empty()) return true;
  if (text.size() > 40 || text.front() == '.' || (text.back() != '.' && text.back() != '-' && text.back() != '_')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'; });
}

Result<std::string> read_kafka_property(const KafkaProperty& property) {
  if (!property.is_file) return property.value;
  const auto disk = make_posix_disk();
  auto content = read_file(*disk, property.value);
  while (content.ok() && (content->ends_with('\n') || content->ends_with('\r'))) content->pop_back();
  return content;
}

Result<log::KafkaLogOptions> kafka_log_options(const Settings& settings) {
  log::KafkaLogOptions options;
  options.client.brokers = parse_kafka_log(settings.text("log")).value_or("");
  options.client.client_id = "tidemark-" + settings.text("node_id");
  options.prefix = settings.text("kafka_prefix");
  options.lanes = static_cast<std::uint32_t>(settings.number("lanes"));
  if (settings.is_set("kafka_replication")) options.replication = static_cast<int>(settings.number("kafka_replication"));
  for (const std::string& text : settings.texts("kafka_property")) {
    const auto property = parse_kafka_property(text);
    TM_ASSERT(property.has_value(), "a setting was checked when it was loaded");
    auto value = read_kafka_property(*property);
    if (!value) return bad_setting("kafka_property", settings.value("kafka_property"), "a file that can be read for " + property->name + ": " + value.error().message);
    options.client.properties[property->name] = std::move(*value);
  }
  return options;
}

std::vector<std::string> kafka_setting_keys() { return {"log", "lanes", "node_id", "kafka_prefix", "kafka_replication", "kafka_property"}; }

}  // namespace tidemark::cli
