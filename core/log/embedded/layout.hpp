#pragma once
// Bytes of the embedded journal: segment header, frame header, directory entry, tail slot. docs/formats/journal.md is the
// description; integers are little-endian, record batches inside are Kafka's (big-endian).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/ids.hpp"

namespace tidemark::log {

inline constexpr std::uint16_t kJournalVersion = 1;
inline constexpr std::size_t kFrameAlign = 64;        ///< frames begin at multiples of this and are zero-padded to it
inline constexpr std::size_t kSegmentHeaderSize = 64;
inline constexpr std::size_t kFrameHeaderSize = 64;
inline constexpr std::size_t kEntrySize = 32;
inline constexpr std::size_t kTailSlotSize = 64;
inline constexpr std::size_t kTailSlotAt[2] = {0, 512};  ///< a sector each, so that a torn write spoils one only
inline constexpr std::size_t kTailFileSize = 1024;
inline constexpr std::uint64_t kSegmentBytesMin = 4096;
inline constexpr std::uint64_t kSegmentBytesMax = 2ull << 30;

/// CRC-32C of the epoch: what makes a frame of another journal invalid in this one.
std::uint32_t salt_of(const Uuid& epoch);

struct SegmentHeader {
  std::uint64_t number = 0;
  std::uint64_t size = 0;  ///< of the file
  Uuid epoch;
};
std::string encode(const SegmentHeader& header);
/// nullopt when magic, checksum or reserved bytes are wrong.
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

struct FrameHeader {
  std::uint16_t version = kJournalVersion;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;   ///< of this header in its file
  std::uint64_t commit = 0;   ///< from 1
  std::uint64_t durable = 0;  ///< last commit known durable when this was written
  std::uint32_t length = 0;   ///< of the whole frame, padding included
  std::uint32_t entries = 0;
  std::uint32_t directory_crc = 0;
  std::uint32_t previous_crc = 0;  ///< crc of the frame before; 0 in the first
  std::uint32_t salt = 0;
  std::uint32_t crc = 0;  ///< own; set by encode()
};
/// Writes the header with its checksum over the first kFrameHeaderSize bytes at `out` and returns that checksum.
std::uint32_t encode(const FrameHeader& header, char* out);
/// nullopt when magic, checksum, salt, segment or offset do not fit: then these bytes are no frame of this place.
std::optional<FrameHeader> decode_frame_header(std::string_view bytes, std::uint64_t segment, std::uint64_t offset, std::uint32_t salt);

struct FrameEntry {
  std::uint16_t topic = 0;
  std::uint16_t lane = 0;
  std::uint32_t count = 0;
  std::uint64_t first = 0;   ///< tmseq
  std::uint32_t offset = 0;  ///< of the record batch, from the frame's begin
  std::uint32_t length = 0;
  std::uint32_t crc = 0;     ///< of the record batch's bytes
};
void encode(const FrameEntry& entry, char* out);
FrameEntry decode_frame_entry(const char* bytes);
/// False when a reserved byte is not zero.
bool reserved_is_zero(const char* entry_bytes);

/// "Commit `commit` is durable": a witness.
struct TailSlot {
  std::uint64_t commit = 0;
  std::uint64_t segment = 0;
  std::uint64_t end = 0;  ///< offset behind the commit's frame
  std::uint32_t crc = 0;  ///< of the commit's frame
  std::uint32_t salt = 0;
};
std::string encode(const TailSlot& slot);
std::optional<TailSlot> decode_tail_slot(std::string_view bytes, std::uint32_t salt);

constexpr std::uint64_t align_up(std::uint64_t value) { return (value + kFrameAlign - 1) / kFrameAlign * kFrameAlign; }
bool all_zero(std::string_view bytes);

/// "0000000001.journal"; nullopt when a name is none.
std::string segment_name(std::uint64_t number);
std::optional<std::uint64_t> parse_segment_name(std::string_view name);

}  // namespace tidemark::log
