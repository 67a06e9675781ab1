#pragma once
// Internal to core/blob: which public files were read and found to hold what their address says.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/blob/piece_sums.hpp"

namespace tidemark::blob {

/// Which file was found to hold what its address says.
struct Verified {
  std::uint64_t inode = 0, size = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const Verified&) const = default;
};
using Sums = std::shared_ptr<const PieceSums>;

/// Of an open file.
std::optional<Verified> identity_of(int fd);

/// By hash. Home scheduler only; forgotten when it grows, which costs a reading.
class VerifiedFiles {
 public:
  /// Null when it is not known to hold what its address says.
  Sums find(const std::string& sha256, const Verified& file) const;
  void add(const std::string& sha256, const Verified& file, Sums sums);

 private:
  struct Entry {
    Verified file;
    Sums sums;
  };
  static constexpr std::size_t kFilesMax = 50'000;
  static constexpr std::size_t kSumsMax = 4u << 20;  // of 4 bytes each
  std::unordered_map<std::string, Entry> files_;
  std::size_t sums_ = 0;
};

}  // namespace tidemark::blob
