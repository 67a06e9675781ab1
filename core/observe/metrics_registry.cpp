#include "core/observe/metrics_registry.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "core/base/assert.hpp"

namespace tidemark::observe {
namespace {

class CounterOf final : public metrics::CounterHandle {
 public:
  explicit CounterOf(prometheus::Counter& counter) : counter_(counter) {}
  void add(double amount) override { counter_.Increment(amount); }

 private:
  prometheus::Counter& counter_;
};

class GaugeOf final : public metrics::GaugeHandle {
 public:
  explicit GaugeOf(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(double value) override { gauge_.Set(value); }
  void add(double amount) override { gauge_.Increment(amount); }

 private:
  prometheus::Gauge& gauge_;
};

class HistogramOf final : public metrics::HistogramHandle {
 public:
  explicit HistogramOf(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void observe(double value) override { histogram_.Observe(value); }

 private:
  prometheus::Histogram& histogram_;
};

bool is_name(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// One metric name: its prometheus family, and the handles given out.
template <class Metric, class Handle>
struct Family {
  prometheus::Family<Metric>& family;
  std::string help;
  std::vector<std::string> label_names;
  std::map<std::map<std::string, std::string>, Handle> handles{};
};

template <class Metric, class Handle>
using Families = std::map<std::string, Family<Metric, Handle>, std::less<>>;

class Registry final : public MetricsRegistry {
 public:
  metrics::CounterHandle& counter(const metrics::Description& description) override {
    return handle(counters_, description, [](auto& registry, auto& d) -> auto& {
      return prometheus::BuildCounter().Name(d.name).Help(d.help).Register(registry);
    });
  }
  metrics::GaugeHandle& gauge(const metrics::Description& description) override {
    return handle(gauges_, description, [](auto& registry, auto& d) -> auto& {
      return prometheus::BuildGauge().Name(d.name).Help(d.help).Register(registry);
    });
  }
  metrics::HistogramHandle& histogram(const metrics::Description& description, const std::vector<double>& bounds) override {
    const auto build = [](auto& registry, auto& d) -> auto& {
      return prometheus::BuildHistogram().Name(d.name).Help(d.help).Register(registry);
    };
    return handle(histograms_, description, build, bounds);
  }

  void on_expose(Fn<void()> collect) override {
    const std::lock_guard lock(exposing_);
    collectors_.push_back(std::move(collect));
  }

  std::string expose() override { return prometheus::TextSerializer().Serialize(collect()); }

  std::string expose_selected(const std::function<bool(std::string_view name, const metrics::Labels& labels)>& wanted) override {
    auto families = collect();
    for (auto& family : families) {
      std::erase_if(family.metric, [&](const prometheus::ClientMetric& metric) {
        metrics::Labels labels;
        for (const auto& label : metric.label) labels.emplace_back(label.name, label.value);
        return !wanted(family.name, labels);
      });
    }
    std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
    return prometheus::TextSerializer().Serialize(families);
  }

 private:
  std::vector<prometheus::MetricFamily> collect() {
    const std::lock_guard lock(exposing_);
    for (auto& collect : collectors_) collect();
    auto families = registry_.Collect();
    std::sort(families.begin(), families.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return families;
  }

  template <class Metric, class Handle, class Build, class... Arguments>
  Handle& handle(Families<Metric, Handle>& families, const metrics::Description& wanted, Build build, const Arguments&... arguments) {
    std::map<std::string, std::string> labels(wanted.labels.begin(), wanted.labels.end());
    std::vector<std::string> names;
    for (const auto& [name, value] : labels) names.push_back(name);

    const std::lock_guard lock(making_);
    auto found = families.find(wanted.name);
    if (found == families.end()) {
      TM_ASSERT(is_name(wanted.name) && std::all_of(names.begin(), names.end(), is_name), "not the name of a metric or label");
      TM_ASSERT(!counters_.contains(wanted.name) && !gauges_.contains(wanted.name) && !histograms_.contains(wanted.name),
                "one name for metrics of two kinds");
      found = families.emplace(wanted.name, Family<Metric, Handle>{build(registry_, wanted), wanted.help, names}).first;
    }
    auto& family = found->second;
    TM_ASSERT(family.help == wanted.help && family.label_names == names, "one metric name with two helps or sets of labels");
    const auto known = family.handles.find(labels);
    if (known != family.handles.end()) return known->second;
    Metric& metric = family.family.Add(labels, arguments...);
    return family.handles.emplace(std::move(labels), Handle(metric)).first->second;
  }

  prometheus::Registry registry_;
  std::mutex making_;
  Families<prometheus::Counter, CounterOf> counters_;
  Families<prometheus::Gauge, GaugeOf> gauges_;
  Families<prometheus::Histogram, HistogramOf> histograms_;

  std::mutex exposing_;
  std::vector<Fn<void()>> collectors_;
};

}  // namespace

std::unique_ptr<MetricsRegistry> make_metrics_registry() { return std::make_unique<Registry>(); }

}  // namespace tidemark::observe
