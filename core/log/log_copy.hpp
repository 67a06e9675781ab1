#pragma once
// What the maker of a copy needs of the log that it writes, beside EventLog.

#include <optional>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::log {

/// That a log was made as the copy of another, and whether all of that one is in it.
struct CopyMark {
  Uuid source;  ///< epoch of the other log
  bool complete = false;
  bool operator==(const CopyMark&) const = default;
};

/// Where a topic begins in a lane.
struct Beginning {
  TopicId topic;
  LaneId lane;
  Tmseq first;
};

/// A log that can be the target of a copy, and is one when it was opened so: copy_target(). An incomplete copy is opened in no other way: what is decided on half a
/// history is wrong.
///   threads   as take and append; nothing else is appended while a call runs
class CopyTarget {
 public:
  virtual ~CopyTarget() = default;
  virtual std::optional<CopyMark> copy_mark() const = 0;  ///< nullopt: it was not opened as a target
  /// Durable when ok.
  virtual Result<void> set_complete(bool complete) = 0;
  /// Makes topics begin, and so end, there in lanes where they hold nothing. Durable when ok; after an error some of them may.
  ///   errors   invalid_argument: it holds records, or begins behind that already
  virtual Result<void> begin_at(const std::vector<Beginning>& beginnings) = 0;
};

/// Null unless the log was opened as the target of a copy.
inline CopyTarget* copy_target(EventLog& log) {
  auto* target = dynamic_cast<CopyTarget*>(&log);
  return target != nullptr && target->copy_mark() ? target : nullptr;
}

}  // namespace tidemark::log
