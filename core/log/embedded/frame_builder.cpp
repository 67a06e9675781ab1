#include "core/log/embedded/frame_builder.hpp"

namespace tidemark::log {

void FrameBuilder::clear() {
  parts_.clear();
  batch_bytes_ = 0;
}

void FrameBuilder::add(LaneId lane, std::vector<TopicRecords> topics) {
  for (auto& topic : topics) {
    batch_bytes_ += topic.records.size_bytes();
    parts_.push_back(Part{static_cast<std::uint16_t>(lane.value), std::move(topic)});
  }
}

std::string FrameBuilder::build(FrameHeader& header) {
  const std::size_t directory_size = parts_.size() * kEntrySize;
  const std::uint64_t total = size_of(parts_.size(), batch_bytes_);
  std::string out;
  out.reserve(total);
  out.resize(kFrameHeaderSize + directory_size);
  directory_.clear();
  for (const Part& part : parts_) {
    FrameEntry entry;
    entry.topic = part.records.topic.value;
    entry.lane = part.lane;
    entry.count = static_cast<std::uint32_t>(part.records.records.count());
    entry.first = part.records.first.value;
    entry.offset = static_cast<std::uint32_t>(out.size());
    part.records.records.encode(static_cast<std::int64_t>(entry.first), out);
    entry.length = static_cast<std::uint32_t>(out.size() - entry.offset);
    entry.crc = crc32c(std::string_view(out).substr(entry.offset));
    encode(entry, out.data() + kFrameHeaderSize + directory_.size() * kEntrySize);
    directory_.push_back(entry);
  }
  out.resize(total);
  header.length = static_cast<std::uint32_t>(total);
  header.entries = static_cast<std::uint32_t>(parts_.size());
  header.directory_crc = crc32c(std::string_view(out).substr(kFrameHeaderSize, directory_size));
  header.crc = encode(header, out.data());
  return out;
}

}  // namespace tidemark::log
