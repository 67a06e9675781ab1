#pragma once
// What a store counts.

#include <cstdint>
#include <string>

#include "core/base/metrics.hpp"

namespace tidemark::store {

class StoreMetrics {
 public:
  StoreMetrics(metrics::Registry* registry, const std::string& store)
      : bytes_(registry, {"tidemark_store_written_bytes_total", "Bytes of rows and checkpoints written", {{"store", store}}}),
        write_seconds_(registry, {"tidemark_store_write_seconds", "Writing one batch of rows", {{"store", store}}}, metrics::time_bounds()),
        flush_seconds_(registry, {"tidemark_store_flush_seconds", "Making what was written durable", {{"store", store}}},
                       metrics::time_bounds()) {}

  metrics::Stopwatch writing() const { return metrics::Stopwatch(write_seconds_); }
  metrics::Stopwatch flushing() const { return metrics::Stopwatch(flush_seconds_); }
  void wrote(std::uint64_t bytes) const { bytes_.add(static_cast<double>(bytes)); }

 private:
  metrics::Counter bytes_;
  metrics::Histogram write_seconds_, flush_seconds_;
};

}  // namespace tidemark::store
