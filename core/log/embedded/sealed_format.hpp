#pragma once
// Bytes of a sealed file: docs/formats/journal.md, "Sealed files". Integers are little-endian.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::log {

inline constexpr std::uint16_t kSealedVersion = 1;
inline constexpr std::size_t kSealedHeaderSize = 64;
inline constexpr std::size_t kSealedFooterSize = 64;
inline constexpr std::size_t kSealedPartitionSize = 48;
inline constexpr std::size_t kSealedPointSize = 16;
inline constexpr std::size_t kSealedEntrySize = 24;
inline constexpr std::uint64_t kSealedPointBytes = 64u << 10;  ///< record batches between two points of the index, at least

struct SealedHeader {
  std::uint64_t first_commit = 0, last_commit = 0;  ///< of what was sealed, entries of other classes included
  std::uint32_t last_crc = 0;                       ///< of the frame of last_commit
  std::uint32_t salt = 0;
  std::uint64_t entries = 0;
  std::uint64_t index_at = 0;                       ///< offset of the index, behind the last record batch
};
std::string encode(const SealedHeader& header);
/// nullopt when magic, checksum, version or reserved bytes are wrong.
std::optional<SealedHeader> decode_sealed_header(std::string_view bytes);

struct SealedFooter {
  std::uint64_t size = 0;  ///< of the file
  std::uint32_t index_crc = 0, checksums_crc = 0, header_crc = 0;
  std::uint32_t crc = 0;   ///< own; what the catalogue knows a file by
};
std::string encode(const SealedFooter& footer);
std::optional<SealedFooter> decode_sealed_footer(std::string_view bytes);

/// Topic number and lane.
using PartitionKey = std::pair<std::uint16_t, std::uint16_t>;

/// Where a record batch begins in the file.
struct SealedPoint {
  std::uint64_t first = 0;  ///< its tmseq
  std::uint64_t offset = 0;
};

/// The record batches of one topic and lane, side by side in the file. A lane of which the file has nothing is there too, with
/// first == end, so that a search over files finds its way by any of them.
struct SealedPartition {
  PartitionKey key;
  std::uint32_t entries = 0;
  std::uint64_t first = 0, end = 0;  ///< tmseq
  std::uint64_t offset = 0, bytes = 0;
  std::vector<SealedPoint> points;
};
void append(const SealedPartition& partition, std::string& out);
/// The partitions of an index; nullopt when a checksum, an order or an extent is wrong.
std::optional<std::vector<SealedPartition>> decode_sealed_index(std::string_view bytes, const SealedHeader& header);

/// What is known of one record batch.
struct SealedEntry {
  std::uint64_t commit = 0;
  std::uint32_t length = 0, count = 0, crc = 0;
};
void append(const SealedEntry& entry, std::string& out);
SealedEntry decode_sealed_entry(const char* at);

/// Which sealed file a topic's records go to: topics that are cut alike share one; a topic cut by its own size has its own.
/// "fact", "decisions-604800000", "ephemeral-86400000-topic7".
std::string retention_class_of(const TopicSpec& spec, TopicId id);

}  // namespace tidemark::log
