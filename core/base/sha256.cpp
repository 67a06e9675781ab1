#include "core/base/sha256.hpp"

#include <openssl/evp.h>

#include "core/base/assert.hpp"
#include "core/base/bytes.hpp"

namespace tidemark {

void Sha256::Free::operator()(void* context) const { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  const bool started = EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_.get()), EVP_sha256(), nullptr) == 1;
  TM_ASSERT(started, "SHA-256 is available");
}

void Sha256::add(std::string_view bytes) {
  const bool added = EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), bytes.size()) == 1;
  TM_ASSERT(added, "SHA-256 takes bytes");
}

std::string Sha256::finish_hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const bool done = EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), digest, &size) == 1;
  TM_ASSERT(done, "SHA-256 ends");
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

}  // namespace tidemark
