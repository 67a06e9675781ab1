#include "commands/builds/decider.hpp"

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

struct Decide {
  const Scene& scene;
  Outcome operator()(const SubmitBuild& c) const { return decide_submit(scene, c); }
  Outcome operator()(const RetryBuild& c) const { return decide_retry(scene, c); }
  Outcome operator()(const CancelBuild& c) const { return decide_cancel(scene, c); }
  Outcome operator()(const RegisterWorker& c) const { return decide_register(scene, c); }
  Outcome operator()(const PollForJob& c) const { return decide_poll(scene, c); }
  Outcome operator()(const UnregisterWorker& c) const { return decide_unregister(scene, c); }
  Outcome operator()(const RecordSignOfLife& c) const { return decide_sign_of_life(scene, c); }
  Outcome operator()(const RecordTelemetry& c) const { return decide_telemetry(scene, c); }
  Outcome operator()(const SubmitDiagnostics& c) const { return decide_diagnostics(scene, c); }
  Outcome operator()(const AppendLogs& c) const { return decide_logs(scene, c); }
  Outcome operator()(const AuthenticateVm& c) const { return decide_authenticate(scene, c); }
  Outcome operator()(const MarkVmReady& c) const { return decide_vm_ready(scene, c); }
  Outcome operator()(const ReportResult& c) const { return decide_result(scene, c); }
  Outcome operator()(const AbandonBuild& c) const { return decide_abandon(scene, c); }
  Outcome operator()(const ExpireBuild& c) const { return decide_expire_build(scene, c); }
  Outcome operator()(const ExpireWorker& c) const { return decide_expire_worker(scene, c); }
  Outcome operator()(const PurgeBlob& c) const { return decide_purge(scene, c); }
  Outcome operator()(const Import& c) const { return decide_import(scene, c); }
};

}  // namespace

Decision<Builds::Event, Builds::Reply> Builds::decide(const RowReader& state, const Command& command,
                                                      const Context& context,
                                                      const Settings& settings) {
  const Scene scene{state, context, settings};
  return std::visit(Decide{scene}, command);
}

}  // namespace tidemark::commands::builds
