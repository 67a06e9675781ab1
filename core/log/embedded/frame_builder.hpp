#pragma once
// Puts the record batches of a commit into one frame.

#include <string>
#include <vector>

#include "core/log/embedded/layout.hpp"
#include "core/log/event_log.hpp"

namespace tidemark::log {

class FrameBuilder {
 public:
  /// Bytes of a frame of `entries` record batches with `batch_bytes` in all.
  static std::uint64_t size_of(std::size_t entries, std::uint64_t batch_bytes) {
    return align_up(kFrameHeaderSize + entries * kEntrySize + batch_bytes);
  }

  void clear();
  bool empty() const { return parts_.empty(); }
  std::size_t entries() const { return parts_.size(); }
  std::uint64_t batch_bytes() const { return batch_bytes_; }
  void add(LaneId lane, std::vector<TopicRecords> topics);
  /// The frame's bytes. `header` gets length, entries, directory checksum and its own; the rest is the caller's.
  std::string build(FrameHeader& header);
  /// Of the last build().
  const std::vector<FrameEntry>& directory() const { return directory_; }

 private:
  struct Part {
    std::uint16_t lane;
    TopicRecords records;
  };
  std::vector<Part> parts_;
  std::uint64_t batch_bytes_ = 0;
  std::vector<FrameEntry> directory_;
};

}  // namespace tidemark::log
