// Private files on other nodes: encrypted on the way and there, under their own name only, and gone when each node has seen that.

#include "tests/integration/cluster_blobs/nodes.hpp"

#include <fstream>

namespace tidemark::cluster {
namespace {

using testing::content_of;
using testing::file_content;

class PrivateCopies : public testing::Nodes {};

TEST_F(PrivateCopies, AreTheEncryptedFile) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const std::string content = "PRIVATE KEY " + content_of(200'000);
  const auto committed = commit_private(*a.store, content, "build-1");
  ASSERT_TRUE(committed.ok()) << describe(committed.error());
  const std::string there = file_content(b.private_file("build-1"));
  EXPECT_EQ(there, file_content(a.private_file("build-1")));
  EXPECT_EQ(there.find("PRIVATE KEY"), std::string::npos);
  EXPECT_EQ(*run(b.local->read_private("build-1", 1 << 20)), content);
  EXPECT_TRUE(staging_empties(b));
}

TEST_F(PrivateCopies, AreFoundOnOtherNodes) {
  Node& a = add("a");
  Node& b = add("b");
  know(b, a);
  const std::string content = content_of(100'000);
  ASSERT_TRUE(commit_private(*a.local, content, "build-1").ok());
  EXPECT_EQ(*run(b.store->read_private("build-1", 1 << 20)), content);
  ASSERT_TRUE(commit_private(*a.local, content, "build-2").ok());
  const auto opened = run(blob::private_source(*b.store).open_private("build-2", 1 << 20));
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  EXPECT_EQ(opened->size, content.size());
  ASSERT_TRUE(commit_private(*a.local, content, "build-3").ok());
  know(a, b);
  const auto copied = run(b.store->copy_private("build-3", "build-4"));
  ASSERT_TRUE(copied.ok()) << describe(copied.error());
  EXPECT_EQ(*run(a.local->read_private("build-4", 1 << 20)), content) << "the copy is on two nodes as well";
  EXPECT_EQ(run(b.store->read_private("build-5", 1 << 20)).error().code, Code::not_found);
  EXPECT_EQ(run(b.store->read_private("../keys", 1 << 20)).error().code, Code::invalid_argument);
}

TEST_F(PrivateCopies, ThatWereChangedOrHaveAnotherNameAreNotKept) {
  Node& a = add("a");
  Node& b = add("b");
  know(b, a);
  ASSERT_TRUE(commit_private(*a.local, content_of(100'000), "build-1").ok());
  std::filesystem::copy_file(a.private_file("build-1"), a.private_file("build-2"));
  EXPECT_EQ(run(b.store->read_private("build-2", 1 << 20)).error().code, Code::unavailable);
  std::string bytes = file_content(a.private_file("build-1"));
  for (const std::size_t at : {std::size_t{0}, std::size_t{20}, std::size_t{600}, bytes.size() - 1}) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(a.private_file("build-1"), std::ios::binary) << changed;
    EXPECT_EQ(run(b.store->read_private("build-1", 1 << 20)).error().code, Code::unavailable) << "byte " << at;
  }
  std::ofstream(a.private_file("build-1"), std::ios::binary) << bytes.substr(0, bytes.size() - 1);
  EXPECT_EQ(run(b.store->read_private("build-1", 1 << 20)).error().code, Code::unavailable) << "cut";
  EXPECT_FALSE(std::filesystem::exists(b.private_file("build-1")));
  EXPECT_TRUE(staging_empties(b));
  std::ofstream(a.private_file("build-1"), std::ios::binary) << bytes;
  EXPECT_TRUE(run(b.store->read_private("build-1", 1 << 20)).ok());
}

TEST_F(PrivateCopies, WithoutASecondNodeTheCommitFails) {
  Node& a = add("a");
  Node& gone = add("gone");
  know(a, gone);
  stop(gone);
  EXPECT_EQ(commit_private(*a.store, "content", "build-1").error().code, Code::unavailable);
}

TEST_F(PrivateCopies, ArePurgedByEachNodeThatHasThem) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  know(b, a);
  ASSERT_TRUE(commit_private(*a.store, content_of(1000), "build-1").ok());
  const std::string other_name = root + "/b-witness";
  std::filesystem::create_hard_link(b.private_file("build-1"), other_name);
  const auto purged = [](std::string_view) { return blob::Use::gone; };
  for (Node* node : {&a, &b}) {
    const auto collected = [&] {  // as soon as the upload has let it go
      EXPECT_TRUE(run(node->store->collect_private(std::chrono::hours(1), purged)).ok());
      return !std::filesystem::exists(node->private_file("build-1"));
    };
    EXPECT_TRUE(comes_true(collected)) << node->id;
  }
  EXPECT_EQ(file_content(other_name).substr(0, 512), std::string(512, '\0')) << "the key was overwritten before the file went";
  EXPECT_EQ(run(a.store->read_private("build-1", 1 << 20)).error().code, Code::not_found);
}

}  // namespace
}  // namespace tidemark::cluster
