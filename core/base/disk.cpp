#include "core/base/disk.hpp"

namespace tidemark {
namespace {
std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}
}  // namespace

Result<std::string> read_file(Disk& disk, const std::string& path) {
  auto file = disk.open_read(path);
  if (!file) return file.take_error();
  auto size = (*file)->size();
  if (!size) return size.take_error();
  return (*file)->pread(0, *size);
}

Result<void> replace_file(Disk& disk, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  auto file = disk.open(temporary, true);
  if (!file) return file.take_error();
  if (auto done = (*file)->truncate(0); !done) return done;
  if (auto done = (*file)->pwrite(0, content); !done) return done;
  if (auto done = (*file)->sync(); !done) return done;
  if (auto done = disk.rename(temporary, path); !done) return done;
  return disk.sync_directory(directory_of(path));
}

}  // namespace tidemark
