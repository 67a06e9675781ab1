#pragma once
// What names one file of a blob store, public or private.

#include <compare>
#include <cstdint>
#include <string>

namespace tidemark::blob {

/// Public files come before private ones, each kind by name.
struct StoredFile {
  bool is_private = false;
  std::string name;        ///< hash, or private name
  std::uint64_t size = 0;  ///< bytes of content; 0 of a private one, which is known by its name alone

  auto operator<=>(const StoredFile&) const = default;
};

}  // namespace tidemark::blob
