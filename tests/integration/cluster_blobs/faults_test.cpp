// Nodes that are down, hang, are full or do not tell the truth: the next one is asked, and nothing is taken for stored that is not.

#include <signal.h>
#include <sys/resource.h>

#include "tests/integration/cluster_blobs/nodes.hpp"
#include "tests/integration/http_client/peer.hpp"

namespace tidemark::cluster {
namespace {

using testing::content_of;
using testing::file_content;
using testing::ref_of;
namespace fake = tidemark::testing;

class BlobFaults : public testing::Nodes {
 protected:
  static std::string url_of(const fake::Peer& peer) { return "http://127.0.0.1:" + std::to_string(peer.port()); }
  static std::string ok(const std::string& body, std::size_t length) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + body;
  }
  /// Asks the fake first, whatever the order of the list: it is the only one for the moment of the choice.
  void fetch_fails(Node& node, const fake::Peer& peer, const blob::BlobRef& ref, const char* why) {
    node.peers = {{"fake", url_of(peer)}};
    EXPECT_EQ(read(*node.store, ref), "(unavailable)") << why;
    EXPECT_FALSE(has(node, ref)) << why;
    EXPECT_TRUE(staging_empties(node)) << why;
  }
};

TEST_F(BlobFaults, ANodeThatIsDownIsPassedOver) {
  Node& a = add("a");
  Node& b = add("b");
  Node& gone = add("gone");
  know(a, gone);
  know(a, b);
  stop(gone);
  for (int i = 0; i < 8; ++i) {  // whoever is asked first
    const std::string content = content_of(1000, static_cast<unsigned>(i));
    const auto committed = commit(*a.store, content);
    ASSERT_TRUE(committed.ok()) << describe(committed.error());
    EXPECT_EQ(file_content(b.object(*committed)), content);
  }
}

TEST_F(BlobFaults, WithoutANodeThatTakesTheCopyTheCommitFails) {
  Node& a = add("a");
  Node& gone = add("gone");
  know(a, gone);
  stop(gone);
  const auto upload = staged(*a.store, "content");
  for (int i = 0; i < 2; ++i) {
    const auto committed = run(upload->commit());
    ASSERT_FALSE(committed.ok());
    EXPECT_EQ(committed.error().code, Code::unavailable);
    EXPECT_NE(committed.error().message.find("gone"), std::string::npos) << committed.error().message;
  }
  a.peers = {{"silent", ""}};
  EXPECT_EQ(commit(*a.store, "other").error().code, Code::unavailable) << "a node that does not say where it is";
}

TEST_F(BlobFaults, ANodeThatHangsIsGivenUp) {
  client_options.stall_timeout = client_options.answer_deadline = std::chrono::milliseconds(300);
  Node& a = add("a");
  Node& b = add("b");
  fake::Peer hangs;
  hangs.then({.answer = "", .stall = true});
  a.peers = {{"hangs", url_of(hangs)}};
  const auto alone = commit(*a.store, "content");
  ASSERT_FALSE(alone.ok());
  EXPECT_EQ(alone.error().code, Code::unavailable);
  hangs.then({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", .stall = true});
  fetch_fails(a, hangs, ref_of(content_of(100)), "it stops in the middle");
  know(a, b);
  EXPECT_TRUE(commit(*a.store, "content").ok());
}

TEST_F(BlobFaults, ANodeThatDiedIsWaitedForUntilTheGroupKnows) {
  copies_options.patience = std::chrono::hours(1);
  copies_options.look_every = Duration(5);
  Node& a = add("a");
  Node& b = add("b");
  Node& gone = add("gone");
  stop(gone);
  know(a, gone);
  loop->scheduler().after(Duration(100), [&a] { a.peers.clear(); });
  const auto alone = commit(*a.store, "alone");
  ASSERT_TRUE(alone.ok()) << describe(alone.error());
  know(a, gone);
  loop->scheduler().after(Duration(100), [&a, &b] { a.peers = {{b.id, b.url}}; });
  const auto committed = commit(*a.store, "another one came");
  ASSERT_TRUE(committed.ok()) << describe(committed.error());
  EXPECT_TRUE(has(b, *committed));
  a.peers = {{gone.id, gone.url}};
  loop->scheduler().after(Duration(100), [&a] { a.peers.clear(); });
  EXPECT_TRUE(commit_private(*a.store, "certs", "build-1").ok());
}

TEST_F(BlobFaults, ANodeThatHangsIsWaitedForAsLongAsItIsOneOfTheGroup) {
  client_options.stall_timeout = client_options.answer_deadline = std::chrono::seconds(2);
  copies_options.patience = std::chrono::hours(1);
  copies_options.look_every = Duration(5);
  Node& a = add("a");
  const std::string content = content_of(1000);
  fake::Peer hangs;
  hangs.then({.answer = "", .stall = true});
  a.peers = {{"hangs", url_of(hangs)}};
  loop->scheduler().after(Duration(100), [&a] { a.peers.clear(); });
  const auto committed = commit(*a.store, content);
  ASSERT_TRUE(committed.ok()) << describe(committed.error());
  // What is under way to it ends by itself.
  const std::string path = a.object(ref_of(content));
  EXPECT_TRUE(happens([&path] {
    for (const auto& open : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(open.path(), gone) == path) return false;
    }
    return true;
  }));
}

TEST_F(BlobFaults, PatienceEnds) {
  copies_options.patience = Duration(50);
  copies_options.look_every = Duration(5);
  Node& a = add("a");
  Node& gone = add("gone");
  know(a, gone);
  stop(gone);
  EXPECT_EQ(commit(*a.store, "content").error().code, Code::unavailable);
}

TEST_F(BlobFaults, AContentThatIsNotWhatWasAskedForIsNeverKept) {
  Node& a = add("a");
  Node& b = add("b");
  const std::string content = content_of(300'000), other = content_of(300'000, 2);
  const auto ref = *commit(*b.local, content);
  {
    fake::Peer lies;
    lies.then({.answer = ok(other, other.size())});
    fetch_fails(a, lies, ref, "another content of that length");
    EXPECT_FALSE(has(a, ref_of(other)));
  }
  {
    fake::Peer lies;
    lies.then({.answer = ok(content.substr(0, 1000), content.size())});
    fetch_fails(a, lies, ref, "a body that ends early");
  }
  {
    fake::Peer lies;
    lies.then({.answer = ok(content.substr(0, 1000), 1000)});
    fetch_fails(a, lies, ref, "a length that is too small");
  }
  {
    fake::Peer lies;
    lies.then({.answer = ok("", content.size() + 1)});
    fetch_fails(a, lies, ref, "a length that is too large");
  }
  {
    fake::Peer lies;
    lies.then({.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + content + "x"});
    fetch_fails(a, lies, ref, "more than was asked for, without a length");
  }
  {
    fake::Peer lies;
    lies.then({.answer = "nonsense\r\n\r\n"});
    fetch_fails(a, lies, ref, "no HTTP");
  }
  fake::Peer lies;
  for (int i = 0; i < 4; ++i) lies.then({.answer = ok(other, other.size())});
  a.peers = {{"fake", url_of(lies)}, {b.id, b.url}};
  EXPECT_EQ(read(*a.store, ref), content) << "the next node is asked";
}

TEST_F(BlobFaults, WhoeverAnswersAtAnOldAddressIsNoSecondCopy) {
  Node& a = add("a");
  fake::Peer stranger;
  stranger.then({.answer = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"});
  stranger.then({.answer = "HTTP/1.1 201 Created\r\nTidemark-Node-Stored: AAAA\r\nContent-Length: 0\r\n\r\n"});
  a.peers = {{"b", url_of(stranger)}};
  for (int i = 0; i < 2; ++i) {
    const auto committed = commit(*a.store, "content");
    ASSERT_FALSE(committed.ok());
    EXPECT_EQ(committed.error().code, Code::unavailable);
  }
}

TEST_F(BlobFaults, ADiskThatIsFullThereIsPassedOver) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  ::signal(SIGXFSZ, SIG_IGN);
  const std::string content = content_of(600'000);
  const auto ref = *commit(*a.local, content);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{200'000, before.rlim_max};  // stands in for a full disk
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto given = run(a.copies->give(ref));
  const auto fetched = run(b.copies->fetch(ref));
  know(b, a);
  const auto not_kept = run(b.copies->fetch(ref));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(given.ok());
  EXPECT_EQ(given.error().code, Code::unavailable);
  EXPECT_NE(given.error().message.find("507"), std::string::npos) << given.error().message;
  EXPECT_EQ(fetched.error().code, Code::not_found) << "b knows nobody";
  EXPECT_EQ(not_kept.error().code, Code::exhausted) << "the fault is this node's own";
  EXPECT_FALSE(has(b, ref));
  EXPECT_TRUE(run(a.copies->give(ref)).ok());
}

TEST_F(BlobFaults, ANodeWithOtherKeysTakesAndGivesNothing) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  auto other = keys::open_key_ring(root + "/other-keys", true);
  ASSERT_TRUE(other.ok());
  NodeKey stranger(**other, loop->scheduler(), "a");
  PeerCopiesParts parts{loop->scheduler(), *pool, *a.local, *client, stranger, [&a] { return a.peers; }};
  PeerCopiesOptions patient;
  patient.patience = std::chrono::hours(1);  // for nodes that are silent, not for those that refuse
  PeerCopies copies(std::move(parts), patient);
  const auto ref = *commit(*a.local, "content"), theirs = *commit(*b.local, "theirs");
  EXPECT_EQ(run(copies.give(ref)).error().code, Code::unavailable);
  EXPECT_EQ(run(copies.fetch(theirs)).error().code, Code::unavailable);
  EXPECT_EQ(b.asked["PUT 401"], 1);
  EXPECT_EQ(b.asked["GET 401"], 1);
  EXPECT_FALSE(has(b, ref));
}

}  // namespace
}  // namespace tidemark::cluster
