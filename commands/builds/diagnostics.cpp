// Reports of workers on themselves. They are kept and shown; nothing is decided from them.

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

/// A version 4 UUID to look at, as reports of the old controller had; made from the command, so that deciding again gives
/// the same.
std::string report_id(const Context& context) {
  std::string text = to_string(context.derive("diagnostic"));
  text[14] = '4';
  return text;
}

}  // namespace

Outcome decide_diagnostics(const Scene& scene, const SubmitDiagnostics& command) {
  if (!kWorkers.contains(scene.state, command.worker_id)) return refuse(kWorkerNotFound);
  if (!command.checks.raw.starts_with('[')) return refuse(kDiagnosticChecksInvalid);
  const std::string id = report_id(scene.context);
  Draft draft(scene);
  draft.add(DiagnosticReported{.pool_id = scene.pool(), .worker_id = command.worker_id, .report_id = id,
                               .status = command.status, .duration_ms = command.duration_ms,
                               .auto_fixed = command.auto_fixed, .checks = command.checks});
  return std::move(draft).answer(DiagnosticReply{.report_id = id});
}

}  // namespace tidemark::commands::builds
