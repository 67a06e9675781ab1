#pragma once
// `tidemark topics copy`: moves a whole history from one log to another.

#include "ops/cli/commands.hpp"

namespace tidemark::cli {

void add_topics_copy(CLI::App& group, Chosen& chosen);

}  // namespace tidemark::cli
