#pragma once
// Internal to core/blob: an upload, and what uploads and their store share.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/blob/blob_metrics.hpp"
#include "core/blob/blob_store.hpp"
#include "core/blob/staging.hpp"
#include "core/blob/verified_files.hpp"
#include "core/keys/key_ring.hpp"

namespace tidemark::blob {

/// What uploads and the store share. Borrowed parts outlive the store.
struct StoreParts {
  std::shared_ptr<Area> area;
  std::shared_ptr<VerifiedFiles> verified;
  Scheduler* home;
  Executor* pool;
  const keys::KeyRing* ring;
  BlobMetrics metrics;
};

class FileUpload final : public Upload {
 public:
  FileUpload(StoreParts parts, std::shared_ptr<Staging> staging, std::uint64_t bytes_max)
      : parts_(std::move(parts)), staging_(std::move(staging)), bytes_max_(bytes_max) {}
  FileUpload(const FileUpload&) = delete;
  FileUpload& operator=(const FileUpload&) = delete;
  ~FileUpload() override;
  Task<Result<void>> write(std::string_view bytes) override;
  Task<void> discard() override;
  std::uint64_t size() const override { return size_; }
  bool disk_full() const override { return disk_full_; }
  Task<Result<BlobRef>> commit() override;
  Task<Result<void>> commit_copy(BlobRef expected);
  Task<Result<void>> commit_private_copy(std::string name);
  Task<Result<BlobRef>> commit_private(std::string name);

 private:
  static Error no_address() { return make_error(Code::invalid_argument, "an upload staged as private has no public address"); }
  /// What has just been hashed on its way in.
  void remember(const BlobRef& published);
  enum class Origin { client, node };
  Task<Result<BlobRef>> finish(Fn<Result<BlobRef>()> publish, Origin origin = Origin::client);
  Error fail(Error error);

  const StoreParts parts_;
  std::shared_ptr<Staging> staging_;
  const std::uint64_t bytes_max_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  bool disk_full_ = false;
  std::optional<Error> failed_;
  std::optional<BlobRef> committed_;
};

}  // namespace tidemark::blob
