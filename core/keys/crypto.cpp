#include "core/keys/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <climits>
#include <memory>

#include "core/base/assert.hpp"
#include "core/base/constant_time.hpp"

namespace tidemark::keys {
namespace {

const unsigned char* in(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(std::string& bytes, std::size_t at = 0) { return reinterpret_cast<unsigned char*>(bytes.data() + at); }
int length(std::string_view bytes) {
  TM_ASSERT(bytes.size() <= INT_MAX - 64, "one call encrypts less than 2 GiB");
  return static_cast<int>(bytes.size());
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

// Encrypts or decrypts everything but the tag.
Cipher run_gcm(bool encrypt, std::string_view key, std::string_view nonce, std::string_view aad, std::string_view from, std::string& to) {
  TM_ASSERT(key.size() == kKeyBytes && nonce.size() == kNonceBytes, "AES-256-GCM takes 32 byte keys and 12 byte nonces");
  Cipher context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool started = context && EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, in(key), in(nonce), encrypt ? 1 : 0) == 1;
  TM_ASSERT(started, "AES-256-GCM is available");
  if (!aad.empty()) TM_ASSERT(EVP_CipherUpdate(context.get(), nullptr, &written, in(aad), length(aad)) == 1, "GCM takes associated data");
  if (!from.empty()) TM_ASSERT(EVP_CipherUpdate(context.get(), out(to), &written, in(from), length(from)) == 1, "GCM takes data");
  return context;
}

}  // namespace

std::string random_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  TM_ASSERT(RAND_priv_bytes(out(bytes), length(bytes)) == 1, "the system has randomness");
  return bytes;
}

std::string hmac_sha256(std::string_view key, std::string_view message) {
  std::string mac(32, '\0');
  unsigned int size = 0;
  TM_ASSERT(HMAC(EVP_sha256(), key.data(), length(key), in(message), message.size(), out(mac), &size) != nullptr && size == 32,
            "HMAC-SHA-256 is available");
  return mac;
}

std::string hkdf_sha256(std::string_view secret, std::string_view info, std::size_t size, std::string_view salt) {
  struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
  };
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, FreeKdf> context(EVP_KDF_CTX_new(kdf.get()));
  TM_ASSERT(context != nullptr, "HKDF is available");
  char digest[] = "SHA256";
  OSSL_PARAM parameters[5];
  OSSL_PARAM* next = parameters;
  *next++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()), secret.size());
  *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(info.data()), info.size());
  if (!salt.empty()) *next++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, const_cast<char*>(salt.data()), salt.size());
  *next = OSSL_PARAM_construct_end();
  std::string derived(size, '\0');
  TM_ASSERT(EVP_KDF_derive(context.get(), out(derived), derived.size(), parameters) == 1, "HKDF derives");
  return derived;
}

std::string gcm_encrypt(std::string_view key, std::string_view nonce, std::string_view aad, std::string_view plain) {
  std::string sealed(plain.size() + kTagBytes, '\0');
  const Cipher context = run_gcm(true, key, nonce, aad, plain, sealed);
  int written = 0;
  const bool done = EVP_CipherFinal_ex(context.get(), out(sealed, plain.size()), &written) == 1 &&
                    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, out(sealed, plain.size())) == 1;
  TM_ASSERT(done, "GCM gives a tag");
  return sealed;
}

std::optional<std::string> gcm_decrypt(std::string_view key, std::string_view nonce, std::string_view aad, std::string_view sealed) {
  if (sealed.size() < kTagBytes) return std::nullopt;
  const std::string_view body = sealed.substr(0, sealed.size() - kTagBytes);
  std::string tag(sealed.substr(body.size()));
  std::string plain(body.size(), '\0');
  const Cipher context = run_gcm(false, key, nonce, aad, body, plain);
  TM_ASSERT(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, out(tag)) == 1, "GCM takes a tag");
  unsigned char rest[16];
  int written = 0;
  if (EVP_CipherFinal_ex(context.get(), rest, &written) != 1) {
    wipe(plain);  // unauthenticated bytes are for nobody
    return std::nullopt;
  }
  return plain;
}

bool same_secret(std::string_view a, std::string_view b) { return same_bytes(a, b); }

void wipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace tidemark::keys
