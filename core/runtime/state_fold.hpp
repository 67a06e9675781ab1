#pragma once
// Brings a domain's state of one lane up to the end of the log: what every node does at start and a follower does always.

#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/state_layout.hpp"

namespace tidemark::runtime {

/// Folds everything of `lane` from the store's checkpoints to the durable end. Events are folded in the order of their
/// decisions, whatever their topics. Returns the number of records folded.
///   errors   unsupported_version (an event type that this build does not know, and that is not ignorable), corrupt,
///            not_found (retention has cut what the store still needs), internal
Result<std::uint64_t> fold_state(DomainRuntime& domain, const log::EventLog& log, LaneId lane, Duration idempotency_window);

/// Folds one recorded event into rows: domain state, stream version, lane facts. Used live only for LaneTaken.
Result<void> fold_event(const Domain& domain, bool is_fact, LaneId lane, const event::Event& event, RowWriter& rows);

/// Folds one decision: the idempotency index and the lane's time.
/// `forgotten` as in forget_commands().
Result<void> fold_decision(LaneId lane, const event::Event& decision, Duration idempotency_window, RowWriter& rows, std::string& forgotten);

}  // namespace tidemark::runtime
