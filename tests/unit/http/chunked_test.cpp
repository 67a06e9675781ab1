#include "core/http/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tidemark::http {
namespace {

struct Outcome {
  std::string body;
  std::string rest;
  bool done = false, bad = false;
};

Outcome decode(const std::string& input, std::size_t piece_bytes) {
  ChunkedDecoder decoder;
  Outcome out;
  for (std::size_t at = 0; at < input.size(); at += piece_bytes) {
    std::string piece = input.substr(at, piece_bytes);
    const auto step = decoder.decode(piece.data(), piece.size());
    out.body += piece.substr(0, step.produced);
    if (decoder.done() || decoder.bad()) {
      out.rest = piece.substr(step.consumed) + input.substr(std::min(input.size(), at + piece_bytes));
      break;
    }
    EXPECT_EQ(step.consumed, piece.size());
  }
  out.done = decoder.done();
  out.bad = decoder.bad();
  return out;
}

TEST(Chunked, DecodesWhereverItIsCut) {
  const std::string input = "5\r\nhello\r\nA;name=value\r\n0123456789\r\n1;x\r\n \r\n00\r\nTrailer: yes\r\nOther: \t\r\n\r\nGET /next";
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    const Outcome out = decode(input, piece);
    ASSERT_TRUE(out.done) << piece;
    ASSERT_EQ(out.body, "hello0123456789 ") << piece;
    ASSERT_EQ(out.rest, "GET /next") << piece;
  }
}

TEST(Chunked, RefusesWhatIsNotTheCoding) {
  for (const char* input : {"\r\n", "x\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n", "5\nhello\r\n", "5\r\nhello\n", "5\r\nhelloX\r\n", "5\r\nhell\r\n0\r\n\r\n", "-1\r\n",
                            "+5\r\n", "0x5\r\n", "5\rhello", "5;a\nb\r\n", "5;\x01\r\n", "0\r\nA: b\n\r\n", "0\r\n\rX", "fffffffffffffffff\r\n", "1000000000000000000\r\n"}) {
    EXPECT_TRUE(decode(input, 100).bad) << input;
    EXPECT_TRUE(decode(input, 1).bad) << input;
  }
}

TEST(Chunked, BoundsExtensionsAndTrailers) {
  EXPECT_TRUE(decode("1;" + std::string(5000, 'e') + "\r\nx\r\n0\r\n\r\n", 777).bad);
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "1;abc\r\nx\r\n";
  EXPECT_TRUE(decode(many + "0\r\n\r\n", 777).bad);
  EXPECT_TRUE(decode("0\r\nT: " + std::string(9000, 't') + "\r\n\r\n", 777).bad);
  EXPECT_TRUE(decode("1;" + std::string(4000, 'e') + "\r\nx\r\n0\r\n\r\n", 777).done);
}

TEST(Chunked, WaitsForTheEnd) {
  const std::string input = "3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < input.size(); ++size) {
    const Outcome out = decode(input.substr(0, size), 100);
    EXPECT_FALSE(out.done) << size;
    EXPECT_FALSE(out.bad) << size;
  }
}

}  // namespace
}  // namespace tidemark::http
