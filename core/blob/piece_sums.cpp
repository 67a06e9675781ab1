#include "core/blob/piece_sums.hpp"

#include <algorithm>

#include "core/base/ids.hpp"

namespace tidemark::blob {

void PieceSums::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), kPieceBytes - open_bytes_);
    open_ = crc32c(bytes.substr(0, taken), open_);
    open_bytes_ += taken;
    bytes.remove_prefix(taken);
    if (open_bytes_ == kPieceBytes) finish();
  }
}

void PieceSums::finish() {
  if (open_bytes_ == 0) return;
  sums_.push_back(open_);
  open_ = 0;
  open_bytes_ = 0;
}

bool PieceSums::holds(std::uint64_t index, std::string_view piece) const {
  return index < sums_.size() && crc32c(piece) == sums_[static_cast<std::size_t>(index)];
}

}  // namespace tidemark::blob
