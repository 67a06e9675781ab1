#include "core/keys/personal_cipher.hpp"

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

constexpr char kVersion = 1;

void append_part(std::string& out, std::string_view part) {
  put_u64_be(out, part.size());
  out.append(part);
}

std::string associated(const event::FieldPlace& place) {
  std::string out = "tidemark personal ";
  append_part(out, place.record);
  append_part(out, place.type);
  append_part(out, place.pointer);
  return out;
}

/// The keys that are made of a data key, each for one use.
struct Keys {
  explicit Keys(std::string_view data_key) : bytes(hkdf_sha256(data_key, "tidemark personal", 3 * kKeyBytes)) {}
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  ~Keys() { wipe(bytes); }
  std::string_view encryption() const { return part(0); }
  std::string_view nonces() const { return part(1); }
  std::string_view fingerprints() const { return part(2); }

 private:
  std::string_view part(std::size_t index) const { return std::string_view(bytes).substr(index * kKeyBytes, kKeyBytes); }
  std::string bytes;
};

class Sealer final : public event::SubjectSealer {
 public:
  Sealer(std::string id, std::string_view data_key) : id_(std::move(id)), keys_(data_key) {}

  const std::string& key_id() const override { return id_; }
  std::string seal(const event::FieldPlace& place, std::string_view plain) const override {
    const std::string aad = associated(place);
    // Made of place and text: a command decided again, after a batch of which nobody knows what reached the disk, may put
    // another text in the same place, and must not meet the nonce of the first.
    std::string message = aad;
    append_part(message, plain);
    const std::string nonce = hmac_sha256(keys_.nonces(), message).substr(0, kNonceBytes);
    return to_base64url(std::string(1, kVersion) + nonce + gcm_encrypt(keys_.encryption(), nonce, aad, plain));
  }
  std::string mac(std::string_view bytes) const override { return hmac_sha256(keys_.fingerprints(), bytes); }

 private:
  const std::string id_;
  const Keys keys_;
};

class PersonalCipher final : public event::FieldCipher {
 public:
  PersonalCipher(SubjectKeys& keys, Executor& files, Executor& home) : keys_(keys), files_(files), home_(home) {}

  Result<std::unique_ptr<event::SubjectSealer>> sealer_of(std::string_view subject) override {
    auto key = keys_.key_for(subject);
    if (!key) return key.take_error();
    std::unique_ptr<event::SubjectSealer> sealer = std::make_unique<Sealer>(key->id, key->bytes);
    wipe(key->bytes);
    return sealer;
  }

  Result<std::optional<std::string>> open(std::string_view key_id, const event::FieldPlace& place, std::string_view cipher) const override {
    auto key = keys_.find(key_id);
    if (!key) return key.take_error();
    if (!*key) return std::optional<std::string>();
    const Keys keys(**key);
    wipe(**key);
    const auto bytes = from_base64url(cipher);
    if (bytes && !bytes->empty() && bytes->front() != kVersion) return make_error(Code::unsupported_version, "a personal field was sealed by a later build");
    std::optional<std::string> plain;
    if (bytes && bytes->size() > 1 + kNonceBytes) {
      const std::string_view sealed = *bytes;
      plain = gcm_decrypt(keys.encryption(), sealed.substr(1, kNonceBytes), associated(place), sealed.substr(1 + kNonceBytes));
    }
    if (!plain) return make_error(Code::corrupt, "a personal field was changed, or belongs to another record");
    return plain;
  }

  bool unsettled() const override { return keys_.unsynced(); }
  void settle(Fn<void(Result<void>)> done) override {
    files_.post([this, done = std::move(done)]() mutable {
      home_.post([result = keys_.sync(), done = std::move(done)]() mutable { done(std::move(result)); });
    });
  }

 private:
  SubjectKeys& keys_;
  Executor& files_;
  Executor& home_;
};

}  // namespace

std::unique_ptr<event::FieldCipher> make_personal_cipher(SubjectKeys& keys, Executor& files, Executor& home) {
  return std::make_unique<PersonalCipher>(keys, files, home);
}

}  // namespace tidemark::keys
