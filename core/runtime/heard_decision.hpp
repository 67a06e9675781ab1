#pragma once
// HeardDecision: that a command was decided, as who waits for it learns it.

#include <string>

#include "core/base/ids.hpp"

namespace tidemark::runtime {

struct HeardDecision {
  std::string command_id;
  std::string forwarded;  ///< id of the record, when a node had forwarded the command; else ""
  Tmseq at;               ///< of the decision
};

}  // namespace tidemark::runtime
