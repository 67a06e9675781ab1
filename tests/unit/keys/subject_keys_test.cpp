#include "core/keys/subject_keys.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kSlot = 256;

class SubjectKeysTest : public ::testing::Test {
 protected:
  SubjectKeysTest() {
    std::string name = (fs::temp_directory_path() / "tm-subjects-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    path_ = directory_ + "/subject-keys";
    ring_ = std::move(*open_key_ring(directory_, true));
  }
  ~SubjectKeysTest() override { fs::remove_all(directory_); }

  std::unique_ptr<SubjectKeys> open() {
    auto keys = SubjectKeys::open(directory_, *ring_, true);
    EXPECT_TRUE(keys.ok()) << describe(keys.error());
    return std::move(*keys);
  }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& content) { std::ofstream(path_, std::ios::binary | std::ios::trunc) << content; }

  std::string directory_, path_;
  std::unique_ptr<KeyRing> ring_;
};

TEST_F(SubjectKeysTest, ASubjectHasOneKeyOverRestarts) {
  auto keys = open();
  const auto first = keys->key_for("alice");
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->id.size(), 16u);
  EXPECT_EQ(first->bytes.size(), kKeyBytes);
  EXPECT_TRUE(keys->unsynced());
  ASSERT_TRUE(keys->sync().ok());
  EXPECT_FALSE(keys->unsynced());
  EXPECT_NE(keys->key_for("bob")->bytes, first->bytes);
  keys = open();
  EXPECT_EQ(keys->key_for("alice")->id, first->id);
  EXPECT_EQ(**keys->find(first->id), first->bytes);
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  EXPECT_EQ(static_cast<std::size_t>(info.st_size), 3 * kSlot);
}

TEST_F(SubjectKeysTest, TheFileNamesNoSubjectAndHoldsNoKeyInPlain) {
  auto keys = open();
  const auto key = keys->key_for("alice@example.org");
  EXPECT_EQ(content().find("alice"), std::string::npos);
  EXPECT_EQ(content().find(key->bytes), std::string::npos);
}

TEST_F(SubjectKeysTest, OfADestroyedKeyOnlyItsIdIsLeft) {
  auto keys = open();
  const auto alice = keys->key_for("alice");
  const auto bob = keys->key_for("bob");
  ASSERT_EQ(**keys->destroy("alice"), alice->id);
  EXPECT_FALSE(keys->find(alice->id)->has_value());
  EXPECT_FALSE(keys->destroy("alice")->has_value());
  EXPECT_FALSE(keys->destroy("nobody")->has_value());
  const std::string slot = content().substr(kSlot, kSlot);
  EXPECT_EQ(slot.substr(13, kSlot - 4 - 13), std::string(kSlot - 4 - 13, '\0')) << "neither the key nor whose it was";
  EXPECT_EQ(**keys->find(bob->id), bob->bytes);
  const auto next = keys->key_for("alice");
  EXPECT_NE(next->id, alice->id);
  EXPECT_NE(next->bytes, alice->bytes);
  const auto counts = keys->count();
  EXPECT_EQ(counts->live, 2u);
  EXPECT_EQ(counts->destroyed, 1u);
}

TEST_F(SubjectKeysTest, WhatAnotherProcessMakesOrDestroysIsSeenAtOnce) {
  auto node = open();
  auto tool = open();
  const auto made = node->key_for("alice");
  EXPECT_EQ(tool->key_for("alice")->id, made->id);
  ASSERT_TRUE(tool->destroy("alice")->has_value());
  EXPECT_FALSE(node->find(made->id)->has_value());
  const auto again = node->key_for("alice");
  EXPECT_NE(again->id, made->id);
  EXPECT_EQ(tool->key_for("alice")->id, again->id);
}

TEST_F(SubjectKeysTest, ManyWritersMakeOneKeyForEachSubject) {
  constexpr int kWriters = 4, kSubjects = 200;
  for (int i = 0; i < kWriters; ++i) {
    if (::fork() != 0) continue;
    auto keys = SubjectKeys::open(directory_, *ring_, true);
    bool good = keys.ok();
    for (int s = 0; good && s < kSubjects; ++s) good = (*keys)->key_for("s" + std::to_string(s)).ok();
    ::_exit(good ? 0 : 1);
  }
  for (int i = 0; i < kWriters; ++i) {
    int status = -1;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_EQ(status, 0);
  }
  auto keys = open();
  EXPECT_EQ(keys->count()->live, static_cast<std::uint64_t>(kSubjects));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&keys] {
      for (int s = 0; s < kSubjects; ++s) EXPECT_TRUE(keys->key_for("t" + std::to_string(s)).ok());
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(keys->count()->live, 2u * kSubjects);
}

TEST_F(SubjectKeysTest, ATornEndIsPassedOverAndNeverOverwritten) {
  auto keys = open();
  const auto alice = keys->key_for("alice");
  const std::string whole = content();
  for (std::size_t torn = 1; torn < kSlot; torn += 37) {
    write(whole + std::string(torn, '\x7f'));
    keys = open();
    EXPECT_EQ(keys->key_for("alice")->id, alice->id);
    const auto bob = keys->key_for("bob");
    ASSERT_TRUE(bob.ok()) << describe(bob.error());
    EXPECT_EQ(**open()->find(bob->id), bob->bytes) << torn;
    EXPECT_EQ(open()->key_for("bob")->id, bob->id);
  }
}

TEST_F(SubjectKeysTest, ADamagedSlotIsNamedAndTheOthersWork) {
  auto keys = open();
  const auto alice = keys->key_for("alice");
  const auto bob = keys->key_for("bob");
  const std::string whole = content();
  for (std::size_t at = kSlot; at < 2 * kSlot; at += 11) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    write(changed);
    keys = open();
    const auto found = keys->find(alice->id);
    ASSERT_FALSE(found.ok()) << at;
    EXPECT_EQ(found.error().code, Code::corrupt);
    EXPECT_NE(found.error().message.find("slot 0"), std::string::npos);
    EXPECT_EQ(**keys->find(bob->id), bob->bytes);
    EXPECT_EQ(keys->count()->damaged, 1u);
  }
}

TEST_F(SubjectKeysTest, ADamagedHeaderAForeignRingAndOpenModesAreRefused) {
  open()->key_for("alice").ok();
  const std::string whole = content();
  for (std::size_t at = 0; at < kSlot; at += 19) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write(changed);
    EXPECT_EQ(SubjectKeys::open(directory_, *ring_, true).error().code, Code::corrupt) << at;
  }
  write(whole.substr(0, 100));
  EXPECT_EQ(SubjectKeys::open(directory_, *ring_, true).error().code, Code::corrupt);
  write(whole);
  const auto other = open_key_ring(directory_ + "/other", true);
  EXPECT_EQ(SubjectKeys::open(directory_, **other, true).error().code, Code::not_found);
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  EXPECT_EQ(SubjectKeys::open(directory_, *ring_, true).error().code, Code::invalid_argument);
}

TEST_F(SubjectKeysTest, AnUnknownIdIsNotADestroyedOne) {
  auto keys = open();
  const std::string id = keys->key_for("alice")->id;
  std::string other = id;
  other.back() = other.back() == 'A' ? 'B' : 'A';
  for (const std::string& unknown : {std::string("AAAAAQAAAAAAAAAA"), other, std::string(), std::string("x"), std::string("////////////////")}) {
    const auto found = keys->find(unknown);
    ASSERT_FALSE(found.ok()) << unknown;
    EXPECT_EQ(found.error().code, Code::not_found) << unknown;
  }
}

TEST_F(SubjectKeysTest, AHundredThousandSubjectsOpenFast) {
  {
    auto keys = open();
    for (int i = 0; i < 2'000; ++i) ASSERT_TRUE(keys->key_for("subject-" + std::to_string(i)).ok());
  }
  // The rest are copies of those slots: what counts is that opening reads and indexes them.
  std::string whole = content();
  const std::string slots = whole.substr(kSlot);
  for (int i = 1; i < 50; ++i) whole += slots;
  write(whole);
  auto keys = open();
  EXPECT_EQ(keys->count()->live, 100'000u);
  EXPECT_TRUE(keys->key_for("one more").ok());
}

}  // namespace
}  // namespace tidemark::keys
