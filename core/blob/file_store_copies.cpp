#include "core/blob/file_store.hpp"

#include <utility>

#include "core/blob/listing.hpp"

namespace tidemark::blob {

Task<Result<void>> FileBlobStore::commit_copy(std::unique_ptr<Upload> upload, BlobRef expected) {
  if (!is_sha256(expected.sha256)) co_return bad_hash();
  auto task = own(*upload).commit_copy(std::move(expected));
  co_return co_await std::move(task);
}

Task<Result<Opened>> FileBlobStore::open_private_copy(std::string name) {
  if (!is_private_name(name)) co_return bad_name();
  auto work = [path = parts_.area->private_file(name)]() -> Result<Opened> {
    auto file = open_file(path);
    if (!file) return file.take_error();
    auto size = size_of(file->get(), path);
    if (!size) return size.take_error();
    return Opened{std::shared_ptr<int>(new int(file->release()), close_and_delete), *size, nullptr};
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  co_return co_await running;
}

Result<std::unique_ptr<Upload>> FileBlobStore::stage_private_copy(std::uint64_t bytes_max) {
  if (parts_.ring == nullptr) return no_ring();
  auto staging = std::make_shared<Staging>(parts_.area, std::to_string(++last_upload_) + std::string(kFramesSuffix), false);
  staging->takes_frames();
  return std::unique_ptr<Upload>(std::make_unique<FileUpload>(parts_, std::move(staging), bytes_max));
}

Task<Result<void>> FileBlobStore::commit_private_copy(std::unique_ptr<Upload> upload, std::string name) {
  if (parts_.ring == nullptr) co_return no_ring();
  if (!is_private_name(name)) co_return bad_name();
  auto task = own(*upload).commit_private_copy(std::move(name));
  co_return co_await std::move(task);
}

Task<Result<std::vector<StoredFile>>> FileBlobStore::list_files(std::optional<StoredFile> after, std::size_t files_max) {
  auto work = [area = parts_.area, after = std::move(after), files_max] { return blob::list_files(*area, after, files_max); };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  co_return co_await running;
}

Task<Result<std::vector<bool>>> FileBlobStore::are_here(std::vector<StoredFile> files) {
  auto work = [area = parts_.area, files = std::move(files)] { return blob::are_here(*area, files); };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  co_return co_await running;
}

}  // namespace tidemark::blob
