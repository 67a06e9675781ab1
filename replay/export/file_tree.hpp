#pragma once
// Files of an export. They are copies, shared with nothing: the old system opens its files for writing in place, so a hard link
// would let it change the content of a blob that others refer to. Where the file system can, a copy shares its blocks until
// one side changes (FICLONE) and costs no space; it is read to be checked, as every copy is.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "core/blob/files.hpp"
#include "replay/export/mapping.hpp"

namespace tidemark::replay {

/// Gives an empty file the content of another, sharing its blocks; false when that cannot be.
using CloneFile = bool (*)(int to, int from);
bool clone_blocks(int to, int from);

/// Files below one directory, mode 0600. One thread at a time.
class FileTree {
 public:
  FileTree(std::string directory, std::vector<std::string> folders, CloneFile clone = clone_blocks)
      : directory_(std::move(directory)), folders_(std::move(folders)), clone_(clone) {}

  /// Makes what is missing of the directory and its folders (mode 0700), and removes what a crash has left half done.
  Result<void> open();
  /// The content of an open file. Beside its place first, then renamed: the place holds all of it or what was there before.
  ///   errors  corrupt: the content has another size or hash; cancelled: `stop` was set
  Result<void> place(const std::string& path, int from, const FileOrigin& origin, const std::atomic<bool>& stop);
  Result<void> place(const std::string& path, std::string_view content, const FileOrigin& origin);
  /// Makes durable what was placed and removed since: nothing may name a file before. A few files are synced each for itself;
  /// more with one sync of the file system, since each flush of the disk is one that the log's syncs wait for.
  Result<void> sync();
  /// Removing what is missing is no error.
  Result<void> remove(const std::string& path);
  bool holds(const std::string& path, std::uint64_t size) const;
  /// Removes files in our folders that `known` has not.
  Result<std::uint64_t> sweep(const std::map<std::string, FileOrigin>& known);

  const std::string& directory() const { return directory_; }

 private:
  Result<void> publish(blob::Descriptor file, const std::string& temporary, const std::string& path);
  std::string temporary(const std::string& path);
  const std::string directory_;
  const std::vector<std::string> folders_;
  const CloneFile clone_;
  std::set<std::string> changed_;  ///< folders
  std::vector<blob::Descriptor> unsynced_;  ///< at most kSyncedApart
  bool many_ = false;                       ///< more than those were placed
  std::uint64_t last_temporary_ = 0;
};

/// SHA-256 of a file, in hex.
Result<std::string> hash_of_file(const std::string& path);

}  // namespace tidemark::replay
