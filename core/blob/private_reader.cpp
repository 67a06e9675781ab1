#include "core/blob/private_reader.hpp"

namespace tidemark::blob {

Result<std::unique_ptr<PrivateReader>> PrivateReader::open(const std::string& path, const keys::KeyRing& ring, std::string_view name,
                                                           std::uint64_t bytes_max) {
  auto file = open_file(path);
  if (!file) return file.take_error();
  auto frames = FrameReader::open(file->get(), ring, name, path);
  if (!frames) return frames.take_error();
  if (frames->plain_size() > bytes_max) {
    return make_error(Code::exhausted, "the private blob " + path + " has more than " + std::to_string(bytes_max) + " bytes");
  }
  std::unique_ptr<PrivateReader> reader(new PrivateReader(std::move(*file), std::move(*frames)));
  Sha256 hash;
  while (!reader->frames_.done()) {
    auto plain = reader->frames_.next();
    if (!plain) return plain.take_error();
    hash.add(*plain);
  }
  reader->sha256_ = hash.finish_hex();
  return reader;
}

PrivateSource& private_source(BlobStore& store) {
  auto* source = dynamic_cast<PrivateSource*>(&store);
  TM_ASSERT(source != nullptr, "the store was made by make_blob_store()");
  return *source;
}

Result<std::string> PrivateReader::frame(std::uint64_t index) {
  frames_.seek(index);
  return frames_.next();
}

}  // namespace tidemark::blob
