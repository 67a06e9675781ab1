#pragma once
// What an exporter counts, and how far it is behind the log.

#include <string>

#include "core/base/metrics.hpp"
#include "core/base/time.hpp"

namespace tidemark::replay {

class ExportMetrics {
 public:
  ExportMetrics() = default;
  ExportMetrics(metrics::Registry* registry, const std::string& name)
      : lag_events_(registry, {"tidemark_export_lag_events", "Events between the exported files and the durable end; 0 without an export", {{"export", name}}}),
        lag_seconds_(registry, {"tidemark_export_lag_seconds", "Age of the oldest event that is not exported", {{"export", name}}}),
        ready_(registry, {"tidemark_export_ready", "0 while the last try to bring the exported files up to date has failed", {{"export", name}}}),
        failures_(registry, {"tidemark_export_failures_total", "Tries to bring the exported files up to date that failed", {{"export", name}}}),
        events_(registry, {"tidemark_export_events_total", "Events brought into the exported files", {{"export", name}}}),
        files_(registry, {"tidemark_export_files_total", "Files copied into the exported tree", {{"export", name}}}),
        lost_(registry, {"tidemark_export_files_lost_total", "Files that could not be exported because their blob is gone or damaged", {{"export", name}}}),
        left_out_(registry, {"tidemark_export_left_out_total", "Facts that were not exported because nobody knows what they are about", {{"export", name}}}) {
    ready_.set(1);
  }

  void behind(std::uint64_t events, Duration age) const {
    lag_events_.set(static_cast<double>(events));
    lag_seconds_.set(std::chrono::duration<double>(age).count());
  }
  void failed() const {
    failures_.add();
    ready_.set(0);
  }
  void applied(std::size_t events, std::size_t files, std::size_t lost, std::uint64_t left_out) const {
    ready_.set(1);
    events_.add(static_cast<double>(events));
    files_.add(static_cast<double>(files));
    lost_.add(static_cast<double>(lost));
    left_out_.add(static_cast<double>(left_out));
  }

 private:
  metrics::Gauge lag_events_, lag_seconds_, ready_;
  metrics::Counter failures_, events_, files_, lost_, left_out_;
};

}  // namespace tidemark::replay
