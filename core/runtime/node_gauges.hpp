#pragma once
// What a node is asked at each exposition of its metrics: how long its topics are, how far its projections are behind.

#include "core/base/metrics.hpp"
#include "core/base/task.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

/// Sets the gauges from what `node` is now. Called on its scheduler and resumes there; the log is read on `blocking`.
/// Everything is borrowed until the task ends.
Task<void> set_node_gauges(metrics::Registry& registry, Node& node, Executor& blocking);

}  // namespace tidemark::runtime
