#pragma once
// Reads a file of pairs line by line. Holds one line, whatever the size of the file.

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "replay/shadow/pair.hpp"

namespace tidemark::shadow {

class PairReader {
 public:
  /// Longest line that is read.
  static constexpr std::size_t kLineBytesMax = 256u << 20;

  PairReader() = default;
  ~PairReader();
  PairReader(const PairReader&) = delete;
  PairReader& operator=(const PairReader&) = delete;

  /// "-" is standard input. not_found or unavailable with the reason.
  Result<void> open(const std::string& path);
  /// The next pair, nullopt at the end. Empty lines are passed over.
  ///   errors   invalid_argument, exhausted or unavailable, naming file and line
  Result<std::optional<Pair>> next();
  /// Of the pair that was read last; the first is 1.
  std::uint64_t line() const { return line_; }

 private:
  Error at_line(Code code, const std::string& message) const;

  std::string path_;
  std::FILE* file_ = nullptr;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not handed out yet
  std::uint64_t line_ = 0;
  bool ended_ = false;
};

}  // namespace tidemark::shadow
