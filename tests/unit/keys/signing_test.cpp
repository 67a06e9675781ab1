#include "core/keys/signing.hpp"

#include <gtest/gtest.h>

#include "core/base/bytes.hpp"

namespace tidemark::keys {
namespace {

std::string hex(std::string_view text) { return *from_hex(text); }

struct Ed25519Vector {
  const char *seed, *public_key, *message, *signature;
};
// RFC 8032 section 7.1, tests 1 to 3.
constexpr Ed25519Vector kEd25519[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"}};

TEST(Ed25519, SignsAndVerifiesAsTheRfcSays) {
  for (const auto& v : kEd25519) {
    EXPECT_EQ(to_hex(*ed25519_public_key(hex(v.seed))), v.public_key);
    EXPECT_EQ(to_hex(*ed25519_sign(hex(v.seed), hex(v.message))), v.signature);
    EXPECT_TRUE(ed25519_verify(hex(v.public_key), hex(v.message), hex(v.signature)));
    EXPECT_FALSE(ed25519_verify(hex(v.public_key), hex(v.message) + "x", hex(v.signature)));
  }
}

TEST(Ed25519, EveryChangedByteIsFoundAndOddSizesAreNoKeys) {
  const auto& v = kEd25519[2];
  const std::string good = hex(v.signature);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(ed25519_verify(hex(v.public_key), hex(v.message), changed)) << at;
  }
  EXPECT_FALSE(ed25519_verify(hex(v.public_key), hex(v.message), good + 'x'));
  EXPECT_FALSE(ed25519_verify("short", hex(v.message), good));
  EXPECT_FALSE(ed25519_sign("short", "m").has_value());
  EXPECT_FALSE(ed25519_public_key("").has_value());
}

// RFC 7515 appendix A.3: the key and the signature over its signing input.
constexpr const char* kX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr const char* kY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr const char* kD = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";
constexpr const char* kInput = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr const char* kSignature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

TEST(P256, VerifiesWhatTheRfcSignedAndWhatItSigns) {
  const std::string point = *from_base64url(kX) + *from_base64url(kY), scalar = *from_base64url(kD);
  EXPECT_EQ(*p256_public_key(scalar), point);
  EXPECT_TRUE(p256_verify(point, kInput, *from_base64url(kSignature)));
  const std::string made = *p256_sign(scalar, "message");
  EXPECT_EQ(made.size(), 64u);
  EXPECT_TRUE(p256_verify(point, "message", made));
  EXPECT_FALSE(p256_verify(point, "massage", made));
  for (std::size_t at = 0; at < made.size(); ++at) {
    std::string changed = made;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(p256_verify(point, "message", changed)) << at;
  }
}

TEST(P256, RefusesWhatIsNoKeyNoPointAndNoSignature) {
  const std::string point = *from_base64url(kX) + *from_base64url(kY);
  const std::string order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  for (const std::string& scalar : {std::string(32, '\0'), order, std::string(32, '\xff'), std::string("short"), std::string(33, '1')}) {
    EXPECT_FALSE(p256_public_key(scalar).has_value());
    EXPECT_FALSE(p256_sign(scalar, "m").has_value());
  }
  const std::string signature = *from_base64url(kSignature);
  EXPECT_FALSE(p256_verify(std::string(64, '\x01'), kInput, signature)) << "not on the curve";
  EXPECT_FALSE(p256_verify(std::string(64, '\0'), kInput, signature));
  EXPECT_FALSE(p256_verify(point, kInput, std::string(64, '\0'))) << "r and s are zero";
  EXPECT_FALSE(p256_verify(point, kInput, signature.substr(1)));
  EXPECT_FALSE(p256_verify(point, kInput, ""));
}

TEST(P256, AScalarOfASecretIsAKeyAndStaysTheSame) {
  EXPECT_EQ(p256_scalar("secret"), p256_scalar("secret"));
  EXPECT_NE(p256_scalar("secret"), p256_scalar("other"));
  EXPECT_TRUE(p256_public_key(p256_scalar("secret")).has_value());
}

}  // namespace
}  // namespace tidemark::keys
