#pragma once
// What a member of a consumer group is assigned, as the classic group protocol writes it: a version, then by topic its partitions.

#include <optional>
#include <string_view>
#include <vector>

#include "core/base/ids.hpp"

namespace tidemark::cluster {

/// Partitions of that topic, ascending; of no bytes none. nullopt when the bytes are no assignment.
std::optional<std::vector<LaneId>> parse_assignment(std::string_view bytes, std::string_view topic);

}  // namespace tidemark::cluster
