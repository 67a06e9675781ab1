#include "core/keys/subject_keys.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/keys/crypto.hpp"
#include "core/keys/private_file.hpp"

namespace tidemark::keys {
namespace {

constexpr std::string_view kMagic = "TMSUBJ01";
constexpr std::size_t kSlotBytes = 256;  // never crosses a sector, so a slot is written whole or not at all
constexpr std::size_t kCrcAt = kSlotBytes - 4;
constexpr std::size_t kIdBytes = 12, kTagBytesOfSubject = 32;
constexpr char kLive = 1, kDestroyed = 2;
constexpr std::uint32_t kSlotsMax = UINT32_MAX - 1;

Error failed(const std::string& doing, const std::string& path) {
  const Code code = errno == ENOSPC || errno == EDQUOT ? Code::exhausted : Code::internal;
  return make_error(code, doing + " " + path + ": " + std::strerror(errno));
}

class FileLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {
    while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {}
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { ::flock(fd_, LOCK_UN); }

 private:
  int fd_;
};

Result<void> write_at(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed("writing", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

/// Up to `size` bytes; shorter at the end of the file.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t size, const std::string& path) {
  std::string bytes(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t read = ::pread(fd, bytes.data() + filled, size - filled, static_cast<off_t>(offset + filled));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return failed("reading", path);
    if (read == 0) break;
    filled += static_cast<std::size_t>(read);
  }
  bytes.resize(filled);
  return bytes;
}

std::string closed(std::string slot) {
  slot.resize(kCrcAt, '\0');
  put_u32_be(slot, crc32c(slot));
  return slot;
}
bool is_whole(std::string_view slot) {
  return slot.size() == kSlotBytes && get_u32_be(slot.data() + kCrcAt) == crc32c(slot.substr(0, kCrcAt));
}

struct Slot {
  char state = 0;
  std::string_view id, tag, sealed;
};
/// nullopt: damaged, or never written.
std::optional<Slot> read_slot(std::string_view bytes) {
  if (!is_whole(bytes)) return std::nullopt;
  ByteReader in(bytes.substr(0, kCrcAt));
  Slot slot;
  slot.state = static_cast<char>(in.u8());
  slot.id = in.take(kIdBytes);
  slot.tag = in.take(kTagBytesOfSubject);
  slot.sealed = in.take(in.u16_be());
  if (!in.ok() || (slot.state != kLive && slot.state != kDestroyed)) return std::nullopt;
  return slot;
}
std::string write_slot(char state, std::string_view id, std::string_view tag, std::string_view sealed) {
  std::string bytes(1, state);
  bytes.append(id).append(tag);
  put_u16_be(bytes, static_cast<std::uint16_t>(sealed.size()));
  bytes.append(sealed);
  TM_ASSERT(bytes.size() <= kCrcAt, "a wrapped key fits its slot");
  return closed(std::move(bytes));
}

std::uint64_t offset_of(std::uint32_t slot) { return (std::uint64_t{slot} + 1) * kSlotBytes; }

std::string purpose_of(std::string_view id) { return "subject key " + to_base64url(id); }

}  // namespace

Result<std::unique_ptr<SubjectKeys>> SubjectKeys::open(const std::string& directory, const KeyRing& ring, bool may_create) {
  std::unique_ptr<SubjectKeys> keys(new SubjectKeys(ring));
  keys->path_ = directory + "/subject-keys";
  if (::access(keys->path_.c_str(), F_OK) != 0) {
    if (!may_create) return make_error(Code::unavailable, "there are no keys of subjects at " + keys->path_);
    // Made whole under its name, so that nobody meets one without a header.
    if (auto made = keys->create_header(); !made) return made.take_error();
  }
  keys->fd_ = ::open(keys->path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (keys->fd_ < 0) return failed("opening", keys->path_);
  struct stat info{};
  if (::fstat(keys->fd_, &info) != 0) return failed("looking at", keys->path_);
  if (!S_ISREG(info.st_mode) || (info.st_mode & 077) != 0) {
    return make_error(Code::invalid_argument, "others may read " + keys->path_ + ", or it is no regular file: use chmod 600");
  }
  if (auto read = keys->read_header(); !read) return read.take_error();
  if (auto read = keys->refresh(); !read) return read.take_error();
  return keys;
}

SubjectKeys::~SubjectKeys() {
  if (fd_ >= 0) ::close(fd_);
  wipe(index_key_);
}

Result<void> SubjectKeys::create_header() {
  auto sealed = ring_.seal("subject index", random_bytes(kKeyBytes));
  if (!sealed) return sealed.take_error();
  std::string header(kMagic);
  put_u16_be(header, static_cast<std::uint16_t>(sealed->size()));
  header += *sealed;
  auto made = create_private_file(path_, closed(std::move(header)));
  if (!made) return made.take_error();
  return {};
}

Result<void> SubjectKeys::read_header() {
  auto bytes = read_at(fd_, 0, kSlotBytes, path_);
  if (!bytes) return bytes.take_error();
  if (!is_whole(*bytes)) return make_error(Code::corrupt, "the header of " + path_ + " is damaged: restore the file from its backup");
  ByteReader in(*bytes);
  if (in.take(kMagic.size()) != kMagic) return make_error(Code::unsupported_version, path_ + " is of another format than this build knows");
  auto key = ring_.open("subject index", in.take(in.u16_be()));
  if (!key) return make_error(key.error().code, path_ + " does not open with this key ring: " + key.error().message);
  index_key_ = std::move(*key);
  return {};
}

SubjectKeys::Tag SubjectKeys::tag_of(std::string_view subject) const { return hmac_sha256(index_key_, subject); }

/// Reads slots that were added since the last time, by this process or another.
Result<void> SubjectKeys::refresh() {
  constexpr std::size_t kChunk = 4096 * kSlotBytes;
  for (;;) {
    auto chunk = read_at(fd_, offset_of(known_), kChunk, path_);
    if (!chunk) return chunk.take_error();
    const std::size_t whole = chunk->size() / kSlotBytes;
    for (std::size_t i = 0; i < whole; ++i) {
      const auto slot = read_slot(std::string_view(*chunk).substr(i * kSlotBytes, kSlotBytes));
      // A damaged slot is passed over: it is named when a record asks for its key.
      if (slot && slot->state == kLive) slots_[Tag(slot->tag)] = known_;
      ++known_;
    }
    if (chunk->size() < kChunk) return {};
  }
}

Result<std::optional<SubjectKey>> SubjectKeys::live_key(const Tag& tag, std::uint32_t at) const {
  auto bytes = read_at(fd_, offset_of(at), kSlotBytes, path_);
  if (!bytes) return bytes.take_error();
  const auto slot = read_slot(*bytes);
  if (!slot) return make_error(Code::corrupt, "slot " + std::to_string(at) + " of " + path_ + " is damaged: restore the file from its backup");
  if (slot->state != kLive || slot->tag != tag) return std::optional<SubjectKey>();
  auto key = ring_.open(purpose_of(slot->id), slot->sealed);
  if (!key) return key.take_error();
  return std::optional<SubjectKey>(SubjectKey{to_base64url(slot->id), std::move(*key)});
}

Result<SubjectKey> SubjectKeys::key_for(std::string_view subject) {
  const Tag tag = tag_of(subject);
  const std::lock_guard guard(mutex_);
  for (const bool locked : {false, true}) {
    std::optional<FileLock> lock;
    if (locked) {
      lock.emplace(fd_);
      if (auto read = refresh(); !read) return read.take_error();
    }
    if (const auto found = slots_.find(tag); found != slots_.end()) {
      auto key = live_key(tag, found->second);
      if (!key) return key.take_error();
      if (*key) return std::move(**key);
      slots_.erase(found);  // destroyed meanwhile by another process
    }
    if (locked) return append(tag);
  }
  return make_error(Code::internal, "unreachable");
}

/// With the lock on the file, after refresh().
Result<SubjectKey> SubjectKeys::append(const Tag& tag) {
  struct stat info{};
  if (::fstat(fd_, &info) != 0) return failed("looking at", path_);
  // Behind whatever is there: bytes that a crash left at the end are never taken for a slot of ours.
  const std::uint64_t at = (static_cast<std::uint64_t>(info.st_size) + kSlotBytes - 1) / kSlotBytes - 1;
  if (at >= kSlotsMax) return make_error(Code::exhausted, path_ + " is full");
  std::string id;
  put_u32_be(id, static_cast<std::uint32_t>(at));
  id += random_bytes(kIdBytes - id.size());
  SubjectKey key{to_base64url(id), random_bytes(kKeyBytes)};
  auto sealed = ring_.seal(purpose_of(id), key.bytes);
  if (!sealed) return sealed.take_error();
  const auto slot = static_cast<std::uint32_t>(at);
  if (auto written = write_at(fd_, offset_of(slot), write_slot(kLive, id, tag, *sealed), path_); !written) return written.take_error();
  ++made_;
  slots_[tag] = slot;
  known_ = slot + 1;
  return key;
}

Result<std::optional<std::string>> SubjectKeys::find(std::string_view id_text) const {
  const auto id = from_base64url(id_text);
  const auto unknown = [&] {
    return make_error(Code::not_found, "the key " + std::string(id_text.substr(0, 64)) + " is not in " + path_ + ", which may be older than the log");
  };
  if (!id || id->size() != kIdBytes) return unknown();
  const std::uint32_t at = get_u32_be(id->data());
  auto bytes = read_at(fd_, offset_of(at), kSlotBytes, path_);
  if (!bytes) return bytes.take_error();
  if (bytes->empty()) return unknown();
  const auto slot = read_slot(*bytes);
  if (!slot) return make_error(Code::corrupt, "slot " + std::to_string(at) + " of " + path_ + " is damaged: restore the file from its backup");
  if (slot->id != *id) return unknown();
  if (slot->state == kDestroyed) return std::optional<std::string>();
  auto key = ring_.open(purpose_of(*id), slot->sealed);
  if (!key) return key.take_error();
  return std::optional<std::string>(std::move(*key));
}

Result<std::optional<std::string>> SubjectKeys::destroy(std::string_view subject) {
  const Tag tag = tag_of(subject);
  const std::lock_guard guard(mutex_);
  const FileLock lock(fd_);
  if (auto read = refresh(); !read) return read.take_error();
  const auto found = slots_.find(tag);
  if (found == slots_.end()) return std::optional<std::string>();
  auto bytes = read_at(fd_, offset_of(found->second), kSlotBytes, path_);
  if (!bytes) return bytes.take_error();
  const auto slot = read_slot(*bytes);
  if (!slot) return make_error(Code::corrupt, "slot " + std::to_string(found->second) + " of " + path_ + " is damaged");
  if (slot->state != kLive) return std::optional<std::string>();
  const std::string id(slot->id);
  // Nothing is left but that there was a key of this id: neither the key nor whose it was.
  const std::string empty = write_slot(kDestroyed, id, std::string(kTagBytesOfSubject, '\0'), {});
  if (auto written = write_at(fd_, offset_of(found->second), empty, path_); !written) return written.take_error();
  if (::fdatasync(fd_) != 0) return failed("syncing", path_);
  slots_.erase(found);
  return std::optional<std::string>(to_base64url(id));
}

bool SubjectKeys::unsynced() const {
  const std::lock_guard guard(mutex_);
  return made_ != synced_;
}

Result<void> SubjectKeys::sync() {
  std::uint64_t made = 0;
  {
    const std::lock_guard guard(mutex_);
    if (sync_failure_) return *sync_failure_;
    made = made_;
  }
  const bool synced = ::fdatasync(fd_) == 0;
  const std::lock_guard guard(mutex_);
  if (!synced) return *(sync_failure_ = failed("syncing", path_));
  synced_ = std::max(synced_, made);
  return {};
}

Result<SubjectKeyCounts> SubjectKeys::count() const {
  SubjectKeyCounts counts;
  for (std::uint64_t offset = kSlotBytes;; offset += kSlotBytes) {
    auto bytes = read_at(fd_, offset, kSlotBytes, path_);
    if (!bytes) return bytes.take_error();
    if (bytes->empty()) return counts;
    const auto slot = read_slot(*bytes);
    ++(!slot ? counts.damaged : slot->state == kLive ? counts.live : counts.destroyed);
  }
}

}  // namespace tidemark::keys
