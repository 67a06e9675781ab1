#pragma once
// Writes a file of pairs, each whole when append() returns, so that a later run can go on behind the last of them.

#include <cstdio>
#include <string>

#include "replay/shadow/pair.hpp"

namespace tidemark::shadow {

class PairWriter {
 public:
  PairWriter() = default;
  ~PairWriter();
  PairWriter(const PairWriter&) = delete;
  PairWriter& operator=(const PairWriter&) = delete;

  /// A new file, readable by its owner only: it holds credentials. With `resume` one that is there is kept, without the begun line
  /// of a write that was cut off.
  ///   errors   invalid_argument (there is one, and `resume` is not set), unavailable
  Result<void> open(const std::string& path, bool resume);
  /// Bytes of whole lines that were there.
  std::uint64_t kept_bytes() const { return kept_bytes_; }
  /// unavailable: the disk is full or failed; the line may be there in part.
  Result<void> append(const Pair& pair);
  Result<void> close();

 private:
  Error failed(const char* what) const;

  std::string path_, line_;
  std::FILE* file_ = nullptr;
  std::uint64_t kept_bytes_ = 0;
};

}  // namespace tidemark::shadow
