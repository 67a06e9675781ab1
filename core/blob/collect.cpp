#include "core/blob/collect.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tidemark::blob {
namespace {

bool is_older(const std::string& path, Time limit) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return false;
  return from_ms(static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1000 + info.st_mtim.tv_nsec / 1'000'000) < limit;
}

/// Unless it is held: whoever takes hold of it from now on does so of what is to come.
bool set_aside(Area& area, const std::string& name, const std::string& from, const std::string& to) {
  const std::lock_guard lock(area.names);
  return !area.is_held(name) && rename_file(from, to).ok();
}

/// With the key in it.
Result<void> erase_file(const Area& area, const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return {};
  if (auto removed = remove_with_key(path); !removed) return removed;
  return sync_directory(area.privates());
}

}  // namespace

Result<void> remove_with_key(const std::string& path) {
  {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) return {};
    if (!file) return system_error(errno, "opening", path);
    // A block that is free again may be read by whoever gets the disk.
    if (auto wiped = write_all(file.get(), 0, std::string(kPrivateHeaderBytes, '\0'), path); !wiped) return wiped;
    if (auto synced = sync_file(file.get(), path); !synced) return synced;
  }
  return remove_file(path);
}

Collection::Collection(std::shared_ptr<Area> area) : area_(std::move(area)) {
  const std::lock_guard lock(area_->names);
  area_->released.clear();
  area_->collecting = true;
}
Collection::~Collection() {
  const std::lock_guard lock(area_->names);
  area_->released.clear();
  area_->collecting = false;
}

Result<std::vector<std::string>> older_objects(const Area& area, Time limit) {
  auto directories = list_directory(area.objects());
  if (!directories) return directories;
  std::vector<std::string> older;
  for (const auto& directory : *directories) {
    auto names = list_directory(area.objects() + "/" + directory);
    if (!names) return names;
    for (auto& name : *names) {
      if (is_sha256(name) && name.starts_with(directory) && is_older(area.object(name), limit)) older.push_back(std::move(name));
    }
  }
  std::sort(older.begin(), older.end());
  return older;
}

Result<std::vector<Found>> private_files(const Area& area, Time limit) {
  auto names = list_directory(area.privates());
  if (!names) return names.take_error();
  std::vector<Found> found;
  for (auto& name : *names) {
    if (!is_private_name(name)) continue;
    const bool older = is_older(area.private_file(name), limit);
    found.push_back(Found{std::move(name), older});
  }
  return found;
}

Result<void> erase_removed(const Area& area) {
  auto names = list_directory(area.privates());
  if (!names) return names.take_error();
  Result<void> first;
  for (const auto& name : *names) {
    if (!name.ends_with(Area::kRemoved)) continue;
    if (auto erased = erase_file(area, area.privates() + "/" + name); !erased && first.ok()) first = erased;
  }
  return first;
}

bool remove_older_object(Area& area, const std::string& sha256, Time limit) {
  {
    const auto lock = lock_addresses(area);
    if (!lock || !is_older(area.object(sha256), limit) || !set_aside(area, sha256, area.object(sha256), area.removed_object(sha256))) return false;
  }
  // Should this fail, the start of the node does it, as of all that is in staging.
  return remove_file(area.removed_object(sha256)).ok();
}

bool remove_unused_private(Area& area, const std::string& name, std::optional<Time> limit) {
  // One of that name whose key could not be overwritten yet must not be lost by the rename.
  if (!erase_file(area, area.removed_private(name))) return false;
  {
    const auto lock = lock_addresses(area);
    if (!lock) return false;
    if (limit && !is_older(area.private_file(name), *limit)) return false;
    if (!set_aside(area, name, area.private_file(name), area.removed_private(name))) return false;
  }
  return erase_file(area, area.removed_private(name)).ok();
}

Result<void> erase_private(const Area& area, const std::string& name) { return erase_file(area, area.private_file(name)); }

}  // namespace tidemark::blob
