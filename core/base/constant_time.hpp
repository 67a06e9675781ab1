#pragma once
#include <string_view>

namespace tidemark {

/// Whether both are the same bytes, in a time that depends on their sizes only. For secrets, tags and tokens.
bool same_bytes(std::string_view a, std::string_view b);

}  // namespace tidemark
