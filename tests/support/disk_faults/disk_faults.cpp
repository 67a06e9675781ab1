// A disk that fails on command, preloaded into the real binary (LD_PRELOAD). What fails is said by the file named in
// TIDEMARK_DISK_FAULTS, read again at every call, so that a test turns faults on and off while the process runs:
//
//   <operation> <part of the path> <what>
//
// operation: read (pread), write (pwrite), sync (fsync, fdatasync), rename (of the new name), unlink
// what:      enospc, eio     the operation fails so, and does nothing
//            kill            the process is killed instead
//            kill-after      the operation is done, then the process is killed: what it acknowledged nobody heard
//
// An empty or missing file: everything works.

#include <dlfcn.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

enum class Fault { none, enospc, eio, kill, kill_after };

Fault fault_of(const char* operation, const std::string& path) {
  const char* const control = std::getenv("TIDEMARK_DISK_FAULTS");
  if (control == nullptr) return Fault::none;
  std::FILE* const file = std::fopen(control, "re");
  if (file == nullptr) return Fault::none;
  char wanted[32], part[512], what[32];
  Fault found = Fault::none;
  while (std::fscanf(file, "%31s %511s %31s", wanted, part, what) == 3) {
    if (std::strcmp(wanted, operation) != 0 || path.find(part) == std::string::npos) continue;
    if (std::strcmp(what, "enospc") == 0) found = Fault::enospc;
    else if (std::strcmp(what, "eio") == 0) found = Fault::eio;
    else if (std::strcmp(what, "kill") == 0) found = Fault::kill;
    else if (std::strcmp(what, "kill-after") == 0) found = Fault::kill_after;
    break;
  }
  std::fclose(file);
  return found;
}

std::string path_of(int fd) {
  char link[64], path[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof(path));
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

template <class Call>
auto with_fault(const char* operation, const std::string& path, Call call) -> decltype(call()) {
  const Fault fault = fault_of(operation, path);
  if (fault == Fault::enospc || fault == Fault::eio) {
    errno = fault == Fault::enospc ? ENOSPC : EIO;
    return -1;
  }
  if (fault == Fault::kill) ::kill(::getpid(), SIGKILL);
  const auto result = call();
  if (fault == Fault::kill_after) ::kill(::getpid(), SIGKILL);
  return result;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pread(int fd, void* bytes, size_t size, off_t offset) {
  static const auto next = real<ssize_t (*)(int, void*, size_t, off_t)>("pread");
  return with_fault("read", path_of(fd), [&] { return next(fd, bytes, size, offset); });
}

ssize_t pread64(int fd, void* bytes, size_t size, off64_t offset) {
  static const auto next = real<ssize_t (*)(int, void*, size_t, off64_t)>("pread64");
  return with_fault("read", path_of(fd), [&] { return next(fd, bytes, size, offset); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return with_fault("write", path_of(fd), [&] { return next(fd, bytes, size, offset); });
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  static const auto next = real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  return with_fault("write", path_of(fd), [&] { return next(fd, bytes, size, offset); });
}

int fsync(int fd) {
  static const auto next = real<int (*)(int)>("fsync");
  return with_fault("sync", path_of(fd), [&] { return next(fd); });
}

int fdatasync(int fd) {
  static const auto next = real<int (*)(int)>("fdatasync");
  return with_fault("sync", path_of(fd), [&] { return next(fd); });
}

int rename(const char* from, const char* to) noexcept {
  static const auto next = real<int (*)(const char*, const char*)>("rename");
  return with_fault("rename", to, [&] { return next(from, to); });
}

int unlink(const char* path) noexcept {
  static const auto next = real<int (*)(const char*)>("unlink");
  return with_fault("unlink", path, [&] { return next(path); });
}

}  // extern "C"
