// Workers report on themselves; operators read it.

#include <cmath>

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/fresh_rows.hpp"
#include "commands/builds/endpoint/json_values.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "core/event/json_writer.hpp"
#include "projections/builds/diagnostics_model.hpp"
#include "projections/builds/endpoint/render_samples.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;
namespace model = projections::builds;
namespace render = projections::builds::endpoint;

constexpr std::string_view kSaveFailed = "Failed to save diagnostic report";
constexpr std::uint64_t kReportsShown = 10;  // without a limit, or with one that is no number

http::Response refuse(const RefusalSpec& refusal) { return error_answer(refusal.status, refusal.text, refusal.reason); }

std::optional<std::int64_t> duration_of(event::JsonNode node) {
  constexpr double kMostMs = 9e15;  // doubles are whole numbers up to there
  const auto duration = number_of(node);
  if (!duration || std::abs(*duration) > kMostMs) return std::nullopt;
  return std::llround(*duration);
}

Refusal check_worker(Api& api, std::string_view worker_id, std::string_view failed) {
  bool known = false;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) { known = find_worker(view.state, worker_id).has_value(); });
  if (!answered) return ledger_unavailable(failed);
  if (!known) return refuse(kWorkerNotFound);
  return std::nullopt;
}

/// Rows for a reader who may see those of the worker, or the answer to send instead.
struct Shown {
  Refusal refusal;
  std::shared_ptr<const RowReader> rows;
};
Task<Shown> show_worker(Api& api, http::Request& request, std::string_view failed) {
  Shown out;
  out.refusal = check_key(api, request);
  if (!out.refusal) out.refusal = check_worker(api, request.param("worker_id"), failed);
  if (out.refusal) co_return out;
  out.rows = co_await fresh_rows(api, model::DiagnosticsModel::kName);
  if (!out.rows) out.refusal = ledger_unavailable(failed);
  co_return out;
}

}  // namespace

Task<http::Response> report_diagnostics(Api& api, http::Request& request) {
  if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  const event::JsonNode root = body->root();
  const auto duration_ms = duration_of(root["duration_ms"]);
  if (!is_given(root["worker_id"]) || !is_given(root["status"]) || !duration_ms || !is_given(root["checks"])) {
    co_return refuse(kDiagnosticFieldsMissing);
  }
  const auto status = parse_diagnostic_status(text_of(root["status"]));
  if (!status) co_return refuse(kDiagnosticStatusInvalid);
  SubmitDiagnostics command;
  command.worker_id = text_of(root["worker_id"]);
  command.status = *status;
  command.duration_ms = *duration_ms;
  command.auto_fixed = is_given(root["auto_fixed"]);
  command.checks.raw = compact_json(root["checks"]);
  const std::string actor = "worker:" + command.worker_id;
  CommandName name = name_command(api, request, "diagnostics");
  const auto outcome = co_await api.execute(request, command, actor, std::move(name));
  const auto reply = reply_of<DiagnosticReply>(outcome);
  if (!reply) co_return answer_for(outcome, kSaveFailed);
  std::string out;
  event::JsonWriter(out).begin_object().member("id", reply->report_id).member("status", "stored").end_object();
  co_return answer(200, std::move(out));
}

Task<http::Response> list_diagnostics(Api& api, http::Request& request) {
  auto shown = co_await show_worker(api, request, "Failed to fetch diagnostic reports");
  if (shown.refusal) co_return std::move(*shown.refusal);
  const std::uint64_t limit = read_limit(request).value_or(kReportsShown);
  co_return answer(200, render::diagnostics_json(*shown.rows, request.param("worker_id"), limit, api.node().scheduler().wall()));
}

Task<http::Response> latest_diagnostics(Api& api, http::Request& request) {
  auto shown = co_await show_worker(api, request, "Failed to fetch latest diagnostic");
  if (shown.refusal) co_return std::move(*shown.refusal);
  const auto latest = model::latest_diagnostic(*shown.rows, request.param("worker_id"), api.node().scheduler().wall());
  if (!latest) co_return error_answer(404, "No diagnostic reports found");
  co_return answer(200, render::diagnostic_json(*latest));
}

}  // namespace tidemark::commands::builds::endpoint
