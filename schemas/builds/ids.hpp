#pragma once
// Ids and tokens of the builds domain. Both are functions of a command id, so that a repeated command gives the same
// ones.

#include <string>
#include <string_view>

namespace tidemark::schemas::builds {

/// 21 characters of [A-Za-z0-9_-], the first a letter or digit (old command lines take ids as positional arguments).
std::string derive_build_id(std::string_view command_id);
/// The same for a worker that did not bring an id of its own.
std::string derive_worker_id(std::string_view command_id);

/// 1 to 128 characters of [A-Za-z0-9_-].
bool is_valid_id(std::string_view id);

// Tokens are base64url of a MAC under the key whose id the event names: key_ring.mac(key_id, purpose, parts). The log
// holds only the SHA-256 (hex of the hash of the token's text) or nothing.
inline constexpr std::string_view kAccessTokenPurpose = "builds.access-token";  ///< parts: build id
/// parts: worker id, nonce (a command id)
inline constexpr std::string_view kWorkerTokenPurpose = "builds.worker-token";
inline constexpr std::string_view kOtpPurpose = "builds.otp";                   ///< parts: build id, attempt in decimal
/// parts: build id, attempt, auth_seq in decimal
inline constexpr std::string_view kVmTokenPurpose = "builds.vm-token";

/// Lower-case hex of SHA-256 of the token's text: what commands, events and rows carry.
std::string token_hash(std::string_view token);

}  // namespace tidemark::schemas::builds
