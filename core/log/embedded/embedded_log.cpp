#include "core/log/embedded/embedded_log.hpp"

#include <unistd.h>

#include "core/log/embedded/copy_mark.hpp"
#include "core/log/embedded/journal.hpp"

namespace tidemark::log {
namespace {

Result<std::unique_ptr<File>> lock_directory(Disk& disk, const std::string& directory) {
  const std::string path = directory + "/lock";
  auto file = disk.open(path, true);
  if (!file) return file.take_error();
  if (auto locked = (*file)->lock_exclusive(); !locked) {
    if (locked.error().code != Code::unavailable) return locked.take_error();
    std::string pid;
    if (auto text = read_file(disk, path)) pid = text->substr(0, text->find('\n'));
    return make_error(Code::unavailable, "the journal in " + directory + " is in use by process " + (pid.empty() ? "(unknown)" : pid));
  }
  if (auto done = (*file)->truncate(0); !done) return done.take_error();
  if (auto done = (*file)->pwrite(0, std::to_string(::getpid()) + "\n"); !done) return done.take_error();
  return file;
}

Result<void> check_options(const EmbeddedLogOptions& options) {
  if (options.lanes == 0 || options.lanes > kLanesMax) {
    return make_error(Code::invalid_argument, "lanes must be 1 to " + std::to_string(kLanesMax));
  }
  if (options.segment_bytes < kSegmentBytesMin || options.segment_bytes > kSegmentBytesMax || options.segment_bytes % kFrameAlign != 0) {
    return make_error(Code::invalid_argument, "segment_bytes must be a multiple of 64 from 4096 to 2 GiB");
  }
  if (options.commit_bytes_max > (1u << 30)) return make_error(Code::invalid_argument, "commit_bytes_max must be at most 1 GiB");
  return {};
}

}  // namespace

Result<std::unique_ptr<EmbeddedLog>> open_embedded_log(Disk& disk, Executor& home, Executor& writer, EmbeddedLogOptions options,
                                                       RecoveryReport* report) {
  RecoveryReport found;
  if (auto done = check_options(options); !done) return done.take_error();
  if (auto done = disk.make_directories(options.directory); !done) return done.take_error();
  auto lock = lock_directory(disk, options.directory);
  if (!lock) return lock.take_error();
  auto exists = journal_exists(disk, options.directory);
  if (!exists) return exists.take_error();
  if (!*exists) {
    if (auto done = create_journal(disk, options); !done) return done.take_error();
    found.created = true;
  }
  auto mark = check_copy_mark(disk, options.directory, options.copy_of);
  if (!mark) return mark.take_error();
  auto recovered = recover_journal(disk, options.directory, found);
  if (!recovered) return recovered.take_error();
  auto tail = disk.open(options.directory + "/tail", true);
  if (!tail) return tail.take_error();
  if (report != nullptr) *report = found;
  auto journal = std::make_unique<Journal>(disk, home, writer, std::move(options), std::move(*lock), std::move(*tail), std::move(*recovered), *mark);
  if (auto failure = journal->failure()) return *failure;
  return std::unique_ptr<EmbeddedLog>(std::move(journal));
}

}  // namespace tidemark::log
