#include "core/keys/private_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/bytes.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::keys {
namespace {

Error system_error(int number, const std::string& doing, const std::string& path) {
  Code code = Code::internal;
  if (number == ENOENT || number == ENOTDIR) code = Code::not_found;
  else if (number == ENOSPC || number == EDQUOT) code = Code::exhausted;
  else if (number == EACCES || number == EPERM) code = Code::invalid_argument;
  return make_error(code, doing + " " + path + ": " + std::strerror(number));
}

std::string octal(mode_t mode) {
  std::string text = "0000";
  for (int i = 3; i >= 0; --i, mode >>= 3) text[static_cast<std::size_t>(i)] = static_cast<char>('0' + (mode & 7));
  return text;
}

struct Descriptor {
  int fd;
  explicit Descriptor(int opened) : fd(opened) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_new_file(const std::string& path, std::string_view content) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.fd < 0) return system_error(errno, "creating", path);
  if (::fchmod(file.fd, 0600) != 0) return system_error(errno, "setting the mode of", path);
  while (!content.empty()) {
    const ssize_t written = ::write(file.fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error(written < 0 ? errno : ENOSPC, "writing", path);
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.fd) != 0) return system_error(errno, "syncing", path);
  return {};
}

Result<void> sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd < 0) return system_error(errno, "opening directory", path);
  if (::fsync(directory.fd) != 0) return system_error(errno, "syncing directory", path);
  return {};
}

}  // namespace

Result<void> make_private_directory(const std::string& directory) {
  for (std::size_t at = 1; at <= directory.size(); ++at) {
    if (at != directory.size() && directory[at] != '/') continue;
    const std::string part = directory.substr(0, at);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return system_error(errno, "creating directory", part);
  }
  struct stat info{};
  if (::stat(directory.c_str(), &info) != 0) return system_error(errno, "looking at", directory);
  if (!S_ISDIR(info.st_mode)) return make_error(Code::invalid_argument, directory + " is no directory");
  if ((info.st_mode & 022) != 0) {
    return make_error(Code::invalid_argument, "the directory " + directory + " of secrets has mode " + octal(info.st_mode & 07777) +
                                                  ", others may write into it: use chmod 700");
  }
  return {};
}

Result<std::string> read_private_file(const std::string& path, std::size_t size_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.fd < 0) return system_error(errno, "opening", path);
  struct stat info{};
  if (::fstat(file.fd, &info) != 0) return system_error(errno, "looking at", path);
  if (!S_ISREG(info.st_mode)) return make_error(Code::invalid_argument, path + " is no regular file");
  if ((info.st_mode & 077) != 0) {
    return make_error(Code::invalid_argument, "the secret " + path + " has mode " + octal(info.st_mode & 07777) +
                                                  ", others may read it: use chmod 600");
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return make_error(Code::invalid_argument, "the secret " + path + " belongs to another user (" + std::to_string(info.st_uid) + ")");
  }
  std::string content(size_max + 1, '\0');
  std::size_t filled = 0;
  while (filled < content.size()) {
    const ssize_t read = ::read(file.fd, content.data() + filled, content.size() - filled);
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return system_error(errno, "reading", path);
    if (read == 0) break;
    filled += static_cast<std::size_t>(read);
  }
  if (filled > size_max) return make_error(Code::exhausted, path + " is longer than " + std::to_string(size_max) + " bytes");
  content.resize(filled);
  return content;
}

Result<bool> create_private_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + "." + to_hex(random_bytes(8)) + ".new";
  if (auto written = write_new_file(temporary, content); !written) {
    ::unlink(temporary.c_str());
    return written.take_error();
  }
  // A link, not a rename: it fails when somebody else's file is there.
  const int failed = ::link(temporary.c_str(), path.c_str()) != 0 ? errno : 0;
  ::unlink(temporary.c_str());
  if (failed != 0 && failed != EEXIST) return system_error(failed, "creating", path);
  if (auto synced = sync_directory(directory_of(path)); !synced) return synced.take_error();
  return failed == 0;
}

Result<void> replace_private_file(const std::string& path, std::string_view content) {
  struct stat old{};
  if (::stat(path.c_str(), &old) != 0) return system_error(errno, "looking at", path);
  const std::string temporary = path + "." + to_hex(random_bytes(8)) + ".new";
  auto replaced = write_new_file(temporary, content);
  if (replaced && old.st_uid != ::geteuid() && ::chown(temporary.c_str(), old.st_uid, old.st_gid) != 0) {
    replaced = system_error(errno, "giving its owner to", temporary);
  }
  if (replaced && ::rename(temporary.c_str(), path.c_str()) != 0) replaced = system_error(errno, "replacing", path);
  if (!replaced) {
    ::unlink(temporary.c_str());
    return replaced;
  }
  return sync_directory(directory_of(path));
}

Result<void> remove_private_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return system_error(errno, "removing", path);
  return sync_directory(directory_of(path));
}

Result<PrivateDirectoryLock> PrivateDirectoryLock::take(const std::string& directory) {
  PrivateDirectoryLock lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.fd_ < 0) return system_error(errno, "opening directory", directory);
  while (::flock(lock.fd_, LOCK_EX) != 0) {
    if (errno != EINTR) return system_error(errno, "locking", directory);
  }
  return lock;
}

PrivateDirectoryLock::~PrivateDirectoryLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace tidemark::keys
