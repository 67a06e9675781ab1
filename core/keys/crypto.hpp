#pragma once
// The few primitives that the ring, the tokens and the private blobs are made of, over OpenSSL 3. Bytes in, bytes out.
//   threads   any
//   errors    a failure of OpenSSL itself (no memory, no algorithm) is a bug of the installation and asserts

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::keys {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kTagBytes = 16;

/// From the operating system's generator (RAND_priv_bytes).
std::string random_bytes(std::size_t size);

/// RFC 2104 with SHA-256: 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view message);

/// RFC 5869 with SHA-256 and an empty salt unless given.
std::string hkdf_sha256(std::string_view secret, std::string_view info, std::size_t size, std::string_view salt = {});

/// AES-256-GCM: ciphertext and its 16 byte tag. A nonce (12 bytes) must never be used twice with one key (32 bytes).
std::string gcm_encrypt(std::string_view key, std::string_view nonce, std::string_view aad, std::string_view plain);
/// nullopt when the tag does not hold: another key, nonce or aad, or changed bytes.
std::optional<std::string> gcm_decrypt(std::string_view key, std::string_view nonce, std::string_view aad, std::string_view sealed);

/// Compares in a time that does not depend on the content.
bool same_secret(std::string_view a, std::string_view b);

/// Overwrites the bytes of a secret that is no longer needed.
void wipe(std::string& secret);

}  // namespace tidemark::keys
