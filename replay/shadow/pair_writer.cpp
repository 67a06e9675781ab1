#include "replay/shadow/pair_writer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tidemark::shadow {
namespace {

constexpr off_t kLookBytes = 1 << 16;

// Behind the last line feed; -1 when it cannot be read.
off_t end_of_lines(int file, off_t size) {
  std::string bytes;
  for (off_t end = size; end > 0;) {
    const off_t begin = std::max<off_t>(0, end - kLookBytes);
    bytes.resize(static_cast<std::size_t>(end - begin));
    if (::pread(file, bytes.data(), bytes.size(), begin) != end - begin) return -1;
    const std::size_t found = bytes.rfind('\n');
    if (found != std::string::npos) return begin + static_cast<off_t>(found) + 1;
    end = begin;
  }
  return 0;
}

}  // namespace

PairWriter::~PairWriter() {
  if (file_) std::fclose(file_);
}

Error PairWriter::failed(const char* what) const { return make_error(Code::unavailable, std::string("cannot ") + what + " " + path_ + ": " + std::strerror(errno)); }

Result<void> PairWriter::open(const std::string& path, bool resume) {
  path_ = path;
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | (resume ? 0 : O_EXCL), 0600);
  if (file < 0 && errno == EEXIST) return make_error(Code::invalid_argument, path + " is there; give --resume to go on behind its last pair");
  if (file < 0) return failed("open");
  file_ = ::fdopen(file, "r+b");
  if (!file_) {
    ::close(file);
    return failed("open");
  }
  struct stat found {};
  if (::fstat(file, &found) != 0) return failed("look at");
  const off_t end = end_of_lines(file, found.st_size);
  if (end < 0) return failed("read");
  if (end < found.st_size && ::ftruncate(file, end) != 0) return failed("shorten");
  if (::fseeko(file_, end, SEEK_SET) != 0) return failed("read");
  kept_bytes_ = static_cast<std::uint64_t>(end);
  return {};
}

Result<void> PairWriter::append(const Pair& pair) {
  line_.clear();
  write_pair(pair, line_);
  if (std::fwrite(line_.data(), 1, line_.size(), file_) != line_.size() || std::fflush(file_) != 0) return failed("write");
  return {};
}

Result<void> PairWriter::close() {
  const bool synced = ::fsync(::fileno(file_)) == 0 || errno == EINVAL;  // a pipe or terminal cannot be
  const bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  if (!synced || !closed) return failed("write");
  return {};
}

}  // namespace tidemark::shadow
