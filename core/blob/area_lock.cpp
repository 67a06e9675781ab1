#include "core/blob/area_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace tidemark::blob {
namespace {

Result<Descriptor> open_lock(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_error(errno, "opening", path);
  return file;
}

/// `taken` is what to say when another process has it.
Result<Descriptor> take_lock(const std::string& path, int how, const std::string& taken) {
  auto file = open_lock(path);
  if (!file) return file;
  while (::flock(file->get(), how | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return make_error(Code::unavailable, taken);
    return system_error(errno, "locking", path);
  }
  return file;
}

}  // namespace

AddressLock::~AddressLock() {
  if (file_ >= 0) ::flock(file_, LOCK_UN);
}

Result<void> AreaLocks::take_alone(const std::string& directory) {
  auto use = take_lock(directory + "/lock", LOCK_EX, "the blob directory " + directory + " is in use by another node");
  if (!use) return use.take_error();
  use_ = std::move(*use);
  return {};
}

Result<void> AreaLocks::take_shared(const std::string& directory, const std::string& node) {
  auto use = take_lock(directory + "/lock", LOCK_SH, "the blob directory " + directory + " is in use by a node that does not share it");
  if (!use) return use.take_error();
  auto own = take_lock(directory + "/staging-" + node + ".lock", LOCK_EX,
                       "the blob directory " + directory + " is in use by another node of the name " + node + ": each node of an installation has its own node_id");
  if (!own) return own.take_error();
  path_ = directory + "/addresses.lock";
  auto addresses = open_lock(path_);
  if (!addresses) return addresses.take_error();
  use_ = std::move(*use);
  node_ = std::move(*own);
  addresses_ = std::move(*addresses);
  return {};
}

Result<AddressLock> AreaLocks::lock(std::unique_lock<std::mutex> within) {
  if (!addresses_) return AddressLock(std::move(within), -1);
  while (::flock(addresses_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return system_error(errno, "locking", path_);
  }
  return AddressLock(std::move(within), addresses_.get());
}

}  // namespace tidemark::blob
