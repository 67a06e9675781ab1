#pragma once
// What lanes count, all of them together: a lane is no label. Scheduler thread.

#include <array>
#include <string>
#include <vector>

#include "core/base/metrics.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

class LaneMetrics {
 public:
  LaneMetrics(metrics::Registry* registry, const std::vector<std::string>& domains);

  void queued(std::ptrdiff_t commands) const { queue_.add(static_cast<double>(commands)); }
  metrics::Stopwatch deciding() const { return metrics::Stopwatch(decide_seconds_); }
  metrics::Stopwatch appending() const { return metrics::Stopwatch(append_seconds_); }
  void decided(std::size_t commands) const { batch_commands_.observe(static_cast<double>(commands)); }
  void answered(std::size_t domain, const Outcome& outcome) const;
  /// What became of a command from Kafka.
  enum class Input : std::size_t { decided, repeated, moved, dead };
  void input(std::size_t domain, Input became) const { domains_[domain].inputs[static_cast<std::size_t>(became)].add(); }
  void timer_fired(std::size_t domain) const { domains_[domain].timers.add(); }
  void timer_unreadable(std::size_t domain) const { domains_[domain].timers_unreadable.add(); }

 private:
  static constexpr std::size_t kVerdicts = 7;
  struct OfDomain {
    std::array<metrics::Counter, kVerdicts> verdicts;
    std::array<metrics::Counter, 4> inputs;
    metrics::Counter timers, timers_unreadable;
  };
  metrics::Gauge queue_;
  metrics::Histogram batch_commands_, decide_seconds_, append_seconds_;
  std::vector<OfDomain> domains_;
};

}  // namespace tidemark::runtime
