#pragma once
// The file `copy`: that the journal was made as the copy of another log. Text with a checksum line; replaced as a whole.
//
//   tidemark-copy 1
//   source 0190a8f2-....
//   complete no
//   crc32c 1f2e3d4c

#include <optional>
#include <string>
#include <string_view>

#include "core/base/disk.hpp"
#include "core/log/log_copy.hpp"

namespace tidemark::log {

std::string render_copy_mark(const CopyMark& mark);
/// corrupt unless the bytes are exactly what render_copy_mark would write; unsupported_version for a newer format.
Result<CopyMark> parse_copy_mark(std::string_view bytes);

Result<void> write_copy_mark(Disk& disk, const std::string& directory, const CopyMark& mark);
Result<void> remove_copy_mark(Disk& disk, const std::string& directory);

/// The mark of a journal that is to be opened as `copy_of` says: see EmbeddedLogOptions.
///   errors   unavailable (incomplete), invalid_argument (no copy, or one of another log), corrupt
Result<std::optional<CopyMark>> check_copy_mark(Disk& disk, const std::string& directory, const std::optional<Uuid>& copy_of);

}  // namespace tidemark::log
