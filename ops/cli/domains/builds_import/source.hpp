#pragma once
// An old controller's database and storage tree, opened to be read.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/base/error.hpp"
#include "core/blob/blob_store.hpp"
#include "replay/import/sqlite.hpp"
#include "schemas/builds/import/mapping.hpp"

namespace tidemark::cli::builds_import {

/// A file of the tree that is there.
struct TreeFile {
  std::string path;      ///< below the storage root
  std::string absolute;
  std::uint64_t size = 0;
};

class Source {
 public:
  /// `scratch` is a directory for the copy of the database.
  ///   errors  those of SqliteSnapshot::open(); invalid_argument when it is no old controller's database, or there is no storage
  static Result<std::unique_ptr<Source>> open(const std::string& database, const std::string& storage, const std::string& scratch);

  const replay::SqliteSnapshot& rows() const { return *snapshot_; }
  const std::string& identity() const { return identity_; }
  bool has_worker(const std::string& id) const { return workers_.contains(id); }
  schemas::builds::Holder holder_of(const schemas::builds::legacy::Build& build) const;
  std::int64_t last_log_row() const { return last_log_row_; }

  /// The file that a row names: nullopt when it names none or it is not there. Only a regular file below the root is one.
  std::optional<TreeFile> find(schemas::builds::BlobKind kind, const schemas::builds::legacy::Build& build) const;

 private:
  Result<void> survey();
  std::unique_ptr<replay::SqliteSnapshot> snapshot_;
  std::string storage_;
  std::string identity_;
  std::map<std::string, std::string> workers_;  ///< id -> the build that it is at work on
  std::int64_t last_log_row_ = 0;
};

/// What became of a file.
struct Stored {
  std::optional<schemas::builds::FoundFile> found;  ///< nullopt: `problem`
  std::string problem;
};
/// Hashes a file into the blob store; certificates encrypted under the build's id. Streams.
///   errors  of the store (a full disk); a file that cannot be read is a problem, not an error
Task<Result<Stored>> store_file(blob::BlobStore& blobs, TreeFile file, schemas::builds::BlobKind kind, std::string build_id);

}  // namespace tidemark::cli::builds_import
