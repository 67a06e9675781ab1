#pragma once
// The file system as the journal uses it, handed in so that a simulated disk can lose, tear and fail writes.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark {

/// One open file. Offsets and sizes in bytes.
///   threads   pread and size from any thread; the rest from one thread at a time
///   errors    exhausted (ENOSPC, EDQUOT), internal (EIO and all else), with path and errno text
class File {
 public:
  virtual ~File() = default;
  /// Writes all of `bytes` at `offset`, or fails having written any part of it.
  virtual Result<void> pwrite(std::uint64_t offset, std::string_view bytes) = 0;
  /// Up to `size` bytes from `offset`; shorter only at the end of the file.
  virtual Result<std::string> pread(std::uint64_t offset, std::size_t size) const = 0;
  /// fdatasync. After a failure the file's unsynced content is unknown: never call it again on the same data.
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  /// Takes the advisory exclusive lock without waiting; unavailable when another process (or File) has it. Dropped on close.
  virtual Result<void> lock_exclusive() = 0;
};

/// Paths are UTF-8, '/'-separated.
class Disk {
 public:
  virtual ~Disk() = default;
  /// Opens for reading and writing; not_found when missing and !create. A created file is readable by its owner and group (mode 0640).
  virtual Result<std::unique_ptr<File>> open(const std::string& path, bool create) = 0;
  virtual Result<std::unique_ptr<File>> open_read(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;  ///< replaces `to` atomically
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> make_directories(const std::string& path) = 0;
  virtual Result<void> sync_directory(const std::string& path) = 0;  ///< makes creations, renames and removals in it durable
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  ///< names, sorted; not "." and ".."
  virtual Result<bool> exists(const std::string& path) = 0;
};

/// The operating system's file system.
std::unique_ptr<Disk> make_posix_disk();

/// Reads a whole file.
Result<std::string> read_file(Disk& disk, const std::string& path);
/// Writes `path` so that a crash leaves the old content or the new: temporary file, sync, rename, sync of the directory.
Result<void> replace_file(Disk& disk, const std::string& path, std::string_view content);

}  // namespace tidemark
