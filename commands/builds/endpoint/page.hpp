#pragma once
// The files of the status page (page/), as they are in the program.

#include <optional>
#include <string_view>

namespace tidemark::commands::builds::endpoint {

/// The bytes of page/<name>; they live as long as the program.
std::optional<std::string_view> page_file(std::string_view name);

}  // namespace tidemark::commands::builds::endpoint
