#include "core/blob/blob_store.hpp"

#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <set>
#include <thread>

#include "core/base/executors.hpp"
#include "core/base/ids.hpp"
#include "core/base/bytes.hpp"
#include "core/blob/piece_sums.hpp"
#include "core/keys/key_ring.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"
#include "tests/unit/blob/loop_scheduler.hpp"

namespace tidemark::blob {
namespace {

namespace fs = std::filesystem;

std::string content_of(std::size_t size, unsigned seed = 1) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}
BlobRef ref_of(const std::string& content) { return {to_hex(sha256(content)), content.size()}; }

class BlobStoreTest : public ::testing::Test {
 protected:
  BlobStoreTest() {
    std::string name = (fs::temp_directory_path() / "tm-blob-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    auto ring = keys::open_key_ring(root_ + "/keys", true);
    EXPECT_TRUE(ring.ok());
    ring_ = std::move(*ring);
    reopen();
  }
  ~BlobStoreTest() override {
    store_.reset();
    home_.run_ready();
    fs::remove_all(root_);
  }

  void reopen() {
    store_.reset();
    home_.run_ready();
    auto store = make_blob_store(root_ + "/blobs", home_, home_, ring_.get());
    ASSERT_TRUE(store.ok()) << describe(store.error());
    store_ = std::move(*store);
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    spawn(keep(std::move(task), result));
    EXPECT_TRUE(home_.run_until([&] { return result.has_value(); }));
    return std::move(*result);
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }

  std::unique_ptr<Upload> staged(const std::string& content, std::size_t piece = 10'000, bool encrypted = false) {
    auto upload = encrypted ? store_->stage_private(content.size()) : store_->stage(content.size());
    EXPECT_TRUE(upload.ok());
    for (std::size_t at = 0; at < content.size(); at += piece) {
      auto written = run((*upload)->write(std::string_view(content).substr(at, piece)));
      EXPECT_TRUE(written.ok()) << describe(written.error());
    }
    return std::move(*upload);
  }
  BlobRef commit(const std::string& content) {
    auto committed = run(staged(content)->commit());
    EXPECT_TRUE(committed.ok()) << describe(committed.error());
    return *committed;
  }
  BlobRef commit_private(const std::string& content, const std::string& name) {
    auto committed = run(store_->commit_private(staged(content, 10'000, true), name));
    EXPECT_TRUE(committed.ok()) << describe(committed.error());
    return *committed;
  }

  std::string object(const BlobRef& ref) const { return root_ + "/blobs/objects/" + ref.sha256.substr(0, 2) + "/" + ref.sha256; }
  std::string private_file(const std::string& name) const { return root_ + "/blobs/private/" + name; }
  std::size_t staging_files() {
    home_.run_ready();
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root_ + "/blobs/staging"), fs::directory_iterator()));
  }
  static std::string file_content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void write_file(const std::string& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

  std::string root_;
  testing::VirtualScheduler home_;
  std::unique_ptr<keys::KeyRing> ring_;
  std::unique_ptr<BlobStore> store_;
};

TEST_F(BlobStoreTest, ContentOfAnySizeIsKeptUnderItsHash) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{131'071}, std::size_t{131'072}, std::size_t{131'073}, std::size_t{1'000'000}}) {
    const std::string content = content_of(size);
    const BlobRef ref = commit(content);
    EXPECT_EQ(ref.sha256, ref_of(content).sha256);
    EXPECT_EQ(ref.size, size);
    EXPECT_EQ(file_content(object(ref)), content);
    auto opened = run(store_->open(ref));
    ASSERT_TRUE(opened.ok()) << describe(opened.error());
    EXPECT_EQ(opened->size, size);
    std::string read(size, '\0');
    EXPECT_EQ(::pread(*opened->fd, read.data(), size, 0), static_cast<ssize_t>(size));
    EXPECT_EQ(read, content);
    EXPECT_TRUE(*run(store_->exists(ref)));
    EXPECT_TRUE(*run(store_->matches(ref)));
  }
  EXPECT_EQ(staging_files(), 0u);
}

TEST_F(BlobStoreTest, OneLargeWriteIsAsManySmallOnes) {
  const std::string content = content_of(700'000);
  auto whole = run(staged(content, content.size())->commit());
  auto pieces = run(staged(content, 777)->commit());
  EXPECT_EQ(whole->sha256, pieces->sha256);
}

TEST_F(BlobStoreTest, EqualContentIsKeptOnceAndHealsADamagedFile) {
  const std::string content = content_of(5000);
  const BlobRef ref = commit(content);
  std::string damaged = content;
  damaged[17] ^= 1;
  write_file(object(ref), damaged);
  EXPECT_TRUE(*run(store_->exists(ref)));
  EXPECT_FALSE(*run(store_->matches(ref))) << "found by reading";
  EXPECT_EQ(commit(content).sha256, ref.sha256);
  EXPECT_TRUE(*run(store_->matches(ref)));
}

TEST_F(BlobStoreTest, ChangedBytesOfTheSameSizeAreFoundBeforeTheyAreServed) {
  const std::string content = content_of(5000);
  const BlobRef ref = commit(content);
  EXPECT_TRUE(run(store_->open_verified(ref)).ok());
  std::string damaged = content;
  damaged[4999] ^= 1;
  write_file(object(ref), damaged);
  EXPECT_EQ(run(store_->open_verified(ref)).error().code, Code::corrupt);
  EXPECT_EQ(run(store_->open_verified(ref)).error().code, Code::corrupt) << "and again";
  write_file(object(ref), content);
  EXPECT_TRUE(run(store_->open_verified(ref)).ok()) << "read again, and whole";
}

TEST_F(BlobStoreTest, APieceThatChangedSinceItWasVerifiedIsNotHeldForRight) {
  const std::string content = content_of(3 * kPieceBytes + 100);
  for (const bool afresh : {false, true}) {  // as committed, and as read
    const BlobRef ref = commit(content);
    if (afresh) reopen();
    const auto opened = run(store_->open_verified(ref));
    ASSERT_TRUE(opened.ok());
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(opened->holds(i, std::string_view(content).substr(i * kPieceBytes, kPieceBytes))) << i;
    std::string piece = content.substr(kPieceBytes, kPieceBytes);
    EXPECT_FALSE(opened->holds(0, piece)) << "another's place";
    EXPECT_FALSE(opened->holds(1, std::string_view(piece).substr(1))) << "cut";
    EXPECT_FALSE(opened->holds(4, ""));
    piece[777] = static_cast<char>(piece[777] ^ 0x10);
    EXPECT_FALSE(opened->holds(1, piece));
  }
}

TEST_F(BlobStoreTest, AnotherSizeIsCorruptAndAbsenceIsNotFound) {
  const BlobRef ref = commit(content_of(5000));
  fs::resize_file(object(ref), 4999);
  EXPECT_EQ(run(store_->open(ref)).error().code, Code::corrupt);
  EXPECT_FALSE(*run(store_->exists(ref)));
  ASSERT_TRUE(run(store_->remove(ref.sha256)).ok());
  EXPECT_EQ(run(store_->open(ref)).error().code, Code::not_found);
  EXPECT_EQ(run(store_->matches(ref)).error().code, Code::not_found);
  EXPECT_TRUE(run(store_->remove(ref.sha256)).ok()) << "twice is once";
}

TEST_F(BlobStoreTest, NamesThatAreNoHashTouchNoFile) {
  for (const std::string& bad : {std::string(), std::string("../../etc/passwd"), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'A'),
                                 std::string(64, 'g'), std::string(63, 'a') + "/", std::string(63, 'a') + '\0'}) {
    EXPECT_EQ(run(store_->open({bad, 1})).error().code, Code::invalid_argument);
    EXPECT_EQ(run(store_->exists({bad, 1})).error().code, Code::invalid_argument);
    EXPECT_EQ(run(store_->matches({bad, 1})).error().code, Code::invalid_argument);
    EXPECT_EQ(run(store_->remove(bad)).error().code, Code::invalid_argument);
  }
  for (const std::string& bad : {std::string(), std::string("../x"), std::string("a/b"), std::string("a.b"), std::string(65, 'a'), std::string("a\0", 2)}) {
    EXPECT_EQ(run(store_->read_private(bad, 10)).error().code, Code::invalid_argument);
    EXPECT_EQ(run(store_->remove_private(bad)).error().code, Code::invalid_argument);
    EXPECT_EQ(run(store_->copy_private("ok", bad)).error().code, Code::invalid_argument);
    EXPECT_EQ(run(store_->commit_private(staged("x"), bad)).error().code, Code::invalid_argument);
  }
  EXPECT_EQ(staging_files(), 0u);
}

TEST_F(BlobStoreTest, AnAbandonedUploadLeavesNoFile) {
  {
    const auto upload = staged(content_of(300'000));
    EXPECT_EQ(staging_files(), 1u);
  }
  EXPECT_EQ(staging_files(), 0u);
}

TEST_F(BlobStoreTest, WhatACrashLeftInStagingIsRemovedAtTheStart) {
  write_file(root_ + "/blobs/staging/7", "left");
  const BlobRef ref = commit("kept");
  reopen();
  EXPECT_EQ(staging_files(), 0u);
  EXPECT_TRUE(*run(store_->exists(ref)));
}

TEST_F(BlobStoreTest, TheLimitIsInclusiveAndOverItIsExhausted) {
  auto upload = store_->stage(10);
  ASSERT_TRUE(run((*upload)->write("0123456789")).ok());
  auto over = run((*upload)->write("x"));
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Code::exhausted);
  EXPECT_FALSE((*upload)->disk_full());
  EXPECT_EQ((*upload)->size(), 10u);
  EXPECT_EQ(run((*upload)->commit()).error().code, Code::exhausted) << "a failed upload stays failed";
  EXPECT_EQ(run(staged("0123456789")->commit())->size, 10u);
}

TEST_F(BlobStoreTest, AFullDiskIsToldApartFromTheLimit) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{200'000, before.rlim_max};  // stands in for a full disk
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  auto upload = store_->stage(1'000'000);
  const std::string content = content_of(600'000);
  auto written = run((*upload)->write(content));
  auto again = run((*upload)->write("x"));
  auto committed = run((*upload)->commit());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, Code::exhausted);
  EXPECT_TRUE((*upload)->disk_full());
  EXPECT_EQ(again.error().code, Code::exhausted);
  EXPECT_EQ(committed.error().code, Code::exhausted);
  upload->reset();
  EXPECT_EQ(staging_files(), 0u);
  EXPECT_FALSE(*run(store_->exists(ref_of(content))));
}

TEST_F(BlobStoreTest, CollectRemovesWhatIsOldAndUnreferenced) {
  const BlobRef referenced = commit("referenced"), old = commit("old"), again = commit("again");
  home_.run_for(std::chrono::hours(2));
  const BlobRef fresh = commit("fresh");
  commit("again");
  write_file(root_ + "/blobs/objects/" + old.sha256.substr(0, 2) + "/not-a-hash", "");
  const auto removed = run(store_->collect(std::chrono::hours(1), [&](std::string_view sha256) { return sha256 == referenced.sha256; }));
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(*removed, 1u);
  EXPECT_FALSE(*run(store_->exists(old)));
  for (const auto& ref : {referenced, fresh, again}) EXPECT_TRUE(*run(store_->exists(ref)));
}

TEST_F(BlobStoreTest, ABlobCommittedAgainWhileCollectAsksStays) {
  const BlobRef ref = commit("content");
  home_.run_for(std::chrono::hours(2));
  const auto removed = run(store_->collect(std::chrono::hours(1), [&](std::string_view) {
    commit("content");
    return false;
  }));
  EXPECT_EQ(*removed, 0u);
  EXPECT_TRUE(*run(store_->exists(ref)));
}

TEST_F(BlobStoreTest, WhatIsHeldIsNotCollected) {
  auto upload = staged("under way");
  const BlobRef ref = *run(upload->commit()), other = commit("other");
  auto held = store_->hold(other.sha256);
  home_.run_for(std::chrono::hours(2));
  const auto nobody = [](std::string_view) { return false; };
  EXPECT_EQ(*run(store_->collect(std::chrono::hours(1), nobody)), 0u);
  upload.reset();
  home_.run_ready();
  EXPECT_EQ(*run(store_->collect(std::chrono::hours(1), nobody)), 1u);
  EXPECT_FALSE(*run(store_->exists(ref)));
  auto twice = store_->hold(other.sha256);
  held.reset();
  EXPECT_EQ(*run(store_->collect(std::chrono::hours(1), nobody)), 0u) << "held by another";
  twice.reset();
  EXPECT_EQ(*run(store_->collect(std::chrono::hours(1), nobody)), 1u);
}

TEST_F(BlobStoreTest, PrivateBlobsAreCollectedByWhatTheirOwnerSays) {
  for (const char* name : {"needed", "gone", "held", "strange"}) commit_private("certificates", name);
  const auto held = store_->hold("held");
  const auto use_of = [](std::string_view name) {
    if (name == "needed") return Use::needed;
    return name == "gone" ? Use::gone : Use::unknown;
  };
  EXPECT_EQ(*run(store_->collect_private(std::chrono::hours(1), use_of)), 1u);
  EXPECT_FALSE(fs::exists(private_file("gone"))) << "however young";
  home_.run_for(std::chrono::hours(2));
  commit_private("certificates", "fresh");
  EXPECT_EQ(*run(store_->collect_private(std::chrono::hours(1), use_of)), 1u);
  for (const char* name : {"needed", "held", "fresh"}) EXPECT_TRUE(fs::exists(private_file(name))) << name;
  EXPECT_FALSE(fs::exists(private_file("strange")));
}

TEST_F(BlobStoreTest, ACollectionLetsOthersInEveryFewHundredNamesOfFilesInUse) {
  constexpr std::size_t kFiles = 1000;
  for (std::size_t i = 0; i < kFiles; ++i) {
    const std::string hash = ref_of(std::to_string(i)).sha256, directory = root_ + "/blobs/objects/" + hash.substr(0, 2);
    fs::create_directory(directory);
    write_file(directory + "/" + hash, "");
    write_file(private_file("b" + std::to_string(i)), "");
  }
  std::size_t asked = 0, in_this_turn = 0, most = 0;
  const auto ask = [&] {
    ++asked;
    most = std::max(most, ++in_this_turn);
  };
  const auto finish = [&](Task<Result<std::uint64_t>> collecting) {
    std::optional<Result<std::uint64_t>> removed;
    spawn(keep(std::move(collecting), removed));
    while (!removed) {
      in_this_turn = 0;
      ASSERT_TRUE(home_.step());
    }
    EXPECT_EQ(**removed, 0u);
  };
  finish(store_->collect(-std::chrono::hours(24 * 365 * 50), [&](std::string_view) {
    ask();
    return true;
  }));
  EXPECT_EQ(asked, kFiles);
  EXPECT_LE(most, 256u);
  finish(store_->collect_private(std::chrono::hours(1), [&](std::string_view) {
    ask();
    return Use::needed;
  }));
  EXPECT_EQ(asked, 2 * kFiles);
  EXPECT_LE(most, 256u);
}

TEST_F(BlobStoreTest, TheKeyOfARemovedPrivateBlobIsOverwritten) {
  commit_private("certificates", "cert");
  fs::create_hard_link(private_file("cert"), root_ + "/what-the-disk-keeps");
  ASSERT_TRUE(run(store_->remove_private("cert")).ok());
  EXPECT_EQ(file_content(root_ + "/what-the-disk-keeps").substr(0, 512), std::string(512, '\0'));
}

TEST_F(BlobStoreTest, ARemovalThatACrashCutShortIsEndedByTheNextCollectionWithItsKey) {
  commit_private("certificates", "cert");
  fs::rename(private_file("cert"), private_file("cert.removed"));
  fs::create_hard_link(private_file("cert.removed"), root_ + "/what-the-disk-keeps");
  reopen();
  EXPECT_TRUE(run(store_->collect_private(std::chrono::hours(1), [](std::string_view) { return Use::needed; })).ok());
  EXPECT_FALSE(fs::exists(private_file("cert.removed")));
  EXPECT_EQ(file_content(root_ + "/what-the-disk-keeps").substr(0, 512), std::string(512, '\0'));
}

TEST_F(BlobStoreTest, APrivateBlobIsReadBackAndNowhereInPlain) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65'535}, std::size_t{65'536}, std::size_t{65'537}, std::size_t{131'072}, std::size_t{500'000}}) {
    const std::string content = content_of(size);
    for (const bool early : {true, false}) {
      auto committed = run(store_->commit_private(staged(content, 10'000, early), "cert"));
      ASSERT_TRUE(committed.ok()) << describe(committed.error());
      EXPECT_EQ(committed->sha256, ref_of(content).sha256);
      EXPECT_EQ(*run(store_->read_private("cert", size)), content);
      EXPECT_EQ(fs::file_size(private_file("cert")), 512 + size + 16 * std::max<std::size_t>(1, (size + 65'535) / 65'536));
      if (size > 16) {
        EXPECT_EQ(file_content(private_file("cert")).find(content.substr(0, 16)), std::string::npos);
      }
      if (size > 0) {
        EXPECT_EQ(run(store_->read_private("cert", size - 1)).error().code, Code::exhausted);
      }
    }
  }
  EXPECT_EQ(staging_files(), 0u);
}

TEST_F(BlobStoreTest, AnUploadStagedAsPrivateIsEncryptedOnTheWayAndNeverPublic) {
  const std::string content(300'000, 'p');
  auto upload = staged(content, 10'000, true);
  EXPECT_EQ(staging_files(), 1u);
  EXPECT_EQ(file_content(fs::directory_iterator(root_ + "/blobs/staging")->path()).find("pppppppp"), std::string::npos);
  EXPECT_EQ(run(upload->commit()).error().code, Code::invalid_argument);
}

TEST_F(BlobStoreTest, EveryChangeOfAPrivateBlobIsFound) {
  const std::string content = content_of(140'000);  // three frames
  commit_private(content, "cert");
  const std::string good = file_content(private_file("cert"));
  const std::size_t frame = 65'536 + 16;
  const auto expect_corrupt = [&](const std::string& changed, const std::string& why) {
    write_file(private_file("cert"), changed);
    auto read = run(store_->read_private("cert", 1u << 20));
    EXPECT_FALSE(read.ok()) << why;
  };
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (std::size_t at = 0; at < good.size(); at += at < 512 ? 1 + random() % 8 : 1 + random() % 20000) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    expect_corrupt(changed, "byte " + std::to_string(at));
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{511}, std::size_t{512}, 512 + frame, 512 + 2 * frame, good.size() - 1}) {
    expect_corrupt(good.substr(0, size), "cut to " + std::to_string(size));
  }
  expect_corrupt(good.substr(0, 512) + good.substr(512 + frame, frame) + good.substr(512, frame) + good.substr(512 + 2 * frame), "frames swapped");
  expect_corrupt(good + good.substr(512 + 2 * frame), "a frame repeated");
  write_file(private_file("cert"), good);
  EXPECT_EQ(*run(store_->read_private("cert", 1u << 20)), content);
  fs::copy(private_file("cert"), private_file("other"));
  EXPECT_EQ(run(store_->read_private("other", 1u << 20)).error().code, Code::corrupt) << "bound to its name";
}

TEST_F(BlobStoreTest, ACopyHasAKeyOfItsOwnAndOutlivesTheOriginal) {
  const std::string content = content_of(100'000);
  commit_private(content, "original");
  ASSERT_TRUE(run(store_->copy_private("original", "copy")).ok());
  EXPECT_NE(file_content(private_file("original")).substr(512), file_content(private_file("copy")).substr(512));
  ASSERT_TRUE(run(store_->remove_private("original")).ok());
  EXPECT_EQ(run(store_->read_private("original", 1u << 20)).error().code, Code::not_found);
  EXPECT_EQ(*run(store_->read_private("copy", 1u << 20)), content);
  EXPECT_EQ(run(store_->copy_private("original", "again")).error().code, Code::not_found);
  EXPECT_FALSE(fs::exists(private_file("again")));
  EXPECT_TRUE(run(store_->remove_private("original")).ok());
  EXPECT_EQ(staging_files(), 0u);
}

TEST_F(BlobStoreTest, APrivateBlobOfTheSameNameIsReplaced) {
  commit_private("one", "cert");
  commit_private("two", "cert");
  EXPECT_EQ(*run(store_->read_private("cert", 10)), "two");
}

TEST_F(BlobStoreTest, WithoutARingThereAreNoPrivateBlobs) {
  auto store = make_blob_store(root_ + "/plain", home_, home_, nullptr);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->stage_private(1).error().code, Code::unavailable);
  EXPECT_EQ(run((*store)->read_private("cert", 10)).error().code, Code::unavailable);
  EXPECT_EQ(run((*store)->copy_private("a", "b")).error().code, Code::unavailable);
  auto upload = (*store)->stage(1);
  EXPECT_EQ(run((*store)->commit_private(std::move(*upload), "cert")).error().code, Code::unavailable);
  home_.run_ready();
}

TEST(BlobStoreThreads, UploadsAndReadsGoOnSideBySideOnAPool) {
  std::string root = (fs::temp_directory_path() / "tm-blob-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  {
    testing::LoopScheduler home;
    auto pool = make_thread_pool("blob-test", 3);
    auto store = make_blob_store(root, home, *pool, nullptr);
    ASSERT_TRUE(store.ok());
    constexpr int kUploads = 24;
    int done = 0, right = 0;
    auto one = [&](int i) -> Task<void> {
      const std::string content = content_of(300'000, static_cast<unsigned>(i % 8));  // some equal, at the same time
      auto upload = (*store)->stage(content.size());
      for (std::size_t at = 0; at < content.size(); at += 50'000) {
        auto writing = (*upload)->write(std::string_view(content).substr(at, 50'000));
        (void)co_await std::move(writing);
      }
      auto committing = (*upload)->commit();
      auto ref = co_await std::move(committing);
      if (!ref.ok()) co_return;
      auto checking = (*store)->matches(*ref);
      auto matches = co_await std::move(checking);
      if (matches.ok() && *matches && ref->sha256 == ref_of(content).sha256) ++right;
    };
    for (int i = 0; i < kUploads; ++i) spawn(one(i), [&] { ++done; });
    home.run_until([&] { return done == kUploads; });
    EXPECT_EQ(right, kUploads);
    store->reset();
  }
  EXPECT_TRUE(fs::is_empty(root + "/staging"));
  fs::remove_all(root);
}

TEST(BlobStoreThreads, TheCollectorTakesNothingThatIsReferredToOrJustAboutToBe) {
  std::string root = (fs::temp_directory_path() / "tm-blob-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  {
    testing::LoopScheduler home;
    auto pool = make_thread_pool("blob-test", 3);
    auto store = make_blob_store(root, home, *pool, nullptr);
    ASSERT_TRUE(store.ok());
    std::multiset<std::string> references;  // what the log knows
    int writers = 0, missing = 0;
    std::uint64_t collected = 0;
    const auto write = [&](int i) -> Task<void> {
      for (int round = 0; round < 60; ++round) {
        const std::string content = content_of(2000, static_cast<unsigned>((i + round) % 3));  // few contents, over and over
        auto upload = (*store)->stage(content.size());
        auto writing = (*upload)->write(content);
        (void)co_await std::move(writing);
        auto committing = (*upload)->commit();
        auto ref = co_await std::move(committing);
        auto appending = run_on(*pool, home, [] { return true; });
        co_await appending;
        references.insert(ref->sha256);
        upload->reset();
        auto reading = (*store)->exists(*ref);
        auto there = co_await std::move(reading);
        if (!there.ok() || !*there) ++missing;
        references.erase(references.find(ref->sha256));
      }
    };
    const auto collect = [&]() -> Task<void> {
      while (writers > 0) {
        std::function<bool(std::string_view)> is_referenced = [&](std::string_view sha256) { return references.contains(std::string(sha256)); };
        auto collecting = (*store)->collect(Duration(-1000), std::move(is_referenced));  // of any age: only references and holds protect
        auto removed = co_await std::move(collecting);
        if (removed.ok()) collected += *removed;
      }
    };
    for (int i = 0; i < 6; ++i) {
      ++writers;
      spawn(write(i), [&] { --writers; });
    }
    bool done = false;
    spawn(collect(), [&] { done = true; });
    home.run_until([&] { return done; });
    EXPECT_EQ(missing, 0);
    EXPECT_GT(collected, 0u) << "the collector had something to do";
    store->reset();
  }
  fs::remove_all(root);
}

TEST(BlobStoreThreads, TheCollectorTakesNoPrivateFileThatIsReferredToOrJustAboutToBe) {
  std::string root = (fs::temp_directory_path() / "tm-blob-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  auto ring = keys::open_key_ring(root + "/keys", true);
  ASSERT_TRUE(ring.ok());
  {
    testing::LoopScheduler home;
    auto pool = make_thread_pool("blob-test", 3);
    auto store = make_blob_store(root + "/blobs", home, *pool, ring->get());
    ASSERT_TRUE(store.ok());
    std::multiset<std::string> references;
    int writers = 0, missing = 0;
    std::uint64_t collected = 0;
    const auto write = [&](int i) -> Task<void> {
      for (int round = 0; round < 30; ++round) {
        const std::string name = "b" + std::to_string((i + round) % 3);  // few names, over and over
        auto held = (*store)->hold(name);
        auto upload = (*store)->stage_private(100);
        auto writing = (*upload)->write("certificates");
        (void)co_await std::move(writing);
        auto committing = (*store)->commit_private(std::move(*upload), name);
        auto ref = co_await std::move(committing);
        auto appending = run_on(*pool, home, [] { return true; });
        co_await appending;
        if (ref.ok()) references.insert(name);
        held.reset();
        auto reading = (*store)->read_private(name, 100);
        auto content = co_await std::move(reading);
        if (!ref.ok() || !content.ok() || *content != "certificates") ++missing;
        references.erase(references.find(name));
      }
    };
    const auto collect = [&]() -> Task<void> {
      while (writers > 0) {
        std::function<Use(std::string_view)> use_of = [&](std::string_view name) {
          return references.contains(std::string(name)) ? Use::needed : Use::gone;
        };
        auto collecting = (*store)->collect_private(Duration(-1000), std::move(use_of));
        auto removed = co_await std::move(collecting);
        if (removed.ok()) collected += *removed;
      }
    };
    for (int i = 0; i < 3; ++i) {
      ++writers;
      spawn(write(i), [&] { --writers; });
    }
    bool done = false;
    spawn(collect(), [&] { done = true; });
    home.run_until([&] { return done; });
    EXPECT_EQ(missing, 0);
    EXPECT_GT(collected, 0u) << "the collector had something to do";
    store->reset();
  }
  fs::remove_all(root);
}

TEST(BlobStoreThreads, NobodyWhoTakesHoldWaitsForTheDiskOfARemoval) {
  std::string root = (fs::temp_directory_path() / "tm-blob-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  auto ring = keys::open_key_ring(root + "/keys", true);
  ASSERT_TRUE(ring.ok());
  {
    testing::LoopScheduler home;
    auto pool = make_thread_pool("blob-test", 2);
    auto store = make_blob_store(root + "/blobs", home, *pool, ring->get());
    ASSERT_TRUE(store.ok());
    const std::string pipe = root + "/blobs/private/slow";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);  // whoever opens it to overwrite it waits until somebody reads it
    bool done = false, asked = false;
    const auto collect = [&]() -> Task<void> {
      std::function<Use(std::string_view)> use_of = [&](std::string_view) {
        asked = true;
        return Use::gone;
      };
      auto collecting = (*store)->collect_private(Duration(0), std::move(use_of));
      (void)co_await std::move(collecting);
    };
    spawn(collect(), [&] { done = true; });
    home.run_until([&] { return asked; });
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (fs::exists(pipe) && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(fs::exists(pipe)) << "taken from its address first";
    auto holding = std::async(std::launch::async, [&] { (*store)->hold("another").reset(); });
    EXPECT_EQ(holding.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    const int reader = ::open((fs::exists(pipe) ? pipe : pipe + ".removed").c_str(), O_RDONLY | O_NONBLOCK);
    EXPECT_GE(reader, 0);
    home.run_until([&] { return done; });
    ::close(reader);
    holding.get();
    store->reset();
  }
  fs::remove_all(root);
}

TEST(BlobStoreThreads, ADiscardedUploadLeavesNoFileWhenTheTaskEnds) {
  std::string root = (fs::temp_directory_path() / "tm-blob-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  {
    testing::LoopScheduler home;
    auto pool = make_thread_pool("blob-test", 3);
    auto store = make_blob_store(root, home, *pool, nullptr);
    ASSERT_TRUE(store.ok());
    int clean = 0;
    bool done = false;
    auto all = [&]() -> Task<void> {
      for (int i = 0; i < 50; ++i) {
        const std::string content = content_of(300'000, static_cast<unsigned>(i));
        auto upload = (*store)->stage(content.size());
        auto writing = (*upload)->write(content);
        (void)co_await std::move(writing);
        auto discarding = (*upload)->discard();
        co_await std::move(discarding);
        if (fs::is_empty(root + "/staging")) ++clean;
        auto committing = (*upload)->commit();
        auto committed = co_await std::move(committing);
        EXPECT_FALSE(committed.ok()) << "what was discarded cannot be kept";
      }
    };
    spawn(all(), [&] { done = true; });
    home.run_until([&] { return done; });
    EXPECT_EQ(clean, 50);
    store->reset();
  }
  fs::remove_all(root);
}

}  // namespace
}  // namespace tidemark::blob
