#pragma once
// What the brokers hold of a lane behind what this process knows of it. Waits for them; any thread.

#include <vector>

#include "core/log/kafka/shared.hpp"

namespace tidemark::log::kafka {

struct LaneTail {
  std::vector<Published> parts;
  /// Retention took the rest of a topic and perhaps records behind it that this process never saw.
  struct Emptied {
    TopicId topic;
    std::uint64_t end = 0;   ///< no record has been given this tmseq, nor a greater one
    std::int64_t after = 0;  ///< as of View::Bounds
  };
  std::vector<Emptied> emptied;
};

/// Reads on from what the view has. Committed records only; with Isolation::uncommitted up to what any producer has written, which
/// is the whole lane once its producers are fenced, and otherwise up to the last stable offset.
///   errors  corrupt (a gap, a fork, a torn append, a fact topic that was cut), unavailable (to be asked again)
Result<LaneTail> read_tail(const Shared& shared, LaneId lane, Isolation isolation, Duration patience);

/// Into the view. True when something was new.
bool publish(Shared& shared, LaneId lane, LaneTail tail);

/// Of the last append that touched a topic every other topic must have its part.
Result<void> check_commits(const Shared& shared, LaneId lane);

}  // namespace tidemark::log::kafka
