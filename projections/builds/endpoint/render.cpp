#include "projections/builds/endpoint/render.hpp"

#include "core/event/json_writer.hpp"
#include "projections/builds/cpu_model.hpp"
#include "projections/builds/endpoint/uptime.hpp"
#include "projections/builds/logs_model.hpp"

namespace tidemark::projections::builds::endpoint {
namespace {

using event::JsonWriter;

std::string iso(std::int64_t ms) { return to_rfc3339(from_ms(ms)); }

template <class T>
void nullable(JsonWriter& json, std::string_view name, const std::optional<T>& value) {
  json.key(name);
  if (value) json.value(*value);
  else json.null();
}

std::string_view shown(BuildStatus status) { return name_of(shown_status(status)); }

}  // namespace

std::string list_json(const RowReader& rows, const ListFilter& filter) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  scan_newest(rows, filter, [&](const ListItem& item) {
    json.begin_object().member("id", item.id).member("status", shown(item.status)).member("createdAt", iso(item.submitted_at));
    if (item.completed_at) json.member("completedAt", iso(*item.completed_at));
    json.end_object();
    return true;
  });
  json.end_array();
  return out;
}

std::string active_json(const RowReader& rows) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("builds").begin_array();
  for (const ListItem& item : active_builds(rows)) {
    json.begin_object().member("id", item.id).member("status", shown(item.status)).member("platform", name_of(item.platform));
    nullable(json, "worker_id", item.worker_id);
    nullable(json, "started_at", item.started_at);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string statistics_json(const RowReader& rows) {
  const Statistics sums = statistics(rows);
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("total", sums.total()).member("pending", sums.pending).member("assigned", sums.assigned);
  json.member("building", sums.building).member("completed", sums.completed).member("failed", sums.failed);
  json.member("cancelled", sums.cancelled).end_object();
  return out;
}

std::string detail_json(const RowReader& rows, const BuildView& build) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("id", build.id).member("platform", name_of(build.platform)).member("status", shown(build.status));
  nullable(json, "worker_id", build.worker_id);
  nullable(json, "worker_name", worker_name(rows, build.worker_id));
  json.member("submitted_at", iso(build.submitted_at)).member("createdAt", iso(build.submitted_at));
  json.member("updated_at", iso(build.updated_at));
  nullable(json, "error_message", build.error_message);
  json.member("has_result", build.result.has_value()).end_object();
  return out;
}

std::string status_json(const BuildView& build) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("id", build.id).member("status", shown(build.status)).member("platform", name_of(build.platform));
  nullable(json, "worker_id", build.worker_id);
  json.member("submitted_at", build.submitted_at);
  nullable(json, "started_at", build.started_at);
  nullable(json, "completed_at", build.completed_at);
  nullable(json, "error_message", build.error_message);
  json.end_object();
  return out;
}

std::string logs_json(const RowReader& rows, std::string_view build_id, std::optional<std::uint64_t> limit) {
  std::string out;
  JsonWriter(out).begin_object().member("build_id", build_id).key("logs");
  append_logs_json(rows, build_id, limit, out);
  out.push_back('}');
  return out;
}

std::string worker_stats_json(const WorkerView& worker, Time now) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("totalBuilds", worker.builds_completed + worker.builds_failed);
  json.member("successfulBuilds", worker.builds_completed).member("failedBuilds", worker.builds_failed);
  json.member("workerName", worker.name).member("status", name_of(worker.status));
  json.member("uptime", uptime_text(now - from_ms(worker.registered_at))).end_object();
  return out;
}

std::string public_stats_json(const RowReader& rows, const RowReader& samples, std::int64_t nodes_online, Time now) {
  const Statistics sums = statistics(rows);
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("nodesOnline", nodes_online).member("buildsQueued", sums.pending);
  json.member("activeBuilds", sums.assigned + sums.building).member("buildsToday", completed_on_day(rows, now));
  json.member("totalBuilds", sums.finished()).member("totalBuildTimeMs", sums.build_time_ms);
  const double seconds = static_cast<double>(sums.build_time_ms) / 1000;
  json.member("totalCpuCycles", cpu_totals(samples).mean_percent() / 100 * seconds).end_object();
  return out;
}

}  // namespace tidemark::projections::builds::endpoint
