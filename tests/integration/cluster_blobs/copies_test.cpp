// What is stored on one node is on another, and is found by a third.

#include "tests/integration/cluster_blobs/nodes.hpp"

#include <fstream>

namespace tidemark::cluster {
namespace {

using testing::content_of;
using testing::file_content;
using testing::ref_of;
class BlobCopies : public testing::Nodes {};

TEST_F(BlobCopies, AnUploadIsOnTwoNodesWhenItsCommitSucceeds) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{262'144}, std::size_t{3'000'001}}) {
    const std::string content = content_of(size);
    const auto committed = commit(*a.store, content);
    ASSERT_TRUE(committed.ok()) << describe(committed.error());
    EXPECT_EQ(committed->sha256, ref_of(content).sha256);
    EXPECT_EQ(committed->size, size);
    EXPECT_EQ(file_content(a.object(*committed)), content);
    EXPECT_EQ(file_content(b.object(*committed)), content);
  }
  EXPECT_EQ(b.asked["PUT 201"], 4);
  EXPECT_TRUE(staging_empties(b));
}

TEST_F(BlobCopies, ANodeThatIsAloneKeepsTheOnlyCopy) {
  Node& a = add("a");
  const auto committed = commit(*a.store, "alone");
  ASSERT_TRUE(committed.ok()) << describe(committed.error());
  EXPECT_EQ(read(*a.store, *committed), "alone");
}

TEST_F(BlobCopies, WhatOtherNodesHaveIsFoundAndStays) {
  Node& a = add("a");
  Node& b = add("b");
  Node& c = add("c");
  know(c, a);
  know(c, b);
  const std::string content = content_of(1'000'000);
  const auto ref = *commit(*b.local, content);
  EXPECT_EQ(read(*c.store, ref), content);
  EXPECT_TRUE(has(c, ref));
  EXPECT_FALSE(has(a, ref));
  EXPECT_EQ(read(*c.store, ref), content);
  EXPECT_EQ(b.asked["GET 200"], 1) << "the second time it is here";
  EXPECT_TRUE(staging_empties(c));

  const auto other = *commit(*b.local, "other");
  EXPECT_TRUE(*run(c.store->exists(other)));
  const auto third = *commit(*b.local, "third");
  EXPECT_TRUE(*run(c.store->matches(third)));
}

TEST_F(BlobCopies, WhatNobodyHasIsNotFound) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  EXPECT_EQ(read(*a.store, ref_of("nobody's")), "(not_found)");
  EXPECT_EQ(b.asked["GET 404"], 1);
  const blob::BlobRef nonsense{"../../etc/passwd", 1};
  EXPECT_EQ(read(*a.store, nonsense), "(invalid_argument)");
  EXPECT_EQ(b.asked.size(), 1u) << "nobody was asked for that";
}

TEST_F(BlobCopies, ThoseWhoWantOneFileShareItsFetch) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const std::string content = content_of(2'000'000);
  const auto ref = *commit(*b.local, content);
  constexpr int kReaders = 20;
  int found = 0, ended = 0;
  for (int i = 0; i < kReaders; ++i) {
    spawn([](blob::BlobStore& store, blob::BlobRef wanted, int& ok) -> Task<void> {
      auto opening = store.open_verified(std::move(wanted));
      const auto opened = co_await std::move(opening);
      ok += opened.ok() ? 1 : 0;
    }(*a.store, ref, found), [&] {
      if (++ended == kReaders) loop->stop();
    });
  }
  loop->run();
  EXPECT_EQ(found, kReaders);
  EXPECT_EQ(b.asked["GET 200"], 1);
}

TEST_F(BlobCopies, DamageHereIsHealedFromAnotherNode) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const std::string content = content_of(500'000);
  const auto ref = *commit(*a.store, content);
  {
    std::fstream file(a.object(ref), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(123'456);
    file.put(static_cast<char>(content[123'456] ^ 1));
  }
  EXPECT_EQ(read(*a.store, ref), content);
  EXPECT_EQ(file_content(a.object(ref)), content);

  std::filesystem::resize_file(a.object(ref), 1000);
  EXPECT_EQ(read(*a.store, ref), content);
  b.peers.clear();
}

TEST_F(BlobCopies, EachNodeCollectsItsOwn) {
  Node& a = add("a");
  Node& b = add("b");
  know(a, b);
  const auto ref = *commit(*a.store, "content");
  const auto nobody = [](std::string_view) { return false; };
  EXPECT_EQ(*run(b.store->collect(std::chrono::hours(1), nobody)), 0u) << "a copy is new when it comes";
  const auto collected = [&] {  // as soon as the upload has let it go
    EXPECT_TRUE(run(a.store->collect(-std::chrono::hours(1), nobody)).ok());
    return !has(a, ref);
  };
  EXPECT_TRUE(comes_true(collected));
  EXPECT_TRUE(has(b, ref));
  EXPECT_EQ(read(*a.store, ref), "content");
}

}  // namespace
}  // namespace tidemark::cluster
