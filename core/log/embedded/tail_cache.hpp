#pragma once
// The last frames written, kept in memory so that readers at the tail make no system call.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace tidemark::log {

/// Not synchronised.
class TailCache {
 public:
  explicit TailCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  /// Frames come in file order.
  void add(std::uint64_t segment, std::uint64_t offset, std::shared_ptr<const std::string> frame);
  struct Hit {
    std::shared_ptr<const std::string> frame;
    std::size_t at = 0;  ///< of the asked offset in it
  };
  /// An empty frame when it is not kept.
  Hit find(std::uint64_t segment, std::uint64_t offset) const;

 private:
  struct Kept {
    std::uint64_t segment;
    std::uint64_t offset;
    std::shared_ptr<const std::string> frame;
  };
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::deque<Kept> kept_;
};

}  // namespace tidemark::log
