#pragma once
// Password hashes: Argon2id for new ones, bcrypt to read those of old systems (and to write them, where one must still read
// them). Texts are what crypt(3) and the Argon2 tools write: "$argon2id$v=19$m=...,t=...,p=...$salt$hash" and "$2b$12$...".
//
// These functions take tens of milliseconds and much memory on purpose: call them through PasswordHasher.
//   threads   any

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace tidemark::keys {

inline constexpr std::size_t kPasswordBytesMax = 1024;

/// RFC 9106, second recommended choice with one lane: 64 MiB, three passes.
struct Argon2Cost {
  std::uint32_t memory_kib = 64u << 10;
  std::uint32_t passes = 3;
};

/// What a verifier of others may ask of this machine; above it a stored text is refused.
inline constexpr std::uint32_t kArgon2MemoryKibMax = 256u << 10, kArgon2PassesMax = 16, kArgon2LanesMax = 8;
inline constexpr int kBcryptCostMin = 4, kBcryptCostMax = 16;

///   errors   invalid_argument (longer than kPasswordBytesMax, or a cost out of bounds), exhausted (no memory)
Result<std::string> hash_argon2id(std::string_view password, Argon2Cost cost = {});

/// bcrypt reads 72 bytes and no U+0000. A longer password is refused rather than cut in silence, since two that differ behind
/// that would be the same.
///   errors   invalid_argument
Result<std::string> hash_bcrypt(std::string_view password, int cost = 12);

/// Whether the password is the one of a stored text, of either kind ("$2a$", "$2b$" and "$2y$" are bcrypt). For bcrypt a
/// password above 72 bytes is compared by its first 72, as the system that wrote the text did.
///   errors   invalid_argument (no such text, or a cost above the limits), exhausted (no memory)
Result<bool> verify_password(std::string_view password, std::string_view stored);

}  // namespace tidemark::keys
