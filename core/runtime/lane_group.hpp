#pragma once
// LaneGroup: which lanes this node should own, when several nodes share a log. It proposes; the log's fence disposes.

#include <functional>
#include <vector>

#include "core/base/fn.hpp"
#include "core/base/ids.hpp"

namespace tidemark::runtime {

/// On the scheduler's thread.
class LaneGroup {
 public:
  virtual ~LaneGroup() = default;
  /// Joins. `proposed` gets all lanes that this node should own now, each time the group has agreed anew; a lane that this node
  /// has lost is taken again only after that. Until a first proposal it owns none. Not called after leave().
  virtual void join(std::function<void(const std::vector<LaneId>& lanes)> proposed) = 0;
  /// This node was fenced out of a lane that it was proposed: the group is asked anew, and what it has agreed is proposed again, to
  /// this node at least. Without that a lane could stay without owner: its taker was mistaken and has let it go, and the loser may not take it.
  virtual void agree_anew() = 0;
  /// False while this node may have been left out, as far as it knows: what was proposed before is kept, and nothing is taken on the
  /// strength of it. It would take the lane from who has it by right.
  virtual bool in_force() const { return true; }
  /// Leaves, so that the others get the lanes soon.
  virtual void leave(Fn<void()> done) = 0;
};

}  // namespace tidemark::runtime
