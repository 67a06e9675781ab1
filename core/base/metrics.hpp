#pragma once
// Metrics as components see them: handles to counters, gauges and histograms. core/observe keeps and exposes them (Prometheus
// text format 0.0.4); without a registry every handle is the null one and costs a branch.
//
// A component has one struct with verbs, made once from a registry:
//
//   struct LaneMetrics {
//     explicit LaneMetrics(metrics::Registry* registry) : batch_seconds_(metrics::histogram(registry, {...})) {}
//     void appended(std::size_t commands, Duration took);
//    private: ...
//   };
//
// Names are snake_case with the unit last (tidemark_log_append_seconds, tidemark_projection_lag_events, ..._total for counters,
// ..._bytes); labels come from small fixed sets (domain, topic, projection, route pattern, result), never an id.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Any thread; wait-free or nearly so. Handles live as long as their registry.
class CounterHandle {
 public:
  virtual ~CounterHandle() = default;
  virtual void add(double amount) = 0;  ///< not negative
};
class GaugeHandle {
 public:
  virtual ~GaugeHandle() = default;
  virtual void set(double value) = 0;
  virtual void add(double amount) = 0;
};
class HistogramHandle {
 public:
  virtual ~HistogramHandle() = default;
  virtual void observe(double value) = 0;
};

/// What names a metric. The same name must always come with the same help, kind and label names.
struct Description {
  std::string name;
  std::string help;
  Labels labels{};
};

/// Makes handles; asking twice for the same name and labels gives the same one. Any thread.
class Registry {
 public:
  virtual ~Registry() = default;
  virtual CounterHandle& counter(const Description& description) = 0;
  virtual GaugeHandle& gauge(const Description& description) = 0;
  /// `bounds`: ascending upper bounds of the buckets, without the infinite one.
  virtual HistogramHandle& histogram(const Description& description, const std::vector<double>& bounds) = 0;
};

/// Value handles that do nothing when there is no registry.
class Counter {
 public:
  Counter() = default;
  Counter(Registry* registry, const Description& description) : handle_(registry ? &registry->counter(description) : nullptr) {}
  void add(double amount = 1) const { if (handle_) handle_->add(amount); }

 private:
  CounterHandle* handle_ = nullptr;
};
class Gauge {
 public:
  Gauge() = default;
  Gauge(Registry* registry, const Description& description) : handle_(registry ? &registry->gauge(description) : nullptr) {}
  void set(double value) const { if (handle_) handle_->set(value); }
  void add(double amount) const { if (handle_) handle_->add(amount); }

 private:
  GaugeHandle* handle_ = nullptr;
};
class Histogram {
 public:
  Histogram() = default;
  Histogram(Registry* registry, const Description& description, const std::vector<double>& bounds)
      : handle_(registry ? &registry->histogram(description, bounds) : nullptr) {}
  void observe(double value) const { if (handle_) handle_->observe(value); }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  HistogramHandle* handle_ = nullptr;
};

/// Seconds from its construction to stop(), into a histogram. On the machine's own clock: nothing that is decided, stored or
/// answered may depend on it. Without a handle no clock is read.
class Stopwatch {
 public:
  Stopwatch() = default;
  explicit Stopwatch(Histogram into) : into_(into) {
    if (into_) started_ = std::chrono::steady_clock::now();
  }
  void stop() const {
    if (into_) into_.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count());
  }

 private:
  Histogram into_;
  std::chrono::steady_clock::time_point started_{};
};

/// Buckets for how many are handled at once, 1 to 1024.
inline const std::vector<double>& count_bounds() {
  static const std::vector<double> kBounds{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};
  return kBounds;
}

/// Buckets for times in seconds, 50 us to 10 s.
inline const std::vector<double>& time_bounds() {
  static const std::vector<double> kBounds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  return kBounds;
}

}  // namespace tidemark::metrics
