#include "replay/shadow/pair_reader.hpp"

#include <cerrno>
#include <cstring>

namespace tidemark::shadow {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

}  // namespace

PairReader::~PairReader() {
  if (file_ && file_ != stdin) std::fclose(file_);
}

Result<void> PairReader::open(const std::string& path) {
  path_ = path == "-" ? "standard input" : path;
  file_ = path == "-" ? stdin : std::fopen(path.c_str(), "rb");
  if (file_) return {};
  const int reason = errno;
  return make_error(reason == ENOENT ? Code::not_found : Code::unavailable, "cannot open " + path_ + ": " + std::strerror(reason));
}

Error PairReader::at_line(Code code, const std::string& message) const {
  return make_error(code, path_ + " line " + std::to_string(line_) + ": " + message);
}

Result<std::optional<Pair>> PairReader::next() {
  std::size_t looked = begin_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', looked);
    if (end == std::string::npos && !ended_) {
      buffer_.erase(0, begin_);
      begin_ = 0;
      looked = buffer_.size();
      if (looked > kLineBytesMax) {
        ++line_;
        return at_line(Code::exhausted, "longer than " + std::to_string(kLineBytesMax) + " bytes");
      }
      buffer_.resize(looked + kReadBytes);
      const std::size_t got = std::fread(buffer_.data() + looked, 1, kReadBytes, file_);
      buffer_.resize(looked + got);
      if (got == 0 && std::ferror(file_)) return at_line(Code::unavailable, "cannot be read on");
      ended_ = got == 0;
      continue;
    }
    if (end == std::string::npos && begin_ == buffer_.size()) return std::optional<Pair>();
    ++line_;
    const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
    const std::string_view line(buffer_.data() + begin_, stop - begin_);
    begin_ = looked = end == std::string::npos ? stop : stop + 1;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto pair = parse_pair(line);
    if (!pair.ok()) return at_line(pair.error().code, pair.error().message);
    return std::optional<Pair>(std::move(*pair));
  }
}

}  // namespace tidemark::shadow
