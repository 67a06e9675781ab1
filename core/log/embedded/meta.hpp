#pragma once
// The file `meta`: what was settled when the journal was created, and the topics declared since. Text with a checksum line;
// replaced as a whole, so a crash leaves the old or the new.
//
//   tidemark-journal 1
//   epoch 0190a8f2-....
//   lanes 12
//   topic 0 fact forever builds.ledger
//   topic 1 ephemeral 86400000/1073741824 builds.activity
//   crc32c 1f2e3d4c

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/disk.hpp"
#include "core/log/event_log.hpp"

namespace tidemark::log {

struct JournalMeta {
  Uuid epoch;
  std::uint32_t lanes = 0;
  std::vector<TopicSpec> topics;  ///< by TopicId
};
inline constexpr std::uint32_t kLanesMax = 4096;
inline constexpr std::size_t kTopicsMax = 60000;

std::string render_meta(const JournalMeta& meta);
/// corrupt unless the bytes are exactly what render_meta would write; unsupported_version for a newer format.
Result<JournalMeta> parse_meta(std::string_view bytes);

}  // namespace tidemark::log
