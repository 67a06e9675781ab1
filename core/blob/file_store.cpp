#include "core/blob/file_store.hpp"

#include <algorithm>
#include <utility>

namespace tidemark::blob {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::size_t kVerifyStepBytes = 8u << 20;  // how long a verification keeps a pool thread at a time

Result<Descriptor> open_object(const Area& area, const BlobRef& ref) {
  const std::string path = area.object(ref.sha256);
  auto file = open_file(path);
  if (!file) return file;
  auto size = size_of(file->get(), path);
  if (!size) return size.take_error();
  if (*size != ref.size) {
    return make_error(Code::corrupt, "the blob " + path + " has " + std::to_string(*size) + " bytes, not " + std::to_string(ref.size));
  }
  return file;
}

Result<void> hash_range(Sha256& hash, PieceSums& sums, int fd, std::uint64_t at, std::uint64_t end, const std::string& path) {
  std::string buffer(kReadBytes, '\0');
  while (at < end) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end - at));
    auto read = read_some(fd, at, buffer.data(), wanted, path);
    if (!read) return read.take_error();
    if (*read == 0) return make_error(Code::corrupt, "the blob " + path + " became shorter");
    hash.add(std::string_view(buffer).substr(0, *read));
    sums.add(std::string_view(buffer).substr(0, *read));
    at += *read;
  }
  return {};
}

}  // namespace

Task<Result<Opened>> FileBlobStore::open(BlobRef ref) {
  if (!is_sha256(ref.sha256)) co_return bad_hash();
  auto work = [area = parts_.area, ref]() -> Result<Opened> {
    auto file = open_object(*area, ref);
    if (!file) return file.take_error();
    return Opened{std::shared_ptr<int>(new int(file->release()), close_and_delete), ref.size, nullptr};
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  Result<Opened> opened = co_await running;
  if (!opened) parts_.metrics.read_failed(opened.error());
  co_return opened;
}

Task<Result<Opened>> FileBlobStore::open_verified(BlobRef ref) {
  auto opening = open(ref);
  Result<Opened> opened = co_await std::move(opening);
  if (!opened) co_return opened;
  const auto identity = identity_of(*opened->fd);
  if (identity) {
    if (Sums sums = parts_.verified->find(ref.sha256, *identity)) {
      opened->holds = check_of(std::move(sums));
      co_return opened;
    }
  }
  auto sums = std::make_shared<PieceSums>();
  auto hashing = content_matches(ref, opened->fd, sums);
  Result<bool> matched = co_await std::move(hashing);
  if (!matched) co_return matched.take_error();
  if (!*matched) {
    auto damaged = make_error(Code::corrupt, "the blob " + parts_.area->object(ref.sha256) + " does not have the content of its address");
    parts_.metrics.read_failed(damaged);
    co_return damaged;
  }
  if (identity) parts_.verified->add(ref.sha256, *identity, sums);
  opened->holds = check_of(sums);
  co_return opened;
}

Task<Result<bool>> FileBlobStore::exists(BlobRef ref) {
  if (!is_sha256(ref.sha256)) co_return bad_hash();
  auto work = [area = parts_.area, ref]() -> Result<bool> {
    auto file = open_object(*area, ref);
    if (file) return true;
    if (file.error().code == Code::not_found || file.error().code == Code::corrupt) return false;
    return file.take_error();
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  co_return co_await running;
}

Task<Result<bool>> FileBlobStore::matches(BlobRef ref) {
  auto opening = open(ref);
  Result<Opened> opened = co_await std::move(opening);
  if (!opened) co_return opened.take_error();
  auto hashing = content_matches(ref, opened->fd, std::make_shared<PieceSums>());
  co_return co_await std::move(hashing);
}

Task<Result<bool>> FileBlobStore::content_matches(BlobRef ref, std::shared_ptr<int> file, std::shared_ptr<PieceSums> sums) {
  auto hash = std::make_shared<Sha256>();
  for (std::uint64_t at = 0; at < ref.size; at += kVerifyStepBytes) {
    auto work = [hash, sums, fd = file, at, end = std::min(ref.size, at + kVerifyStepBytes), path = parts_.area->object(ref.sha256)] {
      return hash_range(*hash, *sums, *fd, at, end, path);
    };
    auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
    Result<void> hashed = co_await running;
    if (!hashed) co_return hashed.take_error();
  }
  sums->finish();
  co_return hash->finish_hex() == ref.sha256;
}

Task<Result<void>> FileBlobStore::remove(std::string sha256) {
  if (!is_sha256(sha256)) co_return bad_hash();
  auto work = [area = parts_.area, sha256]() -> Result<void> {
    const auto lock = lock_addresses(*area);
    if (!lock) return lock.error();
    return remove_file(area->object(sha256));
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  co_return co_await running;
}

std::function<bool(std::uint64_t, std::string_view)> FileBlobStore::check_of(Sums sums) const {
  return [sums = std::move(sums), metrics = parts_.metrics](std::uint64_t index, std::string_view piece) {
    if (sums->holds(index, piece)) return true;
    metrics.damaged();
    return false;
  };
}

}  // namespace tidemark::blob
