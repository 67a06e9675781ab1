#pragma once
// What the log on Kafka counts, and what it takes over from librdkafka's statistics. Any thread.

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/metrics.hpp"

namespace tidemark::log::kafka {

class KafkaMetrics {
 public:
  explicit KafkaMetrics(metrics::Registry* registry);

  metrics::Stopwatch appending() const { return metrics::Stopwatch(append_seconds_); }
  metrics::Stopwatch taking() const { return metrics::Stopwatch(take_seconds_); }
  metrics::Stopwatch reading() const { return metrics::Stopwatch(read_seconds_); }
  /// An append has ended.
  ///   unsure  its commit was not answered plainly: what became of it had to be looked for
  void appended(const Result<void>& result, bool unsure, std::size_t records, std::size_t bytes) const;
  void taken(bool ok) const { (ok ? taken_ : take_failed_).add(); }
  void follow_lag(std::uint64_t records) const { follow_lag_.set(static_cast<double>(records)); }
  /// A client's statistics, as librdkafka writes them. Those of one client come one after the other.
  void client_said(std::string_view json);
  bool wanted() const { return wanted_; }

 private:
  /// Of all brokers of a client, since it was made.
  struct Totals {
    std::array<std::uint64_t, 5> values{};
    std::uint64_t report = 0;  ///< which of all it came with
  };
  static constexpr std::size_t kOutcomes = 4;

  const bool wanted_;
  metrics::Histogram append_seconds_, take_seconds_, read_seconds_, request_seconds_;
  std::array<metrics::Counter, kOutcomes> appends_, settled_;
  metrics::Counter records_, bytes_, taken_, take_failed_;
  metrics::Gauge follow_lag_;
  std::array<metrics::Counter, 5> of_clients_;

  std::mutex mutex_;
  std::map<std::string, Totals, std::less<>> last_;  ///< by client, whose names are never used twice; guarded
  std::uint64_t reports_ = 0;
};

}  // namespace tidemark::log::kafka
