#pragma once
// One node as a process: everything composed, started, watched and drained.

#include <optional>
#include <string>
#include <vector>

#include "core/http/server.hpp"
#include "ops/cli/listen.hpp"
#include "ops/cli/settings.hpp"

namespace tidemark::cli {

/// What serve and its older namesakes take.
std::vector<std::string> node_setting_keys();

struct NodePlan {
  std::string data, keys;                  ///< absolute
  std::vector<http::Listener> listeners;
};
/// invalid_argument names the setting.
Result<NodePlan> make_node_plan(const Settings& settings, const PortMeaning& port);

/// Runs until SIGTERM or SIGINT (0, after draining) or until the node cannot go on (kExitFailed, with the reason).
int run_node(const Settings& settings, const NodePlan& plan);

}  // namespace tidemark::cli
