#pragma once
// What a projection counts while it folds; how far it is behind is asked at each exposition (node_gauges.hpp).

#include <string>

#include "core/base/metrics.hpp"

namespace tidemark::runtime {

class ProjectionMetrics {
 public:
  ProjectionMetrics(metrics::Registry* registry, const std::string& projection)
      : events_(registry, {"tidemark_projection_applied_events_total", "Events folded into the rows", {{"projection", projection}}}),
        faults_(registry, {"tidemark_projection_faults_total", "Times that it stopped at an event", {{"projection", projection}}}),
        apply_seconds_(registry, {"tidemark_projection_apply_seconds", "Folding and writing one batch of events", {{"projection", projection}}},
                       metrics::time_bounds()) {}

  metrics::Stopwatch applying() const { return metrics::Stopwatch(apply_seconds_); }
  void applied(std::size_t events) const { events_.add(static_cast<double>(events)); }
  void faulted() const { faults_.add(); }

 private:
  metrics::Counter events_, faults_;
  metrics::Histogram apply_seconds_;
};

}  // namespace tidemark::runtime
