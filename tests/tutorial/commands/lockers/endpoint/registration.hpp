#pragma once
// The lockers domain as the program introduces it.

#include "core/http/http.hpp"
#include "core/runtime/node.hpp"
#include "schemas/lockers/lockers.hpp"

namespace tidemark::commands::lockers::endpoint {

runtime::Domain make_lockers_domain(const schemas::lockers::Settings& settings);

/// Surface "lockers". `node` outlives it; its handlers run on the scheduler's thread. Without a node it is for documents only.
/// The tag is what tells our position tokens from others.
http::Surface make_lockers_surface(runtime::Node* node, runtime::PositionTag position_tag);

}  // namespace tidemark::commands::lockers::endpoint
