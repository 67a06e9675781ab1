// The table of settings. docs/configuration.md describes the same ones; a test compares the two.

#include <algorithm>
#include <charconv>

#include "core/base/assert.hpp"
#include "core/observe/log.hpp"
#include "ops/cli/listen.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {
namespace {

constexpr std::int64_t kFileBytesMax = 1ll << 40;

Kind text(std::string expected, std::size_t size_max = 4096) {
  return {Kind::Toml::text, std::move(expected), [size_max](std::string_view value) { return !value.empty() && value.size() <= size_max; }};
}

Kind integer(std::int64_t least, std::int64_t most) {
  return {Kind::Toml::number, "an integer from " + std::to_string(least) + " to " + std::to_string(most),
          [least, most](std::string_view value) {
            std::int64_t number = 0;
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
            return error == std::errc() && end == value.data() + value.size() && number >= least && number <= most;
          }};
}

Kind duration(std::string_view least_text, std::string_view most_text) {
  const Duration least = *parse_duration(least_text), most = *parse_duration(most_text);
  return {Kind::Toml::text,
          "a duration from " + std::string(least_text) + " to " + std::string(most_text) + ", such as 500ms, 30s, 5m, 24h or 7d",
          [least, most](std::string_view value) {
            const auto parsed = parse_duration(value);
            return parsed && *parsed >= least && *parsed <= most;
          }};
}

Kind boolean() {
  return {Kind::Toml::boolean, "true or false", [](std::string_view value) { return value == "true" || value == "false"; }};
}

Kind listen() {
  return {Kind::Toml::texts, std::string(kListenExpected), [](std::string_view value) { return parse_listen(value).has_value(); }};
}

Kind log_kind() {
  return {Kind::Toml::text, "embedded (the Kafka log, kafka://..., is not in this build)",
          [](std::string_view value) { return value == "embedded"; }};
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

Kind api_key() {
  return {Kind::Toml::text, "at least 16 visible ASCII characters", [](std::string_view value) {
            return value.size() >= 16 && value.size() <= 4096 &&
                   std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
          }};
}

Kind server_url() {
  return {Kind::Toml::text, "http://host:port", [](std::string_view value) {
            return value.starts_with("http://") && value.size() > 7 && value.find(' ') == value.npos;
          }};
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

Setting make(std::string key, Kind kind, std::string fallback, std::string help, bool secret = false) {
  Setting made{std::move(key), std::move(kind), std::move(fallback), std::move(help), secret, "--", "TIDEMARK_"};
  for (const char c : made.key) {
    made.flag += c == '.' || c == '_' ? '-' : c;
    made.environment += c == '.' ? '_' : c >= 'a' && c <= 'z' ? char(c - 32) : c;
  }
  return made;
}

std::vector<Setting> make_table() {
  std::vector<Setting> table;
  table.push_back(make("data", text("a directory"), "./data", "Directory of the log, the stores and the blobs"));
  table.push_back(make("keys", text("a directory"), "", "Directory of the key ring and the key files, outside the data (default: <data>.keys)"));
  table.push_back(make("listen", listen(), "", "Address to listen on, repeatable: 127.0.0.1:8080 (main port), builds=127.0.0.1:3000 "
                       "(one surface at the root); :3000 is loopback, *:3000 every interface, main=off no main port"));
  table.push_back(make("port", integer(1, 65535), "8080", "Main port on 127.0.0.1, unless listen names one"));
  table.push_back(make("log", log_kind(), "embedded", "The log of record"));
  table.push_back(make("lanes", integer(1, 1024), "12", "Lanes of a new installation; recorded in the log, never changed after"));
  table.push_back(make("node_id", node_id(), "node", "Name of this node in events and logs"));
  table.push_back(make("idempotency_window", duration("1m", "30d"), "24h", "How long a repeated Idempotency-Key gets the first answer"));
  table.push_back(make("log_level", level(), "info", "Lowest level of the process log"));
  table.push_back(make("guide", boolean(), "false", "Print addresses, keys and commands to try once ready"));
  table.push_back(make("server", server_url(), "http://127.0.0.1:8080", "Main port of a running node, for client commands"));
  table.push_back(make("builds.api_key", api_key(), "", "API key of the builds surface (default: made at first start in <keys>/builds-api.key)", true));
  table.push_back(make("builds.base_image_id", text("an image reference", 512), "",
                       "Base image that workers are told to use (default: the old controller's, for those that authenticate by key)"));
  table.push_back(make("builds.open_registration", boolean(), "false", "Workers register without the API key"));
  table.push_back(make("builds.assigned_silence", duration("1s", "7d"), "600s", "Silence allowed while a build is assigned"));
  table.push_back(make("builds.building_silence", duration("1s", "7d"), "300s", "Silence allowed while a build runs"));
  table.push_back(make("builds.late_success", duration("0s", "30d"), "24h", "How long after a timeout a successful result is still taken"));
  table.push_back(make("builds.worker_offline", duration("1s", "7d"), "300s", "Silence after which an idle worker is offline"));
  table.push_back(make("builds.worker_token", duration("2s", "1d"), "90s", "Lifetime of a worker token"));
  table.push_back(make("builds.worker_token_rotate", duration("1s", "1d"), "30s", "A poll rotates a worker token with less than this left"));
  table.push_back(make("builds.otp", duration("1s", "1d"), "600s", "Lifetime of a one-time password, from assignment"));
  table.push_back(make("builds.vm_token", duration("1s", "7d"), "2h", "Lifetime of a VM token since its last use"));
  table.push_back(make("builds.vm_token_max", duration("1s", "30d"), "4h", "Lifetime of a VM token since it was issued"));
  table.push_back(make("builds.activity_mark", duration("1s", "10m"), "30s", "At most one recorded sign of life per build in this time"));
  table.push_back(make("builds.attempts_max", integer(1, 1000), "10", "Attempts before a requeue becomes a failure"));
  table.push_back(make("builds.requeue_on_timeout", boolean(), "false", "A build whose worker fell silent is queued again instead of failing"));
  table.push_back(make("builds.source_bytes_max", integer(1, kFileBytesMax), "524288000", "Largest source archive"));
  table.push_back(make("builds.certs_bytes_max", integer(1, kFileBytesMax), "10485760", "Largest certificate bundle"));
  table.push_back(make("builds.result_bytes_max", integer(1, kFileBytesMax), "1073741824", "Largest result"));
  table.push_back(make("tail.topics", topic_names(), "", "Topics to print, repeatable (default: every event topic)"));
  table.push_back(make("tail.lane", integer(0, 1023), "", "Only this lane"));
  table.push_back(make("tail.from", start(), "begin", "Where to begin in each lane"));
  table.push_back(make("tail.json", boolean(), "false", "Print CloudEvents, one JSON object per line"));
  table.push_back(make("tail.follow", boolean(), "false", "Go on printing as events arrive"));
  return table;
}

}  // namespace

const std::vector<Setting>& all_settings() {
  static const std::vector<Setting> table = make_table();
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
