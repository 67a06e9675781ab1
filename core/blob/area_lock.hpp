#pragma once
// Locks of a blob directory against other processes, where several nodes share one (or must not). They are flock(2)'s, which NFS
// passes on to its server. Any thread.

#include <mutex>
#include <string>
#include <utility>

#include "core/base/error.hpp"
#include "core/blob/files.hpp"

namespace tidemark::blob {

/// Both locks of lock_addresses(), given back when it goes.
class AddressLock {
 public:
  AddressLock(std::unique_lock<std::mutex> within, int file) : within_(std::move(within)), file_(file) {}
  AddressLock(AddressLock&& other) noexcept : within_(std::move(other.within_)), file_(std::exchange(other.file_, -1)) {}
  AddressLock& operator=(AddressLock&&) = delete;
  ~AddressLock();

 private:
  std::unique_lock<std::mutex> within_;
  int file_;  // locked, and not owned; -1: none
};

/// Held as long as it lives, by the files `lock` (alone or shared), `staging-<node>.lock` and, for a moment each, `addresses.lock`.
class AreaLocks {
 public:
  /// For one process at a time.
  ///   errors   unavailable: another has it, as the message says; internal: the file system takes no locks
  Result<void> take_alone(const std::string& directory);
  /// For several nodes, each of another name.
  Result<void> take_shared(const std::string& directory, const std::string& node);
  Result<AddressLock> lock(std::unique_lock<std::mutex> within);

 private:
  Descriptor use_, node_, addresses_;
  std::string path_;
};

}  // namespace tidemark::blob
