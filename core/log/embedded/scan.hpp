#pragma once
// Reads a journal as it lies on disk and judges it: what is whole, what is a torn tail, what is damage. Changes nothing.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/disk.hpp"
#include "core/log/embedded/catalogue.hpp"
#include "core/log/embedded/meta.hpp"
#include "core/log/embedded/segment_file.hpp"

namespace tidemark::log {

struct FoundFrame {
  const FrameHeader& header;
  std::span<const FrameEntry> entries;
  std::string_view bytes;  ///< the whole frame; empty when only header and directory were read
};

struct TornRange {
  std::size_t segment = 0;  ///< index into Inspection::segments
  std::uint64_t from = 0, to = 0;
};

/// Where the frames of a segment end in the chain.
struct SegmentEnd {
  std::uint64_t commit = 0;  ///< 0: no frame
  std::uint32_t crc = 0;
};

struct Inspection {
  JournalMeta meta;
  Catalogue catalogue;              ///< empty when nothing has been sealed
  std::vector<Segment> segments;    ///< those that are not sealed
  std::vector<SegmentEnd> ends;     ///< by segment
  std::vector<std::string> leftovers;  ///< files of an interrupted sealing, which nothing names
  std::vector<std::uint64_t> next;  ///< end of each partition, [topic * lanes + lane]
  std::uint64_t commit = 0;         ///< of the last valid frame; 0: none
  std::uint32_t crc = 0;
  std::size_t current = 0;          ///< index of the segment that the journal goes on in, at `end`
  std::uint64_t end = kSegmentHeaderSize;
  std::uint64_t last_frame = 0;     ///< offset of the last valid frame in `current`; 0 when it has none
  std::vector<TornRange> torn;      ///< not zero behind the last frame, and no witness
  std::uint64_t bytes = 0;          ///< read and judged
  std::vector<Error> damage;        ///< each naming segment and offset
  std::vector<std::string> notes;
};

enum class Depth {
  open,  ///< bodies are read in the last segments only; stops at the first damage
  all,   ///< every byte; goes on behind damage
};

/// `so_far` has meta and catalogue.
using FrameVisit = std::function<void(const Inspection& so_far, const FoundFrame& frame)>;

/// Judges meta, catalogue and the segments that are not sealed; sealed files only by their presence. `visit` sees the valid frames in order.
///   errors   not_found (no journal there), corrupt or unsupported_version for `meta`, whatever the disk says
Result<Inspection> inspect_journal(Disk& disk, const std::string& directory, Depth depth, const FrameVisit& visit);

}  // namespace tidemark::log
