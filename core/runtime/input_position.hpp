#pragma once
// How far a lane has read a domain's commands topic.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <string>

namespace tidemark::runtime {

/// Input positions are numbers of one log: in a copy of its history they say nothing.
struct InputPosition {
  std::string log;         ///< epoch of that log
  std::uint64_t next = 0;  ///< everything before it has been decided, moved or put aside
  bool operator==(const InputPosition&) const = default;
};
BOOST_DESCRIBE_STRUCT(InputPosition, (), (log, next))

}  // namespace tidemark::runtime
