#pragma once
// The journal's text files (`meta`, `catalogue`): "<form> 1", lines, and a last line with the CRC of all before it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::log {

/// `lines` end with a line feed each.
std::string render_checked(std::string_view form, std::string_view lines);
/// The lines between the first and the last, as views of `bytes`.
///   errors   corrupt, unsupported_version for a whole file of a newer version; both name `file`
Result<std::vector<std::string_view>> parse_checked(std::string_view form, std::string_view file, std::string_view bytes);
/// What every reader of such a file says when its content is none that the writer would write.
Error bad_text(std::string_view file);

/// The word up to the next space; `line` is left behind that space.
std::string_view take_word(std::string_view& line);
std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace tidemark::log
