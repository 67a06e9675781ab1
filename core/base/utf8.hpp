#pragma once
// Text that somebody cut or encoded wrongly.

#include <string>
#include <string_view>

namespace tidemark {

/// The text with U+FFFD for every byte that belongs to no well-formed UTF-8 sequence.
std::string mend_utf8(std::string_view text);

}  // namespace tidemark
