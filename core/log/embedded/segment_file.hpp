#pragma once
// Segment files: reading them through a window, and preparing the next one ahead of need.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/disk.hpp"
#include "core/log/embedded/layout.hpp"

namespace tidemark::log {

struct Segment {
  std::uint64_t number = 0;
  std::uint64_t size = 0;
  std::shared_ptr<File> file;
};

/// Sequential reads without holding a whole segment.
class SegmentWindow {
 public:
  explicit SegmentWindow(const File& file) : file_(&file) {}
  /// `size` bytes at `offset`, fewer at the end of the file. The view lives until the next call.
  Result<std::string_view> view(std::uint64_t offset, std::size_t size);

 private:
  const File* file_;
  std::string window_;
  std::uint64_t at_ = 0;
};

/// Zero-fills the next segment under a temporary name, a step at a time, and gives it its name once it is durable as a
/// whole: a file named *.journal always has its full size.
///   errors   exhausted: nothing is lost, call again when there is space; anything else: the disk cannot be trusted
class SegmentPreparer {
 public:
  SegmentPreparer(Disk& disk, std::string directory, Uuid epoch, std::uint64_t segment_bytes)
      : disk_(&disk), directory_(std::move(directory)), epoch_(epoch), segment_bytes_(segment_bytes) {}

  void begin(std::uint64_t number);
  /// Hands over a segment that is there already (recovery found it).
  void adopt(Segment segment) { ready_ = std::move(segment); }
  bool is_ready() const { return ready_.has_value(); }
  /// Zero-fills and syncs until at least `bytes` of the file are there; at its size the segment becomes ready.
  Result<void> fill_to(std::uint64_t bytes);
  /// The ready segment (finishing it when it is not).
  Result<Segment> take();

 private:
  Disk* disk_;
  std::string directory_;
  Uuid epoch_;
  std::uint64_t segment_bytes_;
  std::uint64_t number_ = 0;
  std::uint64_t filled_ = 0;
  std::shared_ptr<File> file_;
  std::optional<Segment> ready_;
};

}  // namespace tidemark::log
