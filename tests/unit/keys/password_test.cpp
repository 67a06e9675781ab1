#include "core/keys/password_hasher.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <vector>

namespace tidemark::keys {
namespace {

constexpr Argon2Cost kCheap{64, 1};

bool verifies(std::string_view password, std::string_view stored) {
  const auto verified = verify_password(password, stored);
  EXPECT_TRUE(verified.ok()) << describe(verified.error());
  return verified.ok() && *verified;
}

// Known answers of the bcrypt test suite of Openwall's crypt_blowfish.
TEST(Password, BcryptKnownAnswers) {
  EXPECT_TRUE(verifies("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
  EXPECT_TRUE(verifies("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"));
  EXPECT_TRUE(verifies("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"));
  EXPECT_TRUE(verifies("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"));
  EXPECT_TRUE(verifies("\xa3", "$2b$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"));
  EXPECT_FALSE(verifies("U*V", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"));
}

// RFC 9106 has no text form; these are known answers of the reference implementation's test suite (version 1.3).
TEST(Password, Argon2idKnownAnswers) {
  EXPECT_TRUE(verifies("password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"));
  EXPECT_TRUE(verifies("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
  EXPECT_FALSE(verifies("passwore", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"));
}

TEST(Password, WhatIsHashedVerifiesAndHasASaltOfItsOwn) {
  for (const std::string& password : {std::string("correct horse"), std::string(), std::string("pässwörd \xf0\x9f\x94\x91"), std::string(72, 'x')}) {
    const std::string argon = *hash_argon2id(password, kCheap), bcrypt = *hash_bcrypt(password, 4);
    EXPECT_TRUE(argon.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << argon;
    EXPECT_TRUE(bcrypt.starts_with("$2b$04$")) << bcrypt;
    EXPECT_NE(*hash_argon2id(password, kCheap), argon);
    EXPECT_NE(*hash_bcrypt(password, 4), bcrypt);
    for (const auto& stored : {argon, bcrypt}) {
      EXPECT_TRUE(verifies(password, stored));
      EXPECT_FALSE(verifies(password + "x", argon));
      EXPECT_FALSE(verifies("other", stored));
    }
  }
}

TEST(Password, LongPasswordsAreNotCutInSilence) {
  EXPECT_EQ(hash_bcrypt(std::string(73, 'x'), 4).error().code, Code::invalid_argument);
  EXPECT_EQ(hash_bcrypt(std::string("a\0b", 3), 4).error().code, Code::invalid_argument);
  EXPECT_TRUE(verifies(std::string(73, 'x'), *hash_bcrypt(std::string(72, 'x'), 4))) << "as the system that wrote it did";
  const std::string stored = *hash_argon2id(std::string(1000, 'x'), kCheap);
  EXPECT_TRUE(verifies(std::string(1000, 'x'), stored));
  EXPECT_FALSE(verifies(std::string(999, 'x'), stored));
  EXPECT_TRUE(verifies(std::string("a\0b", 3), *hash_argon2id(std::string("a\0b", 3), kCheap)));
  EXPECT_FALSE(verifies(std::string("a\0b", 3), *hash_bcrypt("a", 4)));
  EXPECT_EQ(hash_argon2id(std::string(kPasswordBytesMax + 1, 'x'), kCheap).error().code, Code::invalid_argument);
  EXPECT_FALSE(verifies(std::string(kPasswordBytesMax + 1, 'x'), stored));
}

TEST(Password, AStoredTextCannotAskForTheWholeMachine) {
  for (const char* hostile : {"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                              "$argon2id$v=19$m=256,t=4294967295,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                              "$argon2id$v=19$m=256,t=2,p=255$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                              "$argon2id$v=19$m=99999999999,t=2,p=1$c29tZXNhbHQ$nf65", "$argon2id$", "$argon2id$v=19$m=256,t=2,p=1$$",
                              "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
                              "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2b$0x$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                              "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2b$05$", "$1$abc$def", "plain", "", "*0"}) {
    const auto verified = verify_password("password", hostile);
    ASSERT_FALSE(verified.ok()) << hostile;
    EXPECT_EQ(verified.error().code, Code::invalid_argument) << hostile;
  }
  EXPECT_FALSE(verify_password("password", std::string(10'000, '$')).ok());
  EXPECT_FALSE(hash_bcrypt("x", 3).ok());
  EXPECT_FALSE(hash_bcrypt("x", 17).ok());
  EXPECT_FALSE(hash_argon2id("x", {kArgon2MemoryKibMax + 1, 1}).ok());
  EXPECT_FALSE(hash_argon2id("x", {1, 1}).ok());
}

struct Manual final : Executor {
  std::deque<Fn<void()>> posted;
  void post(Fn<void()> work) override { posted.push_back(std::move(work)); }
  void run() {
    while (!posted.empty()) {
      auto work = std::move(posted.front());
      posted.pop_front();
      work();
    }
  }
};

Task<void> keep(Task<Result<bool>> task, std::optional<Result<bool>>& into) {
  auto result = co_await std::move(task);
  into.emplace(std::move(result));
}

TEST(PasswordHasher, WorksOnItsPoolAndRefusesAFlood) {
  Manual pool, home;
  PasswordHasher hasher(pool, home, 2);
  const std::string stored = *hash_bcrypt("secret", 4);
  std::vector<std::optional<Result<bool>>> answers(3);
  for (std::size_t i = 0; i < answers.size(); ++i) spawn(keep(hasher.verify(i == 0 ? "secret" : "wrong", stored), answers[i]));
  ASSERT_TRUE(answers[2].has_value()) << "the third is refused at once";
  EXPECT_EQ(answers[2]->error().code, Code::unavailable);
  EXPECT_FALSE(answers[0].has_value()) << "nothing is computed on the caller's thread";
  pool.run();
  EXPECT_FALSE(answers[0].has_value()) << "answers come on the home thread";
  home.run();
  EXPECT_TRUE(**answers[0]);
  EXPECT_FALSE(**answers[1]);
  spawn(keep(hasher.verify("secret", stored), answers[2]));
  pool.run();
  home.run();
  EXPECT_TRUE(**answers[2]) << "there is room again";
}

}  // namespace
}  // namespace tidemark::keys
