#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/disk.hpp"

namespace tidemark {
namespace {

Error system_error(int number, const std::string& what, const std::string& path) {
  Code code = Code::internal;
  if (number == ENOENT || number == ENOTDIR) code = Code::not_found;
  else if (number == ENOSPC || number == EDQUOT) code = Code::exhausted;
  else if (number == EWOULDBLOCK) code = Code::unavailable;
  return make_error(code, what + " " + path + ": " + std::strerror(number));
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }

  Result<void> pwrite(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0) {
        if (errno == EINTR) continue;
        return system_error(errno, "writing", path_);
      }
      if (n == 0) return system_error(ENOSPC, "writing", path_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Result<std::string> pread(std::uint64_t offset, std::size_t size) const override {
    std::string out(size, '\0');
    std::size_t filled = 0;
    while (filled < size) {
      const ssize_t n = ::pread(fd_, out.data() + filled, size - filled, static_cast<off_t>(offset + filled));
      if (n < 0) {
        if (errno == EINTR) continue;
        return system_error(errno, "reading", path_);
      }
      if (n == 0) break;
      filled += static_cast<std::size_t>(n);
    }
    out.resize(filled);
    return out;
  }

  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return system_error(errno, "syncing", path_);
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info{};
    if (::fstat(fd_, &info) != 0) return system_error(errno, "asking the size of", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<void> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error(errno, "truncating", path_);
    return {};
  }

  Result<void> lock_exclusive() override {
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) return system_error(errno, "locking", path_);
    return {};
  }

 private:
  int fd_;
  std::string path_;
};

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, bool create) override {
    return open_with(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0));
  }
  Result<std::unique_ptr<File>> open_read(const std::string& path) override { return open_with(path, O_RDONLY | O_CLOEXEC); }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "renaming", from);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_error(errno, "removing", path);
    return {};
  }
  Result<void> make_directories(const std::string& path) override {
    for (std::size_t at = 1; at <= path.size(); ++at) {
      if (at != path.size() && path[at] != '/') continue;
      const std::string part = path.substr(0, at);
      if (::mkdir(part.c_str(), 0750) != 0 && errno != EEXIST) return system_error(errno, "creating directory", part);
    }
    return {};
  }
  Result<void> sync_directory(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error(errno, "opening directory", path);
    const int failed = ::fsync(fd) != 0 ? errno : 0;
    ::close(fd);
    if (failed != 0) return system_error(failed, "syncing directory", path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    DIR* dir = ::opendir(directory.c_str());
    if (dir == nullptr) return system_error(errno, "listing", directory);
    std::vector<std::string> names;
    for (const dirent* entry = ::readdir(dir); entry != nullptr; entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(names.begin(), names.end());
    return names;
  }
  Result<bool> exists(const std::string& path) override {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return system_error(errno, "looking at", path);
  }

 private:
  static Result<std::unique_ptr<File>> open_with(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags, 0640);
    if (fd < 0) return system_error(errno, "opening", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() { return std::make_unique<PosixDisk>(); }

}  // namespace tidemark
