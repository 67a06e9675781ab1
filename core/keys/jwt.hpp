#pragma once
// JSON Web Tokens (RFC 7519) in the compact form of RFC 7515, signed with ES256 or HS256 (RFC 7518).
//
// The key says which algorithm counts, never the token: a token that names another one, or "none", does not verify. So a
// public key is never taken for a secret.
//   threads   any

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::keys {

inline constexpr std::size_t kJwtBytesMax = 8192;

struct JwtKey {
  enum class Algorithm { es256, hs256 };
  Algorithm algorithm = Algorithm::es256;
  std::string id;          ///< `kid`; empty: neither written nor asked for
  std::string secret;      ///< HS256: the shared secret, 32 bytes or more. ES256: the private scalar; empty when it only verifies
  std::string public_key;  ///< ES256: x and y, 32 bytes each
};

/// The ES256 keys of a ring (purpose "sign"), the current one last; empty when it has none.
std::vector<JwtKey> jwt_keys(const KeyRing& ring);

/// What a token must say beside its signature.
struct JwtChecks {
  Time now{};
  Duration leeway = std::chrono::seconds(60);  ///< for clocks that differ
  std::optional<std::string> issuer;           ///< `iss` must be this
  std::optional<std::string> audience;         ///< `aud` must be or hold this. Without it a token that has an `aud` is refused: it is for others
  bool must_expire = true;                     ///< a token without `exp` is refused
};

/// A token over `claims`, a JSON object.
///   errors   invalid_argument: no object, a key that cannot sign, or a token above kJwtBytesMax
Result<std::string> sign_jwt(const JwtKey& key, std::string_view claims);

/// The claims (JSON object) of a token that one of the keys signed and that passes the checks.
///   errors   invalid_argument, with a reason for the log; what a client is told is that the token is not valid
Result<std::string> verify_jwt(std::string_view token, const std::vector<JwtKey>& keys, const JwtChecks& checks);

/// The public keys as a JWK Set (RFC 7517). Shared secrets are left out.
std::string jwk_set(const std::vector<JwtKey>& keys);

}  // namespace tidemark::keys
