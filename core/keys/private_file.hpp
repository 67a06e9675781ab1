#pragma once
// Files that only their owner may read. Used by the key ring and the secret files; core/base/disk.hpp knows no modes.

#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.hpp"

namespace tidemark::keys {

/// Makes the directory and its missing parents, mode 0700.
///   errors   invalid_argument when it exists and others may write into it
Result<void> make_private_directory(const std::string& directory);

/// Reads a file of at most `size_max` bytes.
///   errors   not_found; invalid_argument when group or others have any right to it, or it belongs to another user;
///            exhausted when it is longer
Result<std::string> read_private_file(const std::string& path, std::size_t size_max);

/// Makes the file, mode 0600, durably, unless one of that name is there: whoever comes first wins, and nobody ever sees a
/// part of one. True when it was made by this call.
Result<bool> create_private_file(const std::string& path, std::string_view content);

/// Replaces the file, which must be there, durably: a crash leaves the old content or the new. Keeps its owner, so that a root's
/// shell may change what a service reads; mode 0600.
Result<void> replace_private_file(const std::string& path, std::string_view content);

/// Removes the file durably, if it is there.
Result<void> remove_private_file(const std::string& path);

/// One process at a time changes what lies in a directory; waits for the others.
class PrivateDirectoryLock {
 public:
  static Result<PrivateDirectoryLock> take(const std::string& directory);
  PrivateDirectoryLock(PrivateDirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  PrivateDirectoryLock& operator=(PrivateDirectoryLock&&) = delete;
  ~PrivateDirectoryLock();

 private:
  explicit PrivateDirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace tidemark::keys
