// How a build ends by report: rows 7, 8, 12 and 13 of the state machine. The first artifact wins, an end is counted
// once.

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

void complete(const Scene& scene, Draft& draft, const BuildRow& build, const std::string& worker_id,
              const BlobRef& result, bool late) {
  BuildCompleted completed{.pool_id = scene.pool(), .build_id = build.id, .worker_id = worker_id,
                           .attempt = build.attempt,
                           .result = result, .late = late, .certs_due_at = certs_due_at(scene, build)};
  completed.result.kind = BlobKind::result;
  draft.add(std::move(completed));
  draft.log(build.id, LogLevel::info, "Build completed successfully");
}

void fail(const Scene& scene, Draft& draft, const BuildRow& build, const std::string& worker_id,
          const std::optional<std::string>& said) {
  const std::string message =
      cut_text(said && !said->empty() ? *said : "Build failed", scene.settings.error_message_bytes_max);
  draft.add(BuildFailed{.pool_id = scene.pool(), .build_id = build.id, .worker_id = worker_id, .attempt = build.attempt,
                        .error_message = message, .failure_code = std::string(kReportedFailure),
                        .certs_due_at = certs_due_at(scene, build)});
  draft.log(build.id, LogLevel::error, message);
}

Outcome already(BuildStatus status) {
  return Nothing<Reply>{ResultReply{.status = status, .changed = false}, std::nullopt};
}

Outcome end(const Scene& scene, Draft draft, const BuildRow& build, const std::string& worker_id,
            const ReportResult& command, bool late) {
  const bool delivered = command.success && command.result;
  if (delivered) complete(scene, draft, build, worker_id, *command.result, late);
  else fail(scene, draft, build, worker_id, command.error_message);
  return std::move(draft)
      .answer(ResultReply{.status = delivered ? BuildStatus::completed : BuildStatus::failed, .changed = true});
}

// The same worker, or the VM of the same attempt.
bool had_attempt(const BuildRow& build, const ReportResult& command) {
  if (command.attempt && *command.attempt != build.attempt) return false;
  if (command.credential == Credential::vm_token) return command.attempt.has_value();
  return command.worker_id && *command.worker_id == build.last_worker_id;
}

Outcome end_pending(const Scene& scene, const BuildRow& build, const ReportResult& command) {
  const bool delivered = command.success && command.result;
  if (build.attempt > 0) {
    if (!delivered) return refuse(kAlreadyFinished);
    if (command.credential == Credential::vm_token || !had_attempt(build, command)) return refuse(kNotBuildOwner);
    return end(scene, Draft(scene), build, build.last_worker_id, command, true);
  }
  // Old test suites report on builds that nobody polled for; they hold the API key.
  if (command.credential != Credential::api_key || !command.worker_id) return refuse(kNotBuildOwner);
  const auto worker = scene.worker(*command.worker_id);
  if (!worker) return refuse(kWorkerNotFound);
  BuildRow claimed = build;
  claimed.attempt = 1;
  Draft draft(scene);
  draft.add(BuildAssigned{.pool_id = scene.pool(), .build_id = build.id, .worker_id = worker->id,
                          .attempt = claimed.attempt, .otp_key_id = {},
                          .otp_expires_at = 0, .liveness_due_at = 0, .claimed = true});
  draft.log(build.id, LogLevel::info, "Assigned to worker " + worker->name);
  return end(scene, std::move(draft), claimed, worker->id, command, false);
}

}  // namespace

Outcome decide_result(const Scene& scene, const ReportResult& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (command.worker_id && !kWorkers.contains(scene.state, *command.worker_id)) return refuse(kWorkerNotFound);
  if (command.result && command.result->size > scene.settings.result_bytes_max) return refuse(kResultTooLarge);
  const bool delivered = command.success && command.result;

  switch (build->status) {
    case BuildStatus::completed:
      // A worker reports success without a file once its VM has uploaded the artifact.
      return command.success ? already(BuildStatus::completed) : refuse(kAlreadyFinished);
    case BuildStatus::failed: {
      if (!delivered) return already(BuildStatus::failed);
      const bool in_time = build->failure_code == kTimedOutFailure &&
          scene.now - build->completed_at <= scene.settings.late_success_ms;
      if (!in_time || !had_attempt(*build, command)) return refuse(kAlreadyFinished);
      return end(scene, Draft(scene), *build, build->worker_id, command, true);
    }
    case BuildStatus::cancelled:
      return delivered ? Outcome(refuse(kAlreadyFinished)) : already(BuildStatus::failed);
    case BuildStatus::assigned:
    case BuildStatus::building:
      if (const auto refusal = refuse_owner(*build, command.credential, command.worker_id, command.attempt))
        return refuse(*refusal);
      return end(scene, Draft(scene), *build, build->worker_id, command, false);
    case BuildStatus::pending:
      break;
  }
  return end_pending(scene, *build, command);
}

}  // namespace tidemark::commands::builds
