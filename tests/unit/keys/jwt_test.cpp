#include "core/keys/jwt.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"
#include "core/keys/signing.hpp"

namespace tidemark::keys {
namespace {

constexpr std::int64_t kNow = 1'300'000'000;

JwtKey hs256(std::string id = "h1") { return {JwtKey::Algorithm::hs256, std::move(id), std::string(32, 's'), {}}; }
JwtKey es256(std::string id = "e1") {
  const std::string scalar = p256_scalar(id);
  return {JwtKey::Algorithm::es256, id, scalar, *p256_public_key(scalar)};
}
JwtChecks at(std::int64_t seconds) {
  JwtChecks checks;
  checks.now = from_ms(seconds * 1000);
  return checks;
}
/// A token of any header and claims, signed by a shared secret.
std::string forged(std::string_view header, std::string_view claims, const JwtKey& key = hs256()) {
  const std::string input = to_base64url(header) + '.' + to_base64url(claims);
  return input + '.' + to_base64url(hmac_sha256(key.secret, input));
}
std::string why(const Result<std::string>& result) { return result.ok() ? "valid" : result.error().message; }

TEST(Jwt, VerifiesTheTokensOfTheRfc) {
  // RFC 7515 appendices A.1 and A.3; both expire at 1300819380.
  JwtKey shared{JwtKey::Algorithm::hs256, "", *from_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"), {}};
  JwtKey curve{JwtKey::Algorithm::es256, "", {}, *from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU") +
                                                     *from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")};
  const std::string of_shared = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
                                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const std::string of_curve = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
                               "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  for (const auto& token : {of_shared, of_curve}) {
    EXPECT_EQ(why(verify_jwt(token, {shared, curve}, at(kNow))), "valid");
    EXPECT_EQ(why(verify_jwt(token, {shared, curve}, at(1'300'819'380 + 59))), "valid") << "within the leeway";
    EXPECT_EQ(why(verify_jwt(token, {shared, curve}, at(1'300'819'380 + 60))), "the token has expired");
  }
  EXPECT_FALSE(verify_jwt(of_shared, {curve}, at(kNow)).ok());
  EXPECT_FALSE(verify_jwt(of_curve, {shared}, at(kNow)).ok());
}

TEST(Jwt, WhatItSignsItVerifies) {
  for (const JwtKey& key : {hs256(), es256()}) {
    const std::string claims = "{\"sub\":\"u1\",\"exp\":1300000100}";
    const auto token = sign_jwt(key, claims);
    ASSERT_TRUE(token.ok());
    const auto verified = verify_jwt(*token, {es256("other"), key}, at(kNow));
    ASSERT_TRUE(verified.ok()) << why(verified);
    EXPECT_EQ(*verified, claims);
    for (std::size_t i = 0; i < token->size(); ++i) {
      std::string changed = *token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      if (changed == *token) continue;
      EXPECT_FALSE(verify_jwt(changed, {key}, at(kNow)).ok()) << i;
    }
  }
}

TEST(Jwt, TheKeySaysWhichAlgorithmCounts) {
  const JwtKey curve = es256();
  const std::string claims = "{\"exp\":1300000100}";
  // The classic confusion: the public key taken for a shared secret.
  JwtKey confused{JwtKey::Algorithm::hs256, "e1", curve.public_key, {}};
  for (const char* algorithm : {"HS256", "hs256", "none", "None", "", "ES256", "RS256", "ES384"}) {
    const std::string header = std::string("{\"alg\":\"") + algorithm + "\",\"kid\":\"e1\"}";
    EXPECT_FALSE(verify_jwt(forged(header, claims, confused), {curve}, at(kNow)).ok()) << algorithm;
    const std::string unsigned_token = to_base64url(header) + '.' + to_base64url(claims) + '.';
    EXPECT_FALSE(verify_jwt(unsigned_token, {curve, hs256()}, at(kNow)).ok()) << algorithm;
  }
  for (const char* header : {"{}", "{\"alg\":null}", "{\"alg\":5}", "{\"alg\":[\"HS256\"]}"}) {
    EXPECT_EQ(why(verify_jwt(forged(header, claims), {hs256()}, at(kNow))), "the token names no algorithm");
  }
}

TEST(Jwt, MalformedTokensAreRefused) {
  const std::string head = "{\"alg\":\"HS256\"}", claims = "{\"exp\":1300000100}";
  const std::string good = forged(head, claims);
  ASSERT_TRUE(verify_jwt(good, {hs256()}, at(kNow)).ok());
  for (const std::string& token : {std::string(), std::string("."), std::string(".."), std::string("..."), good + ".x", good.substr(0, good.rfind('.')),
                                   good + "=", " " + good, good + "\n", std::string(kJwtBytesMax + 1, 'A'), "é" + good}) {
    EXPECT_FALSE(verify_jwt(token, {hs256()}, at(kNow)).ok()) << token.substr(0, 80);
  }
  for (const auto& [header, body] : std::vector<std::pair<std::string, std::string>>{
           {"[]", claims}, {"{", claims}, {head, "[]"}, {head, "\"x\""}, {head, "{\"exp\":1300000100"}, {head, ""},
           {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", claims}, {head, "{\"exp\":1300000100,\"exp\":9999999999}"},
           {"{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", claims}, {"{\"alg\":\"HS256\",\"kid\":7}", claims},
           {"{\"alg\":\"HS256\",\"kid\":\"other\"}", claims}, {head, "{\"exp\":\"1300000100\"}"}, {head, "{\"exp\":1e999}"},
           {head, "{\"exp\":1300000100,\"nbf\":true}"}, {head, std::string(200, '[')}}) {
    EXPECT_FALSE(verify_jwt(forged(header, body), {hs256()}, at(kNow)).ok()) << header << ' ' << body.substr(0, 60);
  }
  EXPECT_FALSE(verify_jwt(good, {}, at(kNow)).ok());
  JwtKey weak = hs256();
  weak.secret = "short";
  EXPECT_FALSE(verify_jwt(forged(head, claims, weak), {weak}, at(kNow)).ok());
  EXPECT_FALSE(sign_jwt(weak, claims).ok());
  EXPECT_FALSE(sign_jwt(hs256(), "[]").ok());
  EXPECT_FALSE(sign_jwt(hs256(), "{\"a\":\"" + std::string(kJwtBytesMax, 'x') + "\"}").ok());
}

TEST(Jwt, TimesAreCheckedWithTheLeeway) {
  struct Case {
    const char* claims;
    std::int64_t now;
    const char* expected;
  };
  for (const Case& c : {Case{"{}", kNow, "the token never expires"}, Case{"{\"exp\":1300000000}", kNow + 59, "valid"},
                        Case{"{\"exp\":1300000000}", kNow + 60, "the token has expired"}, Case{"{\"exp\":1300000000.5}", kNow + 60, "valid"},
                        Case{"{\"exp\":1300000900,\"nbf\":1300000060}", kNow, "valid"},
                        Case{"{\"exp\":1300000900,\"nbf\":1300000061}", kNow, "the token is not valid yet"},
                        Case{"{\"exp\":1300000900,\"iat\":1300000060}", kNow, "valid"},
                        Case{"{\"exp\":1300000900,\"iat\":1300000061}", kNow, "the token was issued in the future"},
                        Case{"{\"exp\":-1}", kNow, "the token has expired"}, Case{"{\"exp\":1e300}", kNow, "valid"}}) {
    EXPECT_EQ(why(verify_jwt(*sign_jwt(hs256(), c.claims), {hs256()}, at(c.now))), c.expected) << c.claims;
  }
  JwtChecks lasting = at(kNow);
  lasting.must_expire = false;
  EXPECT_EQ(why(verify_jwt(*sign_jwt(hs256(), "{}"), {hs256()}, lasting)), "valid");
}

TEST(Jwt, IssuerAndAudienceMustFit) {
  JwtChecks checks = at(kNow);
  checks.issuer = "us";
  checks.audience = "api";
  const auto verify = [&](const std::string& rest) { return why(verify_jwt(*sign_jwt(hs256(), "{\"exp\":1300000100" + rest + "}"), {hs256()}, checks)); };
  EXPECT_EQ(verify(",\"iss\":\"us\",\"aud\":\"api\""), "valid");
  EXPECT_EQ(verify(",\"iss\":\"us\",\"aud\":[\"web\",\"api\"]"), "valid");
  for (const char* wrong : {"", ",\"iss\":\"us\"", ",\"aud\":\"api\"", ",\"iss\":\"them\",\"aud\":\"api\"", ",\"iss\":[\"us\"],\"aud\":\"api\"",
                            ",\"iss\":\"us\",\"aud\":\"apis\"", ",\"iss\":\"us\",\"aud\":[]", ",\"iss\":\"us\",\"aud\":{\"api\":1}"}) {
    EXPECT_NE(verify(wrong), "valid") << wrong;
  }
  checks.audience.reset();
  EXPECT_NE(verify(",\"iss\":\"us\",\"aud\":\"api\""), "valid") << "a token for somebody else";
}

TEST(Jwt, TheKeysOfARingSignAndArePublished) {
  std::string name = (std::filesystem::temp_directory_path() / "tm-jwt-XXXXXX").string();
  const std::string directory = ::mkdtemp(name.data());
  ASSERT_TRUE(open_key_ring(directory, true).ok());
  EXPECT_TRUE(jwt_keys(**open_key_ring(directory, false)).empty());
  const std::string first = *rotate_key(directory, kSignPurpose), second = *rotate_key(directory, kSignPurpose);
  auto keys = jwt_keys(**open_key_ring(directory, false));
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys.back().id, second) << "the current one is last";
  const auto token = sign_jwt(keys[0], "{\"exp\":1300000100}");
  EXPECT_EQ(why(verify_jwt(*token, keys, at(kNow))), "valid") << "older keys verify";
  const std::string published = jwk_set(keys);
  EXPECT_NE(published.find("{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"" + first + "\",\"x\":\""), std::string::npos) << published;
  EXPECT_EQ(published.find(to_base64url(keys[0].secret)), std::string::npos);
  EXPECT_EQ(published.find("\"d\""), std::string::npos);
  keys.push_back(hs256());
  EXPECT_EQ(jwk_set(keys), published) << "a shared secret is not published";
  ASSERT_TRUE(destroy_key(directory, first).ok());
  keys = jwt_keys(**open_key_ring(directory, false));
  EXPECT_FALSE(verify_jwt(*token, keys, at(kNow)).ok());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace tidemark::keys
