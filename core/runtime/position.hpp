#pragma once
// Where a command's events lie, and the opaque token that says so to clients (docs/formats/position.md).

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"

namespace tidemark::runtime {

struct PositionPart {
  std::string topic;
  LaneId lane;
  Tmseq last;  ///< tmseq of the last record meant
  auto operator<=>(const PositionPart&) const = default;
};

struct Position {
  Uuid log_epoch;
  std::vector<PositionPart> parts;  ///< at most one per (topic, lane), ascending
  bool empty() const { return parts.empty(); }
  bool operator==(const Position&) const = default;
  /// The later of both, part by part. Both must be of one epoch (an empty one is of any).
  void merge(const Position& other);
};

/// Computes an 8-byte tag over bytes, from the key ring (purpose "position"); so that a token that we did not make is refused.
using PositionTag = std::function<std::string(std::string_view)>;

std::string encode_position(const Position& position, const PositionTag& tag);
/// invalid_argument when it is no position token, corrupt when it looks like one that another installation made.
Result<Position> decode_position(std::string_view token, const PositionTag& tag);

}  // namespace tidemark::runtime
