#pragma once
// Files that only their owner may read. Used by the key ring and the secret files; core/base/disk.hpp knows no modes.

#include <string>
#include <string_view>

#include "core/base/error.hpp"

namespace tidemark::keys {

/// Makes the directory and its missing parents, mode 0700.
///   errors   invalid_argument when it exists and others may write into it
Result<void> make_private_directory(const std::string& directory);

/// Reads a file of at most `size_max` bytes.
///   errors   not_found; invalid_argument when group or others have any right to it, or it belongs to another user;
///            exhausted when it is longer
Result<std::string> read_private_file(const std::string& path, std::size_t size_max);

/// Makes the file, mode 0600, durably, unless one of that name is there: whoever comes first wins, and nobody ever sees a
/// part of one. True when it was made by this call.
Result<bool> create_private_file(const std::string& path, std::string_view content);

}  // namespace tidemark::keys
