#include "core/keys/personal_cipher.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "core/base/bytes.hpp"
#include "core/keys/row_cipher.hpp"

namespace tidemark::keys {
namespace {

struct Inline final : Executor {
  void post(Fn<void()> work) override { work(); }
};

class PersonalCipherTest : public ::testing::Test {
 protected:
  PersonalCipherTest() {
    std::string name = (std::filesystem::temp_directory_path() / "tm-cipher-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    ring_ = std::move(*open_key_ring(directory_, true));
    keys_ = std::move(*SubjectKeys::open(directory_, *ring_, true));
    cipher_ = make_personal_cipher(*keys_, executor_, executor_);
  }
  ~PersonalCipherTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
  Inline executor_;
  std::unique_ptr<KeyRing> ring_;
  std::unique_ptr<SubjectKeys> keys_;
  std::unique_ptr<event::FieldCipher> cipher_;
};

constexpr event::FieldPlace kPlace{"record-1", "tidemark.people.Registered.v1", "/name"};

TEST_F(PersonalCipherTest, OpensInItsPlaceAndInNoOther) {
  const auto sealer = std::move(*cipher_->sealer_of("alice"));
  const std::string sealed = sealer->seal(kPlace, "\"Alice\"");
  EXPECT_EQ(**cipher_->open(sealer->key_id(), kPlace, sealed), "\"Alice\"");
  for (const event::FieldPlace& other : {event::FieldPlace{"record-2", kPlace.type, kPlace.pointer}, {kPlace.record, "tidemark.people.Registered.v2", kPlace.pointer},
                                         {kPlace.record, kPlace.type, "/mails/0"}, {"record-1tidemark", ".people.Registered.v1", "/name"}}) {
    EXPECT_EQ(cipher_->open(sealer->key_id(), other, sealed).error().code, Code::corrupt);
  }
  const auto bob = std::move(*cipher_->sealer_of("bob"));
  EXPECT_EQ(cipher_->open(bob->key_id(), kPlace, sealed).error().code, Code::corrupt);
}

TEST_F(PersonalCipherTest, TheSameTextInTheSamePlaceIsSealedAlikeAndNothingElseSharesItsNonce) {
  const auto sealer = std::move(*cipher_->sealer_of("alice"));
  EXPECT_EQ(sealer->seal(kPlace, "x"), std::move(*cipher_->sealer_of("alice"))->seal(kPlace, "x"));
  std::set<std::string> nonces;
  for (const std::string_view record : {"r1", "r2"}) {
    for (const std::string_view pointer : {"/a", "/b"}) {
      for (const std::string_view plain : {"", "x", "y", "xy"}) {
        nonces.insert(from_base64url(sealer->seal({record, kPlace.type, pointer}, plain))->substr(1, 12));
      }
    }
  }
  EXPECT_EQ(nonces.size(), 16u);
}

TEST_F(PersonalCipherTest, EveryChangedByteIsFound) {
  const auto sealer = std::move(*cipher_->sealer_of("alice"));
  const std::string bytes = *from_base64url(sealer->seal(kPlace, "value"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    EXPECT_FALSE(cipher_->open(sealer->key_id(), kPlace, to_base64url(changed)).ok()) << at;
    EXPECT_FALSE(cipher_->open(sealer->key_id(), kPlace, to_base64url(bytes.substr(0, at))).ok()) << at;
  }
  EXPECT_EQ(cipher_->open(sealer->key_id(), kPlace, "not base64!").error().code, Code::corrupt);
  EXPECT_EQ(cipher_->open("nonsense", kPlace, to_base64url(bytes)).error().code, Code::not_found);
}

TEST_F(PersonalCipherTest, WhatWasSealedUnderADestroyedKeyOpensNoMore) {
  const auto sealer = std::move(*cipher_->sealer_of("alice"));
  const std::string sealed = sealer->seal(kPlace, "value");
  ASSERT_TRUE(keys_->destroy("alice")->has_value());
  EXPECT_FALSE(cipher_->open(sealer->key_id(), kPlace, sealed)->has_value());
  const auto next = std::move(*cipher_->sealer_of("alice"));
  EXPECT_FALSE(cipher_->open(next->key_id(), kPlace, sealed).ok()) << "the next key of the subject is another";
}

TEST_F(PersonalCipherTest, RowsOpenUnderTheirKeyOnly) {
  const auto rows = make_row_cipher("a secret of a test, thirty-two bytes");
  const std::string sealed = rows->seal("row", "value");
  EXPECT_EQ(sealed.find("value"), std::string::npos);
  EXPECT_EQ(rows->open("row", sealed), "value");
  EXPECT_EQ(rows->open("row2", sealed), std::nullopt);
  EXPECT_EQ(rows->open("row", sealed.substr(1)), std::nullopt);
  EXPECT_EQ(rows->open("row", ""), std::nullopt);
  EXPECT_EQ(make_row_cipher("another secret")->open("row", sealed), std::nullopt);
}

}  // namespace
}  // namespace tidemark::keys
