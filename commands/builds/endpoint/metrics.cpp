#include "commands/builds/endpoint/metrics.hpp"

#include <algorithm>

#include "commands/builds/endpoint/routes.hpp"
#include "core/runtime/node_gauges.hpp"
#include "projections/builds/builds_model.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

void set_queue(metrics::Registry& registry, const char* state, std::int64_t builds) {
  const metrics::Description description{"tidemark_builds_queue_builds", "Builds that wait, are assigned or are under way", {{"state", state}}};
  metrics::Gauge(&registry, description).set(static_cast<double>(builds));
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return text.starts_with(prefix); });
}

}  // namespace

void expose_builds(observe::MetricsRegistry& registry, runtime::Node& node) {
  const metrics::Counter timeouts(&registry, {"tidemark_builds_timeouts_total", "Builds whose worker fell silent, since the log begins"});
  registry.on_expose([&registry, &node, timeouts, counted = std::int64_t{0}]() mutable {
    try {
      const auto rows = node.projection_rows(projections::builds::BuildsModel::kName);
      if (!rows) return;
      const auto sums = projections::builds::statistics(*rows);
      set_queue(registry, "pending", sums.pending);
      set_queue(registry, "assigned", sums.assigned);
      set_queue(registry, "building", sums.building);
      // A model that is being built anew counts from the beginning; the counter waits for it.
      if (sums.timed_out > counted) timeouts.add(static_cast<double>(sums.timed_out - std::exchange(counted, sums.timed_out)));
    } catch (const RowsUnavailable&) {
      // The store has failed and the node ends with it: there is nothing to say.
    }
  });
}

bool is_shown_by_surface(std::string_view name, const metrics::Labels& labels) {
  if (starts_with_any(name, {"tidemark_builds_", "tidemark_blob_", "tidemark_shadow_"})) return true;
  if (name == "tidemark_log_refused_appends_total" || name == "tidemark_node_ready") return true;
  if (!starts_with_any(name, {"tidemark_projection_", "tidemark_lane_"})) return false;
  return std::any_of(labels.begin(), labels.end(), [](const auto& label) {
    return (label.first == "domain" && label.second == schemas::builds::kDomainName) || (label.first == "projection" && label.second.starts_with("builds."));
  });
}

Task<http::Response> surface_metrics(Api& api, http::Request&) {
  observe::MetricsRegistry* registry = api.services.metrics;
  if (registry == nullptr) co_return error_answer(404, "Not found");
  auto asking = runtime::set_node_gauges(*registry, api.node(), api.services.blocking);
  co_await std::move(asking);
  auto work = [registry] { return registry->expose_selected(is_shown_by_surface); };
  auto exposing = run_on(api.services.blocking, api.node().scheduler(), std::move(work));
  http::Response response;
  response.header("Content-Type", std::string(observe::kExpositionType)).header("Cache-Control", "no-store");
  response.body = co_await exposing;
  co_return response;
}

}  // namespace tidemark::commands::builds::endpoint
