#include "projections/builds/endpoint/render_samples.hpp"

#include "core/event/json_writer.hpp"

namespace tidemark::projections::builds::endpoint {
namespace {

void write(event::JsonWriter& json, const DiagnosticView& report) {
  json.begin_object().member("id", report.id).member("worker_id", report.worker_id).member("status", name_of(report.status));
  json.member("run_at", report.run_at).member("duration_ms", report.duration_ms).member("auto_fixed", report.auto_fixed);
  json.key("checks").raw(report.checks).end_object();
}

}  // namespace

std::string diagnostic_json(const DiagnosticView& report) {
  std::string out;
  event::JsonWriter json(out);
  write(json, report);
  return out;
}

std::string diagnostics_json(const RowReader& rows, std::string_view worker_id, std::uint64_t limit, Time now) {
  std::string out;
  event::JsonWriter json(out);
  json.begin_object().member("worker_id", worker_id).key("reports").begin_array();
  std::uint64_t written = 0;
  scan_diagnostics(rows, worker_id, now, [&](const DiagnosticView& report) {
    if (written == limit) return false;
    write(json, report);
    return ++written < limit;
  });
  json.end_array().end_object();
  return out;
}

}  // namespace tidemark::projections::builds::endpoint
