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

/// An append of which a topic lacks its part.
struct Torn {
  std::string commit;  ///< its tmcommit
  std::string what;
};
/// Of the newest append that touched a topic every other topic must have its part, in the view or in the tail. Topics that are not
/// in `topics` are passed over.
std::optional<Torn> find_torn(const View& view, const std::vector<Topic>& topics, LaneId lane, const LaneTail& tail);

/// For who has just fenced the lane's producers. Where partitions end is not asked in one moment, and yet another owner may write in
/// between: what seems torn is read again, when all of it must be there.
///   errors  as read_tail(); corrupt also when an append is torn
Result<LaneTail> read_whole_tail(const Shared& shared, LaneId lane, Duration patience);

/// Into the view, all of it at once. True when something was new.
bool publish(Shared& shared, LaneId lane, LaneTail tail);

}  // namespace tidemark::log::kafka
