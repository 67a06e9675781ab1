#include "core/log/embedded/tail_cache.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::log {

void TailCache::add(std::uint64_t segment, std::uint64_t offset, std::shared_ptr<const std::string> frame) {
  bytes_ += frame->size();
  kept_.push_back(Kept{segment, offset, std::move(frame)});
  while (bytes_ > bytes_max_ && !kept_.empty()) {
    bytes_ -= kept_.front().frame->size();
    kept_.pop_front();
  }
}

TailCache::Hit TailCache::find(std::uint64_t segment, std::uint64_t offset) const {
  auto at = std::upper_bound(kept_.begin(), kept_.end(), std::pair(segment, offset), [](const auto& wanted, const Kept& kept) {
    return wanted < std::pair(kept.segment, kept.offset);
  });
  if (at == kept_.begin()) return {};
  --at;
  if (at->segment != segment || offset >= at->offset + at->frame->size()) return {};
  return Hit{at->frame, static_cast<std::size_t>(offset - at->offset)};
}

}  // namespace tidemark::log
