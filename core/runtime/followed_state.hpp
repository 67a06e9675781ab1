#pragma once
// The state of lanes that another node owns, which every node keeps warm.

#include <string_view>

#include "core/base/error.hpp"
#include "core/base/rows.hpp"

namespace tidemark::runtime {

class Node;

/// Scheduler's thread.
class FollowedState {
 public:
  virtual ~FollowedState() = default;
  /// Reads the state of a boundary whose lane another node owns, as far as this node knows the log: durable, but others may have
  /// written since. `read` runs once, synchronously. For what may be done late, never for what must be exact.
  ///   errors   invalid_argument (no such domain); unavailable while the state is behind what this node knows of the log, and when
  ///            it owns the lane or is taking it
  virtual Result<void> state_call(std::string_view domain, std::string_view boundary, FnRef<void(const RowReader& state)> read) = 0;
};
/// What make_node() makes is one.
FollowedState& followed_state(Node& node);

}  // namespace tidemark::runtime
