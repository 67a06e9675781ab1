#include "projections/builds/endpoint/status_board.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/event/json_writer.hpp"
#include "projections/builds/builds_model.hpp"
#include "projections/builds/status_model.hpp"

namespace tidemark::projections::builds::endpoint {
namespace {

using event::JsonWriter;

constexpr std::int64_t kBuildSeenStepMs = 5'000;
constexpr std::int64_t kContactStepMs = 60'000;

template <class T>
void optional_member(JsonWriter& json, std::string_view name, const std::optional<T>& value) {
  if (value) json.member(name, *value);
}

std::optional<std::int64_t> rounded(std::optional<std::int64_t> ms, std::int64_t step) {
  if (ms) *ms -= *ms % step;
  return ms;
}

http::BoardSection totals_section(const RowReader& builds, const LiveSigns& signs, Time now) {
  const Statistics sums = statistics(builds);
  http::BoardItem item{"totals", {}};
  JsonWriter json(item.json);
  json.begin_object().member("pending", sums.pending).member("assigned", sums.assigned).member("building", sums.building);
  json.member("completed", sums.completed).member("failed", sums.failed).member("cancelled", sums.cancelled);
  json.member("completed_today", completed_on_day(builds, now)).member("workers_online", signs.workers_online).end_object();
  return {"totals", {std::move(item)}};
}

http::BoardSection queue_section(const RowReader& status) {
  http::BoardSection section{"queue", {}};
  for (const OpenBuild& build : queued_builds(status, kQueueShown)) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("id", build.id).member("platform", schemas::builds::name_of(build.platform));
    json.member("submitted_at", build.submitted_at).member("order", build.order).member("attempt", build.attempt).end_object();
    section.items.push_back({build.id, std::move(out)});
  }
  return section;
}

http::BoardSection active_section(const RowReader& status, const RowReader& builds, const LiveSigns& signs) {
  http::BoardSection section{"active", {}};
  for (const OpenBuild& build : running_builds(status, kRunningShown)) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("id", build.id).member("platform", schemas::builds::name_of(build.platform));
    json.member("status", schemas::builds::name_of(build.status)).member("attempt", build.attempt);
    json.member("submitted_at", build.submitted_at).member("order", build.order);
    optional_member(json, "worker_id", build.worker_id);
    optional_member(json, "worker", worker_name(builds, build.worker_id));
    optional_member(json, "started_at", build.started_at);
    optional_member(json, "seen_at", rounded(signs.build_seen(build.id), kBuildSeenStepMs));
    optional_member(json, "stage", signs.stage(build.id, build.attempt));
    if (const auto progress = signs.progress(build.id, build.attempt)) json.member("progress", static_cast<double>(*progress) / 10);
    json.end_object();
    section.items.push_back({build.id, std::move(out)});
  }
  return section;
}

http::BoardSection workers_section(const RowReader& builds, const LiveSigns& signs) {
  // Those that are there before those that were there once, of which there may be many.
  std::vector<WorkerView> here, offline;
  scan_workers(builds, [&](const WorkerView& worker) {
    auto& those = worker.status == WorkerStatus::offline ? offline : here;
    if (those.size() < kWorkersShown) those.push_back(worker);
    return true;
  });
  for (WorkerView& worker : offline) {
    if (here.size() < kWorkersShown) here.push_back(std::move(worker));
  }
  http::BoardSection section{"workers", {}};
  for (const WorkerView& worker : here) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("id", worker.id).member("name", worker.name).member("status", schemas::builds::name_of(worker.status));
    json.member("completed", worker.builds_completed).member("failed", worker.builds_failed);
    optional_member(json, "build_id", worker.active_build_id);
    optional_member(json, "seen_at", rounded(signs.worker_contact(worker.id), kContactStepMs));
    json.end_object();
    section.items.push_back({worker.id, std::move(out)});
  }
  return section;
}

http::BoardSection ended_section(std::string name, const std::vector<EndedBuild>& ended, const RowReader& builds) {
  http::BoardSection section{std::move(name), {}};
  for (const EndedBuild& build : ended) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().member("id", build.id).member("number", build.number);
    json.member("platform", schemas::builds::name_of(build.platform)).member("ending", name_of(build.ending));
    json.member("submitted_at", build.submitted_at).member("ended_at", build.ended_at);
    optional_member(json, "started_at", build.started_at);
    optional_member(json, "worker_id", build.worker_id);
    optional_member(json, "worker", worker_name(builds, build.worker_id));
    if (!build.message.empty()) json.member("message", build.message);
    json.end_object();
    section.items.push_back({build.id, std::move(out)});
  }
  return section;
}

}  // namespace

std::vector<http::BoardSection> status_sections(const RowReader& status, const RowReader& builds, const LiveSigns& signs, Time now) {
  std::vector<http::BoardSection> sections;
  sections.push_back(totals_section(builds, signs, now));
  sections.push_back(queue_section(status));
  sections.push_back(active_section(status, builds, signs));
  sections.push_back(workers_section(builds, signs));
  sections.push_back(ended_section("finished", ended_builds(status), builds));
  sections.push_back(ended_section("failures", failed_builds(status), builds));
  return sections;
}

}  // namespace tidemark::projections::builds::endpoint
