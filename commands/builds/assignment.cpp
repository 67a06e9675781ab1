// Who works on what: rows 3, 4, 5 and 9 of the state machine. A worker never has two builds, a build never two workers.

#include "commands/builds/queries.hpp"
#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

bool presents_live_token(const Scene& scene, const WorkerRow& worker, const std::optional<std::string>& presented) {
  if (!presented || presented->empty()) return false;
  if (*presented == worker.token_sha256) return scene.now < worker.token_expires_at;
  return *presented == worker.previous_token_sha256 && scene.now < worker.previous_token_expires_at;
}

std::optional<BuildRow> first_pending(const Scene& scene) {
  const auto totals = kTotals.get(scene.state);
  if (!totals || totals->pending == 0) return std::nullopt;
  const auto row = kPending.get(scene.state, totals->first_queued_at, totals->first_order);
  return row ? scene.build(row->id) : std::nullopt;
}

// The build as it is after this decision's assignment.
BuildRow begin_attempt(const Scene& scene, BuildRow build, const PollForJob& command) {
  build.attempt += 1;
  build.otp_key_id = command.otp_key_id;
  build.otp_expires_at = scene.now + scene.settings.otp_ms;
  return build;
}

}  // namespace

Outcome decide_poll(const Scene& scene, const PollForJob& command) {
  const auto worker = scene.worker(command.worker_id);
  if (!worker) return refuse(kWorkerNotFound);
  const bool by_token = command.credential == Credential::worker_token;
  if (by_token && !presents_live_token(scene, *worker, command.token_sha256)) return refuse(kWorkerTokenInvalid);

  Draft draft(scene);
  PollReply reply{.job = std::nullopt, .token_key_id = worker->token_key_id, .token_nonce = worker->token_nonce,
                  .token_expires_at = worker->token_expires_at};
  if (worker->status == WorkerStatus::offline) {
    draft.add(WorkerCameOnline{.pool_id = scene.pool(), .worker_id = worker->id,
                               .offline_due_at = scene.now + scene.settings.worker_offline_ms});
  }
  const bool rotate = by_token && command.next_token_sha256 && command.next_token_key_id &&
                      worker->token_expires_at - scene.now < scene.settings.worker_token_rotate_ms;
  if (rotate) {
    reply.token_key_id = *command.next_token_key_id;
    reply.token_nonce = std::string(scene.context.command_id);
    reply.token_expires_at = scene.now + scene.settings.worker_token_ms;
    draft.add(WorkerTokenRotated{.pool_id = scene.pool(), .worker_id = worker->id,
                                 .token_sha256 = *command.next_token_sha256,
                                 .token_key_id = reply.token_key_id, .token_expires_at = reply.token_expires_at});
  }

  const std::int64_t liveness_due_at = scene.now + scene.settings.assigned_silence_ms;
  if (const auto held = scene.build(worker->active_build_id)) {
    if (worker->lost_job) {
      const BuildRow build = begin_attempt(scene, *held, command);
      draft.add(BuildReassigned{.pool_id = scene.pool(), .build_id = build.id, .worker_id = worker->id,
                                .attempt = build.attempt,
                                .otp_key_id = build.otp_key_id, .otp_expires_at = build.otp_expires_at,
                                .liveness_due_at = liveness_due_at});
      draft.log(build.id, LogLevel::info, "Assigned to worker " + worker->name);
      reply.job = job_of(build);
    } else {
      // A token-authenticated worker runs what it was given and would start it twice; a lost answer shows as silence.
      // That its virtual machine has authenticated is known even when the owner's memory of later signs is lost.
      const bool alive = held->status == BuildStatus::building || held->vm_authenticated_at != 0 ||
                         command.last_sign_at.value_or(0) >= held->assigned_at;
      if (!by_token || !alive) reply.job = job_of(*held);
    }
  } else if (const auto next = first_pending(scene)) {
    const BuildRow build = begin_attempt(scene, *next, command);
    draft.add(BuildAssigned{.pool_id = scene.pool(), .build_id = build.id, .worker_id = worker->id,
                            .attempt = build.attempt,
                            .otp_key_id = build.otp_key_id, .otp_expires_at = build.otp_expires_at,
                            .liveness_due_at = liveness_due_at,
                            .claimed = false});
    draft.log(build.id, LogLevel::info, "Assigned to worker " + worker->name);
    reply.job = job_of(build);
  }
  return std::move(draft).answer(std::move(reply));
}

std::optional<PollReply> idle_poll(const RowReader& state, const PollForJob& command, const Context& context,
                                   const Settings& settings) {
  Outcome outcome = decide_poll(Scene{state, context, settings}, command);
  auto* const nothing = std::get_if<Nothing<Reply>>(&outcome);
  if (nothing == nullptr) return std::nullopt;
  return std::get<PollReply>(std::move(nothing->reply));
}

Outcome decide_abandon(const Scene& scene, const AbandonBuild& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (!is_active(build->status) || build->worker_id != command.worker_id) return refuse(kNotBuildOwner);
  Draft draft(scene);
  const bool pending = requeue(scene, draft, *build, cut_text(command.reason, scene.settings.error_message_bytes_max));
  return std::move(draft)
      .answer(BuildReply{.build_id = build->id, .status = pending ? BuildStatus::pending : BuildStatus::failed});
}

}  // namespace tidemark::commands::builds
