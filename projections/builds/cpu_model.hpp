#pragma once
// Read model "builds.cpu": processor samples by build, and the sums over all of them that public statistics are made from.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/rows.hpp"
#include "schemas/builds/import_events.hpp"
#include "schemas/builds/samples.hpp"

namespace tidemark::projections::builds {

/// A sample as the old controller kept it.
struct CpuSample {
  std::int64_t timestamp = 0;  ///< ms
  double cpu_percent = 0;
  double memory_mb = 0;
};
BOOST_DESCRIBE_STRUCT(CpuSample, (), (timestamp, cpu_percent, memory_mb))

/// Over every sample ever taken, shown or not. In thousandths: exact, and the same in whatever order they came.
struct CpuTotals {
  std::int64_t count = 0;
  std::int64_t millipercent = 0;
  double mean_percent() const { return count == 0 ? 0 : static_cast<double>(millipercent) / static_cast<double>(count) / 1000; }
};
BOOST_DESCRIBE_STRUCT(CpuTotals, (), (count, millipercent))

struct CpuModel {
  static constexpr std::string_view kName = "builds.cpu";
  static constexpr int kVersion = 1;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {std::string(schemas::builds::kSamplesTopic)}; }
  using Event = std::variant<schemas::builds::CpuSnapshotRecorded, schemas::builds::CpuSnapshotImported>;
  static void apply(RowWriter& rows, const Event& event, const EventContext& context);
};

/// Samples of a build that are young enough to be shown at `now`, oldest first, until `visit` says no.
void scan_cpu(const RowReader& rows, std::string_view build_id, Time now, FnRef<bool(const CpuSample&)> visit);
CpuTotals cpu_totals(const RowReader& rows);

}  // namespace tidemark::projections::builds
