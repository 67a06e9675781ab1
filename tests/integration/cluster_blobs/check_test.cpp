// Files that are on one node only get a second copy, and those that have ended do not come back.

#include <fstream>

#include "core/cluster/blobs/held.hpp"
#include "tests/integration/cluster_blobs/nodes.hpp"
#include "tests/integration/http_client/peer.hpp"

namespace tidemark::cluster {
namespace {

using blob::Use;
using testing::content_of;
using testing::file_content;
using testing::ref_of;
namespace fake = tidemark::testing;

class BlobCopyCheck : public testing::Nodes {
 protected:
  static CopyCheckOptions quick() {
    return {.interval = Duration(20), .settle = Duration(1), .retry = Duration(20), .look_every = Duration(1), .page_pause = Duration(1), .page_files = 4};
  }
  bool is_on(const Node& node, const blob::BlobRef& ref, const std::string& content) { return file_content(node.object(ref)) == content; }
  bool is_private_on(const Node& node, const std::string& name) { return std::filesystem::exists(node.private_file(name)); }
  /// Passes of that node have begun and ended since: each asks that other node at least once.
  bool passes(Node& asked, int more) {
    const int before = asked.asked["POST 200"];
    return happens([&asked, wanted = before + more] { return asked.asked["POST 200"] >= wanted; });
  }
};

TEST_F(BlobCopyCheck, WhatOnlyOneNodeHasGetsASecondCopy) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  know(b, a);
  std::vector<std::string> contents;
  std::vector<blob::BlobRef> refs;
  for (unsigned i = 0; i < 30; ++i) {  // several pages
    contents.push_back(content_of(1 + i * 7'001, i));
    refs.push_back(*commit(i % 2 == 0 ? *a.local : *b.local, contents.back()));
  }
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(commit_private(*a.local, "certs " + std::to_string(i), "build-" + std::to_string(i)).ok());
  const auto both = *commit(*a.store, "on both");
  const int given = b.asked["PUT 201"];
  check_copies(a, quick());
  check_copies(b, quick());
  EXPECT_TRUE(happens([&] {
    for (std::size_t i = 0; i < refs.size(); ++i) {
      if (!is_on(a, refs[i], contents[i]) || !is_on(b, refs[i], contents[i])) return false;
    }
    for (int i = 0; i < 10; ++i) {
      if (!is_private_on(b, "build-" + std::to_string(i))) return false;
    }
    return true;
  }));
  EXPECT_EQ(*run(b.local->read_private("build-3", 100)), "certs 3");
  EXPECT_TRUE(passes(b, 30));
  EXPECT_EQ(b.asked["PUT 201"], given + 15 + 10) << "each once, and none that is there";
  EXPECT_EQ(a.asked["PUT 201"], 15);
  EXPECT_TRUE(is_on(b, both, "on both"));
}

TEST_F(BlobCopyCheck, ANodeThatJoinsGetsWhatTheOneThatIsLeftHas) {
  Node& a = add("a");
  const std::string content = content_of(100'000);
  const auto ref = *commit(*a.store, content);
  ASSERT_TRUE(commit_private(*a.store, "certs", "build-1").ok());
  auto options = quick();
  options.interval = std::chrono::hours(24);
  check_copies(a, options);
  Node& b = add("b");
  know(a, b);
  EXPECT_TRUE(happens([&] { return is_on(b, ref, content) && is_private_on(b, "build-1"); }));
}

TEST_F(BlobCopyCheck, WithThreeNodesTwoCopiesAreEnough) {
  Node& a = add("a");
  Node& b = add("b");
  Node& c = add("c");
  for (Node* node : {&a, &b, &c}) {
    for (Node* other : {&a, &b, &c}) {
      if (other != node) know(*node, *other);
    }
  }
  const auto ref = *commit(*a.local, "content");
  check_copies(a, quick());
  check_copies(b, quick());
  check_copies(c, quick());
  EXPECT_TRUE(happens([&] { return has_file(b, ref) || has_file(c, ref); }));
  EXPECT_TRUE(passes(a, 10) && passes(b, 10) && passes(c, 10));
  EXPECT_NE(has_file(b, ref), has_file(c, ref));
}

TEST_F(BlobCopyCheck, WhatHasEndedIsNotGivenToANodeThatKnows) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const auto ref = *commit(*a.local, "an old source"), needed = *commit(*a.local, "needed");
  ASSERT_TRUE(commit_private(*a.local, "certs", "build-1").ok());
  // b has purged the one and collected the other; a is behind.
  b.known["build-1"] = Use::gone;
  b.known[ref.sha256] = Use::unknown;
  check_copies(a, quick());
  EXPECT_TRUE(happens([&] { return is_on(b, needed, "needed") && b.asked["PUT 409"] >= 4; }));
  EXPECT_FALSE(is_private_on(b, "build-1"));
  EXPECT_FALSE(has_file(b, ref));
  EXPECT_TRUE(staging_empties(b));
}

TEST_F(BlobCopyCheck, WhatThisNodeDoesNotKnowToBeNeededIsNotGiven) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const auto orphan = *commit(*a.local, "orphan"), needed = *commit(*a.local, "needed");
  ASSERT_TRUE(commit_private(*a.local, "certs", "build-1").ok());
  a.known[orphan.sha256] = Use::unknown;
  a.known["build-1"] = Use::gone;
  check_copies(a, quick());
  EXPECT_TRUE(happens([&] { return is_on(b, needed, "needed"); }));
  EXPECT_TRUE(passes(b, 10));
  EXPECT_EQ(b.asked["PUT 201"], 1);
  EXPECT_EQ(b.asked["PUT 409"], 0);
}

TEST_F(BlobCopyCheck, ACertificateThatIsPurgedWhileItComesIsRemoved) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  ASSERT_TRUE(commit_private(*a.local, content_of(1'000'000), "build-1").ok());
  int asked = 0;  // when the copy is announced, and again when it is there
  b.known["build-1"] = Use::gone;
  b.uses.add([&asked](const blob::StoredFile&) -> std::optional<Use> { return ++asked == 1 ? Use::needed : Use::gone; });
  blob::StoredFile file{true, "build-1", 0};
  const auto given = run(a.copies->give_again(file));
  EXPECT_EQ(given.became, PeerCopies::Again::unwanted);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(b.asked["PUT 409"], 1);
  EXPECT_FALSE(is_private_on(b, "build-1"));
}

TEST_F(BlobCopyCheck, APrivateFileIsNeverReplaced) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  ASSERT_TRUE(commit_private(*a.local, "older", "build-1").ok());
  ASSERT_TRUE(commit_private(*b.local, "newer", "build-1").ok());
  blob::StoredFile file{true, "build-1", 0};
  EXPECT_EQ(run(a.copies->give_again(file)).became, PeerCopies::Again::unwanted);
  EXPECT_EQ(*run(b.local->read_private("build-1", 100)), "newer");
}

TEST_F(BlobCopyCheck, ANodeThatCannotSayWhatIsNeededGivesAndTakesNothing) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const auto ref = *commit(*a.local, "content");
  b.can_say = false;
  check_copies(a, quick());
  EXPECT_TRUE(happens([&] { return b.asked["PUT 503"] >= 2; }));
  EXPECT_FALSE(has_file(b, ref));
  b.can_say = true;
  EXPECT_TRUE(happens([&] { return is_on(b, ref, "content"); }));
}

TEST_F(BlobCopyCheck, ANodeThatCannotBeAskedIsWaitedForAndThenDoneWithout) {
  Node& a = add("a");
  Node& b = add("b");
  Node& gone = add("gone");
  know(a, b);
  know(a, gone);
  stop(gone);
  const auto ref = *commit(*a.local, "content");
  check_copies(a, quick());
  EXPECT_TRUE(happens([&] { return is_on(b, ref, "content"); }));
}

TEST_F(BlobCopyCheck, WhoeverAnswersAtAnOldAddressHasNoCopy) {
  Node& a = add("a");
  const auto ref = *commit(*a.local, "content");
  fake::Peer stranger;
  stranger.then({.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1\n"});
  stranger.then({.answer = "HTTP/1.1 200 OK\r\nTidemark-Node-Stored: AAAA\r\nContent-Length: 2\r\n\r\n1\n"});
  a.peers = {{"b", "http://127.0.0.1:" + std::to_string(stranger.port())}};
  for (int i = 0; i < 2; ++i) {
    std::vector<blob::StoredFile> files{{false, ref.sha256, ref.size}};
    std::set<std::string> nobody;
    const auto found = run(a.copies->elsewhere(files, nobody));
    EXPECT_EQ(found.held, std::vector<bool>{false});
    EXPECT_EQ(found.mute, std::vector<std::string>{"b"});
  }
}

TEST_F(BlobCopyCheck, ADamagedFileIsPassedOverAndTheOthersAreCopied) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  std::vector<blob::BlobRef> refs;
  for (unsigned i = 0; i < 12; ++i) refs.push_back(*commit(*a.local, content_of(5000, i)));
  for (std::size_t i = 0; i < 8; ++i) {
    std::fstream file(a.object(refs[i]), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(1234);
    file.put('x');
    file.put('y');
  }
  check_copies(a, quick());
  EXPECT_TRUE(happens([&] {
    for (std::size_t i = 8; i < refs.size(); ++i) {
      if (!has_file(b, refs[i])) return false;
    }
    return true;
  }));
  for (std::size_t i = 0; i < 8; ++i) EXPECT_FALSE(has_file(b, refs[i]));
  EXPECT_TRUE(staging_empties(b));
}

TEST_F(BlobCopyCheck, ListsEveryFileOnceWhateverThePage) {
  Node& a = add("a");
  std::set<blob::StoredFile> wanted;
  for (unsigned i = 0; i < 200; ++i) {
    const auto ref = *commit(*a.local, "file " + std::to_string(i));
    wanted.insert({false, ref.sha256, ref.size});
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(commit_private(*a.local, "certs", "build-" + std::to_string(i)).ok());
    wanted.insert({true, "build-" + std::to_string(i), 0});
  }
  std::ofstream(a.directory + "/objects/stray") << "x";
  std::ofstream(a.directory + "/private/build-1.removed") << "x";
  auto& files = blob::copy_source(*a.local);
  for (const std::size_t page_files : {std::size_t{1}, std::size_t{7}, std::size_t{250}, std::size_t{1000}}) {
    std::set<blob::StoredFile> found;
    std::optional<blob::StoredFile> after;
    for (bool more = true; more;) {
      auto page = run(files.list_files(after, page_files));
      ASSERT_TRUE(page.ok()) << describe(page.error());
      for (const auto& file : *page) {
        EXPECT_TRUE(!after || *after < file);
        after = file;
        EXPECT_TRUE(found.insert(file).second) << file.name;
      }
      more = page->size() == page_files;
      ASSERT_LE(page->size(), page_files);
    }
    EXPECT_EQ(found, wanted) << page_files;
  }
}

TEST_F(BlobCopyCheck, AQuestionIsOfKnownNamesAndNothingElse) {
  const std::string hash(64, 'a');
  const std::vector<blob::StoredFile> files{{false, hash, 12}, {true, "build-1", 0}, {true, hash, 0}};
  const auto parsed = parse_held_question(held_question(files));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(*parsed, files);
  for (const std::string& text : {std::string(), std::string("\n"), hash + " 12", hash + "\n", hash + " \n", hash + " -1\n", hash + " 1x\n", hash + " 99999999999999999999\n",
                                  std::string("private \n"), std::string("private ../x\n"), std::string("private a b\n"), std::string("../../etc/passwd 1\n")}) {
    EXPECT_FALSE(parse_held_question(text).ok()) << text;
  }
  std::string many;
  for (std::size_t i = 0; i <= kHeldFilesMax; ++i) many += "private a\n";
  EXPECT_FALSE(parse_held_question(many).ok());
  EXPECT_EQ(*parse_held_answer("101\n", 3), (std::vector<bool>{true, false, true}));
  for (const char* text : {"", "101", "10\n", "1010\n", "1x1\n"}) EXPECT_FALSE(parse_held_answer(text, 3).ok()) << text;
}

}  // namespace
}  // namespace tidemark::cluster
