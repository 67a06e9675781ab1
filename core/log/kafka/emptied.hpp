#pragma once
// Where a partition ends that retention has emptied, so that no tmseq of it is given twice. Pure.

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::log::kafka {

/// `tmseq` was the end while no later record lay before the offset `after`.
struct KnownEnd {
  std::uint64_t tmseq = 0;
  std::int64_t after = 0;
};

/// An append takes at least two offsets, its record and its marker: where fewer have come since something was known, none has.
/// Where more have come the answer may be greater than the last record would have made it, never smaller: tmseqs grow at most as
/// offsets do.
///   topic       its name, without the installation's prefix
///   commits     the newest tmcommit of every topic of the lane; "": none is known
///   end_offset  where the partition ends
std::uint64_t end_of_emptied(const std::string& topic, KnownEnd known, const std::vector<std::string>& commits, std::int64_t end_offset);

}  // namespace tidemark::log::kafka
