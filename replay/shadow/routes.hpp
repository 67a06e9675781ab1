#pragma once
// Which route a recorded request was for, and what a recorded body says.

#include <optional>

#include "replay/shadow/rules.hpp"

namespace tidemark::shadow {

/// Null when none fits. Of several the one with the fewest ':' segments: /api/builds/active is not a build. HEAD is GET.
/// `values` gets those of the ':' segments, as views into the target.
const Route* find_route(std::span<const Route> routes, const Request& request, std::vector<std::string_view>& values);

/// The parsed body; nullopt when its type is not JSON, when it is malformed, and when only its hash is known.
std::optional<event::JsonDocument> json_of(const Message& message);

}  // namespace tidemark::shadow
