#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {

void Draft::log(const std::string& build_id, std::vector<LogEntry> entries) {
  auto at = next_seq_.find(build_id);
  if (at == next_seq_.end())
    at = next_seq_.emplace(build_id, kLogHeads.get(scene_.state, build_id).value_or(LogHeadRow{}).next_seq).first;
  const std::uint64_t first = at->second;
  at->second += entries.size();
  add(BuildLogAppended{.pool_id = scene_.pool(), .build_id = build_id, .first_seq = first,
                       .entries = std::move(entries)});
}

Outcome Draft::answer(Reply reply) && {
  if (events_.empty()) return Nothing<Reply>{std::move(reply), std::nullopt};
  return Accepted<Event, Reply>{std::move(events_), std::move(reply)};
}

std::optional<RefusalSpec> refuse_owner(const BuildRow& build, Credential credential,
                                        const std::optional<std::string>& worker_id,
                                        std::optional<std::uint32_t> attempt) {
  if (build.worker_id.empty()) return kNotBuildOwner;
  if (worker_id && *worker_id != build.worker_id) return kNotBuildOwner;
  if (attempt && *attempt != build.attempt) return kStaleAttempt;
  if (credential == Credential::vm_token && !attempt) return kStaleAttempt;
  if (credential == Credential::worker_token && !worker_id) return kNotBuildOwner;
  return std::nullopt;
}

bool requeue(const Scene& scene, Draft& draft, const BuildRow& build, const std::string& reason) {
  if (build.attempt >= scene.settings.attempts_max) {
    const std::string message = "Build failed after " + std::to_string(build.attempt) + " attempts: " + reason;
    draft.add(BuildFailed{.pool_id = scene.pool(), .build_id = build.id, .worker_id = build.worker_id,
                          .attempt = build.attempt,
                          .error_message = message, .failure_code = std::string(kAttemptsExhausted),
                          .certs_due_at = certs_due_at(scene, build)});
    draft.log(build.id, LogLevel::error, message);
    return false;
  }
  draft.add(BuildRequeued{.pool_id = scene.pool(), .build_id = build.id, .worker_id = build.worker_id,
                          .attempt = build.attempt, .reason = reason});
  draft.log(build.id, LogLevel::info, "Build requeued: " + reason);
  return true;
}

Job job_of(const BuildRow& build) {
  return Job{.build_id = build.id, .platform = build.platform, .has_certs = build.certs.has_value(),
             .submitted_at = build.submitted_at,
             .attempt = build.attempt, .otp_key_id = build.otp_key_id, .otp_expires_at = build.otp_expires_at};
}

std::string cut_text(std::string text, std::uint64_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = static_cast<std::size_t>(bytes_max);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace tidemark::commands::builds
