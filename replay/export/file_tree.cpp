#include "replay/export/file_tree.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/blob/files.hpp"

namespace tidemark::replay {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;
constexpr std::size_t kSyncedApart = 2;
constexpr std::string_view kTemporaryPrefix = ".tidemark-";

Result<void> make_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return blob::system_error(errno, "creating directory", path);
  return {};
}

Result<void> make_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    if (auto made = make_private_directory(path.substr(0, at)); !made) return made;
    if (at == std::string::npos) return {};
  }
}

Error not_its_content(const std::string& path) { return make_error(Code::corrupt, "the content of " + path + " is not what was stored"); }

/// Reads a file to its end and holds it against what it should be; `take` has each piece.
Result<void> check_content(int from, const std::string& path, const FileOrigin& origin, const std::atomic<bool>& stop,
                           FnRef<Result<void>(std::uint64_t at, std::string_view bytes)> take) {
  blob::Sha256 hash;
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kCopyBytes, origin.size + 1)), '\0');
  for (std::uint64_t at = 0;;) {
    if (stop) return make_error(Code::cancelled, "the export was stopped while it copied " + path);
    auto read = blob::read_some(from, at, buffer.data(), buffer.size(), path);
    if (!read) return read.take_error();
    if (*read == 0) break;
    const std::string_view bytes(buffer.data(), *read);
    hash.add(bytes);
    if (auto taken = take(at, bytes); !taken) return taken;
    at += bytes.size();
    if (at > origin.size) return not_its_content(path);
  }
  if (hash.finish_hex() != origin.sha256) return not_its_content(path);
  return {};
}

}  // namespace

bool clone_blocks(int to, int from) { return ::ioctl(to, FICLONE, from) == 0; }

Result<void> FileTree::open() {
  if (auto made = make_directories(directory_); !made) return made;
  for (const auto& folder : folders_) {
    const std::string path = directory_ + "/" + folder;
    if (auto made = make_private_directory(path); !made) return made;
    auto names = blob::list_directory(path);
    if (!names) return names.take_error();
    for (const auto& name : *names) {
      if (!name.starts_with(kTemporaryPrefix)) continue;
      if (auto removed = blob::remove_file(path + "/" + name); !removed) return removed;
    }
  }
  return {};
}

std::string FileTree::temporary(const std::string& path) {
  const auto slash = path.rfind('/');
  changed_.insert(path.substr(0, slash));
  return directory_ + "/" + path.substr(0, slash + 1) + std::string(kTemporaryPrefix) + std::to_string(++last_temporary_);
}

Result<void> FileTree::place(const std::string& path, int from, const FileOrigin& origin, const std::atomic<bool>& stop) {
  const std::string temporary = this->temporary(path);
  if (auto removed = blob::remove_file(temporary); !removed) return removed;
  auto file = blob::create_file(temporary);
  if (!file) return file.take_error();
  const bool cloned = clone_(file->get(), from);
  const auto take = [&](std::uint64_t at, std::string_view bytes) -> Result<void> {
    if (cloned) return {};
    return blob::write_all(file->get(), at, bytes, temporary);
  };
  Result<void> done = check_content(cloned ? file->get() : from, path, origin, stop, take);
  if (done.ok()) done = publish(std::move(*file), temporary, path);
  if (!done.ok()) (void)blob::remove_file(temporary);
  return done;
}

Result<void> FileTree::place(const std::string& path, std::string_view content, const FileOrigin& origin) {
  if (to_hex(sha256(content)) != origin.sha256) return not_its_content(path);
  const std::string temporary = this->temporary(path);
  if (auto removed = blob::remove_file(temporary); !removed) return removed;
  auto file = blob::create_file(temporary);
  if (!file) return file.take_error();
  Result<void> done = blob::write_all(file->get(), 0, content, temporary);
  if (done.ok()) done = publish(std::move(*file), temporary, path);
  if (!done.ok()) (void)blob::remove_file(temporary);
  return done;
}

Result<void> FileTree::publish(blob::Descriptor file, const std::string& temporary, const std::string& path) {
  if (unsynced_.size() < kSyncedApart) unsynced_.push_back(std::move(file));
  else many_ = true;
  return blob::rename_file(temporary, directory_ + "/" + path);
}

Result<void> FileTree::sync() {
  if (changed_.empty()) return {};
  const std::vector<blob::Descriptor> files = std::exchange(unsynced_, {});
  if (many_) {
    auto directory = blob::open_file(directory_);
    if (!directory) return directory.take_error();
    if (::syncfs(directory->get()) != 0) return blob::system_error(errno, "syncing", directory_);
    many_ = false;
  } else {
    for (const auto& file : files) {
      if (auto synced = blob::sync_file(file.get(), "a file of " + directory_); !synced) return synced;
    }
    for (const auto& folder : changed_) {
      if (auto synced = blob::sync_directory(directory_ + "/" + folder); !synced) return synced;
    }
  }
  changed_.clear();
  return {};
}

Result<void> FileTree::remove(const std::string& path) {
  changed_.insert(path.substr(0, path.rfind('/')));
  return blob::remove_file(directory_ + "/" + path);
}

bool FileTree::holds(const std::string& path, std::uint64_t size) const {
  struct stat info{};
  return ::stat((directory_ + "/" + path).c_str(), &info) == 0 && S_ISREG(info.st_mode) && static_cast<std::uint64_t>(info.st_size) == size;
}

Result<std::uint64_t> FileTree::sweep(const std::map<std::string, FileOrigin>& known) {
  std::uint64_t removed = 0;
  for (const auto& folder : folders_) {
    auto names = blob::list_directory(directory_ + "/" + folder);
    if (!names) return names.take_error();
    for (const auto& name : *names) {
      const std::string path = folder + "/" + name;
      if (known.contains(path)) continue;
      if (auto gone = remove(path); !gone) return gone.take_error();
      ++removed;
    }
  }
  return removed;
}

Result<std::string> hash_of_file(const std::string& path) {
  auto file = blob::open_file(path);
  if (!file) return file.take_error();
  blob::Sha256 hash;
  std::string buffer(kCopyBytes, '\0');
  for (std::uint64_t at = 0;;) {
    auto read = blob::read_some(file->get(), at, buffer.data(), buffer.size(), path);
    if (!read) return read.take_error();
    if (*read == 0) return hash.finish_hex();
    hash.add(std::string_view(buffer).substr(0, *read));
    at += *read;
  }
}

}  // namespace tidemark::replay
