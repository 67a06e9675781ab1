#pragma once
// The format of private blobs (docs/formats/blob.md): a header with the sealed key, then AES-256-GCM frames.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::blob {

inline constexpr std::size_t kPrivateHeaderBytes = 512;
inline constexpr std::size_t kFramePlainBytes = 64u << 10;
inline constexpr std::size_t kFrameBytes = kFramePlainBytes + 16;

/// Turns content into frames under a key of its own.
class FrameWriter {
 public:
  FrameWriter();
  FrameWriter(const FrameWriter&) = delete;
  FrameWriter& operator=(const FrameWriter&) = delete;
  ~FrameWriter();
  /// Appends the frames that are now known not to be the last.
  void add(std::string_view plain, std::string& frames);
  /// Appends the last frame.
  void finish(std::string& frames);
  /// The header that lets the ring's owner read them, under the blob's name.
  Result<std::string> header(const keys::KeyRing& ring, std::string_view name) const;

 private:
  void frame(std::string_view plain, bool last, std::string& frames);
  std::string key_;
  std::string pending_;
  std::uint64_t index_ = 0;
};

/// Reads the frames of an open file.
class FrameReader {
 public:
  /// errors: corrupt, not_found (the ring's key was destroyed), unsupported_version
  static Result<FrameReader> open(int fd, const keys::KeyRing& ring, std::string_view name, const std::string& path);
  FrameReader(FrameReader&&) = default;
  ~FrameReader();
  std::uint64_t plain_size() const { return plain_size_; }
  /// The plain bytes of the next frame; corrupt when any byte of it was changed, or frames were moved or cut off.
  Result<std::string> next();
  bool done() const { return index_ == frames_; }
  /// The next frame is the one of that number, which there must be.
  void seek(std::uint64_t index) {
    TM_ASSERT(index < frames_, "there is such a frame");
    index_ = index;
  }

 private:
  FrameReader() = default;
  int fd_ = -1;
  std::string path_, key_;
  std::uint64_t plain_size_ = 0, frames_ = 0, index_ = 0, file_size_ = 0;
};

}  // namespace tidemark::blob
