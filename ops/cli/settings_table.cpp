// The platform's own settings. docs/configuration.md describes all of them; a test compares the two.

#include <algorithm>
#include <charconv>

#include "core/base/assert.hpp"
#include "core/http/client/address.hpp"
#include "core/observe/log.hpp"
#include "ops/cli/kafka_settings.hpp"
#include "ops/cli/listen.hpp"
#include "ops/cli/retention.hpp"
#include "ops/cli/setting_kinds.hpp"

namespace tidemark::cli {
namespace {

Kind listen() {
  return {Kind::Toml::texts, std::string(kListenExpected), [](std::string_view value) { return parse_listen(value).has_value(); }};
}

Kind log_kind() {
  return {Kind::Toml::text, std::string(kKafkaLogExpected), [](std::string_view value) { return value == "embedded" || parse_kafka_log(value).has_value(); }};
}

Kind kafka_property() {
  return {Kind::Toml::texts, std::string(kKafkaPropertyExpected), [](std::string_view value) { return parse_kafka_property(value).has_value(); }};
}

Kind kafka_prefix() {
  return {Kind::Toml::text, "at most 40 characters of a-z, 0-9, '.', '-' and '_', ending with one of the last three", is_topic_prefix};
}

Kind metrics_listen() {
  return {Kind::Toml::text, "address:port, such as 127.0.0.1:9464 or *:9464", [](std::string_view value) {
            const auto entry = parse_listen(value);
            return entry && !entry->main_off && entry->listener.surface.empty();
          }};
}

Kind log_format() {
  return {Kind::Toml::text, "logfmt or json", [](std::string_view value) { return observe::parse_format(value).has_value(); }};
}

Kind level() {
  return {Kind::Toml::text, "trace, debug, info, warning or error",
          [](std::string_view value) { return observe::parse_level(value).has_value(); }};
}

Kind node_id() {
  return {Kind::Toml::text, "1 to 64 characters of A-Z, a-z, 0-9, '.', '_' and '-'", [](std::string_view value) {
            return !value.empty() && value.size() <= 64 && std::all_of(value.begin(), value.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
            });
          }};
}

Kind server_url() {
  return {Kind::Toml::text, "http://host:port", [](std::string_view value) {
            return value.starts_with("http://") && value.size() > 7 && value.find(' ') == value.npos;
          }};
}

Kind advertised_url() {
  return {Kind::Toml::text, "http://host:port or https://host:port, at most 200 characters", [](std::string_view value) {
            const auto scheme = value.find("://");
            if (scheme == value.npos || (value.substr(0, scheme) != "http" && value.substr(0, scheme) != "https")) return false;
            const auto rest = value.substr(scheme + 3);
            return value.size() <= 200 && !rest.empty() && std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c < 127 && c != '/' && c != '@' && c != '?' && c != '#'; });
          }};
}

Kind networks() {
  return {Kind::Toml::texts, "an address or a network such as 10.1.0.0/16", [](std::string_view value) { return http::parse_network(value).has_value(); }};
}

Kind topic_names() {
  return {Kind::Toml::texts, "a topic name such as builds.ledger", [](std::string_view value) {
            return value.find('.') != value.npos && std::all_of(value.begin(), value.end(), [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
            });
          }};
}

Kind start() {
  return {Kind::Toml::text, "begin, end, or a position from 0", [](std::string_view value) {
            return value == "begin" || value == "end" ||
                   (!value.empty() && value.size() < 19 && std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }));
          }};
}

Kind segment_bytes() {
  return {Kind::Toml::number, "a multiple of 64 from 65536 to 2147483648", [](std::string_view value) {
            std::uint64_t bytes = 0;
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
            return error == std::errc() && end == value.data() + value.size() && bytes >= 65536 && bytes <= 2147483648 && bytes % 64 == 0;
          }};
}

Kind retention() {
  return {Kind::Toml::texts, std::string(kRetentionExpected), [](std::string_view value) { return parse_retention(value).has_value(); }};
}

std::vector<Setting> make_table() {
  std::vector<Setting> table;
  table.push_back(make_setting("data", text("a directory"), "./data", "Directory of the log, the stores and the blobs"));
  table.push_back(make_setting("keys", text("a directory"), "", "Directory of the key ring and the key files, outside the data (default: <data>.keys)"));
  table.push_back(make_setting("listen", listen(), "", "Address to listen on, repeatable: 127.0.0.1:8080 (main port), builds=127.0.0.1:3000 "
                       "(one surface at the root); :3000 is loopback, *:3000 every interface, main=off no main port"));
  table.push_back(make_setting("port", integer(1, 65535), "8080", "Main port on 127.0.0.1, unless listen names one"));
  table.push_back(make_setting("tls_certificate", text("a PEM file"), "", "Certificate chain, the node's own first; makes every listener TLS that does "
                       "not begin with http://"));
  table.push_back(make_setting("tls_key", text("a PEM file"), "", "Private key of tls_certificate, without a passphrase"));
  table.push_back(make_setting("log", log_kind(), "embedded", "The log of record: embedded, or kafka://host:port,host:port"));
  table.push_back(make_setting("kafka_prefix", kafka_prefix(), "", "Before the names of all topics and transactional ids: several installations on one cluster"));
  table.push_back(make_setting("kafka_replication", integer(1, 32), "", "Replicas of topics that are created (default: as the brokers are set)"));
  table.push_back(make_setting("kafka_property", kafka_property(), "", "Property of librdkafka, repeatable: security.protocol=SASL_SSL, "
                       "sasl.password=file:/run/secrets/kafka"));
  table.push_back(make_setting("blobs", text("a directory"), "", "Directory of the blobs, where the log is on Kafka (default: <data>/blobs)"));
  table.push_back(make_setting("blobs_shared", boolean(), "false", "Every node sees the directory blobs: nothing is copied between nodes"));
  table.push_back(make_setting("blobs_check_interval", duration("1s", "24h"), "1h", "How often a node looks whether its files are on another node too"));
  table.push_back(make_setting("lanes", integer(1, 1024), "12", "Lanes of a new installation; recorded in the log, never changed after"));
  table.push_back(make_setting("log_segment_bytes", segment_bytes(), "67108864", "Size of a segment of the log; no append may be larger"));
  table.push_back(make_setting("retention", retention(), "", "How long a topic is kept, repeatable: builds.activity=12h, builds.activity=7d/1073741824 "
                       "(by age or size, whichever cuts first), builds.activity=forever"));
  table.push_back(make_setting("node_id", node_id(), "node", "Name of this node in events and logs"));
  table.push_back(make_setting("advertise_url", advertised_url(), "", "Where other nodes on the same log reach this one's main port (default: as it listens)"));
  table.push_back(make_setting("session_timeout", duration("100ms", "5m"), "", "Silence after which other nodes on the same log take this one's lanes "
                       "(default: the least that the brokers allow, from 1s)"));
  table.push_back(make_setting("idempotency_window", duration("1m", "30d"), "24h", "How long a repeated Idempotency-Key gets the first answer"));
  table.push_back(make_setting("outbound_allow", networks(), "", "Network that outbound calls may reach although it is not public, repeatable"));
  table.push_back(make_setting("outbound_ca_file", text("a PEM file"), "", "Authorities that outbound calls trust (default: the system's store)"));
  table.push_back(make_setting("log_level", level(), "info", "Lowest level of the process log"));
  table.push_back(make_setting("log_format", log_format(), "logfmt", "How a line of the process log is written: logfmt or json"));
  table.push_back(make_setting("access_log", boolean(), "false", "Log every answered request, at level info"));
  table.push_back(make_setting("metrics_listen", metrics_listen(), "", "Address of a listener of its own for /metrics, without key: 127.0.0.1:9464"));
  table.push_back(make_setting("metrics_open", boolean(), "false", "/metrics of the main port needs no operator key"));
  table.push_back(make_setting("guide", boolean(), "false", "Print addresses, keys and commands to try once ready"));
  table.push_back(make_setting("server", server_url(), "http://127.0.0.1:8080", "Main port of a running node, for client commands"));
  table.push_back(make_setting("tail.topics", topic_names(), "", "Topics to print, repeatable (default: every event topic)"));
  table.push_back(make_setting("tail.lane", integer(0, 1023), "", "Only this lane"));
  table.push_back(make_setting("tail.from", start(), "begin", "Where to begin in each lane"));
  table.push_back(make_setting("tail.json", boolean(), "false", "Print CloudEvents, one JSON object per line"));
  table.push_back(make_setting("tail.follow", boolean(), "false", "Go on printing as events arrive"));
  return table;
}

std::vector<Setting>& settings_of_domains() {
  static std::vector<Setting> settings;
  return settings;
}

}  // namespace

void declare_settings(std::vector<Setting> settings) {
  auto& all = settings_of_domains();
  all.insert(all.end(), std::make_move_iterator(settings.begin()), std::make_move_iterator(settings.end()));
}

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> table = [] {
    auto all = make_table();
    const auto& more = settings_of_domains();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return table;
}

const Setting& setting(std::string_view key) {
  const auto& table = all_settings();
  const auto found = std::find_if(table.begin(), table.end(), [key](const Setting& s) { return s.key == key; });
  TM_ASSERT(found != table.end(), "a setting that the table does not have");
  return *found;
}

std::optional<Duration> parse_duration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, text.data() + text.size() - end);
  if (error != std::errc() || count < 0 || count > 1'000'000'000) return std::nullopt;
  if (unit == "ms") return Duration(count);
  if (unit == "s") return std::chrono::seconds(count);
  if (unit == "m") return std::chrono::minutes(count);
  if (unit == "h") return std::chrono::hours(count);
  if (unit == "d") return std::chrono::hours(24 * count);
  return std::nullopt;
}

}  // namespace tidemark::cli
