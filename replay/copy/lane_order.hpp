#pragma once
// The records of a lane, of all its topics, in an order in which they can be written again: any beginning of it is a history that
// a node accepts. A decision comes together with the events that it names; what no decision that is left names comes before the
// next decision, by its time.

#include <memory>
#include <vector>

#include "replay/copy/record_stream.hpp"

namespace tidemark::replay {

struct LaneTopic {
  log::TopicId id;
  log::TopicSpec spec;
  Tmseq from, end;
};

/// What must be appended as a whole.
struct LaneStep {
  struct Item {
    std::size_t topic = 0;  ///< index as given to LaneOrder
    HeldRecord record;
  };
  std::vector<Item> items;  ///< records of a topic in their order
  std::size_t size_bytes = 0;
  bool empty() const { return items.empty(); }
};

class LaneOrder {
 public:
  LaneOrder(const log::EventLog& log, LaneId lane, std::vector<LaneTopic> topics);
  /// Empty at the end.
  ///   errors   corrupt: what reading says, or a decision names an event that is not there
  Result<LaneStep> next();

 private:
  /// Records of a topic that a decision names.
  struct Named {
    std::size_t topic = 0;
    std::uint64_t first = 0, last = 0;
  };
  struct Due {
    std::size_t topic = 0;
    Tmseq position;
    std::int64_t time_ms = 0;
    std::vector<Named> named;
  };
  Result<void> choose_decision();
  Result<std::vector<Named>> read_manifest(std::size_t topic, const HeldRecord& decision) const;
  Result<void> move(std::size_t topic, LaneStep& step);

  LaneId lane_;
  std::vector<LaneTopic> topics_;
  std::vector<std::unique_ptr<RecordStream>> streams_;  ///< by topic
  std::optional<Due> due_;                              ///< the decision that comes next
};

}  // namespace tidemark::replay
