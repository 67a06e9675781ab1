#pragma once
// What values settings may have, and how a setting is made; for the platform's table and for those of the domains.

#include <cstdint>
#include <string>
#include <string_view>

#include "ops/cli/settings.hpp"

namespace tidemark::cli {

Kind text(std::string expected, std::size_t size_max = 4096);  ///< not empty
Kind integer(std::int64_t least, std::int64_t most);           ///< both inclusive
Kind duration(std::string_view least_text, std::string_view most_text);  ///< both inclusive, as parse_duration() reads them
Kind boolean();
Kind api_key();

/// With the flag and the environment name that follow from the key.
Setting make_setting(std::string key, Kind kind, std::string fallback, std::string help, bool secret = false);

}  // namespace tidemark::cli
