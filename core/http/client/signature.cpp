#include "core/http/client/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/assert.hpp"
#include "core/base/bytes.hpp"

namespace tidemark::http {

Headers webhook_signature(const std::vector<std::string>& secrets, std::string_view id, Time now, std::string_view body) {
  const std::string timestamp = std::to_string(to_ms(now) / 1000);
  std::string signed_bytes, signatures;
  signed_bytes.append(id).append(".").append(timestamp).append(".").append(body);
  for (const std::string& secret : secrets) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const auto* made = ::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                              reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size(), mac, &size);
    TM_ASSERT(made != nullptr, "HMAC-SHA-256 failed");
    if (!signatures.empty()) signatures += ' ';
    signatures += "v1," + to_base64({reinterpret_cast<const char*>(mac), size});
  }
  return {{"webhook-id", std::string(id)}, {"webhook-timestamp", timestamp}, {"webhook-signature", signatures}};
}

std::string webhook_secret_text(std::string_view secret) { return "whsec_" + to_base64(secret); }

}  // namespace tidemark::http
