#pragma once
// Whether a command has been decided, asked of the log itself: for reactions that are older than the idempotency window's
// index, after a long time down. Internal to core/runtime.

#include <optional>
#include <string>

#include "core/log/event_log.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

/// The outcome of the command, when it was decided in that lane at `since` or later. Reads from the first decision of that
/// time (found by bisection: time never goes back in a lane) to the end.
Result<std::optional<Outcome>> find_decided(const log::EventLog& log, const OpenTopic& decisions, LaneId lane,
                                            const std::string& command_id, Time since);

}  // namespace tidemark::runtime
