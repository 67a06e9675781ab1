#include "core/keys/row_cipher.hpp"

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

class GcmRowCipher final : public RowCipher {
 public:
  explicit GcmRowCipher(std::string_view secret)
      : encryption_(hkdf_sha256(secret, "tidemark rows encryption", kKeyBytes)), nonces_(hkdf_sha256(secret, "tidemark rows nonce", kKeyBytes)) {}
  GcmRowCipher(const GcmRowCipher&) = delete;
  GcmRowCipher& operator=(const GcmRowCipher&) = delete;
  ~GcmRowCipher() override {
    wipe(encryption_);
    wipe(nonces_);
  }

  std::string seal(std::string_view key, std::string_view value) const override {
    std::string message;
    put_u64_be(message, key.size());
    message.append(key).append(value);
    // Of key and value: rows are written over and over, far more often than drawn nonces stay distinct.
    const std::string nonce = hmac_sha256(nonces_, message).substr(0, kNonceBytes);
    return nonce + gcm_encrypt(encryption_, nonce, key, value);
  }
  std::optional<std::string> open(std::string_view key, std::string_view sealed) const override {
    if (sealed.size() < kNonceBytes) return std::nullopt;
    return gcm_decrypt(encryption_, sealed.substr(0, kNonceBytes), key, sealed.substr(kNonceBytes));
  }

 private:
  std::string encryption_, nonces_;
};

}  // namespace

std::shared_ptr<const RowCipher> make_row_cipher(std::string_view secret) { return std::make_shared<GcmRowCipher>(secret); }

}  // namespace tidemark::keys
