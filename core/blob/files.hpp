#pragma once
// File work of the blob store, on the pool's threads: descriptors, whole writes, directories.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/sha256.hpp"
#include "core/base/time.hpp"

namespace tidemark::blob {

/// Closes on destruction.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();

 private:
  int fd_;
};

/// not_found, exhausted (disk full, quota, size limit of the process), else internal.
Error system_error(int number, const std::string& doing, const std::string& path);

Result<Descriptor> create_file(const std::string& path);  ///< must not exist; mode 0600
Result<Descriptor> open_file(const std::string& path);    ///< for reading
Result<void> write_all(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path);
/// Fills `buffer` with up to its size; what it says less is the end of the file.
Result<std::size_t> read_some(int fd, std::uint64_t offset, char* buffer, std::size_t size, const std::string& path);
Result<std::uint64_t> size_of(int fd, const std::string& path);
Result<void> sync_file(int fd, const std::string& path);
Result<void> sync_directory(const std::string& path);
Result<void> make_directory(const std::string& path);  ///< one level, mode 0750; existing is fine; not durable yet
Result<void> rename_file(const std::string& from, const std::string& to);
Result<void> remove_file(const std::string& path);  ///< missing is fine
Result<std::vector<std::string>> list_directory(const std::string& path);

using tidemark::Sha256;

}  // namespace tidemark::blob
