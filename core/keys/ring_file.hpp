#pragma once
// ring.json (docs/formats/key-ring.md): its text to keys and back.

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/time.hpp"

namespace tidemark::keys {

struct RingKey {
  std::string id;       ///< unique in the ring, [A-Za-z0-9_-]{1,64}
  std::string purpose;  ///< "mac" or "wrap"; others are kept for newer builds
  Time created;
  std::string bytes;  ///< 32 raw bytes; empty when the key was destroyed
};

struct RingFile {
  std::string id;  ///< of the ring
  std::vector<RingKey> keys;  ///< of several with one purpose, the last that is not destroyed is current
};

std::string write_ring(const RingFile& ring);

///   errors   corrupt: not such a text, a key of another length, an id twice; unsupported_version: of a later format
Result<RingFile> read_ring(std::string_view text);

}  // namespace tidemark::keys
