#pragma once
// Signatures: Ed25519 (RFC 8032) and ECDSA on P-256 with SHA-256 (FIPS 186-4), over OpenSSL 3.
//   threads   any

#include <optional>
#include <string>
#include <string_view>

namespace tidemark::keys {

// Keys are raw bytes: an Ed25519 seed or public key of 32; a P-256 private scalar of 32, public point x and y of 32 each.

/// nullopt when the bytes are no key.
std::optional<std::string> ed25519_public_key(std::string_view seed);
std::optional<std::string> ed25519_sign(std::string_view seed, std::string_view message);  ///< 64 bytes
bool ed25519_verify(std::string_view public_key, std::string_view message, std::string_view signature);

/// nullopt when the bytes are no key (zero, or not below the order of the curve).
std::optional<std::string> p256_public_key(std::string_view scalar);
std::optional<std::string> p256_sign(std::string_view scalar, std::string_view message);  ///< r and s, 32 bytes each
/// False too when the key is no point of the curve, or the signature does not have 64 bytes.
bool p256_verify(std::string_view public_key, std::string_view message, std::string_view signature);

/// A private scalar made of any secret; the same secret gives the same.
std::string p256_scalar(std::string_view secret);

}  // namespace tidemark::keys
