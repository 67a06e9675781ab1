#include "core/observe/log.hpp"

#include <gtest/gtest.h>

namespace tidemark::observe {
namespace {

TEST(ProcessLog, ALineIsLogfmtInTheOrderGiven) {
  EXPECT_EQ(format_line(Format::logfmt, "2026-01-02T03:04:05.678Z", Level::info, "listening", {{"url", "http://127.0.0.1:8080"}, {"port", 8080}}),
            "time=2026-01-02T03:04:05.678Z level=info msg=listening url=http://127.0.0.1:8080 port=8080");
}

TEST(ProcessLog, ValuesAreQuotedWhenTheyMustBe) {
  EXPECT_EQ(format_line(Format::logfmt, "t", Level::error, "two words", {{"empty", ""}, {"equals", "a=b"}, {"quote", "say \"x\" \\ y"}}),
            "time=t level=error msg=\"two words\" empty=\"\" equals=\"a=b\" quote=\"say \\\"x\\\" \\\\ y\"");
}

TEST(ProcessLog, NothingThatIsLoggedCanForgeALine) {
  const std::string line = format_line(Format::logfmt, "t", Level::info, "m", {{"value", "a\nlevel=error\r\x1b[31m"}});
  EXPECT_EQ(line.find('\n'), line.npos);
  EXPECT_EQ(line, "time=t level=info msg=m value=\"a\\nlevel=error\\x0d\\x1b[31m\"");
}

TEST(ProcessLog, ALineIsJsonWhenAsked) {
  EXPECT_EQ(format_line(Format::json, "2026-01-02T03:04:05.678Z", Level::info, "listening", {{"url", "http://127.0.0.1:8080"}, {"port", 8080}, {"digits", "7"}}),
            R"({"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"listening","url":"http://127.0.0.1:8080","port":8080,"digits":"7"})");
}

TEST(ProcessLog, AJsonLineIsJsonWhateverIsLogged) {
  const auto logged = [](std::string_view value) {
    const std::string line = format_line(Format::json, "t", Level::info, "m", {{"v", value}});
    const std::string before = R"({"time":"t","level":"info","msg":"m","v":")";
    return line.substr(before.size(), line.size() - before.size() - 2);
  };
  EXPECT_EQ(logged("a\nb\"c\\d\x1b\x7f"), R"(a\u000ab\"c\\d\u001b\u007f)");
  EXPECT_EQ(logged("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a"), "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a");
  EXPECT_EQ(logged("\xff"), "\\ufffd");
  EXPECT_EQ(logged("\xc3"), "\\ufffd") << "cut short";
  EXPECT_EQ(logged("\xc0\xaf"), "\\ufffd\\ufffd") << "overlong";
  EXPECT_EQ(logged("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd") << "a surrogate";
  EXPECT_EQ(logged(std::string_view("\0", 1)), R"(\u0000)");
}

TEST(ProcessLog, FormatsHaveNames) {
  EXPECT_EQ(parse_format("logfmt"), Format::logfmt);
  EXPECT_EQ(parse_format("json"), Format::json);
  EXPECT_EQ(parse_format("xml"), std::nullopt);
}

TEST(ProcessLog, LevelsHaveNamesBothWays) {
  for (const Level level : {Level::trace, Level::debug, Level::info, Level::warning, Level::error}) {
    EXPECT_EQ(parse_level(name_of(level)), level);
  }
  EXPECT_EQ(parse_level("loud"), std::nullopt);
}

}  // namespace
}  // namespace tidemark::observe
