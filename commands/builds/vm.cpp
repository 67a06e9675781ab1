// The handshake of a build's virtual machine. The endpoint compares passwords and tokens; what it found right is
// decided here.

#include <algorithm>

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {

Outcome decide_authenticate(const Scene& scene, const AuthenticateVm& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (build->otp_key_id.empty() || !is_active(build->status)) return refuse(kOtpNotConfigured);
  if (build->attempt != command.attempt) return refuse(kOtpInvalid);
  if (build->vm_ready_at != 0) return refuse(kOtpSpent);
  if (scene.now >= build->otp_expires_at) return refuse(kOtpExpired);

  const VmTokenReply reply{.attempt = build->attempt, .auth_seq = build->auth_seq + 1,
                           .token_key_id = command.token_key_id,
                           .vm_token_expires_at = scene.now + scene.settings.vm_token_ms};
  Draft draft(scene);
  draft.add(VmAuthenticated{.pool_id = scene.pool(), .build_id = build->id, .attempt = reply.attempt,
                            .auth_seq = reply.auth_seq,
                            .token_key_id = reply.token_key_id, .vm_token_expires_at = reply.vm_token_expires_at});
  draft.log(build->id, LogLevel::info, "VM authenticated with OTP");
  return std::move(draft).answer(reply);
}

Outcome decide_vm_ready(const Scene& scene, const MarkVmReady& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (build->auth_seq == 0) return refuse(kVmTokenNotIssued);
  if (build->attempt != command.attempt) return refuse(kVmTokenInvalid);
  if (build->vm_ready_at != 0) return Nothing<Reply>{VmReadyReply{.vm_ready_at = build->vm_ready_at}, std::nullopt};
  if (!is_active(build->status)) return refuse(kAlreadyFinished);
  Draft draft(scene);
  draft.add(VmReady{.pool_id = scene.pool(), .build_id = build->id, .attempt = build->attempt});
  draft.log(build->id, LogLevel::info, "VM signaled ready");
  return std::move(draft).answer(VmReadyReply{.vm_ready_at = scene.now});
}

}  // namespace tidemark::commands::builds
