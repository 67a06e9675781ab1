#pragma once
// Encryption of rows at rest: the hook between core/store, which keeps rows, and core/keys, which has the keys.

#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

/// Encrypts the value of one row, bound to its key. Any thread.
class RowCipher {
 public:
  virtual ~RowCipher() = default;
  virtual std::string seal(std::string_view key, std::string_view value) const = 0;
  /// nullopt when it was changed, or sealed under another key.
  virtual std::optional<std::string> open(std::string_view key, std::string_view sealed) const = 0;
};

}  // namespace tidemark
