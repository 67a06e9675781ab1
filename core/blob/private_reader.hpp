#pragma once
// A private blob in the clear, piece by piece: what is in memory at a time is one frame.

#include <functional>
#include <memory>
#include <string>

#include "core/blob/blob_store.hpp"
#include "core/blob/files.hpp"
#include "core/blob/private_frames.hpp"

namespace tidemark::blob {

/// One open private blob whose every frame has been seen to hold. File work: on the pool, one call at a time.
class PrivateReader {
 public:
  /// Reads the whole once, for its hash and so that nothing is handed out of a blob that is damaged.
  ///   errors   not_found, corrupt, exhausted (more than `bytes_max` plain bytes), unsupported_version
  static Result<std::unique_ptr<PrivateReader>> open(const std::string& path, const keys::KeyRing& ring, std::string_view name,
                                                     std::uint64_t bytes_max);
  std::uint64_t size() const { return frames_.plain_size(); }
  const std::string& sha256() const { return sha256_; }  ///< of the plain bytes
  /// The plain bytes of a frame; corrupt when it has changed since.
  Result<std::string> frame(std::uint64_t index);

 private:
  PrivateReader(Descriptor file, FrameReader frames) : file_(std::move(file)), frames_(std::move(frames)) {}
  const Descriptor file_;
  FrameReader frames_;
  std::string sha256_;
};

/// A private blob in the clear, as it is sent.
struct OpenedPrivate {
  std::uint64_t size = 0;  ///< plain bytes
  std::string sha256;      ///< of them
  /// One piece of kFramePlainBytes, the last shorter; corrupt (and counted) when it has changed since it was opened. One call at
  /// a time; the store outlives it.
  std::function<Task<Result<std::string>>(std::uint64_t index)> piece;
};

/// A store whose private blobs can be read so. Home scheduler.
class PrivateSource {
 public:
  virtual ~PrivateSource() = default;
  /// Errors as BlobStore::read_private().
  virtual Task<Result<OpenedPrivate>> open_private(std::string name, std::uint64_t bytes_max) = 0;
};
/// What make_blob_store() makes is one.
PrivateSource& private_source(BlobStore& store);

}  // namespace tidemark::blob
