// Several stores on one directory, as nodes that see it by NFS have it, and the refusal of those that do not fit.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>

#include "core/base/executors.hpp"
#include "core/blob/blob_store.hpp"
#include "core/blob/copies.hpp"
#include "core/keys/key_ring.hpp"
#include "tests/unit/blob/loop_scheduler.hpp"

namespace tidemark::blob {
namespace {

namespace fs = std::filesystem;
constexpr auto kAlone = Sharing::Kind::alone;
constexpr auto kShared = Sharing::Kind::shared;

class SharedDirectory : public ::testing::Test {
 protected:
  SharedDirectory() {
    std::string name = (fs::temp_directory_path() / "tm-shared-blobs-XXXXXX").string();
    root = ::mkdtemp(name.data());
    ring = std::move(*keys::open_key_ring(root + "/keys", true));
  }
  ~SharedDirectory() override {
    pool.reset();
    fs::remove_all(root);
  }

  Result<std::unique_ptr<BlobStore>> open(Sharing::Kind kind, std::string node = {}) {
    return make_blob_store(root + "/blobs", home, *pool, ring.get(), nullptr, Sharing{kind, std::move(node)});
  }
  std::unique_ptr<BlobStore> of(const std::string& node) {
    auto store = open(kShared, node);
    EXPECT_TRUE(store.ok()) << describe(store.error());
    return std::move(*store);
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result));
    home.run_until([&] { return result.has_value(); });
    return std::move(*result);
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  std::unique_ptr<Upload> staged(BlobStore& store, const std::string& content) {
    auto upload = store.stage(content.size());
    EXPECT_TRUE(run((*upload)->write(content)).ok());
    return std::move(*upload);
  }

  std::string root;
  testing::LoopScheduler home;
  std::unique_ptr<Executor> pool = make_thread_pool("files", 2);
  std::unique_ptr<keys::KeyRing> ring;
};

TEST_F(SharedDirectory, WhatOneNodeStoresTheOtherHas) {
  const auto a = of("a"), b = of("b");
  const auto ref = run(staged(*a, "content")->commit());
  ASSERT_TRUE(ref.ok()) << describe(ref.error());
  EXPECT_TRUE(run(b->open_verified(*ref)).ok());
  ASSERT_TRUE(run(a->commit_private(staged(*a, "private"), "build-1")).ok());
  EXPECT_EQ(*run(b->read_private("build-1", 100)), "private");
}

TEST_F(SharedDirectory, AStartRemovesWhatItsOwnNodeLeftAndNobodyElses) {
  const auto a = of("a");
  const std::string content(300'000, 'x');
  const auto under_way = staged(*a, content);
  fs::create_directories(root + "/blobs/staging-b");
  std::ofstream(root + "/blobs/staging-b/1") << "left by a crash";
  const auto b = of("b");
  EXPECT_FALSE(fs::exists(root + "/blobs/staging-b/1"));
  const auto ref = run(under_way->commit());
  ASSERT_TRUE(ref.ok()) << describe(ref.error());
  EXPECT_TRUE(*run(b->exists(*ref)));
}

TEST_F(SharedDirectory, ACollectionOfOneNodeLeavesWhatAnotherHasJustStored) {
  const auto a = of("a"), b = of("b");
  const auto nobody = [](std::string_view) { return false; };
  const auto old = *run(staged(*a, "old")->commit());
  const auto renewed = *run(staged(*a, "renewed")->commit());
  for (const auto* ref : {&old, &renewed}) {
    fs::last_write_time(root + "/blobs/objects/" + ref->sha256.substr(0, 2) + "/" + ref->sha256, fs::file_time_type::clock::now() - std::chrono::hours(2));
  }
  ASSERT_TRUE(run(staged(*b, "renewed")->commit()).ok());
  EXPECT_EQ(*run(b->collect(std::chrono::hours(1), nobody)), 1u);
  EXPECT_FALSE(*run(a->exists(old)));
  EXPECT_TRUE(*run(a->exists(renewed)));
}

TEST_F(SharedDirectory, IsNotSharedWithANodeThatDoesNotSayThatItShares) {
  {
    const auto a = of("a");
    const auto alone = open(kAlone);
    ASSERT_FALSE(alone.ok());
    EXPECT_EQ(alone.error().code, Code::unavailable);
    const auto same_name = open(kShared, "a");
    ASSERT_FALSE(same_name.ok());
    EXPECT_NE(same_name.error().message.find("node_id"), std::string::npos) << same_name.error().message;
  }
  const auto alone = open(kAlone);
  ASSERT_TRUE(alone.ok()) << describe(alone.error());
  EXPECT_EQ(open(kShared, "a").error().code, Code::unavailable);
  EXPECT_EQ(open(kAlone).error().code, Code::unavailable);
}

TEST_F(SharedDirectory, KeysThatAnUploadOfFramesLeftAreOverwrittenAtTheStart) {
  fs::create_directories(root + "/blobs/staging-a");
  const std::string left = root + "/blobs/staging-a/7-frames", witness = root + "/witness";
  std::ofstream(left, std::ios::binary) << std::string(1000, 'k');
  fs::create_hard_link(left, witness);
  const auto a = of("a");
  EXPECT_FALSE(fs::exists(left));
  std::ifstream file(witness, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(bytes.substr(0, 512), std::string(512, '\0'));
}

TEST_F(SharedDirectory, CopiesAreTakenForWhatTheyAreOnly) {
  const auto a = of("a");
  auto& copies = copy_source(*a);
  auto frames = copies.stage_private_copy(100);
  ASSERT_TRUE(frames.ok());
  EXPECT_EQ(run((*frames)->commit()).error().code, Code::invalid_argument);
  EXPECT_EQ(run(a->commit_private(std::move(*frames), "build-1")).error().code, Code::invalid_argument);
  EXPECT_EQ(run(copies.commit_private_copy(staged(*a, "plain"), "build-1")).error().code, Code::invalid_argument);
  const BlobRef other{std::string(64, 'a'), 5};
  EXPECT_EQ(run(copies.commit_copy(staged(*a, "plain"), other)).error().code, Code::corrupt);
  EXPECT_EQ(run(copies.open_private_copy("build-1")).error().code, Code::not_found);
}

}  // namespace
}  // namespace tidemark::blob
