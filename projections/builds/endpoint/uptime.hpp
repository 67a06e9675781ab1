#pragma once
#include <string>

#include "core/base/time.hpp"

namespace tidemark::projections::builds::endpoint {

/// "2d 5h", "3h 15m", "5m 30s", "12s": the largest unit and the next one, rounded down.
std::string uptime_text(Duration since);

}  // namespace tidemark::projections::builds::endpoint
