#pragma once
// What the surface measures of itself; the state of the queue is read at each exposition.

#include "core/base/metrics.hpp"
#include "core/observe/metrics_registry.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::commands::builds::endpoint {

class BuildsMetrics {
 public:
  explicit BuildsMetrics(metrics::Registry* registry)
      : assignment_seconds_(registry, {"tidemark_builds_assignment_seconds", "From a worker's request for work to the answer with a build that was waiting"},
                            metrics::time_bounds()) {}

  /// Started when a worker asks; stopped when it is given a build it did not have.
  metrics::Stopwatch asked_for_work() const { return metrics::Stopwatch(assignment_seconds_); }

 private:
  metrics::Histogram assignment_seconds_;
};

/// Adds what the read models say to every exposition of `registry`: builds by state, and how many have timed out. Both must
/// outlive the registry's last exposition.
void expose_builds(observe::MetricsRegistry& registry, runtime::Node& node);

/// Whether the surface's own /metrics shows it: what belongs to this domain, and what the domain rests on.
bool is_shown_by_surface(std::string_view name, const metrics::Labels& labels);

}  // namespace tidemark::commands::builds::endpoint
