#pragma once
// Encrypts the rows of stores that hold personal data (docs/formats/key-ring.md).

#include <memory>
#include <string_view>

#include "core/base/row_cipher.hpp"

namespace tidemark::keys {

/// `secret`: of any length, at least 32 random bytes in it.
std::shared_ptr<const RowCipher> make_row_cipher(std::string_view secret);

}  // namespace tidemark::keys
