// Workers come, stay in contact, and go.

#include <algorithm>

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {

Outcome decide_register(const Scene& scene, const RegisterWorker& command) {
  if (command.name.empty() || command.capabilities.raw.empty() || command.capabilities.raw == "null")
    return refuse(kNameOrCapabilitiesMissing);
  const std::string id = command.worker_id.value_or(derive_worker_id(scene.context.command_id));
  if (!is_valid_id(id)) return refuse(kWorkerIdInvalid);

  const bool known = kWorkers.contains(scene.state, id);
  const std::int64_t token_expires_at = scene.now + scene.settings.worker_token_ms;
  const std::int64_t offline_due_at = scene.now + scene.settings.worker_offline_ms;
  Draft draft(scene);
  if (known) {
    draft.add(WorkerReregistered{.pool_id = scene.pool(), .worker_id = id,
                                 .active_build_count = command.active_build_count,
                                 .token_sha256 = command.token_sha256, .token_key_id = command.token_key_id,
                                 .token_expires_at = token_expires_at, .offline_due_at = offline_due_at});
  } else {
    draft.add(WorkerRegistered{.pool_id = scene.pool(), .worker_id = id, .name = command.name,
                               .capabilities = command.capabilities,
                               .public_identifier = command.public_identifier, .token_sha256 = command.token_sha256,
                               .token_key_id = command.token_key_id, .token_expires_at = token_expires_at,
                               .offline_due_at = offline_due_at});
  }
  return std::move(draft)
      .answer(RegisteredReply{.worker_id = id, .reregistered = known, .token_key_id = command.token_key_id,
                              .token_nonce = std::string(scene.context.command_id),
                              .token_expires_at = token_expires_at});
}

Outcome decide_unregister(const Scene& scene, const UnregisterWorker& command) {
  const auto worker = scene.worker(command.worker_id);
  if (!worker) return refuse(kWorkerNotFound);
  UnregisteredReply reply;
  const bool gone = worker->status == WorkerStatus::offline && worker->token_sha256.empty() &&
      worker->active_build_id.empty();
  if (gone) return Nothing<Reply>{reply, std::nullopt};
  Draft draft(scene);
  if (const auto build = scene.build(worker->active_build_id)) {
    if (requeue(scene, draft, *build, "worker unregistered")) reply.builds_reassigned = 1;
  }
  draft.add(WorkerUnregistered{.pool_id = scene.pool(), .worker_id = worker->id});
  return std::move(draft).answer(reply);
}

Outcome decide_expire_worker(const Scene& scene, const ExpireWorker& command) {
  const auto worker = scene.worker(command.worker_id);
  if (!worker || worker->status == WorkerStatus::offline) return Nothing<Reply>{};
  const std::int64_t allowed = scene.settings.worker_offline_ms;
  if (!worker->active_build_id.empty()) return Nothing<Reply>{{}, from_ms(scene.now + allowed)};
  const std::int64_t last = std::max({worker->contact_at, command.last_contact_at.value_or(0), scene.lane_taken()});
  if (scene.now - last < allowed) return Nothing<Reply>{{}, from_ms(last + allowed)};
  Draft draft(scene);
  draft.add(WorkerWentOffline{.pool_id = scene.pool(), .worker_id = worker->id, .silent_ms = scene.now - last});
  return std::move(draft).answer({});
}

}  // namespace tidemark::commands::builds
