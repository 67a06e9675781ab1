#pragma once
// Where the record batches of one topic and lane are: about six bytes per entry, so that ten million commits of one event fit.

#include <cstdint>
#include <string>
#include <vector>

namespace tidemark::log {

struct BatchPlace {
  std::uint64_t first = 0;  ///< tmseq
  std::uint32_t count = 0;
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;  ///< of the record batch in the segment file
  std::uint32_t length = 0;
};

/// Entries are dense in tmseq; they come at the end and go from the begin. Not synchronised.
class PartitionIndex {
 public:
  explicit PartitionIndex(std::uint64_t begin = 0) : begin_(begin), end_(begin) {}
  std::uint64_t begin() const { return begin_; }
  std::uint64_t end() const { return end_; }  ///< one past the last record
  /// `place.first` must be end(); places come in file order.
  void add(const BatchPlace& place);
  /// Drops what lies in `segment` and those before it.
  void forget_through(std::uint64_t segment);
  /// Places from the one that holds `from`, until their bytes reach `bytes_max`; at least one when begin() <= from < end().
  std::vector<BatchPlace> find(std::uint64_t from, std::size_t bytes_max) const;

 private:
  struct Block {
    std::uint64_t first;    // tmseq of its first entry
    std::uint64_t segment;  // all entries of a block are in one segment
    std::uint64_t offset;   // of its first entry
    std::uint64_t at;       // of its entries, counted in all bytes that packed_ ever had
    std::uint32_t entries;
  };
  static constexpr std::uint32_t kBlockEntries = 64;
  std::vector<Block> blocks_;
  std::string packed_;  // per entry, as varints: count, length, gap from the end of the entry before (0 for the first)
  std::uint64_t dropped_ = 0;  // bytes gone from the begin of packed_
  std::uint64_t begin_;
  std::uint64_t end_;
  std::uint64_t last_end_offset_ = 0;
};

}  // namespace tidemark::log
