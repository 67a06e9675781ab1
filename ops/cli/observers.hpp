#pragma once
// What components have no log of their own for, as lines of the process log.

#include <string_view>

#include "core/http/server.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::cli {

/// A handler that threw is an error; an answer is a line only when `every` is asked for. Never the target: it may hold a secret.
void log_answer(const http::Exchange& exchange, bool every);
void log_projection_fault(std::string_view projection, const runtime::ProjectionFault& fault);
/// The first time in a row, and then each 16th: a log that does not answer is asked for each lane every 2 s.
void log_lane_not_taken(LaneId lane, const Error& why, unsigned times);

}  // namespace tidemark::cli
