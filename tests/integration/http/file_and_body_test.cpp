// Files with ranges and conditions, bodies of every coding, 100-continue, forms.

#include "tests/integration/http/harness.hpp"
#include "tests/integration/http/surfaces.hpp"

namespace tidemark::http::testing {
namespace {

std::string pattern(std::size_t first, std::size_t size) {
  std::string out;
  for (std::size_t i = first; i < first + size; ++i) out += static_cast<char>(i * 7 + 3);
  return out;
}

struct HttpFile : ::testing::Test {
  TestServer server{test_surfaces(), ServerOptions()};
  RawClient client{server.port()};
};

TEST_F(HttpFile, IsSentWhole) {
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.ask(get("/file"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("etag"), "\"pattern\"");
    EXPECT_EQ(reply.header("accept-ranges"), "bytes");
    EXPECT_EQ(reply.body, pattern(0, 1u << 20));
  }
}

TEST_F(HttpFile, IsSentInParts) {
  const Reply middle = client.ask(get("/file", "Range: bytes=1000-500999\r\n"));
  EXPECT_EQ(middle.status, 206);
  EXPECT_EQ(middle.header("content-range"), "bytes 1000-500999/1048576");
  EXPECT_EQ(middle.body, pattern(1000, 500000));
  const Reply tail = client.ask(get("/file", "Range: bytes=-3\r\n"));
  EXPECT_EQ(tail.status, 206);
  EXPECT_EQ(tail.header("content-range"), "bytes 1048573-1048575/1048576");
  EXPECT_EQ(tail.body, pattern(1048573, 3));
  const Reply past = client.ask(get("/file", "Range: bytes=1048576-\r\n"));
  EXPECT_EQ(past.status, 416);
  EXPECT_EQ(past.header("content-range"), "bytes */1048576");
  EXPECT_EQ(past.body, "");
  EXPECT_EQ(client.ask(get("/file", "Range: bytes=0-1,5-6\r\n")).status, 200);
}

TEST_F(HttpFile, HonoursConditions) {
  const Reply cached = client.ask(get("/file", "If-None-Match: \"x\", W/\"pattern\"\r\nRange: bytes=0-1\r\n"));
  EXPECT_EQ(cached.status, 304);
  EXPECT_EQ(cached.header("etag"), "\"pattern\"");
  EXPECT_FALSE(cached.header("content-length"));
  EXPECT_EQ(client.ask(get("/file", "If-Range: \"pattern\"\r\nRange: bytes=0-1\r\n")).status, 206);
  EXPECT_EQ(client.ask(get("/file", "If-Range: \"other\"\r\nRange: bytes=0-1\r\n")).status, 200);
}

TEST_F(HttpFile, HeadTellsItsSize) {
  const Reply reply = client.ask("HEAD /file HTTP/1.1\r\nHost: t\r\nRange: bytes=0-1\r\n\r\n", true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("content-length"), "1048576");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

struct HttpBody : HttpFile {};

TEST_F(HttpBody, ChunkedBodiesAreDecodedAndTheNextRequestIsFound) {
  const std::string chunked = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n";
  client.send(chunked + chunked + get("/hello"));
  EXPECT_EQ(client.read_reply()->body, "hello world");
  EXPECT_EQ(client.read_reply()->body, "hello world");
  EXPECT_EQ(client.read_reply()->body, "hello");
}

TEST_F(HttpBody, LargeChunkedBodiesCutAnywhere) {
  std::string body, coded = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t i = 0; i < 3000; ++i) {
    const std::string piece(1 + i % 700, static_cast<char>('a' + i % 26));
    char size[16];
    std::snprintf(size, sizeof(size), "%zx\r\n", piece.size());
    coded += size + piece + "\r\n";
    body += piece;
  }
  coded += "0\r\n\r\n";
  client.send(coded + get("/hello"));
  EXPECT_EQ(client.read_reply()->body, body);
  EXPECT_EQ(client.read_reply()->body, "hello");
}

TEST_F(HttpBody, ManyTinyChunksInOneSegment) {
  std::string coded = "POST /count HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 200000; ++i) coded += "1\r\nx\r\n";
  client.send(coded + "0\r\n\r\n");
  EXPECT_EQ(client.read_reply()->body, "200000");
}

TEST_F(HttpBody, BrokenChunkingIsToldAndEndsTheConnection) {
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld");
  EXPECT_EQ(client.read_reply()->status, 400);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpBody, ContinueIsSentOnlyWhenTheHandlerReads) {
  client.send("POST /guarded HTTP/1.1\r\nHost: t\r\nX-Key: open sesame\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.read_reply()->status, 100);
  client.send("12345");
  EXPECT_EQ(client.read_reply()->body, "5");
  client.send("POST /guarded HTTP/1.1\r\nHost: t\r\nX-Key: wrong\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client.read_reply()->status, 401);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpBody, ContinueIsNotSentForALengthOverTheLimit) {
  EXPECT_EQ(client.ask("POST /small HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n").status, 413);
  EXPECT_TRUE(client.closed_by_peer());
  RawClient second(server.port());
  EXPECT_EQ(second.ask("POST /echo HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n").status, 413);
}

TEST_F(HttpBody, ContinueIsNotSentWhenTheBodyIsAlreadyThere) {
  EXPECT_EQ(client.ask(post("/echo", "early", "Expect: 100-continue\r\n")).body, "early");
}

TEST_F(HttpBody, AHandlerThatChecksLengthsItselfDecidesTheOrder) {
  EXPECT_EQ(client.ask("POST /own HTTP/1.1\r\nHost: t\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x')).status, 401);
  const Reply reply = client.ask("POST /own HTTP/1.1\r\nHost: t\r\nX-Key: open sesame\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, 'x'));
  EXPECT_EQ(reply.body, "5000");
}

TEST_F(HttpBody, ALimitHoldsForChunkedBodiesToo) {
  client.send("POST /small HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_reply()->status, 413);
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpBody, ASmallBodyNobodyReadsIsPassedOver) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(client.ask(post("/guarded", std::string(200000, 'x'))).status, 401);
    ASSERT_EQ(client.ask("POST /guarded HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").status, 401);
  }
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(HttpBody, AnAnswerDuringALargeUploadReachesAClientThatSendsEverythingFirst) {
  // The client writes 32 MiB that nobody wants before it looks for the answer.
  std::string request = "POST /guarded HTTP/1.1\r\nHost: t\r\nContent-Length: 33554432\r\n\r\n";
  EXPECT_TRUE(client.send(request + std::string(32u << 20, 'x')));
  const auto reply = client.read_reply();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 401);
  EXPECT_EQ(reply->header("connection"), "close");
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpBody, StreamsMoreThanABuffer) {
  EXPECT_EQ(client.ask(post("/count", std::string(20u << 20, 's'))).body, "20971520");
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(HttpBody, ReadsForms) {
  const std::string body =
      "--XX\r\nContent-Disposition: form-data; name=\"source\"; filename=\"p.tgz\"\r\nContent-Type: application/gzip\r\n\r\n" + std::string(3000000, '\r') +
      "\r\n--XX\r\nContent-Disposition: form-data; name=\"platform\"\r\n\r\nios\r\n--XX--\r\n";
  EXPECT_EQ(client.ask(post("/form", body, "Content-Type: multipart/form-data; boundary=XX\r\n")).body, "[source|p.tgz|application/gzip|3000000][platform|-||3]");
  EXPECT_EQ(client.ask(post("/form", body.substr(0, 500), "Content-Type: multipart/form-data; boundary=XX\r\n")).status, 400);
  EXPECT_EQ(client.ask(post("/form", "{}", "Content-Type: application/json\r\n")).status, 400);
  EXPECT_EQ(client.ask(get("/hello")).body, "hello");
}

TEST_F(HttpBody, AHalfClosedClientStillGetsItsAnswer) {
  client.send(post("/echo", "last words"));
  client.half_close();
  EXPECT_EQ(client.read_reply()->body, "last words");
  EXPECT_TRUE(client.closed_by_peer());
}

TEST_F(HttpBody, ABodyCutShortIsNotTakenForWhole) {
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n12345");
  client.half_close();
  EXPECT_EQ(client.read_reply()->status, 400);
  EXPECT_TRUE(client.closed_by_peer());
}

}  // namespace
}  // namespace tidemark::http::testing
