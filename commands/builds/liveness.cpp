// Signs of life and their absence: rows 6 and 11 of the state machine. Most heartbeats change nothing; the endpoint
// keeps them in the owner's memory, and the timer's command brings that memory along.

#include <algorithm>

#include "commands/builds/queries.hpp"
#include "commands/builds/rules.hpp"
#include "commands/builds/silence.hpp"

namespace tidemark::commands::builds {

Outcome answer_after_end(const BuildRow& build, SignOfLifeReply reply) {
  // A worker beats once more after its VM has uploaded the artifact, and would take a refusal for a failed build.
  const bool ended_for_good = build.status == BuildStatus::cancelled ||
                              (build.status == BuildStatus::failed && build.failure_code == kReportedFailure);
  if (ended_for_good) return refuse(kAlreadyFinished);
  return Nothing<Reply>{reply, std::nullopt};
}

void note_start(const Scene& scene, Draft& draft, const BuildRow& build) {
  if (build.status != BuildStatus::assigned) return;
  draft.add(BuildStarted{.pool_id = scene.pool(), .build_id = build.id, .attempt = build.attempt,
                         .liveness_due_at = scene.now + scene.settings.building_silence_ms});
}

Outcome decide_sign_of_life(const Scene& scene, const RecordSignOfLife& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (const auto refusal = refuse_owner(*build, command.credential, command.worker_id, command.attempt))
    return refuse(*refusal);
  SignOfLifeReply reply{.timestamp = scene.now, .active = is_active(build->status)};
  if (!reply.active) return answer_after_end(*build, reply);

  Draft draft(scene);
  note_start(scene, draft, *build);
  if (is_mark_due(scene.settings, scene.now, command.last_mark_at)) {
    draft.add(HeartbeatRecorded{.pool_id = scene.pool(), .build_id = build->id, .worker_id = build->worker_id,
                                .attempt = build->attempt});
  }
  if (command.progress)
    draft.log(build->id, LogLevel::info, "Build progress: " + cut_text(*command.progress, 64) + "%");
  return std::move(draft).answer(reply);
}

Outcome decide_expire_build(const Scene& scene, const ExpireBuild& command) {
  const auto build = scene.build(command.build_id);
  if (!build || !is_active(build->status) || build->attempt != command.attempt) return Nothing<Reply>{};
  const std::int64_t allowed =
      build->status == BuildStatus::building ? scene.settings.building_silence_ms : scene.settings.assigned_silence_ms;
  const std::int64_t last =
      std::max({build->assigned_at, build->building_at, build->vm_authenticated_at, build->vm_ready_at,
                                      command.last_sign_at.value_or(0), scene.lane_taken()});
  const std::int64_t silent = scene.now - last;
  if (silent < allowed) return Nothing<Reply>{{}, from_ms(last + allowed)};

  Draft draft(scene);
  if (scene.settings.requeue_on_timeout) {
    requeue(scene, draft, *build, std::string(kStoppedResponding));
  } else {
    draft.add(BuildTimedOut{.pool_id = scene.pool(), .build_id = build->id, .worker_id = build->worker_id,
                            .attempt = build->attempt,
                            .silent_ms = silent, .certs_due_at = certs_due_at(scene, *build)});
    draft.log(build->id, LogLevel::error, "Build timeout - worker stopped responding");
  }
  return std::move(draft).answer({});
}

}  // namespace tidemark::commands::builds
