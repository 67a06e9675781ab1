#pragma once
// Bodies that a recording has by hash only, kept as files beside it.

#include "replay/shadow/pair.hpp"

namespace tidemark::shadow {

/// The bytes of a recorded body. One that is hashed is the file in `directory` that is named by its SHA-256 (lower-case hex),
/// read as a whole.
///   errors   not_found (no directory given, no such file), unavailable (it cannot be read), corrupt (it has another size or hash)
Result<std::string> bytes_of(const Body& body, const std::string& directory);

}  // namespace tidemark::shadow
