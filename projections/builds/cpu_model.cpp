#include "projections/builds/cpu_model.hpp"

#include "core/base/table.hpp"

namespace tidemark::projections::builds {
namespace {

constexpr Table<CpuSample, std::string, std::int64_t, std::string> kSamples{16};  // build id, timestamp, event id
constexpr Table<CpuTotals> kTotals{17};

void keep(RowWriter& rows, const std::string& build_id, const CpuSample& sample, std::int64_t millipercent, std::string_view event_id) {
  kSamples.put(rows, build_id, sample.timestamp, std::string(event_id), sample);
  CpuTotals totals = cpu_totals(rows);
  totals.count += 1;
  totals.millipercent += millipercent;
  kTotals.put(rows, totals);
}

CpuSample sample_of(std::int64_t timestamp, const schemas::builds::CpuReading& reading) {
  return {timestamp, static_cast<double>(reading.cpu_millipercent) / 1000, static_cast<double>(reading.memory_kb) / 1000};
}

struct Fold {
  RowWriter& rows;
  const EventContext& context;

  void operator()(const schemas::builds::CpuSnapshotRecorded& e) const {
    keep(rows, e.build_id, sample_of(to_ms(context.time), e.reading), e.reading.cpu_millipercent, context.event_id);
  }
  void operator()(const schemas::builds::CpuSnapshotImported& e) const {
    for (const auto& sample : e.of.samples) {
      const std::string id = schemas::builds::imported_event_id(e.database, "cpu_snapshots", std::to_string(sample.row));
      keep(rows, e.of.build_id, sample_of(sample.timestamp, sample.reading), sample.reading.cpu_millipercent, id);
    }
  }
};

}  // namespace

void CpuModel::apply(RowWriter& rows, const Event& event, const EventContext& context) {
  std::visit(Fold{rows, context}, event);
}

void scan_cpu(const RowReader& rows, std::string_view build_id, Time now, FnRef<bool(const CpuSample&)> visit) {
  const std::string id(build_id);
  const std::int64_t oldest = to_ms(now - schemas::builds::kSamplesShown);
  kSamples.scan_from(rows, [&](const auto& key, const CpuSample& sample) {
    return std::get<0>(key) == id && visit(sample);
  }, id, oldest, std::string());
}

CpuTotals cpu_totals(const RowReader& rows) { return kTotals.get(rows).value_or(CpuTotals{}); }

}  // namespace tidemark::projections::builds
