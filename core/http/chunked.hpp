#pragma once
// The chunked transfer coding (RFC 9112 section 7.1), decoded in place.

#include <cstddef>
#include <cstdint>

namespace tidemark::http {

/// Refuses bare CR or LF, white space around sizes, sizes over 2^60, extensions over kExtensionBytesMax per body and
/// trailers over kTrailerBytesMax. Extensions and trailers are dropped.
class ChunkedDecoder {
 public:
  static constexpr std::size_t kExtensionBytesMax = 4096;
  static constexpr std::size_t kTrailerBytesMax = 8192;

  struct Step {
    std::size_t consumed = 0;  ///< of the input; the rest belongs to the next request (when done)
    std::size_t produced = 0;  ///< decoded bytes, moved to the front of the input
  };
  Step decode(char* bytes, std::size_t size);
  bool done() const { return state_ == State::done; }
  bool bad() const { return state_ == State::bad; }

 private:
  enum class State {
    size_first, size, extension, size_lf, data, data_cr, data_lf, trailer_first, trailer, trailer_lf, end_lf, done, bad
  };
  State next(char c);

  State state_ = State::size_first;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace tidemark::http
