#include "core/keys/key_ring.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"
#include "core/keys/ring_file.hpp"

namespace tidemark::keys {
namespace {

namespace fs = std::filesystem;

class KeyRingTest : public ::testing::Test {
 protected:
  KeyRingTest() {
    std::string name = (fs::temp_directory_path() / "tm-keys-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    directory_ = root_ + "/a/keys";
    path_ = directory_ + "/ring.json";
  }
  ~KeyRingTest() override { fs::remove_all(root_); }

  std::unique_ptr<KeyRing> create() {
    auto ring = open_key_ring(directory_, true);
    EXPECT_TRUE(ring.ok()) << describe(ring.error());
    return std::move(*ring);
  }
  void write(const std::string& content) {
    std::ofstream(path_, std::ios::binary) << content;
    fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write);
  }
  std::string content() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static int mode(const std::string& path) {
    struct stat info{};
    EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
    return static_cast<int>(info.st_mode & 07777);
  }
  Code open_code() {
    const auto ring = open_key_ring(directory_, true);
    return ring.ok() ? Code::uninitialised : ring.error().code;
  }

  std::string root_, directory_, path_;
};

TEST_F(KeyRingTest, IsMadeOnceAndReadAgain) {
  const auto first = create();
  const auto again = open_key_ring(directory_, false);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first->id(), (*again)->id());
  EXPECT_EQ(first->id().size(), 32u);
  EXPECT_EQ(first->current_mac_key(), (*again)->current_mac_key());
  EXPECT_EQ(*first->mac(first->current_mac_key(), "p", {"x"}), *(*again)->mac(first->current_mac_key(), "p", {"x"}));
  EXPECT_EQ(mode(path_), 0600);
  EXPECT_EQ(mode(directory_), 0700);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1) << "no temporary file is left";
}

TEST_F(KeyRingTest, AMissingRingIsUnavailableUnlessItMayBeMade) {
  const auto ring = open_key_ring(directory_, false);
  ASSERT_FALSE(ring.ok());
  EXPECT_EQ(ring.error().code, Code::unavailable);
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(KeyRingTest, AFileThatOthersMayReadIsRefused) {
  create();
  for (const int wrong : {0640, 0604, 0660, 0610}) {
    ASSERT_EQ(::chmod(path_.c_str(), static_cast<mode_t>(wrong)), 0);
    EXPECT_EQ(open_code(), Code::invalid_argument) << std::oct << wrong;
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(open_key_ring(directory_, false).ok());
}

TEST_F(KeyRingTest, ADirectoryThatOthersMayWriteIsRefused) {
  fs::create_directories(directory_);
  ASSERT_EQ(::chmod(directory_.c_str(), 0777), 0);
  EXPECT_EQ(open_code(), Code::invalid_argument);
}

TEST_F(KeyRingTest, OfManyThatCreateAtOnceAllUseTheSameRing) {
  std::vector<std::thread> threads;
  std::vector<std::string> ids(8);
  for (auto& id : ids) {
    threads.emplace_back([&id, this] {
      auto ring = open_key_ring(directory_, true);
      if (ring.ok()) id = (*ring)->id();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1u);
  EXPECT_FALSE(ids[0].empty());
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1);
}

TEST_F(KeyRingTest, DamageIsNamed) {
  create();
  const std::string good = content();
  for (std::size_t size = 0; size + 2 < good.size(); size += 5) {
    write(good.substr(0, size));
    EXPECT_EQ(open_code(), Code::corrupt) << size;
  }
  for (const char* bad : {"{}", "[]", "{\"format\": 1, \"id\": \"x\", \"keys\": []}", "{\"format\": 1, \"id\": \"x\\u0041\", \"keys\": []}"}) {
    write(bad);
    EXPECT_EQ(open_code(), Code::corrupt) << bad;
  }
  write(std::string(2u << 20, ' '));
  EXPECT_EQ(open_code(), Code::exhausted);
  write("{\"format\": 2, \"id\": \"x\", \"keys\": []}");
  EXPECT_EQ(open_code(), Code::unsupported_version);
  write(good);
  EXPECT_EQ(open_code(), Code::uninitialised) << "opens";
}

TEST_F(KeyRingTest, AKeyThatIsThereTwiceOrShortIsDamage) {
  RingFile ring{"r", {{"k", "mac", from_ms(0), std::string(32, 'a')}, {"k", "wrap", from_ms(0), std::string(32, 'b')}}};
  EXPECT_FALSE(read_ring(write_ring(ring)).ok());
  ring.keys[1].id = "w";
  EXPECT_TRUE(read_ring(write_ring(ring)).ok());
  ring.keys[1].bytes.pop_back();
  EXPECT_EQ(read_ring(write_ring(ring)).error().code, Code::corrupt);
}

TEST_F(KeyRingTest, TheLastKeyIsCurrentAndOlderOnesStayUntilDestroyed) {
  const auto old = create();
  const std::string old_id = old->current_mac_key();
  const std::string sealed = *old->seal("s", "value");
  const std::string token = *old->mac(old_id, "p", {"x"});
  auto file = read_ring(content());
  ASSERT_TRUE(file.ok());
  file->keys.push_back({"mac-2", "mac", from_ms(0), std::string(32, 'n')});
  file->keys.push_back({"wrap-2", "wrap", from_ms(0), std::string(32, 'w')});
  write(write_ring(*file));
  const auto rotated = create();
  EXPECT_EQ(rotated->current_mac_key(), "mac-2");
  EXPECT_EQ(*rotated->mac(old_id, "p", {"x"}), token);
  EXPECT_EQ(*rotated->open("s", sealed), "value");
  for (auto& key : file->keys) {
    if (!key.id.ends_with("-2")) key.bytes.clear();
  }
  write(write_ring(*file));
  const auto destroyed = create();
  EXPECT_EQ(destroyed->mac(old_id, "p", {"x"}).error().code, Code::not_found);
  EXPECT_EQ(destroyed->open("s", sealed).error().code, Code::not_found);
}

TEST_F(KeyRingTest, ARotatedKeyIsCurrentAndTheOneBeforeStillVerifies) {
  EXPECT_EQ(rotate_key(directory_, kMacPurpose).error().code, Code::unavailable) << "there is no ring";
  const auto before = create();
  const std::string mac = *before->mac(before->current_mac_key(), "p", {"x"}), sealed = *before->seal("s", "value");
  const auto mac_key = rotate_key(directory_, kMacPurpose), wrap_key = rotate_key(directory_, kWrapPurpose);
  ASSERT_TRUE(mac_key.ok() && wrap_key.ok());
  const auto after = create();
  EXPECT_EQ(after->id(), before->id());
  EXPECT_EQ(after->current_mac_key(), *mac_key);
  EXPECT_EQ(*after->mac(before->current_mac_key(), "p", {"x"}), mac);
  EXPECT_EQ(*after->open("s", sealed), "value");
  EXPECT_EQ(rotate_key(directory_, "poetry").error().code, Code::invalid_argument);
  EXPECT_EQ(mode(path_), 0600);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1) << "no temporary file is left";
}

TEST_F(KeyRingTest, ADestroyedKeyOpensNothingAndACurrentOneIsNotDestroyed) {
  const auto before = create();
  const std::string old = before->keys()[1].id, sealed = *before->seal("s", "value");
  EXPECT_EQ(destroy_key(directory_, old).error().code, Code::invalid_argument);
  ASSERT_TRUE(rotate_key(directory_, kWrapPurpose).ok());
  ASSERT_TRUE(destroy_key(directory_, old).ok());
  EXPECT_EQ(destroy_key(directory_, old).error().code, Code::not_found);
  const auto after = create();
  EXPECT_EQ(after->open("s", sealed).error().code, Code::not_found);
  EXPECT_TRUE(after->keys()[1].destroyed);
  EXPECT_FALSE(after->keys()[1].current);
  EXPECT_TRUE(after->open("s", *after->seal("s", "new")).ok());
}

TEST_F(KeyRingTest, MacsDifferByKeyPurposeAndHowPartsAreCut) {
  RingFile file{"r", {{"m1", "mac", from_ms(0), std::string(32, '1')}, {"m2", "mac", from_ms(0), std::string(32, '2')},
                      {"w", "wrap", from_ms(0), std::string(32, '3')}}};
  fs::create_directories(directory_);
  write(write_ring(file));
  const auto ring = create();
  std::set<std::string> macs;
  for (const char* key : {"m1", "m2"}) {
    for (const char* purpose : {"", "access", "worker"}) {
      macs.insert(*ring->mac(key, purpose, {"ab", "c"}));
      macs.insert(*ring->mac(key, purpose, {"a", "bc"}));
      macs.insert(*ring->mac(key, purpose, {"abc"}));
      macs.insert(*ring->mac(key, purpose, {"abc", ""}));
      macs.insert(*ring->mac(key, purpose, {}));
    }
  }
  EXPECT_EQ(macs.size(), 30u);
  EXPECT_EQ(ring->mac("w", "access", {}).error().code, Code::not_found) << "a wrapping key signs nothing";
  EXPECT_EQ(ring->mac("m3", "access", {}).error().code, Code::not_found);
  EXPECT_EQ(token_text(*ring->mac("m1", "access", {"x"})).size(), 43u);
  std::string message;
  put_u64_be(message, 2);
  message += "ab";
  const std::string derived = hkdf_sha256(std::string(32, '1'), "tidemark mac access", 32);
  EXPECT_EQ(*ring->mac("m1", "access", {"ab"}), hmac_sha256(derived, message)) << "as docs/formats/key-ring.md says";
}

TEST_F(KeyRingTest, ASealedValueOpensForItsSubjectOnly) {
  const auto ring = create();
  for (const std::string& plain : {std::string(), std::string("secret"), std::string(100'000, 'x')}) {
    const std::string sealed = *ring->seal("user-1", plain);
    EXPECT_EQ(*ring->open("user-1", sealed), plain);
    EXPECT_EQ(ring->open("user-2", sealed).error().code, Code::corrupt);
    EXPECT_NE(*ring->seal("user-1", plain), sealed);
    if (plain.size() > 3) {
      EXPECT_EQ(sealed.find(plain), std::string::npos);
    }
  }
}

TEST_F(KeyRingTest, EveryChangedByteOfASealedValueIsFound) {
  const auto ring = create();
  const std::string sealed = *ring->seal("s", "value");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(ring->open("s", changed).ok()) << at;
    EXPECT_FALSE(ring->open("s", sealed.substr(0, at)).ok()) << at;
  }
  EXPECT_FALSE(ring->open("s", sealed + "x").ok());
}

TEST_F(KeyRingTest, ManyThreadsMayUseARing) {
  const auto ring = create();
  const std::string expected = *ring->mac(ring->current_mac_key(), "p1", {"x"});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        (void)ring->mac(ring->current_mac_key(), "p" + std::to_string(i), {"x"});
        EXPECT_EQ(*ring->mac(ring->current_mac_key(), "p1", {"x"}), expected);
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(KeyRingTest, ASecretFileIsMadeOnceAndReadAgain) {
  bool created = false;
  const std::string path = directory_ + "/api-key";
  const auto made = open_secret_file(path, &created);
  ASSERT_TRUE(made.ok()) << describe(made.error());
  EXPECT_TRUE(created);
  EXPECT_EQ(made->size(), 43u);
  EXPECT_EQ(mode(path), 0600);
  EXPECT_EQ(*open_secret_file(path, &created), *made);
  EXPECT_FALSE(created);
  EXPECT_EQ(*open_secret_file(path, nullptr), *made);
}

TEST_F(KeyRingTest, ASecretFileOfTheOperatorIsTakenAsItIs) {
  fs::create_directories(directory_);
  path_ = directory_ + "/api-key";
  write("my own key\r\n");
  EXPECT_EQ(*open_secret_file(path_, nullptr), "my own key");
  for (const char* bad : {"", "\n", "a\nb\n"}) {
    write(bad);
    EXPECT_EQ(open_secret_file(path_, nullptr).error().code, Code::invalid_argument);
  }
  write("key");
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_EQ(open_secret_file(path_, nullptr).error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace tidemark::keys
