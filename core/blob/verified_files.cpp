#include "core/blob/verified_files.hpp"

#include <sys/stat.h>

#include <utility>

namespace tidemark::blob {

std::optional<Verified> identity_of(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return std::nullopt;
  return Verified{info.st_ino, static_cast<std::uint64_t>(info.st_size), info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
}

Sums VerifiedFiles::find(const std::string& sha256, const Verified& file) const {
  const auto found = files_.find(sha256);
  if (found == files_.end() || found->second.file != file) return nullptr;
  return found->second.sums;
}

void VerifiedFiles::add(const std::string& sha256, const Verified& file, Sums sums) {
  if (files_.size() >= kFilesMax || sums_ + sums->size() > kSumsMax) {
    files_.clear();
    sums_ = 0;
  }
  Entry& entry = files_[sha256];
  if (entry.sums) sums_ -= entry.sums->size();
  sums_ += sums->size();
  entry = Entry{file, std::move(sums)};
}

}  // namespace tidemark::blob
