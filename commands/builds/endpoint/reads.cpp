// What the developer's command line asks, answered from read models that show everything acknowledged before.

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/fresh_rows.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "projections/builds/builds_model.hpp"
#include "projections/builds/endpoint/render.hpp"
#include "projections/builds/logs_model.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

namespace model = projections::builds;
namespace render = projections::builds::endpoint;

/// A filter that names no state or platform matches nothing, as an unknown worker id does.
bool read_filter(const http::Request& request, model::ListFilter& filter) {
  if (const auto status = request.query("status"); status && !status->empty()) {
    filter.status = schemas::builds::parse_status(*status);
    if (!filter.status) return false;
  }
  if (const auto platform = request.query("platform"); platform && !platform->empty()) {
    filter.platform = schemas::builds::parse_platform(*platform);
    if (!filter.platform) return false;
  }
  if (auto worker = request.query("worker_id"); worker && !worker->empty()) filter.worker_id = std::move(worker);
  return true;
}

/// Renders on the blocking executor what may be long, from rows that do not change meanwhile: many lines or builds delay nobody.
Task<http::Response> render_aside(Api& api, Fn<std::string()> make) {
  auto work = [make = std::move(make)]() mutable -> Result<std::string> {
    try {
      return make();
    } catch (const RowsUnavailable& failed) {
      return make_error(Code::unavailable, failed.what());
    }
  };
  auto running = run_on(api.services.blocking, api.node().scheduler(), std::move(work));
  auto made = co_await running;
  if (!made.ok()) co_return ledger_unavailable(kInternalText);
  co_return answer(200, std::move(*made));
}

/// The view of one build that the caller may read, or the answer to send instead.
struct Seen {
  std::optional<http::Response> refusal;
  std::shared_ptr<const RowReader> rows;
  model::BuildView build;
};
Task<Seen> see_build(Api& api, http::Request& request) {
  Seen out;
  const std::string id(request.param("id"));
  std::optional<BuildRow> build;
  out.refusal = check_key_or_build_token(api, request, id, build);
  if (out.refusal) co_return out;
  out.rows = co_await fresh_rows(api, model::BuildsModel::kName);
  if (!out.rows) {
    out.refusal = ledger_unavailable(kInternalText);
    co_return out;
  }
  auto view = model::find_build(*out.rows, id);
  if (view) out.build = std::move(*view);
  else out.refusal = build_not_found();
  co_return out;
}

}  // namespace

Task<http::Response> list_builds(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  model::ListFilter filter;
  if (!read_filter(request, filter)) co_return answer(200, "[]");
  const auto rows = co_await fresh_rows(api, model::BuildsModel::kName);
  if (!rows) co_return ledger_unavailable(kInternalText);
  auto rendering = render_aside(api, [rows, filter] { return render::list_json(*rows, filter); });
  co_return co_await std::move(rendering);
}

Task<http::Response> active_builds(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  const auto rows = co_await fresh_rows(api, model::BuildsModel::kName);
  if (!rows) co_return ledger_unavailable(kInternalText);
  co_return answer(200, render::active_json(*rows));
}

Task<http::Response> build_statistics(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  const auto rows = co_await fresh_rows(api, model::BuildsModel::kName);
  if (!rows) co_return ledger_unavailable(kInternalText);
  co_return answer(200, render::statistics_json(*rows));
}

Task<http::Response> build_detail(Api& api, http::Request& request) {
  auto seen = co_await see_build(api, request);
  if (seen.refusal) co_return std::move(*seen.refusal);
  co_return answer(200, render::detail_json(*seen.rows, seen.build));
}

Task<http::Response> build_status(Api& api, http::Request& request) {
  auto seen = co_await see_build(api, request);
  if (seen.refusal) co_return std::move(*seen.refusal);
  co_return answer(200, render::status_json(seen.build));
}

Task<http::Response> build_logs(Api& api, http::Request& request) {
  const std::string id(request.param("id"));
  std::optional<BuildRow> build;
  if (auto refusal = check_key_or_build_token(api, request, id, build)) co_return std::move(*refusal);
  if (!build) co_return build_not_found();
  const auto rows = co_await fresh_rows(api, model::LogsModel::kName);
  if (!rows) co_return ledger_unavailable(kInternalText);
  auto rendering = render_aside(api, [rows, id, limit = read_limit(request)] { return render::logs_json(*rows, id, limit); });
  co_return co_await std::move(rendering);
}

Task<http::Response> worker_stats(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  const auto rows = co_await fresh_rows(api, model::BuildsModel::kName);
  if (!rows) co_return ledger_unavailable(kInternalText);
  const auto worker = model::find_worker(*rows, request.param("id"));
  if (!worker) co_return error_answer(404, "Worker not found", "WORKER_NOT_FOUND");
  co_return answer(200, render::worker_stats_json(*worker, api.node().scheduler().wall()));
}

}  // namespace tidemark::commands::builds::endpoint
