#include "core/observe/process_metrics.hpp"

#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

namespace tidemark::observe {
namespace {

double seconds_of(const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; }

class ProcessMetrics {
 public:
  ProcessMetrics(metrics::Registry& registry, const std::string& version, std::string data)
      : data_(std::move(data)),
        resident_(&registry, {"process_resident_memory_bytes", "Resident memory of the process"}),
        virtual_(&registry, {"process_virtual_memory_bytes", "Address space of the process"}),
        open_fds_(&registry, {"process_open_fds", "Open file descriptors"}),
        max_fds_(&registry, {"process_max_fds", "Limit of open file descriptors"}),
        cpu_(&registry, {"process_cpu_seconds_total", "Processor time used, user and system"}),
        data_free_(&registry, {"tidemark_data_free_bytes", "Space left for the node on the file system of the data directory"}),
        data_size_(&registry, {"tidemark_data_size_bytes", "Size of the file system of the data directory"}) {
    metrics::Gauge(&registry, {"tidemark_build_info", "Always 1; the label is the version of the build", {{"version", version}}}).set(1);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    metrics::Gauge(&registry, {"process_start_time_seconds", "When the process began, since the Unix epoch"})
        .set(std::chrono::duration<double>(now).count());
  }

  void collect() {
    collect_memory();
    collect_descriptors();
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) {
      const double used = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
      cpu_.add(std::max(0.0, used - cpu_counted_));
      cpu_counted_ = std::max(cpu_counted_, used);
    }
    struct statvfs space{};
    if (::statvfs(data_.c_str(), &space) == 0) {
      data_free_.set(static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize));
      data_size_.set(static_cast<double>(space.f_blocks) * static_cast<double>(space.f_frsize));
    }
  }

 private:
  void collect_memory() {
    std::ifstream statm("/proc/self/statm");
    double size = 0, resident = 0;
    if (!(statm >> size >> resident)) return;
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    virtual_.set(size * page);
    resident_.set(resident * page);
  }
  void collect_descriptors() {
    std::error_code failed;
    const std::filesystem::directory_iterator open("/proc/self/fd", failed);
    if (!failed) open_fds_.set(static_cast<double>(std::distance(begin(open), end(open))));
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) max_fds_.set(static_cast<double>(limit.rlim_cur));
  }

  const std::string data_;
  metrics::Gauge resident_, virtual_, open_fds_, max_fds_;
  metrics::Counter cpu_;
  metrics::Gauge data_free_, data_size_;
  double cpu_counted_ = 0;
};

}  // namespace

void watch_process(MetricsRegistry& registry, std::string version, std::string data) {
  auto process = std::make_unique<ProcessMetrics>(registry, version, std::move(data));
  registry.on_expose([process = std::move(process)] { process->collect(); });
}

}  // namespace tidemark::observe
