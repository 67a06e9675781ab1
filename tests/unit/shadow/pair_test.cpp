#include "replay/shadow/pair.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "replay/shadow/pair_reader.hpp"

namespace tidemark::shadow {
namespace {

constexpr std::string_view kWhole =
    R"({"request":{"method":"POST","target":"/a?b=c","headers":{"X-Key":"k","x-twice":["1","2"]},"body":{"base64":"AP8="}},)"
    R"("primary":{"status":200,"headers":{"Content-Type":"text/plain"},"body":{"text":"hé"}},)"
    R"("shadow":{"status":200,"body":{"sha256":"2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824","size":5}}})";

TEST(Pair, IsReadInEveryFormOfBodyAndHeader) {
  const auto pair = parse_pair(kWhole);
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_EQ(pair->request.method, "POST");
  EXPECT_EQ(pair->request.header("x-key"), "k");
  EXPECT_EQ(pair->request.headers.size(), 3u);
  EXPECT_EQ(pair->request.body.bytes, std::string("\0\xFF", 2));
  EXPECT_EQ(pair->primary.header("content-type"), "text/plain");
  EXPECT_EQ(pair->primary.body.bytes, "h\xC3\xA9");
  ASSERT_TRUE(pair->shadow);
  EXPECT_TRUE(pair->shadow->body.hashed);
  EXPECT_EQ(pair->shadow->body.size_bytes(), 5u);
  Body hello;
  hello.bytes = "hello";
  EXPECT_EQ(pair->shadow->body.digest(), hello.digest());
}

TEST(Pair, IsTheSameAfterWritingAndReading) {
  std::string line;
  write_pair(*parse_pair(kWhole), line);
  std::string again;
  write_pair(*parse_pair(line), again);
  EXPECT_EQ(line, again);
  EXPECT_EQ(line.back(), '\n');
  EXPECT_NE(line.find(R"("x-twice":["1","2"])"), std::string::npos);
}

TEST(Pair, WithoutAShadowIsOneThatWasNotReplayedYet) {
  const auto pair = parse_pair(R"({"request":{"method":"GET","target":"/"},"primary":{"status":204}})");
  ASSERT_TRUE(pair.ok());
  EXPECT_FALSE(pair->shadow);
}

TEST(Pair, SaysWhereALineIsWrong) {
  const struct {
    std::string_view line, said;
  } cases[] = {
      {"[]", "expected an object"},
      {R"({"request":{"target":"/"}})", "/request/method"},
      {R"({"request":{"method":"GET","target":""}})", "/request/target"},
      {R"({"request":{"method":"GET","target":"/","headers":{"a":1}}})", "/request/headers/a"},
      {R"({"request":{"method":"GET","target":"/","body":"x"}})", "/request/body"},
      {R"({"request":{"method":"GET","target":"/","body":{"base64":"?"}}})", "/request/body/base64"},
      {R"({"request":{"method":"GET","target":"/","body":{"text":"x","base64":""}}})", "one of"},
      {R"({"request":{"method":"GET","target":"/","body":{"sha256":"00","size":1}}})", "/request/body/sha256"},
      {R"({"request":{"method":"GET","target":"/","body":{"bytes":""}}})", "/request/body/bytes: unknown member"},
      {R"({"request":{"method":"GET","target":"/"}})", "/primary"},
      {R"({"request":{"method":"GET","target":"/"},"primary":{"status":99}})", "/primary/status"},
      {R"({"request":{"method":"GET","target":"/"},"primary":{"status":200},"shadow":{"status":"200"}})", "/shadow/status"},
  };
  for (const auto& one : cases) {
    const auto pair = parse_pair(one.line);
    ASSERT_FALSE(pair.ok()) << one.line;
    EXPECT_NE(pair.error().message.find(one.said), std::string::npos) << pair.error().message;
  }
}

TEST(PairReader, CountsLinesAndNamesTheOneThatCannotBeRead) {
  const std::string path = testing::TempDir() + "pairs-" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + ".ndjson";
  std::ofstream(path) << kWhole << "\n\n" << kWhole << "\r\n{\"request\":";
  PairReader reader;
  ASSERT_TRUE(reader.open(path).ok());
  ASSERT_TRUE(reader.next().ok());
  EXPECT_EQ(reader.line(), 1u);
  ASSERT_TRUE(reader.next().ok());
  EXPECT_EQ(reader.line(), 3u);
  const auto broken = reader.next();
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("line 4"), std::string::npos) << broken.error().message;
  std::remove(path.c_str());
}

TEST(PairReader, EndsWithTheFileWhetherOrNotTheLastLineDoes) {
  const std::string path = testing::TempDir() + "ends.ndjson";
  for (const char* end : {"", "\n"}) {
    std::ofstream(path) << kWhole << end;
    PairReader reader;
    ASSERT_TRUE(reader.open(path).ok());
    auto first = reader.next();
    ASSERT_TRUE(first.ok() && *first);
    auto second = reader.next();
    ASSERT_TRUE(second.ok());
    EXPECT_FALSE(*second);
  }
  std::remove(path.c_str());
  EXPECT_EQ(PairReader().open(path).error().code, Code::not_found);
}

}  // namespace
}  // namespace tidemark::shadow
