#include "ops/cli/settings.hpp"

#include <gtest/gtest.h>

#include "ops/cli/listen.hpp"
#include "ops/cli/retention.hpp"

namespace tidemark::cli {
namespace {

const bool kDeclared = (declare_surface("builds"), true);
const std::vector<std::string> kKeys{"listen", "port", "tls_certificate", "tls_key", "idempotency_window"};
const Environment kNoEnvironment = [](const std::string&) { return std::nullopt; };

Settings with(const FlagValues& flags, const Environment& environment = kNoEnvironment) {
  auto loaded = Settings::load(kKeys, flags, environment, std::nullopt);
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  return std::move(*loaded);
}

std::string shown(const Result<std::vector<http::Listener>>& listeners) {
  if (!listeners.ok()) return listeners.error().message;
  std::string out;
  for (const auto& l : *listeners) out += (out.empty() ? "" : " ") + l.surface + "=" + l.address + ":" + std::to_string(l.port);
  return out;
}

TEST(Durations, HaveAUnit) {
  EXPECT_EQ(parse_duration("250ms"), Duration(250));
  EXPECT_EQ(parse_duration("30s"), std::chrono::seconds(30));
  EXPECT_EQ(parse_duration("5m"), std::chrono::minutes(5));
  EXPECT_EQ(parse_duration("24h"), std::chrono::hours(24));
  EXPECT_EQ(parse_duration("7d"), std::chrono::hours(168));
  for (const char* text : {"", "5", "m", "-5s", "5 s", "5sec", "1.5h", "99999999999999999999s"}) EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(RetentionSetting, NamesATopicAndItsBounds) {
  const auto both = parse_retention("builds.activity=12h/1048576");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->topic, "builds.activity");
  EXPECT_EQ(both->age, std::chrono::hours(12));
  EXPECT_EQ(both->bytes, 1048576u);
  const auto for_ever = parse_retention("builds.activity=forever");
  ASSERT_TRUE(for_ever);
  EXPECT_FALSE(for_ever->age || for_ever->bytes);
  for (const char* bad : {"", "builds.activity", "builds=1h", "=1h", "builds.activity=", "builds.activity=0s", "builds.activity=1h/", "builds.activity=1h/0",
                          "builds.activity=1h/x", "builds.activity=soon"}) {
    EXPECT_FALSE(parse_retention(bad)) << bad;
  }
}

TEST(Listen, UnderstandsWhatPeopleWrite) {
  const auto read = [](std::string_view text) {
    const auto entry = parse_listen(text);
    return entry ? entry->listener.surface + "=" + entry->listener.address + ":" + std::to_string(entry->listener.port) : "none";
  };
  EXPECT_EQ(read("127.0.0.1:8080"), "=127.0.0.1:8080");
  EXPECT_EQ(read(":3000"), "=127.0.0.1:3000");
  EXPECT_EQ(read("localhost:3000"), "=127.0.0.1:3000");
  EXPECT_EQ(read("*:3000"), "=0.0.0.0:3000");
  EXPECT_EQ(read("[::1]:8080"), "=::1:8080");
  EXPECT_EQ(read("builds=:3000"), "builds=127.0.0.1:3000");
  for (const char* text : {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", "host:80", "::1:80", "games=:1", "=:1"}) {
    EXPECT_EQ(read(text), "none") << text;
  }
}

TEST(Listeners, SpeakTlsWhenThereIsACertificateUnlessTheySayHttp) {
  const auto urls = [](const std::vector<std::string>& listen, bool certificate) {
    FlagValues flags{{"listen", {"--listen", listen}}};
    if (certificate) flags["tls_certificate"] = {"--tls-certificate", {"a.pem"}};
    const auto listeners = effective_listeners(with(flags), {});
    std::string out;
    if (!listeners.ok()) return listeners.error().message;
    for (const auto& each : *listeners) out += (out.empty() ? "" : " ") + url_of(each);
    return out;
  };
  EXPECT_EQ(urls({"builds=http://:3000"}, false), "http://127.0.0.1:8080 http://127.0.0.1:3000");
  EXPECT_EQ(urls({"builds=http://:3000"}, true), "https://127.0.0.1:8080 http://127.0.0.1:3000");
  EXPECT_EQ(urls({"https://*:8443", "builds=:3000"}, true), "https://127.0.0.1:8443 https://127.0.0.1:3000");
  EXPECT_NE(urls({"https://*:8443"}, false).find("tls_certificate"), std::string::npos);
  for (const char* text : {"https://", "https:8443", "http://https://:1", "builds=ftp://:1"}) EXPECT_FALSE(parse_listen(text)) << text;
}

TEST(Listeners, TheMainPortIsThereUnlessNamedOrTurnedOff) {
  EXPECT_EQ(shown(effective_listeners(with({}), {})), "=127.0.0.1:8080");
  EXPECT_EQ(shown(effective_listeners(with({{"port", {"--port", {"9090"}}}}), {})), "=127.0.0.1:9090");
  EXPECT_EQ(shown(effective_listeners(with({{"listen", {"--listen", {"builds=:3000"}}}}), {})), "=127.0.0.1:8080 builds=127.0.0.1:3000");
  EXPECT_EQ(shown(effective_listeners(with({{"listen", {"--listen", {"*:80", "builds=:3000"}}}}), {})), "=0.0.0.0:80 builds=127.0.0.1:3000");
  EXPECT_EQ(shown(effective_listeners(with({{"listen", {"--listen", {"main=off", "builds=:3000"}}}}), {})), "builds=127.0.0.1:3000");
  EXPECT_NE(shown(effective_listeners(with({{"listen", {"--listen", {"main=off"}}}}), {})).find("at least one"), std::string::npos);
}

TEST(Listeners, OfPortAndListenTheOneOfMoreForceWins) {
  const Environment listen_by_environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TIDEMARK_LISTEN") return ":7001,builds=:7002";
    return std::nullopt;
  };
  EXPECT_EQ(shown(effective_listeners(with({{"port", {"--port", {"9090"}}}}, listen_by_environment), {})),
            "=127.0.0.1:9090 builds=127.0.0.1:7002");
  EXPECT_EQ(shown(effective_listeners(with({}, listen_by_environment), {})), "=127.0.0.1:7001 builds=127.0.0.1:7002");
  const auto both = effective_listeners(with({{"port", {"--port", {"9090"}}}, {"listen", {"--listen", {":7001"}}}}), {});
  EXPECT_NE(shown(both).find("not both"), std::string::npos);
}

TEST(Listeners, TheOldCommandLinesPortIsTheBuildsSurface) {
  const PortMeaning old{.surface = "builds", .address = "0.0.0.0"};
  EXPECT_EQ(shown(effective_listeners(with({{"port", {"--port", {"3000"}}}}), old)), "builds=0.0.0.0:3000");
  EXPECT_EQ(shown(effective_listeners(with({{"listen", {"--listen", {":8080", "builds=:3001"}}}}), old)),
            "builds=127.0.0.1:3001 =127.0.0.1:8080");
}

}  // namespace
}  // namespace tidemark::cli
