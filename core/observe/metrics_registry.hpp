#pragma once
// The registry behind core/base/metrics.hpp (prometheus-cpp inside), and its text.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/fn.hpp"
#include "core/base/metrics.hpp"

namespace tidemark::observe {

/// Content-Type of what expose() gives.
inline constexpr std::string_view kExpositionType = "text/plain; version=0.0.4; charset=utf-8";

/// Any thread. Asserts that names and label names are Prometheus names, and that one name keeps its kind, help and label names.
class MetricsRegistry : public metrics::Registry {
 public:
  /// Calls `collect` at the beginning of each expose(), on its thread, one at a time: for what is read, not counted.
  /// What it captures must outlive the registry's last expose().
  virtual void on_expose(Fn<void()> collect) = 0;
  /// All metrics in the Prometheus text format 0.0.4, families ordered by name.
  virtual std::string expose() = 0;
  /// The same of those that `wanted` says, asked about each set of labels.
  virtual std::string expose_selected(const std::function<bool(std::string_view name, const metrics::Labels& labels)>& wanted) = 0;
};
std::unique_ptr<MetricsRegistry> make_metrics_registry();

}  // namespace tidemark::observe
