#include "core/blob/staging.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "core/blob/collect.hpp"

namespace tidemark::blob {
namespace {

constexpr std::size_t kCopyBytes = 256u << 10;

// The time of its commit in the scheduler's terms, which is what collect() compares with.
Result<void> set_time(int fd, Time now, const std::string& path) {
  const auto ms = to_ms(now);
  const timespec time{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1'000'000};
  const timespec both[] = {time, time};
  if (::futimens(fd, both) != 0) return system_error(errno, "setting the time of", path);
  return {};
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_private_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::shared_ptr<void> hold(std::shared_ptr<Area> area, std::string name) {
  {
    const std::lock_guard lock(area->names);
    area->held.insert(name);
  }
  Area* const held_in = area.get();
  return std::shared_ptr<void>(held_in, [area = std::move(area), name = std::move(name)](void*) {
    const std::lock_guard lock(area->names);
    area->held.erase(area->held.find(name));
    if (area->collecting) area->released.insert(name);
  });
}

Result<AddressLock> lock_addresses(Area& area) {
  std::unique_lock within(area.addresses);
  return area.locks.lock(std::move(within));
}

Staging::Staging(std::shared_ptr<Area> area, std::string name, bool encrypted)
    : area_(std::move(area)), path_(area_->staging() + "/" + name) {
  if (encrypted) {
    frames_ = std::make_unique<FrameWriter>();
    offset_ = kPrivateHeaderBytes;
  }
}

Staging::~Staging() { (void)discard(); }

Result<void> Staging::discard() {
  if (!file_) return {};
  file_ = Descriptor();
  return wiped_ ? remove_with_key(path_) : remove_file(path_);
}

Result<void> Staging::create() {
  if (file_) return {};
  auto file = create_file(path_);
  if (!file) return file.take_error();
  file_ = std::move(*file);
  return {};
}

Result<void> Staging::write(std::string_view bytes) {
  if (auto created = create(); !created) return created;
  if (auto written = write_all(file_.get(), offset_, bytes, path_); !written) return written;
  offset_ += bytes.size();
  return {};
}

Result<void> Staging::append(std::string_view bytes) {
  if (bytes.empty()) return {};
  hash_.add(bytes);
  size_ += bytes.size();
  if (!frames_) {
    sums_->add(bytes);
    return write(bytes);
  }
  std::string frames;
  frames_->add(bytes, frames);
  return write(frames);
}

Result<BlobRef> Staging::publish(Time now) { return publish_as(hash_.finish_hex(), now); }

Result<BlobRef> Staging::publish_copy(const BlobRef& expected, Time now) {
  std::string sha256 = hash_.finish_hex();
  if (sha256 != expected.sha256 || size_ != expected.size) {
    return make_error(Code::corrupt, "the copy of " + expected.sha256 + " has " + std::to_string(size_) + " bytes of hash " + sha256);
  }
  return publish_as(std::move(sha256), now);
}

Result<BlobRef> Staging::publish_as(std::string sha256, Time now) {
  TM_ASSERT(!frames_ && !wiped_, "an encrypted file has no public address");
  if (auto created = create(); !created) return created.take_error();
  BlobRef ref{std::move(sha256), size_};
  sums_->finish();
  held_ = hold(area_, ref.sha256);
  if (auto set = set_time(file_.get(), now, path_); !set) return set.take_error();
  // Once, and never again after a failure: what was not written then may be dropped without another word.
  if (auto synced = sync_file(file_.get(), path_); !synced) return synced.take_error();
  const std::string directory = area_->object_directory(ref.sha256);
  {
    const auto lock = lock_addresses(*area_);
    if (!lock) return lock.error();
    // Synced even when it exists: whoever made it may have died before that.
    if (!area_->durable_directories.contains(directory)) {
      if (auto made = make_directory(directory); !made) return made.take_error();
      if (auto synced = sync_directory(area_->objects()); !synced) return synced.take_error();
      area_->durable_directories.insert(directory);
    }
    // Over an equal one as well: that renews its time, so that collect() leaves it, and heals a damaged one.
    if (auto renamed = rename_file(path_, area_->object(ref.sha256)); !renamed) return renamed.take_error();
  }
  file_ = Descriptor();
  if (auto synced = sync_directory(directory); !synced) return synced.take_error();
  return ref;
}

Result<BlobRef> Staging::publish_private(const std::string& name, const keys::KeyRing& ring, Time now) {
  if (!frames_) {
    if (auto created = create(); !created) return created.take_error();
    Staging encrypted(area_, path_.substr(path_.rfind('/') + 1) + "-private", true);
    if (auto copied = encrypt_into(encrypted); !copied) return copied.take_error();
    held_ = hold(area_, name);
    return encrypted.publish_private(name, ring, now);
  }
  held_ = hold(area_, name);
  std::string last;
  frames_->finish(last);
  if (auto written = write(last); !written) return written.take_error();
  auto header = frames_->header(ring, name);
  if (!header) return header.take_error();
  if (auto written = write_all(file_.get(), 0, *header, path_); !written) return written.take_error();
  BlobRef ref{hash_.finish_hex(), size_};
  if (auto renamed = rename_private(name, now); !renamed) return renamed.take_error();
  return ref;
}

Result<void> Staging::publish_frames(const std::string& name, const keys::KeyRing& ring, Time now) {
  TM_ASSERT(wiped_, "only frames are published as such");
  if (auto created = create(); !created) return created;
  {
    auto frames = FrameReader::open(file_.get(), ring, name, path_);
    if (!frames) return frames.take_error();
    while (!frames->done()) {
      if (auto plain = frames->next(); !plain) return plain.take_error();
    }
  }
  held_ = hold(area_, name);
  return rename_private(name, now);
}

Result<void> Staging::rename_private(const std::string& name, Time now) {
  if (auto set = set_time(file_.get(), now, path_); !set) return set;
  if (auto synced = sync_file(file_.get(), path_); !synced) return synced;
  {
    const auto lock = lock_addresses(*area_);
    if (!lock) return lock.error();
    if (auto renamed = rename_file(path_, area_->private_file(name)); !renamed) return renamed;
  }
  file_ = Descriptor();
  return sync_directory(area_->privates());
}

Result<void> Staging::encrypt_into(Staging& other) {
  std::string buffer(kCopyBytes, '\0');
  for (std::uint64_t at = 0; at < size_;) {
    auto read = read_some(file_.get(), at, buffer.data(), buffer.size(), path_);
    if (!read) return read.take_error();
    if (*read == 0) return make_error(Code::corrupt, "the staging file " + path_ + " became shorter");
    if (auto appended = other.append(std::string_view(buffer).substr(0, *read)); !appended) return appended;
    at += *read;
  }
  return {};
}

}  // namespace tidemark::blob
