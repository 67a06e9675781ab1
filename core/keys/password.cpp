#include "core/keys/password.hpp"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>

#include <charconv>
#include <memory>
#include <optional>

#include "core/base/assert.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

constexpr std::size_t kSaltBytes = 16, kHashBytes = 32, kBcryptBytes = 72, kStoredMax = 512;

Error bad(const std::string& why) { return make_error(Code::invalid_argument, why); }

Error of_argon2(int code) {
  return make_error(code == ARGON2_MEMORY_ALLOCATION_ERROR ? Code::exhausted : Code::invalid_argument, std::string("argon2id: ") + argon2_error_message(code));
}

/// Takes "<name><number>" off the front of `text`.
std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// The text may come from another system: what it asks for is bounded before memory is taken.
bool within_limits(std::string_view stored) {
  const auto version = take_number(stored, "$argon2id$v=");
  const auto memory = take_number(stored, "$m=");
  const auto passes = take_number(stored, ",t=");
  const auto lanes = take_number(stored, ",p=");
  return version && memory && passes && lanes && *memory <= kArgon2MemoryKibMax && *passes <= kArgon2PassesMax && *lanes <= kArgon2LanesMax;
}

/// crypt(3) with its scratch memory wiped; empty when it fails.
std::string crypted(const std::string& password, const std::string& setting) {
  const auto scratch = std::make_unique<crypt_data>();
  const char* hash = crypt_r(password.c_str(), setting.c_str(), scratch.get());
  std::string text = hash != nullptr && hash[0] == '$' ? hash : "";
  OPENSSL_cleanse(scratch.get(), sizeof(crypt_data));
  return text;
}

std::optional<int> bcrypt_cost(std::string_view stored) {
  if (stored.size() != 60 || stored.substr(0, 2) != "$2" || std::string_view("aby").find(stored[2]) == std::string_view::npos || stored[3] != '$' || stored[6] != '$') {
    return std::nullopt;
  }
  if (stored[4] < '0' || stored[4] > '9' || stored[5] < '0' || stored[5] > '9') return std::nullopt;
  return (stored[4] - '0') * 10 + (stored[5] - '0');
}

}  // namespace

Result<std::string> hash_argon2id(std::string_view password, Argon2Cost cost) {
  if (password.size() > kPasswordBytesMax) return bad("a password has at most " + std::to_string(kPasswordBytesMax) + " bytes");
  if (cost.memory_kib > kArgon2MemoryKibMax || cost.passes > kArgon2PassesMax) return bad("argon2id: the cost is above the limits");
  const std::string salt = random_bytes(kSaltBytes);
  std::string text(argon2_encodedlen(cost.passes, cost.memory_kib, 1, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const int code = argon2id_hash_encoded(cost.passes, cost.memory_kib, 1, password.data(), password.size(), salt.data(), salt.size(), kHashBytes,
                                         text.data(), text.size());
  if (code != ARGON2_OK) return of_argon2(code);
  text.resize(text.find('\0'));
  return text;
}

Result<std::string> hash_bcrypt(std::string_view password, int cost) {
  if (cost < kBcryptCostMin || cost > kBcryptCostMax) return bad("bcrypt: the cost is from 4 to 16");
  if (password.size() > kBcryptBytes) return bad("bcrypt reads no more than 72 bytes of a password");
  if (password.find('\0') != password.npos) return bad("bcrypt reads no U+0000");
  const std::string random = random_bytes(kSaltBytes);
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  const char* made = crypt_gensalt_rn("$2b$", static_cast<unsigned long>(cost), random.data(), static_cast<int>(random.size()), setting, sizeof(setting));
  TM_ASSERT(made != nullptr, "libcrypt knows bcrypt");
  std::string secret(password);
  std::string text = crypted(secret, made);
  wipe(secret);
  TM_ASSERT(!text.empty(), "libcrypt hashes with the setting that it made");
  return text;
}

Result<bool> verify_password(std::string_view password, std::string_view stored) {
  if (password.size() > kPasswordBytesMax) return false;
  if (stored.size() > kStoredMax || stored.find('\0') != stored.npos) return bad("a stored password hash is of no known kind");
  const std::string text(stored);
  if (stored.starts_with("$argon2id$")) {
    if (!within_limits(stored)) return bad("argon2id: the stored text asks for more than the limits, or is no such text");
    const int code = argon2id_verify(text.c_str(), password.data(), password.size());
    if (code == ARGON2_OK || code == ARGON2_VERIFY_MISMATCH) return code == ARGON2_OK;
    return of_argon2(code);
  }
  const auto cost = bcrypt_cost(stored);
  if (!cost) return bad("a stored password hash is of no known kind");
  if (*cost < kBcryptCostMin || *cost > kBcryptCostMax) return bad("bcrypt: the stored cost is not from 4 to 16");
  if (password.find('\0') != password.npos) return false;  // no such password was ever stored
  std::string secret(password.substr(0, kBcryptBytes));
  const std::string computed = crypted(secret, text);
  wipe(secret);
  if (computed.empty()) return bad("bcrypt: the stored text is damaged");
  return same_secret(computed, stored);
}

}  // namespace tidemark::keys
