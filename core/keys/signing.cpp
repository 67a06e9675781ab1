#include "core/keys/signing.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>

#include "core/base/assert.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

constexpr std::size_t kEd25519Signature = 64, kScalarBytes = 32, kPointBytes = 64;
constexpr char kUncompressed = 4;

struct Free {
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(BIGNUM* p) const { BN_clear_free(p); }
  void operator()(EC_GROUP* p) const { EC_GROUP_free(p); }
  void operator()(EC_POINT* p) const { EC_POINT_free(p); }
  void operator()(ECDSA_SIG* p) const { ECDSA_SIG_free(p); }
  void operator()(OSSL_PARAM* p) const { OSSL_PARAM_free(p); }
  void operator()(OSSL_PARAM_BLD* p) const { OSSL_PARAM_BLD_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* in(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

/// `digest` null: the algorithm brings its own.
std::optional<std::string> sign(EVP_PKEY* key, const EVP_MD* digest, std::string_view message) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!key || EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, in(message), message.size()) != 1) {
    return std::nullopt;
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), out(signature), &size, in(message), message.size()) != 1) return std::nullopt;
  signature.resize(size);
  return signature;
}

bool verify(EVP_PKEY* key, const EVP_MD* digest, std::string_view message, std::string_view signature) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  return key && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), in(signature), signature.size(), in(message), message.size()) == 1;
}

Owned<EVP_PKEY> p256_key(std::string_view point, const BIGNUM* scalar) {
  const Owned<OSSL_PARAM_BLD> build(OSSL_PARAM_BLD_new());
  std::string encoded(1, kUncompressed);
  encoded.append(point);
  OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size());
  if (scalar != nullptr) OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar);
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(build.get()));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return Owned<EVP_PKEY>(key);
}

/// The scalar as a number from 1 to below the order; null otherwise.
Owned<BIGNUM> p256_number(std::string_view scalar) {
  if (scalar.size() != kScalarBytes) return nullptr;
  const Owned<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  Owned<BIGNUM> number(BN_bin2bn(in(scalar), kScalarBytes, nullptr));
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return nullptr;
  return number;
}

}  // namespace

std::optional<std::string> ed25519_public_key(std::string_view seed) {
  const Owned<EVP_PKEY> key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, in(seed), seed.size()));
  std::string bytes(kKeyBytes, '\0');
  std::size_t size = bytes.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), out(bytes), &size) != 1) return std::nullopt;
  return bytes;
}

std::optional<std::string> ed25519_sign(std::string_view seed, std::string_view message) {
  const Owned<EVP_PKEY> key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, in(seed), seed.size()));
  return sign(key.get(), nullptr, message);
}

bool ed25519_verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (signature.size() != kEd25519Signature) return false;
  const Owned<EVP_PKEY> key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, in(public_key), public_key.size()));
  return verify(key.get(), nullptr, message, signature);
}

std::optional<std::string> p256_public_key(std::string_view scalar) {
  const Owned<BIGNUM> number = p256_number(scalar);
  if (!number) return std::nullopt;
  const Owned<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const Owned<EC_POINT> point(EC_POINT_new(group.get()));
  std::string encoded(1 + kPointBytes, '\0');
  const bool made = EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) == 1 &&
                    EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out(encoded), encoded.size(), nullptr) == encoded.size();
  TM_ASSERT(made, "P-256 is available");
  return encoded.substr(1);
}

std::optional<std::string> p256_sign(std::string_view scalar, std::string_view message) {
  const auto point = p256_public_key(scalar);
  if (!point) return std::nullopt;
  const Owned<BIGNUM> number = p256_number(scalar);
  const auto der = sign(p256_key(*point, number.get()).get(), EVP_sha256(), message);
  if (!der) return std::nullopt;
  const unsigned char* at = in(*der);
  const Owned<ECDSA_SIG> parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der->size())));
  std::string signature(2 * kScalarBytes, '\0');
  const bool written = parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out(signature), kScalarBytes) == kScalarBytes &&
                       BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out(signature) + kScalarBytes, kScalarBytes) == kScalarBytes;
  TM_ASSERT(written, "a signature has two numbers");
  return signature;
}

bool p256_verify(std::string_view public_key, std::string_view message, std::string_view signature) {
  if (public_key.size() != kPointBytes || signature.size() != 2 * kScalarBytes) return false;
  const Owned<ECDSA_SIG> parts(ECDSA_SIG_new());
  ECDSA_SIG_set0(parts.get(), BN_bin2bn(in(signature), kScalarBytes, nullptr), BN_bin2bn(in(signature) + kScalarBytes, kScalarBytes, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  if (size <= 0) return false;
  const std::string encoded(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return verify(p256_key(public_key, nullptr).get(), EVP_sha256(), message, encoded);
}

std::string p256_scalar(std::string_view secret) {
  // About one in 2^32 is too large; the next try is as good.
  for (char round = 0;; ++round) {
    std::string scalar = hkdf_sha256(secret, std::string("tidemark p256 scalar") + round, kScalarBytes);
    if (p256_number(scalar)) return scalar;
  }
}

}  // namespace tidemark::keys
