#pragma once
// What the journal counts. From the writer and the sealer.

#include <cstdint>

#include "core/base/metrics.hpp"

namespace tidemark::log {

class JournalMetrics {
 public:
  explicit JournalMetrics(metrics::Registry* registry)
      : commits_(registry, {"tidemark_log_commits_total", "Commit frames written and synced"}),
        records_(registry, {"tidemark_log_records_total", "Records committed"}),
        bytes_(registry, {"tidemark_log_written_bytes_total", "Bytes of commit frames"}),
        segments_(registry, {"tidemark_log_segments_begun_total", "Segments that the journal went on into"}),
        refused_(registry, {"tidemark_log_refused_appends_total", "Appends that were not written: queue full, no space, log failed"}),
        sealed_files_(registry, {"tidemark_log_sealed_files_total", "Files made of full segments"}),
        sealed_bytes_(registry, {"tidemark_log_sealed_bytes_total", "Bytes of those files"}),
        cut_files_(registry, {"tidemark_log_cut_files_total", "Files that retention removed"}),
        cut_bytes_(registry, {"tidemark_log_cut_bytes_total", "Bytes of those files"}),
        sealing_failures_(registry, {"tidemark_log_sealing_failures_total", "Times that sealing or retention failed; both are tried again"}),
        appends_(registry, {"tidemark_log_commit_appends", "Appends that shared a commit"}, metrics::count_bounds()),
        commit_seconds_(registry, {"tidemark_log_commit_seconds", "Writing and syncing one commit frame"}, metrics::time_bounds()),
        sync_seconds_(registry, {"tidemark_log_sync_seconds", "The sync in it"}, metrics::time_bounds()) {}

  metrics::Stopwatch committing() const { return metrics::Stopwatch(commit_seconds_); }
  metrics::Stopwatch syncing() const { return metrics::Stopwatch(sync_seconds_); }
  void committed(std::size_t appends, std::uint64_t records, std::uint64_t bytes) const {
    commits_.add();
    records_.add(static_cast<double>(records));
    bytes_.add(static_cast<double>(bytes));
    appends_.observe(static_cast<double>(appends));
  }
  void segment_begun() const { segments_.add(); }
  void sealed(std::uint64_t bytes) const {
    sealed_files_.add();
    sealed_bytes_.add(static_cast<double>(bytes));
  }
  void cut(std::uint64_t bytes) const {
    cut_files_.add();
    cut_bytes_.add(static_cast<double>(bytes));
  }
  void sealing_failed() const { sealing_failures_.add(); }
  void refused() const { refused_.add(); }

 private:
  metrics::Counter commits_, records_, bytes_, segments_, refused_;
  metrics::Counter sealed_files_, sealed_bytes_, cut_files_, cut_bytes_, sealing_failures_;
  metrics::Histogram appends_, commit_seconds_, sync_seconds_;
};

}  // namespace tidemark::log
