#include "core/blob/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tidemark::blob {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}
Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}
int Descriptor::release() { return std::exchange(fd_, -1); }

Error system_error(int number, const std::string& doing, const std::string& path) {
  Code code = Code::internal;
  if (number == ENOENT || number == ENOTDIR) code = Code::not_found;
  else if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = Code::exhausted;
  return make_error(code, doing + " " + path + ": " + std::strerror(number));
}

Result<Descriptor> create_file(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return system_error(errno, "creating", path);
  return file;
}

Result<Descriptor> open_file(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return system_error(errno, "opening", path);
  return file;
}

Result<void> write_all(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error(written < 0 ? errno : ENOSPC, "writing", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> read_some(int fd, std::uint64_t offset, char* buffer, std::size_t size, const std::string& path) {
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t read = ::pread(fd, buffer + filled, size - filled, static_cast<off_t>(offset + filled));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return system_error(errno, "reading", path);
    if (read == 0) break;
    filled += static_cast<std::size_t>(read);
  }
  return filled;
}

Result<std::uint64_t> size_of(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return system_error(errno, "asking the size of", path);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<void> sync_file(int fd, const std::string& path) {
  if (::fsync(fd) != 0) return system_error(errno, "syncing", path);
  return {};
}

Result<void> sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_error(errno, "opening directory", path);
  return sync_file(directory.get(), path);
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST) return system_error(errno, "creating directory", path);
  return {};
}

Result<void> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "renaming", from + " to " + to);
  return {};
}

Result<void> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "removing", path);
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return system_error(errno, "listing", path);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  return names;
}

}  // namespace tidemark::blob
