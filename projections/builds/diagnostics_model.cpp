#include "projections/builds/diagnostics_model.hpp"

#include "core/base/table.hpp"

namespace tidemark::projections::builds {
namespace {

struct CountRow {
  std::uint64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (count))

// worker id, run_at, order of arrival among reports of one millisecond
constexpr Table<DiagnosticView, std::string, Descending<std::int64_t>, Descending<std::uint64_t>> kReports{16};
constexpr Table<CountRow, std::string> kCounts{17};  // worker id; all that ever came

void keep(RowWriter& rows, const DiagnosticView& report) {
  CountRow counted = kCounts.get(rows, report.worker_id).value_or(CountRow{});
  kReports.put(rows, report.worker_id, report.run_at, counted.count, report);
  counted.count += 1;
  kCounts.put(rows, report.worker_id, counted);
}

struct Fold {
  RowWriter& rows;
  const EventContext& context;

  void operator()(const schemas::builds::DiagnosticReported& e) const {
    keep(rows, DiagnosticView{e.report_id, e.worker_id, e.status, to_ms(context.time), e.duration_ms, e.auto_fixed, e.checks.raw});
  }
  void operator()(const schemas::builds::DiagnosticImported& e) const {
    const auto& report = e.report;
    keep(rows, DiagnosticView{report.id, report.worker_id, report.status, report.run_at, report.duration_ms, report.auto_fixed, report.checks.raw});
  }
};

}  // namespace

void DiagnosticsModel::apply(RowWriter& rows, const Event& event, const EventContext& context) {
  std::visit(Fold{rows, context}, event);
}

void scan_diagnostics(const RowReader& rows, std::string_view worker_id, Time now, FnRef<bool(const DiagnosticView&)> visit) {
  const std::int64_t oldest = to_ms(now - schemas::builds::kSamplesShown);
  kReports.scan(rows, [&](const auto&, const DiagnosticView& report) { return report.run_at >= oldest && visit(report); },
                std::string(worker_id));
}

std::optional<DiagnosticView> latest_diagnostic(const RowReader& rows, std::string_view worker_id, Time now) {
  std::optional<DiagnosticView> latest;
  scan_diagnostics(rows, worker_id, now, [&](const DiagnosticView& report) {
    latest = report;
    return false;
  });
  return latest;
}

}  // namespace tidemark::projections::builds
