#pragma once
// Internal to core/blob: the store of make_blob_store(). Its files are of one subject each: file_store.cpp (public content),
// file_store_private.cpp, file_store_copies.cpp, file_store_collect.cpp.

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/blob/blob_store.hpp"
#include "core/blob/copies.hpp"
#include "core/blob/file_upload.hpp"
#include "core/blob/private_reader.hpp"

namespace tidemark::blob {

inline constexpr std::string_view kFramesSuffix = "-frames";  ///< of staging files that hold a key

class FileBlobStore final : public BlobStore, public PrivateSource, public CopySource {
 public:
  explicit FileBlobStore(StoreParts parts) : parts_(std::move(parts)) {}

  // Public content.
  Result<std::unique_ptr<Upload>> stage(std::uint64_t bytes_max) override { return make_upload(bytes_max, false); }
  Task<Result<Opened>> open(BlobRef ref) override;
  Task<Result<Opened>> open_verified(BlobRef ref) override;
  Task<Result<bool>> exists(BlobRef ref) override;
  Task<Result<bool>> matches(BlobRef ref) override;
  Task<Result<void>> remove(std::string sha256) override;

  // Private content.
  Result<std::unique_ptr<Upload>> stage_private(std::uint64_t bytes_max) override;
  Task<Result<BlobRef>> commit_private(std::unique_ptr<Upload> upload, std::string name) override;
  Task<Result<std::string>> read_private(std::string name, std::size_t bytes_max) override;
  Task<Result<OpenedPrivate>> open_private(std::string name, std::uint64_t bytes_max) override;
  Task<Result<void>> copy_private(std::string from, std::string to) override;
  Task<Result<void>> remove_private(std::string name) override;

  // Collection.
  std::shared_ptr<void> hold(std::string name) override { return blob::hold(parts_.area, std::move(name)); }
  Task<Result<std::uint64_t>> collect(Duration age, std::function<bool(std::string_view sha256)> is_referenced) override;
  Task<Result<std::uint64_t>> collect_private(Duration age, std::function<Use(std::string_view name)> use_of) override;

  // Copies on other nodes.
  Task<Result<void>> commit_copy(std::unique_ptr<Upload> upload, BlobRef expected) override;
  Task<Result<Opened>> open_private_copy(std::string name) override;
  Result<std::unique_ptr<Upload>> stage_private_copy(std::uint64_t bytes_max) override;
  Task<Result<void>> commit_private_copy(std::unique_ptr<Upload> upload, std::string name) override;
  Task<Result<std::vector<StoredFile>>> list_files(std::optional<StoredFile> after, std::size_t files_max) override;
  Task<Result<std::vector<bool>>> are_here(std::vector<StoredFile> files) override;

 private:
  Result<std::unique_ptr<Upload>> make_upload(std::uint64_t bytes_max, bool encrypted) {
    auto staging = std::make_shared<Staging>(parts_.area, std::to_string(++last_upload_), encrypted);
    return std::unique_ptr<Upload>(std::make_unique<FileUpload>(parts_, std::move(staging), bytes_max));
  }
  Task<Result<bool>> content_matches(BlobRef ref, std::shared_ptr<int> file, std::shared_ptr<PieceSums> sums);
  std::function<bool(std::uint64_t, std::string_view)> check_of(Sums sums) const;
  Task<Result<std::string>> read_frame(std::shared_ptr<PrivateReader> reader, std::uint64_t index);
  static FileUpload& own(Upload& upload) {
    auto* of_this = dynamic_cast<FileUpload*>(&upload);
    TM_ASSERT(of_this != nullptr, "the upload is of this store");
    return *of_this;
  }
  static void close_and_delete(int* fd) {
    ::close(*fd);
    delete fd;
  }
  static Error no_ring() { return make_error(Code::unavailable, "private blobs need a key ring, and there is none"); }
  static Error bad_hash() { return make_error(Code::invalid_argument, "a blob is named by 64 lower-case hex digits"); }
  static Error bad_name() { return make_error(Code::invalid_argument, "a private blob is named by 1 to 64 of A-Z a-z 0-9 _ -"); }

  const StoreParts parts_;
  std::uint64_t last_upload_ = 0;
};

}  // namespace tidemark::blob
