#include "core/blob/listing.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace tidemark::blob {
namespace {

/// Of a regular file; nullopt when there is none.
Result<std::optional<std::uint64_t>> size_at(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    return S_ISREG(info.st_mode) ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(info.st_size)) : std::nullopt;
  }
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::uint64_t>();
  return system_error(errno, "looking at", path);
}

/// The first `count` names behind `after`, in order.
void keep_first(std::vector<std::string>& names, const std::string& after, std::size_t count) {
  std::erase_if(names, [&](const std::string& name) { return name <= after; });
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(count, names.size()));
  std::partial_sort(names.begin(), end, names.end());
  names.erase(end, names.end());
}

/// Those of one directory of objects/ that are there still.
Result<void> add_objects(const Area& area, const std::string& directory, const std::string& after, std::size_t files_max, std::vector<StoredFile>& found) {
  std::string last = after;
  while (found.size() < files_max) {
    auto names = list_directory(area.objects() + "/" + directory);
    if (!names) return names.take_error();
    std::erase_if(*names, [&](const std::string& name) { return !is_sha256(name) || !name.starts_with(directory); });
    keep_first(*names, last, files_max - found.size());
    if (names->empty()) return {};
    for (std::string& name : *names) {
      auto size = size_at(area.object(name));
      if (!size) return size.take_error();
      last = name;
      if (*size) found.push_back({false, std::move(name), **size});
    }
  }
  return {};
}

}  // namespace

Result<std::vector<StoredFile>> list_files(const Area& area, const std::optional<StoredFile>& after, std::size_t files_max) {
  std::vector<StoredFile> found;
  if (!after || !after->is_private) {
    const std::string last = after ? after->name : std::string();
    auto directories = list_directory(area.objects());
    if (!directories) return directories.take_error();
    std::erase_if(*directories, [](const std::string& name) { return name.size() != 2 || !is_sha256(name + std::string(62, '0')); });
    std::sort(directories->begin(), directories->end());
    for (const std::string& directory : *directories) {
      if (found.size() == files_max) return found;
      if (directory < last.substr(0, directory.size())) continue;
      if (auto added = add_objects(area, directory, last, files_max, found); !added) return added.take_error();
    }
  }
  if (found.size() == files_max) return found;
  auto names = list_directory(area.privates());
  if (!names) return names.take_error();
  std::erase_if(*names, [](const std::string& name) { return !is_private_name(name); });
  keep_first(*names, after && after->is_private ? after->name : std::string(), files_max - found.size());
  for (std::string& name : *names) found.push_back({true, std::move(name), 0});
  return found;
}

Result<std::vector<bool>> are_here(const Area& area, const std::vector<StoredFile>& files) {
  std::vector<bool> here;
  here.reserve(files.size());
  for (const StoredFile& file : files) {
    if (file.is_private ? !is_private_name(file.name) : !is_sha256(file.name)) {
      here.push_back(false);
      continue;
    }
    auto size = size_at(file.is_private ? area.private_file(file.name) : area.object(file.name));
    if (!size) return size.take_error();
    here.push_back(*size && (file.is_private || **size == file.size));
  }
  return here;
}

}  // namespace tidemark::blob
