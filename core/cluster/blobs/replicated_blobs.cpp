#include "core/cluster/blobs/replicated_blobs.hpp"

#include <optional>

#include "core/blob/private_reader.hpp"

namespace tidemark::cluster {
namespace {

using blob::BlobRef;
using blob::Opened;

class ReplicatedUpload final : public blob::Upload {
 public:
  ReplicatedUpload(std::unique_ptr<blob::Upload> local, PeerCopies& copies) : local_(std::move(local)), copies_(copies) {}

  Task<Result<void>> write(std::string_view bytes) override { return local_->write(bytes); }
  std::uint64_t size() const override { return local_->size(); }
  bool disk_full() const override { return local_->disk_full(); }
  Task<void> discard() override { return local_->discard(); }
  Task<Result<BlobRef>> commit() override {
    if (committed_) co_return *committed_;
    auto committing = local_->commit();
    auto committed = co_await std::move(committing);
    if (!committed.ok()) co_return committed;
    auto giving = copies_.give(*committed);
    auto given = co_await std::move(giving);
    if (!given.ok()) committed_ = Result<BlobRef>(given.take_error());
    else committed_ = std::move(committed);
    co_return *committed_;
  }

  std::unique_ptr<blob::Upload> take_local() { return std::move(local_); }

 private:
  std::unique_ptr<blob::Upload> local_;
  PeerCopies& copies_;
  std::optional<Result<BlobRef>> committed_;
};

class ReplicatedBlobs final : public blob::BlobStore, public blob::PrivateSource {
 public:
  ReplicatedBlobs(blob::BlobStore& local, PeerCopies& copies) : local_(local), files_(blob::copy_source(local)), copies_(copies) {}

  Result<std::unique_ptr<blob::Upload>> stage(std::uint64_t bytes_max) override { return replicated(local_.stage(bytes_max)); }
  Result<std::unique_ptr<blob::Upload>> stage_private(std::uint64_t bytes_max) override { return replicated(local_.stage_private(bytes_max)); }

  Task<Result<Opened>> open(BlobRef ref) override { return once_here(&BlobStore::open, std::move(ref)); }

  Task<Result<Opened>> open_verified(BlobRef ref) override {
    auto bringing = bring(ref);
    auto brought = co_await std::move(bringing);
    if (!brought.ok()) co_return brought.take_error();
    auto opening = local_.open_verified(ref);
    auto opened = co_await std::move(opening);
    if (opened.ok() || opened.error().code != Code::corrupt) co_return opened;
    auto fetching = copies_.fetch(ref);  // over the damaged one
    const auto fetched = co_await std::move(fetching);
    if (!fetched.ok()) co_return opened;
    auto again = local_.open_verified(std::move(ref));
    co_return co_await std::move(again);
  }

  Task<Result<bool>> exists(BlobRef ref) override { return once_here(&BlobStore::exists, std::move(ref)); }
  Task<Result<bool>> matches(BlobRef ref) override { return once_here(&BlobStore::matches, std::move(ref)); }
  Task<Result<void>> remove(std::string sha256) override { return local_.remove(std::move(sha256)); }
  std::shared_ptr<void> hold(std::string sha256_or_name) override { return local_.hold(std::move(sha256_or_name)); }
  Task<Result<std::uint64_t>> collect(Duration age, std::function<bool(std::string_view)> is_referenced) override {
    return local_.collect(age, std::move(is_referenced));
  }
  Task<Result<std::uint64_t>> collect_private(Duration age, std::function<blob::Use(std::string_view)> use_of) override {
    return local_.collect_private(age, std::move(use_of));
  }

  Task<Result<BlobRef>> commit_private(std::unique_ptr<blob::Upload> upload, std::string name) override {
    auto* own = dynamic_cast<ReplicatedUpload*>(upload.get());
    TM_ASSERT(own != nullptr, "the upload is of this store");
    auto committing = local_.commit_private(own->take_local(), name);
    auto committed = co_await std::move(committing);
    if (!committed.ok()) co_return committed;
    auto giving = copies_.give_private(std::move(name));
    auto given = co_await std::move(giving);
    if (!given.ok()) co_return given.take_error();
    co_return committed;
  }

  Task<Result<std::string>> read_private(std::string name, std::size_t bytes_max) override {
    auto bringing = bring_private(name);
    auto brought = co_await std::move(bringing);
    if (!brought.ok()) co_return brought.take_error();
    auto reading = local_.read_private(std::move(name), bytes_max);
    co_return co_await std::move(reading);
  }

  Task<Result<blob::OpenedPrivate>> open_private(std::string name, std::uint64_t bytes_max) override {
    auto bringing = bring_private(name);
    auto brought = co_await std::move(bringing);
    if (!brought.ok()) co_return brought.take_error();
    auto opening = blob::private_source(local_).open_private(std::move(name), bytes_max);
    co_return co_await std::move(opening);
  }

  Task<Result<void>> copy_private(std::string from, std::string to) override {
    auto bringing = bring_private(from);
    auto brought = co_await std::move(bringing);
    if (!brought.ok()) co_return brought;
    auto copying = local_.copy_private(std::move(from), to);
    auto copied = co_await std::move(copying);
    if (!copied.ok()) co_return copied;
    auto giving = copies_.give_private(std::move(to));
    co_return co_await std::move(giving);
  }

  /// Here; the copy on another node goes by that node's collection.
  Task<Result<void>> remove_private(std::string name) override { return local_.remove_private(std::move(name)); }

 private:
  /// What the local store says, after what it lacked was fetched.
  template <class T>
  Task<Result<T>> once_here(Task<Result<T>> (BlobStore::*ask)(BlobRef), BlobRef ref) {
    auto bringing = bring(ref);
    auto brought = co_await std::move(bringing);
    if (!brought.ok()) co_return brought.take_error();
    auto asking = (local_.*ask)(std::move(ref));
    co_return co_await std::move(asking);
  }
  Result<std::unique_ptr<blob::Upload>> replicated(Result<std::unique_ptr<blob::Upload>> local) {
    if (!local.ok()) return local;
    return std::unique_ptr<blob::Upload>(std::make_unique<ReplicatedUpload>(std::move(*local), copies_));
  }

  /// Fetches what is not here. That nobody has it is left to whoever opens it, and counted there.
  Task<Result<void>> bring(BlobRef ref) {
    auto looking = local_.exists(ref);
    const auto here = co_await std::move(looking);
    if (!here.ok()) co_return here.error();
    if (*here) co_return Result<void>();
    auto fetching = copies_.fetch(std::move(ref));
    co_return unless_missing(co_await std::move(fetching));
  }

  Task<Result<void>> bring_private(std::string name) {
    auto looking = files_.open_private_copy(name);
    const auto here = co_await std::move(looking);
    if (here.ok()) co_return Result<void>();
    if (here.error().code != Code::not_found) co_return here.error();
    auto fetching = copies_.fetch_private(std::move(name));
    co_return unless_missing(co_await std::move(fetching));
  }

  static Result<void> unless_missing(Result<void> fetched) {
    if (!fetched.ok() && fetched.error().code == Code::not_found) return {};
    return fetched;
  }

  blob::BlobStore& local_;
  blob::CopySource& files_;
  PeerCopies& copies_;
};

}  // namespace

std::unique_ptr<blob::BlobStore> make_replicated_blobs(blob::BlobStore& local, PeerCopies& copies) {
  return std::make_unique<ReplicatedBlobs>(local, copies);
}

}  // namespace tidemark::cluster
