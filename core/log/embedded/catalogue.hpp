#pragma once
// The file `catalogue`: which sealed files there are, where each topic and lane begins and ends in them, and where the journal
// goes on. Text with a checksum line; replaced as a whole, so a crash leaves the old or the new.
//
//   tidemark-catalogue 1
//   epoch 0190a8f2-....
//   file 1 3 fact 1 2048 5242880 9c1f00d2 1700000000000 1700000360000 0:4718592,3:1024
//   range 0 1 0 9000
//   journal 4 2048 1f2e3d4c
//   crc32c 5a6b7c8d

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/log/embedded/sealed_format.hpp"

namespace tidemark::log {

struct CataloguedFile {
  std::uint64_t first_segment = 0, last_segment = 0;
  std::string retention_class;
  std::uint64_t first_commit = 0, last_commit = 0;
  std::uint64_t size = 0;
  std::uint32_t footer_crc = 0;
  std::int64_t from_ms = 0, to_ms = 0;  ///< its records' times; before 1970 counts as 1970
  std::map<std::uint16_t, std::uint64_t> topic_bytes;  ///< record batches by topic number

  /// "0000000001-0000000003.fact.sealed"
  std::string name() const;
};

/// What the sealed files hold of a topic and lane: [begin, end). Below begin retention has cut it.
struct SealedRange {
  std::uint64_t begin = 0, end = 0;
};

struct Catalogue {
  Uuid epoch;
  std::vector<CataloguedFile> files;  ///< by last commit; those of a topic hold it in order and without gaps
  std::map<PartitionKey, SealedRange> ranges;
  std::uint64_t segment = 1;          ///< first that is not sealed
  std::uint64_t commit = 0;           ///< last that is
  std::uint32_t crc = 0;              ///< of that commit's frame

  SealedRange range(PartitionKey key) const {
    const auto found = ranges.find(key);
    return found == ranges.end() ? SealedRange{} : found->second;
  }
};

inline constexpr std::string_view kCatalogueName = "catalogue";
inline constexpr std::string_view kSealedSuffix = ".sealed";

std::string render_catalogue(const Catalogue& catalogue);
/// corrupt unless the bytes are exactly what render_catalogue would write; unsupported_version for a newer format.
Result<Catalogue> parse_catalogue(std::string_view bytes);

}  // namespace tidemark::log
