#pragma once
// Brings a domain's state of one lane up to the end of the log: what every node does at start and a follower does always.

#include <atomic>

#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/heard_decision.hpp"
#include "core/runtime/state_layout.hpp"

namespace tidemark::runtime {

/// Folds all lanes to the durable end: by the bulk path when the store has no checkpoints (rows without any are removed), else
/// from the checkpoints on. Events are folded in the order of their decisions, whatever their topics; where retention has cut a
/// topic, from its begin. Blocks for as long as the log is: not on the scheduler's thread. Returns the number of records folded.
///   bulk_bytes  memory of the bulk path
///   stop        looked at between records; set: cancelled
///   errors      unsupported_version (an event type that this build does not know, and that is not ignorable), corrupt (also when
///               a fact topic lacks what the store still needs), internal
Result<std::uint64_t> fold_all_lanes(DomainRuntime& domain, const log::EventLog& log, Duration idempotency_window, std::size_t bulk_bytes,
                                     const std::atomic<bool>& stop);

/// What a piece of the log makes of a lane's state, to be written in one write.
struct FoldedSlice {
  std::shared_ptr<const RowReader> base;  ///< what `changes` is over
  store::Overlay changes;
  store::Checkpoints checkpoints;
  std::uint64_t records = 0;  ///< 0: nothing was left
  std::vector<HeardDecision> heard{};  ///< in the order of the log
};
/// The next few thousand records of `lane` after the store's checkpoints, folded and not written. Blocks; from any thread, as
/// long as nobody writes that lane's rows meanwhile. Errors as fold_all_lanes().
Result<FoldedSlice> fold_slice(const DomainRuntime& domain, const log::EventLog& log, LaneId lane, Duration idempotency_window);

}  // namespace tidemark::runtime
