#pragma once
// The hook by which Personal<> fields are encrypted wherever an envelope is written, each under the key of its subject.
// Used by core/runtime, implemented by core/keys.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/fn.hpp"

namespace tidemark::event {

/// Where a field lies. What is sealed for one place opens in no other.
struct FieldPlace {
  std::string_view record;   ///< id of the envelope
  std::string_view type;     ///< full type of the data
  std::string_view pointer;  ///< JSON Pointer of the field's wrapper in the data
};

/// Seals for one subject. Holds the key while it lives.
class SubjectSealer {
 public:
  virtual ~SubjectSealer() = default;
  virtual const std::string& key_id() const = 0;
  /// base64url. The same text in the same place gives the same cipher, so that a decision taken twice is recorded alike.
  virtual std::string seal(const FieldPlace& place, std::string_view plain) const = 0;
  /// A keyed hash, 32 bytes: compares equal texts without telling what they are.
  virtual std::string mac(std::string_view bytes) const = 0;
};

///   threads   sealer_of and settle on the scheduler's thread; open from any
class FieldCipher {
 public:
  virtual ~FieldCipher() = default;
  /// The sealer of a subject; a key is made when it has none. No record that was sealed with a new key may be appended
  /// before settle() has succeeded.
  virtual Result<std::unique_ptr<SubjectSealer>> sealer_of(std::string_view subject) = 0;
  /// nullopt when the key was destroyed.
  ///   errors   not_found: no such key was ever here; corrupt: changed, or of another place
  virtual Result<std::optional<std::string>> open(std::string_view key_id, const FieldPlace& place, std::string_view cipher) const = 0;
  /// Whether keys were made that a crash could lose.
  virtual bool unsettled() const = 0;
  /// Makes them durable. `done` on the scheduler, never inside this call.
  virtual void settle(Fn<void(Result<void>)> done) = 0;
};

}  // namespace tidemark::event
