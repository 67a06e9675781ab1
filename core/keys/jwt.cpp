#include "core/keys/jwt.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/event/json_document.hpp"
#include "core/event/json_writer.hpp"
#include "core/keys/crypto.hpp"
#include "core/keys/signing.hpp"

namespace tidemark::keys {
namespace {

using event::JsonDocument;
using event::JsonNode;
using event::JsonWriter;

constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518 section 3.2
constexpr std::size_t kCoordinateBytes = 32;
constexpr std::size_t kDepthMax = 16;

Error bad(const std::string& why) { return make_error(Code::invalid_argument, "the token " + why); }

std::string_view name_of(JwtKey::Algorithm algorithm) { return algorithm == JwtKey::Algorithm::es256 ? "ES256" : "HS256"; }

bool repeats_a_member(JsonNode object) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : object.members()) names.push_back(name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

bool signed_by(const JwtKey& key, std::string_view message, std::string_view signature) {
  if (key.algorithm == JwtKey::Algorithm::es256) return p256_verify(key.public_key, message, signature);
  return key.secret.size() >= kSecretBytesMin && same_secret(hmac_sha256(key.secret, message), signature);
}

/// A NumericDate; nullopt when it is absent. Refused when it is no number.
Result<std::optional<double>> numeric_date(JsonNode claims, std::string_view name) {
  const JsonNode claim = claims[name];
  if (!claim) return std::optional<double>();
  const auto seconds = claim.as_double();
  if (!seconds) return bad("has a claim " + std::string(name) + " that is no number");
  return seconds;
}

Result<void> check_times(JsonNode claims, const JwtChecks& checks) {
  const double now = static_cast<double>(to_ms(checks.now)) / 1000, leeway = std::chrono::duration<double>(checks.leeway).count();
  const auto expires = numeric_date(claims, "exp"), not_before = numeric_date(claims, "nbf"), issued = numeric_date(claims, "iat");
  for (const auto* date : {&expires, &not_before, &issued}) {
    if (!date->ok()) return date->error();
  }
  if (!*expires && checks.must_expire) return bad("never expires");
  if (*expires && now >= **expires + leeway) return bad("has expired");
  if (*not_before && now + leeway < **not_before) return bad("is not valid yet");
  if (*issued && now + leeway < **issued) return bad("was issued in the future");
  return {};
}

Result<void> check_parties(JsonNode claims, const JwtChecks& checks) {
  if (checks.issuer && claims["iss"].as_string() != std::optional<std::string_view>(*checks.issuer)) return bad("is of another issuer");
  const JsonNode audience = claims["aud"];
  if (!checks.audience) return audience ? Result<void>(bad("is for an audience, and none is expected")) : Result<void>();
  const std::optional<std::string_view> wanted(*checks.audience);
  bool found = audience.as_string() == wanted;
  for (const JsonNode one : audience.items()) found = found || one.as_string() == wanted;
  if (!found) return bad("is for another audience");
  return {};
}

}  // namespace

std::vector<JwtKey> jwt_keys(const KeyRing& ring) {
  std::vector<JwtKey> keys;
  for (const KeyInfo& info : ring.keys()) {
    if (info.purpose != kSignPurpose || info.destroyed) continue;
    auto secret = ring.signing_secret(info.id, "jwt es256");
    if (!secret) continue;
    JwtKey key{JwtKey::Algorithm::es256, info.id, p256_scalar(*secret), {}};
    wipe(*secret);
    key.public_key = *p256_public_key(key.secret);
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::string> sign_jwt(const JwtKey& key, std::string_view claims) {
  const auto document = JsonDocument::parse(claims);
  if (!document || !document->root().is_object() || repeats_a_member(document->root())) {
    return make_error(Code::invalid_argument, "the claims of a token are one JSON object without repeated members");
  }
  std::string header;
  JsonWriter json(header);
  json.begin_object().member("alg", name_of(key.algorithm)).member("typ", "JWT");
  if (!key.id.empty()) json.member("kid", key.id);
  json.end_object();
  std::string token = to_base64url(header) + '.' + to_base64url(claims);
  std::optional<std::string> signature;
  if (key.algorithm == JwtKey::Algorithm::es256) signature = p256_sign(key.secret, token);
  else if (key.secret.size() >= kSecretBytesMin) signature = hmac_sha256(key.secret, token);
  if (!signature) return make_error(Code::invalid_argument, "the key " + key.id + " cannot sign");
  token += '.' + to_base64url(*signature);
  if (token.size() > kJwtBytesMax) return make_error(Code::invalid_argument, "the token would be longer than " + std::to_string(kJwtBytesMax) + " bytes");
  return token;
}

Result<std::string> verify_jwt(std::string_view token, const std::vector<JwtKey>& keys, const JwtChecks& checks) {
  if (token.size() > kJwtBytesMax) return bad("is longer than " + std::to_string(kJwtBytesMax) + " bytes");
  const std::size_t first = token.find('.'), second = token.find('.', first == token.npos ? first : first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return bad("does not have three parts");
  const auto header_text = from_base64url(token.substr(0, first));
  auto claims_text = from_base64url(token.substr(first + 1, second - first - 1));
  const auto signature = from_base64url(token.substr(second + 1));
  if (!header_text || !claims_text || !signature) return bad("is not base64url");

  const auto header = JsonDocument::parse(*header_text, {.depth = kDepthMax});
  if (!header || !header->root().is_object() || repeats_a_member(header->root())) return bad("has a header that is no JSON object");
  const auto algorithm = header->root()["alg"].as_string();
  if (!algorithm) return bad("names no algorithm");
  if (header->root()["crit"]) return bad("asks for extensions that are not known");  // RFC 7515 section 4.1.11
  const JsonNode key_id = header->root()["kid"];
  if (key_id && !key_id.is_string()) return bad("has a kid that is no string");

  const std::string_view message = token.substr(0, second);
  const bool verified = std::any_of(keys.begin(), keys.end(), [&](const JwtKey& key) {
    const bool named = !key_id || key.id.empty() || *key_id.as_string() == key.id;
    return named && *algorithm == name_of(key.algorithm) && signed_by(key, message, *signature);
  });
  if (!verified) return bad("is signed by none of the keys");

  const auto claims = JsonDocument::parse(*claims_text, {.depth = kDepthMax});
  if (!claims || !claims->root().is_object() || repeats_a_member(claims->root())) return bad("has claims that are no JSON object");
  if (auto timely = check_times(claims->root(), checks); !timely) return timely.take_error();
  if (auto meant = check_parties(claims->root(), checks); !meant) return meant.take_error();
  return std::move(*claims_text);
}

std::string jwk_set(const std::vector<JwtKey>& keys) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("keys").begin_array();
  for (const JwtKey& key : keys) {
    if (key.algorithm != JwtKey::Algorithm::es256) continue;
    json.begin_object().member("kty", "EC").member("crv", "P-256").member("use", "sig").member("alg", "ES256");
    if (!key.id.empty()) json.member("kid", key.id);
    json.member("x", to_base64url(key.public_key.substr(0, kCoordinateBytes))).member("y", to_base64url(key.public_key.substr(kCoordinateBytes)));
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace tidemark::keys
