#include "core/blob/private_frames.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/blob/files.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::blob {
namespace {

constexpr std::string_view kMagic = "TMPB";
constexpr char kVersion = 1;
constexpr std::size_t kPreludeBytes = 7;  // magic, version, length of the sealed key

std::string nonce_of(std::uint64_t index) {
  std::string nonce(4, '\0');
  put_u64_be(nonce, index);
  return nonce;
}

std::string associated(std::uint64_t index, bool last) {
  std::string aad(kMagic);
  aad.push_back(kVersion);
  put_u64_be(aad, index);
  aad.push_back(last ? '\x01' : '\0');
  return aad;
}

std::string subject_of(std::string_view name) { return "blob/" + std::string(name); }

Error corrupt(const std::string& path, const std::string& why) {
  return make_error(Code::corrupt, "the private blob " + path + " is damaged: " + why);
}

}  // namespace

FrameWriter::FrameWriter() : key_(keys::random_bytes(keys::kKeyBytes)) {}
FrameWriter::~FrameWriter() {
  keys::wipe(key_);
  keys::wipe(pending_);
}

void FrameWriter::add(std::string_view plain, std::string& frames) {
  while (!plain.empty()) {
    if (pending_.size() == kFramePlainBytes) {
      frame(pending_, false, frames);
      pending_.clear();
    }
    const std::size_t taken = std::min(plain.size(), kFramePlainBytes - pending_.size());
    pending_.append(plain.substr(0, taken));
    plain.remove_prefix(taken);
  }
}

void FrameWriter::finish(std::string& frames) {
  frame(pending_, true, frames);
  keys::wipe(pending_);
}

void FrameWriter::frame(std::string_view plain, bool last, std::string& frames) {
  frames += keys::gcm_encrypt(key_, nonce_of(index_), associated(index_, last), plain);
  ++index_;
}

Result<std::string> FrameWriter::header(const keys::KeyRing& ring, std::string_view name) const {
  auto sealed = ring.seal(subject_of(name), key_);
  if (!sealed) return sealed.take_error();
  std::string header(kMagic);
  header.push_back(kVersion);
  put_u16_be(header, static_cast<std::uint16_t>(sealed->size()));
  header += *sealed;
  TM_ASSERT(header.size() <= kPrivateHeaderBytes, "a sealed key fits the header");
  header.resize(kPrivateHeaderBytes, '\0');
  return header;
}

FrameReader::~FrameReader() { keys::wipe(key_); }

Result<FrameReader> FrameReader::open(int fd, const keys::KeyRing& ring, std::string_view name, const std::string& path) {
  FrameReader reader;
  reader.fd_ = fd;
  reader.path_ = path;
  auto size = size_of(fd, path);
  if (!size) return size.take_error();
  reader.file_size_ = *size;
  std::string header(kPrivateHeaderBytes, '\0');
  auto read = read_some(fd, 0, header.data(), header.size(), path);
  if (!read) return read.take_error();
  if (*read < header.size() || header.compare(0, kMagic.size(), kMagic) != 0) return corrupt(path, "it has no header");
  if (header[kMagic.size()] != kVersion) return make_error(Code::unsupported_version, "the private blob " + path + " is of a later build");
  const std::size_t sealed_size = get_u16_be(header.data() + kMagic.size() + 1);
  if (sealed_size > header.size() - kPreludeBytes || header.find_first_not_of('\0', kPreludeBytes + sealed_size) != std::string::npos) {
    return corrupt(path, "its header is not well formed");
  }
  auto key = ring.open(subject_of(name), std::string_view(header).substr(kPreludeBytes, sealed_size));
  if (!key) {
    Error error = key.take_error();
    error.message += " (private blob " + path + ")";
    return error;
  }
  reader.key_ = std::move(*key);
  const std::uint64_t body = reader.file_size_ - kPrivateHeaderBytes;
  reader.frames_ = (body + kFrameBytes - 1) / kFrameBytes;
  if (reader.frames_ == 0 || body - (reader.frames_ - 1) * kFrameBytes < keys::kTagBytes || reader.key_.size() != keys::kKeyBytes) {
    return corrupt(path, "its size is impossible");
  }
  reader.plain_size_ = body - reader.frames_ * keys::kTagBytes;
  return reader;
}

Result<std::string> FrameReader::next() {
  TM_ASSERT(!done(), "there is a frame left");
  const std::uint64_t offset = kPrivateHeaderBytes + index_ * kFrameBytes;
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(kFrameBytes, file_size_ - offset));
  std::string frame(size, '\0');
  auto read = read_some(fd_, offset, frame.data(), size, path_);
  if (!read) return read.take_error();
  auto plain = keys::gcm_decrypt(key_, nonce_of(index_), associated(index_, index_ + 1 == frames_), std::string_view(frame).substr(0, *read));
  if (!plain) return corrupt(path_, "frame " + std::to_string(index_) + " does not hold");
  ++index_;
  return std::move(*plain);
}

}  // namespace tidemark::blob
