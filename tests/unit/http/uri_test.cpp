#include "core/http/uri.hpp"

#include <gtest/gtest.h>

namespace tidemark::http {
namespace {

struct Decoded {
  PathDecoding result;
  std::vector<std::string> segments;
  bool trailing;
};
Decoded decode(std::string_view path) {
  std::string buffer;
  DecodedPath out;
  const auto result = decode_path(path, buffer, out);
  return {result, {out.segments.begin(), out.segments.end()}, out.trailing_slash};
}

TEST(Uri, CutsAPathIntoSegments) {
  EXPECT_EQ(decode("/a/b").segments, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(decode("/a/b").trailing);
  EXPECT_EQ(decode("/a/b/").segments, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(decode("/a/b/").trailing);
  EXPECT_TRUE(decode("/").segments.empty());
  EXPECT_FALSE(decode("/").trailing);
  EXPECT_EQ(decode("//").segments, (std::vector<std::string>{""}));
  EXPECT_EQ(decode("/a//b").segments, (std::vector<std::string>{"a", "", "b"}));
}

TEST(Uri, DecodesEachSegmentByItself) {
  EXPECT_EQ(decode("/a%20b/c%C3%A9").segments, (std::vector<std::string>{"a b", "c\xC3\xA9"}));
  EXPECT_EQ(decode("/%41/x").segments, (std::vector<std::string>{"A", "x"}));
  EXPECT_EQ(decode("/a%25b").segments, (std::vector<std::string>{"a%b"}));
  EXPECT_EQ(decode("/a+b").segments, (std::vector<std::string>{"a+b"}));
}

TEST(Uri, KeepsTheDecodedPath) {
  std::string buffer;
  DecodedPath out;
  ASSERT_EQ(decode_path("/a%20b/c/", buffer, out), PathDecoding::ok);
  EXPECT_EQ(out.path, "/a b/c/");
}

TEST(Uri, RefusesBrokenEscapes) {
  for (const char* path : {"/%", "/a%", "/a%4", "/%zz", "/%4/1", "/%-1"}) EXPECT_EQ(decode(path).result, PathDecoding::bad_escape) << path;
}

TEST(Uri, RefusesSegmentsThatCouldLeaveTheirPlace) {
  for (const char* path : {"/.", "/..", "/a/../b", "/%2e%2e", "/%2E", "/a%2Fb", "/a%5cb", "/a\\b", "/%00", "/a%0ab", "/%7f", "/%ff", "/%c0%af"}) {
    EXPECT_EQ(decode(path).result, PathDecoding::forbidden) << path;
  }
  EXPECT_EQ(decode("/.well-known/...").result, PathDecoding::ok);
}

TEST(Uri, FindsQueryParameters) {
  EXPECT_EQ(query_value("a=1&b=2", "b"), "2");
  EXPECT_EQ(query_value("a=1&a=2", "a"), "1");
  EXPECT_EQ(query_value("a=x+y%21&", "a"), "x y!");
  EXPECT_EQ(query_value("a", "a"), "");
  EXPECT_EQ(query_value("&&a=&", "a"), "");
  EXPECT_EQ(query_value("a=b=c", "a"), "b=c");
  EXPECT_EQ(query_value("%61=1", "a"), "1");
  EXPECT_EQ(query_value("a=100%&b=%4", "a"), "100%");
  EXPECT_EQ(query_value("a=100%&b=%4", "b"), "%4");
  EXPECT_FALSE(query_value("aa=1", "a"));
  EXPECT_FALSE(query_value("", "a"));
}

TEST(Uri, SplitsTheTargetAtTheFirstQuestionMark) {
  EXPECT_EQ(split_target("/a?b?c").path, "/a");
  EXPECT_EQ(split_target("/a?b?c").query, "b?c");
  EXPECT_EQ(split_target("/a").query, "");
}

}  // namespace
}  // namespace tidemark::http
