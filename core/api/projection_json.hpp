#pragma once

#include "core/event/json_writer.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

/// Where a projection is and what is wrong with it, as GET /projections and /health show it.
void write_projection(const runtime::ProjectionStatus& status, event::JsonWriter& writer);

}  // namespace tidemark::api
