#pragma once
// The key ring: secrets of an installation, outside the log and its backups (docs/formats/key-ring.md).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/disk.hpp"
#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace tidemark::keys {

struct KeyInfo {
  std::string id, purpose;
  Time created;
  bool destroyed = false;
  bool current = false;  ///< new things use it
};

/// Keys by id. Immutable after opening; any thread.
class KeyRing {
 public:
  virtual ~KeyRing() = default;
  /// Identity of the ring (not secret): recorded in the log, checked at start.
  virtual const std::string& id() const = 0;
  /// Id of the MAC key that new things use.
  virtual const std::string& current_mac_key() const = 0;
  /// HMAC-SHA-256 over the length-prefixed parts under that key: 32 raw bytes. not_found for an unknown or destroyed key id.
  virtual Result<std::string> mac(std::string_view key_id, std::string_view purpose, std::initializer_list<std::string_view> parts) const = 0;
  /// Encrypts with AES-256-GCM under a fresh data key wrapped by the ring (subject: whose data it is); the result names the
  /// key ids it needs. Streams are encrypted in 64 KiB frames by blob; this is for small values.
  virtual Result<std::string> seal(std::string_view subject, std::string_view plain) const = 0;
  virtual Result<std::string> open(std::string_view subject, std::string_view sealed) const = 0;
  /// What keys there are, oldest first; no secrets.
  virtual std::vector<KeyInfo> keys() const = 0;
  /// 32 bytes for one use of a signing key (purpose "sign"). not_found for an unknown or destroyed key id.
  virtual Result<std::string> signing_secret(std::string_view key_id, std::string_view use) const = 0;
};

inline constexpr std::string_view kMacPurpose = "mac", kWrapPurpose = "wrap", kSignPurpose = "sign";

/// Opens `<directory>/ring.json`, or creates it when `may_create` (files mode 0600, directory 0700). unavailable when
/// missing and !may_create; invalid_argument when its mode lets others read it.
Result<std::unique_ptr<KeyRing>> open_key_ring(const std::string& directory, bool may_create);

// Changes of a ring on disk, one process at a time, the whole file or nothing. A running node goes on with the ring that it
// has opened: it uses a new key, and loses a destroyed one, at its next start.

/// Adds a key of that purpose (mac, wrap or sign), which becomes current, and gives its id. Older ones stay for what names them.
Result<std::string> rotate_key(const std::string& directory, std::string_view purpose);
/// Destroys a key that is not current: what was made with it can never be read or checked again.
///   errors   not_found; invalid_argument for a current key (rotate first; a signing key may be destroyed at any time)
Result<void> destroy_key(const std::string& directory, std::string_view key_id);

/// Reads `<directory>/<name>` (one line), or makes it: 32 random bytes, base64url, mode 0600. `created` may be null.
Result<std::string> open_secret_file(const std::string& path, bool* created);

/// base64url of 32 MAC bytes: how access, worker and VM tokens look (43 characters).
std::string token_text(std::string_view mac);

}  // namespace tidemark::keys
