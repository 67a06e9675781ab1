#include <gtest/gtest.h>

#include "core/http/live.hpp"

namespace tidemark::http {
namespace {

std::string bytes_of(const ServerSentEvent& event) {
  std::string out;
  append_sse(event, out);
  return out;
}

TEST(ServerSentEvents, WritesTheFieldsThatAreSet) {
  EXPECT_EQ(bytes_of({.id = "7", .event = "built", .data = "{}", .retry = std::chrono::seconds(2)}),
            "retry: 2000\nid: 7\nevent: built\ndata: {}\n\n");
  EXPECT_EQ(bytes_of({.data = ""}), "data: \n\n");
}

TEST(ServerSentEvents, SplitsDataAtEveryKindOfLineEnd) {
  EXPECT_EQ(bytes_of({.data = "a\nb\r\nc\rd\n"}), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
}

TEST(ServerSentEvents, WithoutDataOnlyMovesTheIdOn) {
  EXPECT_EQ(bytes_of({.id = "9", .event = "built", .has_data = false}), "id: 9\n\n");
}

TEST(ServerSentEvents, NoFieldCanBeginAnother) {
  EXPECT_EQ(bytes_of({.id = std::string("1\n\0data: x", 10), .event = "a\rid: 2", .data = "d"}),
            "id: 1  data: x\nevent: a id: 2\ndata: d\n\n");
}

TEST(ServerSentEvents, CommentsCannotBecomeFields) {
  std::string out;
  append_sse_comment("", out);
  append_sse_comment("a\ndata: b", out);
  EXPECT_EQ(out, ":\n\n: a\n: data: b\n\n");
}

}  // namespace
}  // namespace tidemark::http
