#include "core/log/embedded/segment_file.hpp"

#include <algorithm>

namespace tidemark::log {
namespace {
constexpr std::size_t kWindowBytes = 256u << 10;
constexpr std::size_t kFillBytes = 1u << 20;
}  // namespace

Result<std::string_view> SegmentWindow::view(std::uint64_t offset, std::size_t size) {
  if (offset < at_ || offset + size > at_ + window_.size()) {
    auto read = file_->pread(offset, std::max(size, kWindowBytes));
    if (!read) return read.take_error();
    window_ = std::move(*read);
    at_ = offset;
  }
  return std::string_view(window_).substr(offset - at_, size);
}

void SegmentPreparer::begin(std::uint64_t number) {
  number_ = number;
  filled_ = 0;
  file_.reset();
  ready_.reset();
}

Result<void> SegmentPreparer::fill_to(std::uint64_t bytes) {
  if (ready_) return {};
  const std::string path = directory_ + "/" + segment_name(number_);
  const std::string temporary = path + ".new";
  if (!file_) {
    auto file = disk_->open(temporary, true);
    if (!file) return file.take_error();
    file_ = std::move(*file);
    filled_ = 0;
    if (auto done = file_->truncate(0); !done) { file_.reset(); return done; }
  }
  bytes = std::min(bytes, segment_bytes_);
  while (filled_ < bytes) {
    std::string chunk(std::min<std::uint64_t>(kFillBytes, segment_bytes_ - filled_), '\0');
    if (filled_ == 0) {
      const std::string header = encode(SegmentHeader{number_, segment_bytes_, epoch_});
      std::copy(header.begin(), header.end(), chunk.begin());
    }
    if (auto done = file_->pwrite(filled_, chunk); !done) return done;
    if (auto done = file_->sync(); !done) {
      file_.reset();  // what a failed sync left is unknown: the next attempt begins with an empty file
      return done;
    }
    filled_ += chunk.size();
  }
  if (filled_ < segment_bytes_) return {};
  if (auto done = disk_->rename(temporary, path); !done) return done;
  if (auto done = disk_->sync_directory(directory_); !done) return done;
  ready_ = Segment{number_, segment_bytes_, std::move(file_)};
  file_.reset();
  return {};
}

Result<Segment> SegmentPreparer::take() {
  if (auto done = fill_to(segment_bytes_); !done) return done.take_error();
  Segment out = std::move(*ready_);
  ready_.reset();
  return out;
}

}  // namespace tidemark::log
