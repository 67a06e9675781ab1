#include "core/blob/file_upload.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::blob {
namespace {

constexpr std::size_t kWriteBytes = 128u << 10;  // what an upload collects before it goes to the pool

}  // namespace

// Removing a large file takes a while: not on this thread.
FileUpload::~FileUpload() {
  parts_.pool->post([staging = std::move(staging_)]() mutable { staging.reset(); });
}

Task<Result<void>> FileUpload::write(std::string_view bytes) {
  if (failed_) co_return *failed_;
  TM_ASSERT(!committed_, "nothing is written after commit");
  if (bytes.size() > bytes_max_ - size_) {
    failed_ = make_error(Code::exhausted, "the upload is longer than " + std::to_string(bytes_max_) + " bytes");
    co_return *failed_;
  }
  size_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), kWriteBytes - buffer_.size());
    buffer_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (buffer_.size() < kWriteBytes) break;
    auto work = [staging = staging_, chunk = std::exchange(buffer_, {})]() -> Result<void> { return staging->append(chunk); };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    Result<void> written = co_await running;
    if (!written) co_return fail(written.take_error());
  }
  co_return Result<void>();
}

Task<void> FileUpload::discard() {
  if (!failed_ && !committed_) failed_ = make_error(Code::cancelled, "the upload was discarded");
  auto work = [staging = staging_]() -> Result<void> { return staging->discard(); };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  (void)co_await running;
}

Task<Result<BlobRef>> FileUpload::commit() {
  if (staging_->encrypted() || staging_->has_frames()) co_return no_address();
  auto publish = [staging = staging_, now = parts_.home->wall()] { return staging->publish(now); };
  auto task = finish(std::move(publish));
  Result<BlobRef> published = co_await std::move(task);
  if (published) remember(*published);
  co_return published;
}

Task<Result<void>> FileUpload::commit_copy(BlobRef expected) {
  if (staging_->encrypted() || staging_->has_frames()) co_return no_address();
  auto publish = [staging = staging_, expected, now = parts_.home->wall()] { return staging->publish_copy(expected, now); };
  auto task = finish(std::move(publish), Origin::node);
  Result<BlobRef> published = co_await std::move(task);
  if (!published) co_return published.take_error();
  remember(*published);
  co_return Result<void>();
}

Task<Result<void>> FileUpload::commit_private_copy(std::string name) {
  if (!staging_->has_frames()) co_return make_error(Code::invalid_argument, "the upload was not staged as the copy of a private file");
  auto publish = [staging = staging_, now = parts_.home->wall(), ring = parts_.ring, name = std::move(name)]() -> Result<BlobRef> {
    auto published = staging->publish_frames(name, *ring, now);
    if (!published) return published.take_error();
    return BlobRef{};
  };
  auto task = finish(std::move(publish), Origin::node);
  Result<BlobRef> published = co_await std::move(task);
  if (!published) co_return published.take_error();
  co_return Result<void>();
}

Task<Result<BlobRef>> FileUpload::commit_private(std::string name) {
  if (staging_->has_frames()) co_return make_error(Code::invalid_argument, "the upload was staged as the copy of a private file");
  auto publish = [staging = staging_, now = parts_.home->wall(), ring = parts_.ring, name = std::move(name)] {
    return staging->publish_private(name, *ring, now);
  };
  auto task = finish(std::move(publish));
  co_return co_await std::move(task);
}

void FileUpload::remember(const BlobRef& published) {
  if (auto file = open_file(parts_.area->object(published.sha256))) {
    if (const auto identity = identity_of(file->get())) parts_.verified->add(published.sha256, *identity, staging_->sums());
  }
}

Task<Result<BlobRef>> FileUpload::finish(Fn<Result<BlobRef>()> publish, Origin origin) {
  if (failed_) co_return *failed_;
  if (committed_) co_return *committed_;
  auto work = [staging = staging_, rest = std::exchange(buffer_, {}), publish = std::move(publish)]() mutable -> Result<BlobRef> {
    if (auto appended = staging->append(rest); !appended) return appended.take_error();
    return publish();
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  Result<BlobRef> published = co_await running;
  if (!published) co_return fail(published.take_error());
  committed_ = *published;
  if (origin == Origin::client) parts_.metrics.stored(published->size);
  co_return published;
}

Error FileUpload::fail(Error error) {
  if (error.code == Code::exhausted) {
    disk_full_ = true;
    parts_.metrics.disk_full();
  }
  failed_ = error;
  return error;
}

}  // namespace tidemark::blob
