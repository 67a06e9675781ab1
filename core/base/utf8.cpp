#include "core/base/utf8.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"

namespace tidemark {

std::string mend_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const std::string_view sequence = text.substr(at, length);
    const bool holds = sequence.size() == length && (length == 1 || is_utf8(sequence));
    if (holds) out.append(sequence);
    else out.append("\xEF\xBF\xBD");
    at += holds ? length : 1;
  }
  return out;
}

}  // namespace tidemark
