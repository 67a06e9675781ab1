// Files of an export: whole or not there, and nobody else's.

#include "replay/export/file_tree.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "tests/contract/log/scratch_directory.hpp"

namespace tidemark::replay {
namespace {

FileOrigin origin_of(const std::string& content) { return {FileOrigin::Kind::shared, "name", to_hex(sha256(content)), content.size()}; }

class Tree : public testing::Test {
 protected:
  Tree() : tree_(directory_.path() + "/out", {"files"}) { EXPECT_TRUE(tree_.open().ok()); }
  std::string blob(const std::string& content) {
    const std::string path = directory_.path() + "/blob";
    std::ofstream(path) << content;
    return path;
  }
  Result<void> place(const std::string& path, const std::string& content, const FileOrigin& origin) {
    const auto from = blob::open_file(blob(content));
    return tree_.place(path, from->get(), origin, stop_);
  }
  std::string path_of(const std::string& path) const { return directory_.path() + "/out/" + path; }
  std::string content_of(const std::string& path) const {
    std::ifstream file(path_of(path));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t entries() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_of("files"))) ++count;
    return count;
  }

  log::test::ScratchDirectory directory_;
  FileTree tree_;
  std::atomic<bool> stop_{false};
};

TEST_F(Tree, AFileIsACopyThatOnlyItsOwnerReads) {
  ASSERT_TRUE(place("files/a", "content", origin_of("content")).ok());
  ASSERT_TRUE(tree_.sync().ok());
  struct stat copy{}, original{};
  ASSERT_EQ(::stat(path_of("files/a").c_str(), &copy), 0);
  ASSERT_EQ(::stat((directory_.path() + "/blob").c_str(), &original), 0);
  EXPECT_EQ(copy.st_mode & 0777, 0600u);
  EXPECT_EQ(copy.st_nlink, 1u);
  EXPECT_NE(copy.st_ino, original.st_ino);
  EXPECT_EQ(content_of("files/a"), "content");
}

TEST_F(Tree, AFileReplacesTheOneBefore) {
  ASSERT_TRUE(place("files/a", "before", origin_of("before")).ok());
  ASSERT_TRUE(place("files/a", "after", origin_of("after")).ok());
  EXPECT_EQ(content_of("files/a"), "after");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Tree, AnotherContentIsNotPlaced) {
  ASSERT_TRUE(place("files/a", "before", origin_of("before")).ok());
  for (const char* content : {"befare", "longer than it was", ""}) {
    const auto placed = place("files/a", content, origin_of("before"));
    ASSERT_FALSE(placed.ok());
    EXPECT_EQ(placed.error().code, Code::corrupt);
  }
  EXPECT_EQ(content_of("files/a"), "before");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Tree, AnotherContentIsNotPlacedWhereFilesShareTheirBlocks) {
  const auto share = [](int to, int from) {
    char buffer[64];
    const ssize_t bytes = ::pread(from, buffer, sizeof buffer, 0);
    return bytes >= 0 && ::pwrite(to, buffer, static_cast<std::size_t>(bytes), 0) == bytes;
  };
  FileTree sharing(directory_.path() + "/out", {"files"}, share);
  const auto place = [&](const std::string& content) {
    const auto from = blob::open_file(blob(content));
    return sharing.place("files/a", from->get(), origin_of("before"), stop_);
  };
  ASSERT_TRUE(place("before").ok());
  for (const char* content : {"befare", "longer than it was", ""}) {
    const auto placed = place(content);
    ASSERT_FALSE(placed.ok());
    EXPECT_EQ(placed.error().code, Code::corrupt);
  }
  EXPECT_EQ(content_of("files/a"), "before");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Tree, AnEmptyFileIsAFile) {
  ASSERT_TRUE(place("files/a", "", origin_of("")).ok());
  EXPECT_TRUE(tree_.holds("files/a", 0));
}

TEST_F(Tree, SecretContentIsCheckedToo) {
  ASSERT_TRUE(tree_.place("files/a", "secret", origin_of("secret")).ok());
  EXPECT_EQ(content_of("files/a"), "secret");
  EXPECT_EQ(tree_.place("files/b", "secret", origin_of("another")).error().code, Code::corrupt);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Tree, ManyFilesAreSyncedAtOnce) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(place("files/" + std::to_string(i), "content", origin_of("content")).ok());
  EXPECT_TRUE(tree_.sync().ok());
  EXPECT_EQ(entries(), 20u);
}

TEST_F(Tree, ACopyThatIsStoppedLeavesNothing) {
  stop_ = true;
  EXPECT_EQ(place("files/a", "content", origin_of("content")).error().code, Code::cancelled);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(Tree, WhatNobodyNamesIsSweptAndWhatACrashHasLeftIsRemoved) {
  ASSERT_TRUE(place("files/known", "content", origin_of("content")).ok());
  std::ofstream(path_of("files/stray")) << "stray";
  std::ofstream(path_of("files/.tidemark-7")) << "half a fi";
  EXPECT_TRUE(FileTree(directory_.path() + "/out", {"files"}).open().ok());
  EXPECT_EQ(entries(), 2u);
  EXPECT_EQ(*tree_.sweep({{"files/known", origin_of("content")}}), 1u);
  EXPECT_EQ(content_of("files/known"), "content");
  EXPECT_EQ(entries(), 1u);
}

}  // namespace
}  // namespace tidemark::replay
