#include "core/log/kafka/emptied.hpp"

#include <algorithm>

#include "core/log/kafka/records.hpp"

namespace tidemark::log::kafka {
namespace {

std::uint64_t most(KnownEnd known, std::int64_t end_offset) {
  const auto since = static_cast<std::uint64_t>(std::max<std::int64_t>(0, end_offset - known.after));
  return known.tmseq + (since < 2 ? 0 : since);
}

}  // namespace

std::uint64_t end_of_emptied(const std::string& topic, KnownEnd known, const std::vector<std::string>& commits, std::int64_t end_offset) {
  std::uint64_t end = most(known, end_offset), least = known.tmseq;
  for (const std::string& commit : commits) {
    const auto parts = decode_commit(commit);
    if (!parts) continue;
    for (const CommitPart& part : *parts) {
      if (part.topic != topic) continue;
      least = std::max(least, part.first + part.count);
      if (part.count == 0 && part.after <= end_offset) end = std::min(end, most({part.first, part.after}, end_offset));
    }
  }
  return std::max(end, least);
}

}  // namespace tidemark::log::kafka
