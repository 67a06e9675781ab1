// Builds enter the queue and are cancelled: rows 1, 2 and 10 of the state machine.

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

struct NewId {
  std::string id;
  std::optional<RefusalSpec> refusal;
};

NewId new_build_id(const Scene& scene, const std::optional<std::string>& wanted) {
  NewId made{wanted.value_or(derive_build_id(scene.context.command_id)), std::nullopt};
  if (!is_valid_id(made.id) || made.id.front() == '-') made.refusal = kBuildIdInvalid;
  else if (kBuilds.contains(scene.state, made.id)) made.refusal = kBuildIdTaken;
  return made;
}

}  // namespace

Outcome decide_submit(const Scene& scene, const SubmitBuild& command) {
  if (command.source.sha256.empty()) return refuse(kSourceMissing);
  if (command.source.size > scene.settings.source_bytes_max) return refuse(kSourceTooLarge);
  if (command.certs && command.certs->size > scene.settings.certs_bytes_max) return refuse(kCertsTooLarge);
  const NewId id = new_build_id(scene, command.build_id);
  if (id.refusal) return refuse(*id.refusal);

  BuildSubmitted submitted{.pool_id = scene.pool(), .build_id = id.id, .platform = command.platform,
                           .source = command.source,
                           .certs = command.certs, .access_token_sha256 = command.access_token_sha256,
                           .token_key_id = command.token_key_id,
                           .order = kTotals.get(scene.state).value_or(TotalsRow{}).next_order,
                           .retry_of = std::nullopt};
  submitted.source.kind = BlobKind::source;
  if (submitted.certs) submitted.certs->kind = BlobKind::certs;
  Draft draft(scene);
  draft.add(std::move(submitted));
  draft.log(id.id, LogLevel::info, "Build submitted");
  return std::move(draft)
      .answer(SubmittedReply{.build_id = id.id, .submitted_at = scene.now, .token_key_id = command.token_key_id,
                             .original_build_id = std::nullopt});
}

Outcome decide_retry(const Scene& scene, const RetryBuild& command) {
  const auto original = scene.build(command.original_build_id);
  if (!original) return refuse(kBuildNotFound);
  if (!command.source_available || original->source.sha256.empty()) return refuse(kSourceGone);
  const NewId id = new_build_id(scene, command.build_id);
  if (id.refusal) return refuse(*id.refusal);

  Draft draft(scene);
  draft.add(BuildSubmitted{.pool_id = scene.pool(), .build_id = id.id, .platform = original->platform,
                           .source = original->source,
                           .certs = command.keep_certs ? original->certs : std::nullopt,
                           .access_token_sha256 = command.access_token_sha256, .token_key_id = command.token_key_id,
                           .order = kTotals.get(scene.state).value_or(TotalsRow{}).next_order,
                           .retry_of = original->id});
  draft.log(id.id, LogLevel::info, "Build submitted (retry of " + original->id + ")");
  draft.log(original->id, LogLevel::info, "Retried as build " + id.id);
  return std::move(draft)
      .answer(SubmittedReply{.build_id = id.id, .submitted_at = scene.now, .token_key_id = command.token_key_id,
                             .original_build_id = original->id});
}

Outcome decide_cancel(const Scene& scene, const CancelBuild& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (is_terminal(build->status)) return refuse(kCancelFinished);
  Draft draft(scene);
  BuildCancelled cancelled{.pool_id = scene.pool(), .build_id = build->id, .worker_id = std::nullopt,
                           .certs_due_at = certs_due_at(scene, *build)};
  if (is_active(build->status)) cancelled.worker_id = build->worker_id;
  draft.add(std::move(cancelled));
  draft.log(build->id, LogLevel::info, "Build cancelled");
  return std::move(draft).answer(BuildReply{.build_id = build->id, .status = BuildStatus::cancelled});
}

}  // namespace tidemark::commands::builds
