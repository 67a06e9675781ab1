#pragma once
// Checksums of a file's pieces, taken while the whole was hashed. A piece that is about to be sent is compared with what it was
// then, so that damage that came after the verification is found before its bytes leave.

#include <cstdint>
#include <string_view>
#include <vector>

namespace tidemark::blob {

inline constexpr std::size_t kPieceBytes = 64u << 10;  ///< the last piece is shorter

/// CRC32C of each piece: every single flipped bit is found, other damage but for one case in four billion.
class PieceSums {
 public:
  void add(std::string_view bytes);  ///< the content, in order, cut anywhere
  void finish();
  bool holds(std::uint64_t index, std::string_view piece) const;
  std::size_t size() const { return sums_.size(); }

 private:
  std::vector<std::uint32_t> sums_;
  std::uint32_t open_ = 0;       // of the piece under way
  std::size_t open_bytes_ = 0;
};

}  // namespace tidemark::blob
