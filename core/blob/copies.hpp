#pragma once
// What keeps copies of a store's files on other nodes needs of it: commits that take nothing but what was asked for, and private
// files as they lie on the disk, encrypted.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "core/blob/stored_file.hpp"

namespace tidemark::blob {

/// Home scheduler. Errors as BlobStore's; a private file that is not there is not counted as missing.
class CopySource {
 public:
  virtual ~CopySource() = default;
  /// Commits what was staged by stage(): corrupt, and nothing is kept, when it is not what was expected.
  virtual Task<Result<void>> commit_copy(std::unique_ptr<Upload> upload, BlobRef expected) = 0;

  /// A private file as it is: the ring's owner can read it, under its name. `holds` is empty.
  virtual Task<Result<Opened>> open_private_copy(std::string name) = 0;
  /// For commit_private_copy(): takes such bytes. unavailable without a key ring.
  virtual Result<std::unique_ptr<Upload>> stage_private_copy(std::uint64_t bytes_max) = 0;
  /// Corrupt, and nothing is kept, when a frame does not hold, or not under this name.
  virtual Task<Result<void>> commit_private_copy(std::unique_ptr<Upload> upload, std::string name) = 0;

  /// The next `files_max` files in the order of StoredFile, from behind `after`; fewer are the last ones. In memory at a time are
  /// the names of one directory: a 256th of the public files, or all private ones.
  virtual Task<Result<std::vector<StoredFile>>> list_files(std::optional<StoredFile> after, std::size_t files_max) = 0;
  /// Of each, whether it is here, by name and size. What it holds is not read.
  virtual Task<Result<std::vector<bool>>> are_here(std::vector<StoredFile> files) = 0;
};
/// What make_blob_store() makes is one.
CopySource& copy_source(BlobStore& store);

}  // namespace tidemark::blob
