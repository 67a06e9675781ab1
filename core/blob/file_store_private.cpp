#include "core/blob/file_store.hpp"

#include <utility>

#include "core/blob/collect.hpp"

namespace tidemark::blob {
namespace {

template <class Take>
Result<void> each_frame(const Area& area, const keys::KeyRing& ring, const std::string& name, std::uint64_t bytes_max, Take take) {
  const std::string path = area.private_file(name);
  auto file = open_file(path);
  if (!file) return file.take_error();
  auto reader = FrameReader::open(file->get(), ring, name, path);
  if (!reader) return reader.take_error();
  if (reader->plain_size() > bytes_max) {
    return make_error(Code::exhausted, "the private blob " + path + " has more than " + std::to_string(bytes_max) + " bytes");
  }
  while (!reader->done()) {
    auto plain = reader->next();
    if (!plain) return plain.take_error();
    if (auto taken = take(*plain); !taken) return taken;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Upload>> FileBlobStore::stage_private(std::uint64_t bytes_max) {
  if (parts_.ring == nullptr) return no_ring();
  return make_upload(bytes_max, true);
}

Task<Result<BlobRef>> FileBlobStore::commit_private(std::unique_ptr<Upload> upload, std::string name) {
  if (parts_.ring == nullptr) co_return no_ring();
  if (!is_private_name(name)) co_return bad_name();
  auto task = own(*upload).commit_private(std::move(name));
  co_return co_await std::move(task);
}

Task<Result<std::string>> FileBlobStore::read_private(std::string name, std::size_t bytes_max) {
  if (parts_.ring == nullptr) co_return no_ring();
  if (!is_private_name(name)) co_return bad_name();
  auto work = [area = parts_.area, ring = parts_.ring, name = std::move(name), bytes_max]() -> Result<std::string> {
    std::string content;
    auto read = each_frame(*area, *ring, name, bytes_max, [&](std::string_view plain) -> Result<void> {
      content.append(plain);
      return {};
    });
    if (!read) return read.take_error();
    return content;
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  Result<std::string> content = co_await running;
  if (!content) parts_.metrics.read_failed(content.error());
  co_return content;
}

Task<Result<OpenedPrivate>> FileBlobStore::open_private(std::string name, std::uint64_t bytes_max) {
  if (parts_.ring == nullptr) co_return no_ring();
  if (!is_private_name(name)) co_return bad_name();
  auto work = [area = parts_.area, ring = parts_.ring, name = std::move(name), bytes_max] {
    return PrivateReader::open(area->private_file(name), *ring, name, bytes_max);
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  auto opened = co_await running;
  if (!opened) {
    parts_.metrics.read_failed(opened.error());
    co_return opened.take_error();
  }
  std::shared_ptr<PrivateReader> reader = std::move(*opened);
  OpenedPrivate out;
  out.size = reader->size();
  out.sha256 = reader->sha256();
  out.piece = [this, reader = std::move(reader)](std::uint64_t index) { return read_frame(reader, index); };
  co_return out;
}

// Under a key of its own again: so each copy can be destroyed for itself.
Task<Result<void>> FileBlobStore::copy_private(std::string from, std::string to) {
  if (parts_.ring == nullptr) co_return no_ring();
  if (!is_private_name(from) || !is_private_name(to)) co_return bad_name();
  auto staging = std::make_shared<Staging>(parts_.area, std::to_string(++last_upload_), true);
  auto work = [area = parts_.area, ring = parts_.ring, now = parts_.home->wall(), staging, from = std::move(from),
               to = std::move(to)]() -> Result<void> {
    auto copied = each_frame(*area, *ring, from, UINT64_MAX, [&](std::string_view plain) { return staging->append(plain); });
    if (!copied) return copied;
    auto published = staging->publish_private(to, *ring, now);
    if (!published) return published.take_error();
    return {};
  };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  Result<void> copied = co_await running;
  if (!copied) parts_.metrics.read_failed(copied.error());
  co_return copied;
}

Task<Result<void>> FileBlobStore::remove_private(std::string name) {
  if (!is_private_name(name)) co_return bad_name();
  auto work = [area = parts_.area, name = std::move(name)]() -> Result<void> { return erase_private(*area, name); };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  co_return co_await running;
}

Task<Result<std::string>> FileBlobStore::read_frame(std::shared_ptr<PrivateReader> reader, std::uint64_t index) {
  auto work = [reader = std::move(reader), index] { return reader->frame(index); };
  auto running = run_on(*parts_.pool, *parts_.home, std::move(work));
  auto plain = co_await running;
  if (!plain) parts_.metrics.read_failed(plain.error());
  co_return plain;
}

}  // namespace tidemark::blob
