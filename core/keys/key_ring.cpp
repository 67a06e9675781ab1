#include "core/keys/key_ring.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>

#include "core/base/bytes.hpp"
#include "core/base/rows.hpp"
#include "core/keys/crypto.hpp"
#include "core/keys/private_file.hpp"
#include "core/keys/ring_file.hpp"

namespace tidemark::keys {
namespace {

constexpr char kSealedVersion = 1;
constexpr std::size_t kRingBytesMax = 1u << 20;
constexpr std::size_t kSecretBytesMax = 4096;
constexpr std::size_t kDerivedMax = 256;

void append_part(std::string& out, std::string_view part) {
  put_u64_be(out, part.size());
  out.append(part);
}

class FileKeyRing final : public KeyRing {
 public:
  explicit FileKeyRing(RingFile file) : file_(std::move(file)), current_mac_(current(kMacPurpose)), current_wrap_(current(kWrapPurpose)) {}
  FileKeyRing(const FileKeyRing&) = delete;
  FileKeyRing& operator=(const FileKeyRing&) = delete;
  ~FileKeyRing() override {
    for (auto& key : file_.keys) wipe(key.bytes);
    for (auto& [name, key] : derived_) wipe(key);
  }
  bool complete() const { return current_mac_ != nullptr && current_wrap_ != nullptr; }

  const std::string& id() const override { return file_.id; }
  const std::string& current_mac_key() const override { return current_mac_->id; }

  Result<std::string> mac(std::string_view key_id, std::string_view purpose, std::initializer_list<std::string_view> parts) const override {
    const RingKey* key = find(key_id, kMacPurpose);
    if (key == nullptr) return unknown(key_id);
    std::string message;
    for (const std::string_view part : parts) append_part(message, part);
    return hmac_sha256(derived(*key, purpose), message);
  }

  Result<std::string> seal(std::string_view subject, std::string_view plain) const override {
    std::string sealed(1, kSealedVersion);
    sealed.push_back(static_cast<char>(current_wrap_->id.size()));
    sealed.append(current_wrap_->id);
    std::string data_key = random_bytes(kKeyBytes);
    const std::string wrap_nonce = random_bytes(kNonceBytes);
    sealed.append(wrap_nonce);
    sealed.append(gcm_encrypt(derived(*current_wrap_, "wrap"), wrap_nonce, associated("data key", subject), data_key));
    const std::string nonce = random_bytes(kNonceBytes);
    sealed.append(nonce);
    sealed.append(gcm_encrypt(data_key, nonce, associated("value", subject), plain));
    wipe(data_key);
    return sealed;
  }

  Result<std::string> open(std::string_view subject, std::string_view sealed) const override {
    ByteReader in(sealed);
    const std::uint8_t version = in.u8();
    if (in.ok() && version != kSealedVersion) return make_error(Code::unsupported_version, "a sealed value is of a later build");
    const std::string_view key_id = in.take(in.u8());
    const std::string_view wrap_nonce = in.take(kNonceBytes);
    const std::string_view wrapped = in.take(kKeyBytes + kTagBytes);
    const std::string_view nonce = in.take(kNonceBytes);
    if (!in.ok() || in.left() < kTagBytes) return make_error(Code::corrupt, "a sealed value is too short");
    const RingKey* key = find(key_id, kWrapPurpose);
    if (key == nullptr) return unknown(key_id);
    auto data_key = gcm_decrypt(derived(*key, "wrap"), wrap_nonce, associated("data key", subject), wrapped);
    if (!data_key) return damaged();
    auto plain = gcm_decrypt(*data_key, nonce, associated("value", subject), in.take(in.left()));
    wipe(*data_key);
    if (!plain) return damaged();
    return std::move(*plain);
  }

  std::vector<KeyInfo> keys() const override {
    std::vector<KeyInfo> all;
    for (const auto& key : file_.keys) all.push_back({key.id, key.purpose, key.created, key.bytes.empty(), current(key.purpose) == &key});
    return all;
  }
  Result<std::string> signing_secret(std::string_view key_id, std::string_view use) const override {
    const RingKey* key = find(key_id, kSignPurpose);
    if (key == nullptr) return unknown(key_id);
    return derived(*key, use);
  }

 private:
  const RingKey* current(std::string_view purpose) const {
    const RingKey* last = nullptr;
    for (const auto& key : file_.keys) {
      if (key.purpose == purpose && !key.bytes.empty()) last = &key;
    }
    return last;
  }
  const RingKey* find(std::string_view id, std::string_view purpose) const {
    for (const auto& key : file_.keys) {
      if (key.id == id && key.purpose == purpose && !key.bytes.empty()) return &key;
    }
    return nullptr;
  }
  static Error unknown(std::string_view key_id) {
    return make_error(Code::not_found, "the key ring has no key " + to_base64url(key_id.substr(0, 64)) + " (base64url of its id), or it was destroyed");
  }
  static Error damaged() { return make_error(Code::corrupt, "a sealed value was changed, or belongs to another subject"); }
  static std::string associated(std::string_view what, std::string_view subject) {
    std::string out = "tidemark sealed ";
    append_part(out, what);
    append_part(out, subject);
    return out;
  }

  /// The key of one purpose: what is signed for one can never pass for another.
  std::string derived(const RingKey& key, std::string_view purpose) const {
    std::string name;
    append_part(name, key.id);
    name.append(purpose);
    const std::lock_guard lock(mutex_);
    if (const auto found = derived_.find(name); found != derived_.end()) return found->second;
    std::string made = hkdf_sha256(key.bytes, "tidemark " + key.purpose + " " + std::string(purpose), kKeyBytes);
    if (derived_.size() < kDerivedMax) derived_.emplace(std::move(name), made);
    return made;
  }

  // Constant after construction.
  RingFile file_;
  const RingKey* current_mac_;
  const RingKey* current_wrap_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::map<std::string, std::string, std::less<>> derived_;
};

RingKey new_key(std::string_view purpose) {
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  return {std::string(purpose) + "-" + to_hex(random_bytes(6)), std::string(purpose), now, random_bytes(kKeyBytes)};
}

RingFile new_ring() {
  RingFile ring;
  ring.id = to_hex(random_bytes(16));
  for (const std::string_view purpose : {kMacPurpose, kWrapPurpose}) ring.keys.push_back(new_key(purpose));
  return ring;
}

std::string ring_path(const std::string& directory) { return directory + "/ring.json"; }

Result<RingFile> load(const std::string& path) {
  auto text = read_private_file(path, kRingBytesMax);
  if (!text) return text.take_error();
  auto file = read_ring(*text);
  wipe(*text);
  if (file) return file;
  Error error = file.take_error();
  error.message += " (" + path + ")";
  return error;
}

/// Reads, changes and replaces the file. `change` gives what is wrong, or nothing.
Result<void> change_ring(const std::string& directory, FnRef<Result<void>(RingFile&)> change) {
  const auto told = [&](Error error) {
    return error.code == Code::not_found ? make_error(Code::unavailable, "there is no key ring at " + ring_path(directory)) : error;
  };
  auto lock = PrivateDirectoryLock::take(directory);
  if (!lock) return told(lock.take_error());
  auto file = load(ring_path(directory));
  if (!file) return told(file.take_error());
  auto changed = change(*file);
  if (changed) {
    std::string text = write_ring(*file);
    changed = replace_private_file(ring_path(directory), text);
    wipe(text);
  }
  for (auto& key : file->keys) wipe(key.bytes);
  return changed;
}

}  // namespace

Result<std::unique_ptr<KeyRing>> open_key_ring(const std::string& directory, bool may_create) {
  const std::string path = ring_path(directory);
  auto file = load(path);
  if (!file && file.error().code == Code::not_found) {
    if (!may_create) return make_error(Code::unavailable, "there is no key ring at " + path + ": copy it from the other nodes or from its backup");
    if (auto made = make_private_directory(directory); !made) return made.take_error();
    std::string fresh = write_ring(new_ring());
    auto created = create_private_file(path, fresh);
    wipe(fresh);
    if (!created) return created.take_error();
    file = load(path);  // of two that create at once, both use the one that is there
  }
  if (!file) return file.take_error();
  auto ring = std::make_unique<FileKeyRing>(std::move(*file));
  if (!ring->complete()) return make_error(Code::corrupt, "the key ring at " + path + " has no MAC key or no wrapping key");
  return std::unique_ptr<KeyRing>(std::move(ring));
}

Result<std::string> rotate_key(const std::string& directory, std::string_view purpose) {
  if (purpose != kMacPurpose && purpose != kWrapPurpose && purpose != kSignPurpose) {
    return make_error(Code::invalid_argument, "there are keys to mac, wrap and sign, not to " + std::string(purpose));
  }
  RingKey made = new_key(purpose);
  const std::string id = made.id;
  auto changed = change_ring(directory, [&](RingFile& ring) -> Result<void> {
    ring.keys.push_back(std::move(made));
    return {};
  });
  if (!changed) return changed.take_error();
  return id;
}

Result<void> destroy_key(const std::string& directory, std::string_view key_id) {
  return change_ring(directory, [&](RingFile& ring) -> Result<void> {
    const auto key = std::find_if(ring.keys.begin(), ring.keys.end(), [&](const RingKey& k) { return k.id == key_id; });
    if (key == ring.keys.end() || key->bytes.empty()) {
      return make_error(Code::not_found, "the ring has no key " + std::string(key_id.substr(0, 64)) + ", or it was destroyed before");
    }
    const bool current = std::none_of(key + 1, ring.keys.end(), [&](const RingKey& k) { return k.purpose == key->purpose && !k.bytes.empty(); });
    if (current && key->purpose != kSignPurpose) {
      return make_error(Code::invalid_argument, "the key " + key->id + " is in use: make another first with tidemark keys rotate --purpose " + key->purpose);
    }
    wipe(key->bytes);
    return {};
  });
}

Result<std::string> open_secret_file(const std::string& path, bool* created) {
  if (created != nullptr) *created = false;
  auto text = read_private_file(path, kSecretBytesMax);
  if (!text && text.error().code == Code::not_found) {
    const auto slash = path.rfind('/');
    if (slash != std::string::npos && slash > 0) {
      if (auto made = make_private_directory(path.substr(0, slash)); !made) return made.take_error();
    }
    auto made = create_private_file(path, to_base64url(random_bytes(kKeyBytes)) + "\n");
    if (!made) return made.take_error();
    if (created != nullptr) *created = *made;
    text = read_private_file(path, kSecretBytesMax);
  }
  if (!text) return text.take_error();
  const std::size_t end = text->find_first_of("\r\n");
  if (end != std::string::npos && text->find_first_not_of("\r\n", end) != std::string::npos) {
    return make_error(Code::invalid_argument, "the secret " + path + " has more than one line");
  }
  std::string secret = text->substr(0, end);
  wipe(*text);
  if (secret.empty()) return make_error(Code::invalid_argument, "the secret " + path + " is empty");
  return secret;
}

std::string token_text(std::string_view mac) { return to_base64url(mac); }

}  // namespace tidemark::keys
