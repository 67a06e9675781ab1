#include "ops/cli/installation.hpp"

#include <unistd.h>

#include <filesystem>

namespace tidemark::cli {
namespace {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Result<std::unique_ptr<File>> lock_data(Disk& disk, const std::string& data) {
  if (auto made = disk.make_directories(data); !made.ok()) return made.take_error();
  const std::string path = data + "/lock";
  auto file = disk.open(path, true);
  if (!file.ok()) return file.take_error();
  if (auto locked = (*file)->lock_exclusive(); !locked.ok()) {
    if (locked.error().code != Code::unavailable) return locked.take_error();
    auto content = read_file(disk, path);
    const std::string pid = content.ok() ? trimmed(*content) : std::string();
    return make_error(Code::unavailable, "data directory " + data + " is in use by " +
                                             (pid.empty() ? "another process" : "process " + pid) +
                                             "; stop it first, or choose another with --data");
  }
  if (auto cut = (*file)->truncate(0); !cut.ok()) return cut.take_error();
  if (auto written = (*file)->pwrite(0, std::to_string(::getpid()) + "\n"); !written.ok()) return written.take_error();
  return file;
}

Result<std::optional<std::string>> ring_of_data(Disk& disk, const std::string& data) {
  auto recorded = read_file(disk, data + "/ring-id");
  if (recorded.ok()) return std::optional(trimmed(*recorded));
  if (recorded.error().code == Code::not_found) return std::optional<std::string>();
  return recorded.take_error();
}

Result<void> record_ring(Disk& disk, const std::string& data, const std::string& ring) { return replace_file(disk, data + "/ring-id", ring + "\n"); }

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  std::string text = (error ? std::filesystem::path(path) : absolute).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string default_keys_directory(std::string data) {
  while (data.size() > 1 && data.back() == '/') data.pop_back();
  return data + ".keys";
}

Result<Installation> open_installation(Disk& disk, const std::string& data, const std::string& keys, LogPlace place) {
  Installation made;
  auto lock = lock_data(disk, data);
  if (!lock.ok()) return lock.take_error();
  made.lock = std::move(*lock);

  // Of a log elsewhere the mark that a start leaves is the witness.
  const auto has_log = disk.exists(data + (place == LogPlace::data ? "/log" : "/ring-id"));
  if (!has_log.ok()) return has_log.error();
  made.first_start = !*has_log;
  auto ring = keys::open_key_ring(keys, made.first_start);
  if (!ring.ok()) {
    if (!made.first_start && ring.error().code == Code::unavailable) {
      return make_error(Code::unavailable, "the key ring of " + data + " is not in " + keys + " (" + ring.error().message +
                                               "); restore it, or name its directory with --keys: without it tokens and private data cannot be read");
    }
    return ring.take_error();
  }
  made.ring = std::move(*ring);

  // Written before the log is made, so a log without it is a log whose ring nobody can vouch for.
  const auto recorded = ring_of_data(disk, data);
  if (!recorded.ok()) return recorded.error();
  if (*recorded) {
    if (**recorded != made.ring->id()) {
      return make_error(Code::invalid_argument, "the key ring in " + keys + " is " + made.ring->id() + ", but " + data +
                                                    " was made with ring " + **recorded);
    }
  } else if (!made.first_start) {
    return make_error(Code::invalid_argument, "file " + data + "/ring-id is missing though the log exists; restore it from a backup");
  } else if (auto written = record_ring(disk, data, made.ring->id()); !written.ok()) {
    return written.take_error();
  }

  made.operator_key_path = keys + "/operator.key";
  auto key = keys::open_secret_file(made.operator_key_path, nullptr);
  if (!key.ok()) return key.take_error();
  made.operator_key = std::move(*key);
  return made;
}

}  // namespace tidemark::cli
