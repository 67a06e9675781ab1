#include "core/http/chunked.hpp"

#include <algorithm>
#include <cstring>

#include "core/http/uri.hpp"

namespace tidemark::http {
namespace {

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

}  // namespace

ChunkedDecoder::State ChunkedDecoder::next(char c) {
  switch (state_) {
    case State::size_first:
    case State::size: {
      const int digit = hex_digit(c);
      if (digit >= 0) {
        if (left_ >> 56 != 0) return State::bad;
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return State::size;
      }
      if (state_ == State::size_first) return State::bad;
      if (c == ';') return ++extension_bytes_ > kExtensionBytesMax ? State::bad : State::extension;
      return c == '\r' ? State::size_lf : State::bad;
    }
    case State::extension:
      if (c == '\r') return State::size_lf;
      return is_text(c) && ++extension_bytes_ <= kExtensionBytesMax ? State::extension : State::bad;
    case State::size_lf:
      if (c != '\n') return State::bad;
      return left_ == 0 ? State::trailer_first : State::data;
    case State::data_cr: return c == '\r' ? State::data_lf : State::bad;
    case State::data_lf: return c == '\n' ? State::size_first : State::bad;
    case State::trailer_first:
      if (c == '\r') return State::end_lf;
      [[fallthrough]];
    case State::trailer:
      if (++trailer_bytes_ > kTrailerBytesMax) return State::bad;
      if (c == '\r') return State::trailer_lf;
      return is_text(c) ? State::trailer : State::bad;
    case State::trailer_lf: return c == '\n' ? State::trailer_first : State::bad;
    case State::end_lf: return c == '\n' ? State::done : State::bad;
    case State::data:
    case State::done:
    case State::bad: break;
  }
  return State::bad;
}

ChunkedDecoder::Step ChunkedDecoder::decode(char* bytes, std::size_t size) {
  Step step;
  while (step.consumed < size && state_ != State::done && state_ != State::bad) {
    if (state_ == State::data) {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - step.consumed));
      if (step.produced != step.consumed) std::memmove(bytes + step.produced, bytes + step.consumed, take);
      step.produced += take;
      step.consumed += take;
      left_ -= take;
      if (left_ == 0) state_ = State::data_cr;
    } else {
      state_ = next(bytes[step.consumed++]);
    }
  }
  return step;
}

}  // namespace tidemark::http
