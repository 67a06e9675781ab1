#include "replay/shadow/recorded_body.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"

namespace tidemark::shadow {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

}  // namespace

Result<std::string> bytes_of(const Body& body, const std::string& directory) {
  if (!body.hashed) return body.bytes;
  if (directory.empty()) return make_error(Code::not_found, "only the hash of the body was recorded, and no directory with bodies is given");
  const std::string path = directory + "/" + body.sha256;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) {
    const int reason = errno;
    return make_error(reason == ENOENT ? Code::not_found : Code::unavailable, "cannot open " + path + ": " + std::strerror(reason));
  }
  std::string bytes;
  while (bytes.size() <= body.size) {
    const std::size_t had = bytes.size();
    bytes.resize(had + kReadBytes);
    const std::size_t got = std::fread(bytes.data() + had, 1, kReadBytes, file.get());
    bytes.resize(had + got);
    if (got < kReadBytes) break;
  }
  if (std::ferror(file.get())) return make_error(Code::unavailable, path + " cannot be read on");
  if (bytes.size() != body.size) return make_error(Code::corrupt, path + " does not have the recorded size of " + std::to_string(body.size) + " bytes");
  if (to_hex(sha256(bytes)) != body.sha256) return make_error(Code::corrupt, path + " has another hash than its name");
  return bytes;
}

}  // namespace tidemark::shadow
