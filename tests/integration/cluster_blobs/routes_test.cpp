// What a node answers to those who ask for its files.

#include <sys/socket.h>

#include "tests/integration/cluster_blobs/nodes.hpp"

namespace tidemark::cluster {
namespace {

using testing::file_content;
using testing::ref_of;

class BlobRoutes : public testing::Nodes {
 protected:
  http::PeerAnswer ask(http::PeerCall call) {
    auto answer = run(client->call(std::move(call)));
    EXPECT_TRUE(answer.ok()) << describe(answer.error());
    return answer.ok() ? std::move(*answer) : http::PeerAnswer{};
  }
  static http::PeerCall call_of(const std::string& method, const std::string& url, http::Headers headers, const std::string& body = {}) {
    http::PeerCall call;
    call.method = method;
    call.url = url;
    call.headers = std::move(headers);
    if (method == "PUT") call.body_bytes = body.size();
    call.next_piece = [body]() -> Task<Result<std::string>> { return piece(body); };
    return call;
  }
  static Task<Result<std::string>> piece(std::string body) { co_return body; }
  /// As a node that `to` trusts.
  http::PeerAnswer ask_as_node(Node& to, const std::string& method, const std::string& target, const std::string& body = {}, const std::string& content = {}) {
    const NodeKey key(*ring, loop->scheduler(), "asker");
    const auto signature = key.sign({.method = method, .target = target, .content = content}, to.id);
    return ask(call_of(method, to.url + target, signature->headers, body));
  }
};

TEST_F(BlobRoutes, AreForNodesOnly) {
  Node& a = add("a");
  const auto ref = *commit(*a.local, "content");
  const std::string target = blob_target(ref.sha256) + "?size=7";
  const http::PeerAnswer stranger = ask(call_of("GET", a.url + target, {}));
  EXPECT_EQ(stranger.status, 401);
  EXPECT_NE(stranger.text.find("/problems/node-key-wrong"), std::string::npos) << stranger.text;
  EXPECT_EQ(stranger.text.find("content"), std::string::npos);
  EXPECT_EQ(ask(call_of("GET", a.url + target, {{"Authorization", "Bearer operator"}})).status, 401);
  EXPECT_EQ(ask(call_of("PUT", a.url + blob_target(ref_of("x").sha256), {}, "x")).status, 401);
  EXPECT_EQ(ask(call_of("GET", a.url + "/cluster/private-blobs/build-1", {})).status, 401);
  EXPECT_FALSE(has(a, ref_of("x")));
}

TEST_F(BlobRoutes, TakeNoRequestTwice) {
  Node& a = add("a");
  const std::string target = blob_target(ref_of("x").sha256);
  const NodeKey key(*ring, loop->scheduler(), "asker");
  const auto signature = key.sign({.method = "PUT", .target = target, .content = {}}, "a");
  EXPECT_EQ(ask(call_of("PUT", a.url + target, signature->headers, "x")).status, 201);
  const http::PeerAnswer again = ask(call_of("PUT", a.url + target, signature->headers, "x"));
  EXPECT_EQ(again.status, 401);
  EXPECT_NE(again.text.find("/problems/node-key-stale"), std::string::npos) << again.text;
}

TEST_F(BlobRoutes, TakeWhatHasTheHashAndNothingElse) {
  Node& a = add("a");
  EXPECT_EQ(ask_as_node(a, "PUT", blob_target(ref_of("x").sha256), "y").status, 422);
  EXPECT_FALSE(has(a, ref_of("x")));
  EXPECT_FALSE(has(a, ref_of("y")));
  EXPECT_EQ(ask_as_node(a, "PUT", private_blob_target("build-1"), "not a private file", ref_of("not a private file").sha256).status, 422);
  EXPECT_EQ(ask_as_node(a, "PUT", private_blob_target("build-1"), "x", ref_of("y").sha256).status, 422);
  EXPECT_FALSE(std::filesystem::exists(a.private_file("build-1")));
  EXPECT_EQ(ask_as_node(a, "PUT", blob_target(ref_of("x").sha256), "x").status, 201);
  EXPECT_EQ(file_content(a.object(ref_of("x"))), "x");
  EXPECT_TRUE(staging_empties(a));
}

TEST_F(BlobRoutes, KnowNoOtherNamesThanThoseOfBlobs) {
  Node& a = add("a");
  const std::string upper(64, 'A'), hash = ref_of("x").sha256;
  for (const std::string& name : {std::string("abc"), upper, hash + "0", hash.substr(1)}) {
    EXPECT_EQ(ask_as_node(a, "GET", blob_target(name) + "?size=1").status, 400) << name;
    EXPECT_EQ(ask_as_node(a, "PUT", blob_target(name), "x").status, 400) << name;
  }
  for (const std::string& climbing : {std::string("..%2f..%2fkeys%2fring.json"), std::string("a%00")}) {  // not paths of this server at all
    EXPECT_EQ(ask_as_node(a, "GET", blob_target(climbing) + "?size=1").status, 404) << climbing;
    EXPECT_EQ(ask_as_node(a, "PUT", blob_target(climbing), "x").status, 404) << climbing;
  }
  for (const std::string& name : {std::string("..%2fstaging%2f1"), std::string("%2e%2e"), std::string("a.removed"), std::string(65, 'a'), std::string("a%00b")}) {
    const int got = ask_as_node(a, "GET", private_blob_target(name)).status;
    EXPECT_TRUE(got == 400 || got == 404) << name << " " << got;
    const int put = ask_as_node(a, "PUT", private_blob_target(name), "x", hash).status;
    EXPECT_TRUE(put == 400 || put == 404) << name << " " << put;
  }
  EXPECT_EQ(ask_as_node(a, "GET", blob_target(hash)).status, 400) << "without a size";
  EXPECT_EQ(ask_as_node(a, "GET", blob_target(hash) + "?size=1").status, 404);
  EXPECT_TRUE(staging_empties(a));
}

}  // namespace
}  // namespace tidemark::cluster
