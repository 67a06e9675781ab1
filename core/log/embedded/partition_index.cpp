#include "core/log/embedded/partition_index.hpp"

#include <algorithm>

#include "core/base/assert.hpp"
#include "core/base/bytes.hpp"

namespace tidemark::log {

void PartitionIndex::add(const BatchPlace& place) {
  TM_ASSERT(place.first == end_ && place.count > 0, "the index of a partition is dense");
  if (blocks_.empty() || blocks_.back().entries == kBlockEntries || blocks_.back().segment != place.segment) {
    blocks_.push_back(Block{place.first, place.segment, place.offset, dropped_ + packed_.size(), 0});
    last_end_offset_ = place.offset;
  }
  put_varint(packed_, place.count);
  put_varint(packed_, place.length);
  put_varint(packed_, place.offset - last_end_offset_);
  ++blocks_.back().entries;
  last_end_offset_ = place.offset + place.length;
  end_ = place.first + place.count;
}

void PartitionIndex::forget_through(std::uint64_t segment) {
  const auto kept = std::find_if(blocks_.begin(), blocks_.end(), [segment](const Block& b) { return b.segment > segment; });
  if (kept == blocks_.begin()) return;
  begin_ = kept == blocks_.end() ? end_ : kept->first;
  const std::uint64_t gone = kept == blocks_.end() ? dropped_ + packed_.size() : kept->at;
  blocks_.erase(blocks_.begin(), kept);
  packed_.erase(0, static_cast<std::size_t>(gone - dropped_));
  packed_.shrink_to_fit();
  dropped_ = gone;
}

std::vector<BatchPlace> PartitionIndex::find(std::uint64_t from, std::size_t bytes_max) const {
  std::vector<BatchPlace> found;
  if (from < begin_ || from >= end_) return found;
  auto block = std::upper_bound(blocks_.begin(), blocks_.end(), from, [](std::uint64_t f, const Block& b) { return f < b.first; });
  --block;
  std::size_t bytes = 0;
  for (; block != blocks_.end(); ++block) {
    ByteReader in(std::string_view(packed_).substr(block->at - dropped_));
    BatchPlace place{block->first, 0, block->segment, block->offset, 0};
    for (std::uint32_t i = 0; i < block->entries; ++i) {
      place.first += place.count;
      place.offset += place.length;
      place.count = static_cast<std::uint32_t>(in.varint());
      place.length = static_cast<std::uint32_t>(in.varint());
      place.offset += in.varint();
      if (place.first + place.count <= from) continue;
      if (!found.empty() && bytes + place.length > bytes_max) return found;
      found.push_back(place);
      bytes += place.length;
    }
  }
  return found;
}

}  // namespace tidemark::log
