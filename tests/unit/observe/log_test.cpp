#include "core/observe/log.hpp"

#include <gtest/gtest.h>

namespace tidemark::observe {
namespace {

TEST(ProcessLog, ALineIsLogfmtInTheOrderGiven) {
  EXPECT_EQ(format_line("2026-01-02T03:04:05.678Z", Level::info, "listening", {{"url", "http://127.0.0.1:8080"}, {"port", 8080}}),
            "time=2026-01-02T03:04:05.678Z level=info msg=listening url=http://127.0.0.1:8080 port=8080");
}

TEST(ProcessLog, ValuesAreQuotedWhenTheyMustBe) {
  EXPECT_EQ(format_line("t", Level::error, "two words", {{"empty", ""}, {"equals", "a=b"}, {"quote", "say \"x\" \\ y"}}),
            "time=t level=error msg=\"two words\" empty=\"\" equals=\"a=b\" quote=\"say \\\"x\\\" \\\\ y\"");
}

TEST(ProcessLog, NothingThatIsLoggedCanForgeALine) {
  const std::string line = format_line("t", Level::info, "m", {{"value", "a\nlevel=error\r\x1b[31m"}});
  EXPECT_EQ(line.find('\n'), line.npos);
  EXPECT_EQ(line, "time=t level=info msg=m value=\"a\\nlevel=error\\x0d\\x1b[31m\"");
}

TEST(ProcessLog, LevelsHaveNamesBothWays) {
  for (const Level level : {Level::trace, Level::debug, Level::info, Level::warning, Level::error}) {
    EXPECT_EQ(parse_level(name_of(level)), level);
  }
  EXPECT_EQ(parse_level("loud"), std::nullopt);
}

}  // namespace
}  // namespace tidemark::observe
