#pragma once
// Leaving a poison event out of a projection is a decision like others: recorded, and part of that version of the model. The
// lane of the event records it in its domain's first fact topic; the lane's state keeps it, for every later fold.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/runtime/domain.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

inline constexpr std::string_view kEventSkippedType = "tidemark.platform.ProjectionEventSkipped.v1";
inline constexpr std::string_view kSkipEventType = "tidemark.platform.SkipProjectionEvent.v1";

/// Data of the event and of its command; the lane is the record's own.
struct ProjectionEventSkipped {
  std::string projection;
  int version = 1;
  std::string topic;
  std::uint64_t tmseq = 0;
  std::string event_id;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(ProjectionEventSkipped, (), (projection, version, topic, tmseq, event_id, reason))

/// The command, decided by the lane itself: no decider of a domain sees it.
class SkipEventCommand final : public DecodedCommand {
 public:
  SkipEventCommand(LaneId lane, const ProjectionEventSkipped& skip);
  std::string_view boundary() const override { return boundary_; }  ///< the lane itself
  const std::string& canonical_data() const override { return data_; }
  const std::string& type() const override { return type_; }

  /// Accepted, with the event for `topic` folded into `rows`; nothing when it is left out already.
  Verdict decide(const std::string& topic, LaneId lane, std::string_view actor, RowWriter& rows) const;

 private:
  const ProjectionEventSkipped skip_;
  std::string boundary_, data_, type_{kSkipEventType};
};

/// Folds the recorded event into a lane's state.
Result<void> fold_skip(LaneId lane, const event::Event& event, RowWriter& rows);
/// What is left out of a version of a projection, in all lanes.
std::vector<SkippedEvent> load_skips(const RowReader& state, const ProjectionSpec& projection);

}  // namespace tidemark::runtime
