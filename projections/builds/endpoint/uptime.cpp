#include "projections/builds/endpoint/uptime.hpp"

#include <algorithm>

namespace tidemark::projections::builds::endpoint {

std::string uptime_text(Duration since) {
  const std::int64_t seconds = std::max<std::int64_t>(0, since.count() / 1000);
  const std::int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (days > 0) return std::to_string(days) + "d " + std::to_string(hours % 24) + "h";
  if (hours > 0) return std::to_string(hours) + "h " + std::to_string(minutes % 60) + "m";
  if (minutes > 0) return std::to_string(minutes) + "m " + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds) + "s";
}

}  // namespace tidemark::projections::builds::endpoint
