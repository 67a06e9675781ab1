#pragma once
// Reads ZIP archives that strangers have made: from memory, within limits, believing nothing that their headers say.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/rows.hpp"

namespace tidemark::zip {

struct Limits {
  std::uint64_t content_bytes_max = 0;  ///< inclusive; of all entries together, as declared and as inflated
  std::size_t entries_max = 10'000;
};

/// Reads and checks every entry, in the order of the archive's directory; hands over the content of those that are wanted.
///   archive  borrowed for the call
///   wants    asked about each entry; its name is relative, without "..", '\' and NUL, else the archive is refused
///   take     gets the content. What it took before an error came is to be thrown away
///   errors   corrupt (no archive, cut off, entries that overlap or are not what their headers say, a wrong checksum),
///            invalid_argument (such a name, an encrypted entry, a compression other than deflate),
///            exhausted (a limit)
///   threads  any; blocks for as long as inflating takes. Holds one entry at a time, and never more than the limit
Result<void> read_archive(std::string_view archive, const Limits& limits, FnRef<bool(std::string_view name)> wants,
                          FnRef<void(std::string_view name, std::string content)> take);

}  // namespace tidemark::zip
