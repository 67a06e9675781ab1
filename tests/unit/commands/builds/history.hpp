#pragma once
// Histories of builds and workers, in the words of the domain.

#include "commands/builds/decider.hpp"
#include "commands/builds/queries.hpp"
#include "schemas/builds/builds.hpp"
#include "tests/support/given/given.hpp"

// The codec of every contract type is compiled once, in given_builds.cpp.
namespace tidemark::testing {
extern template std::string show(const schemas::builds::Event&);
extern template std::string show(const schemas::builds::Reply&);
extern template schemas::builds::Event through_json(const schemas::builds::Event&);
extern template schemas::builds::Command through_json(const schemas::builds::Command&);
}  // namespace tidemark::testing

namespace tidemark::commands::builds {

using namespace schemas::builds;
using testing::given;
using Given = testing::Given<Builds>;

inline constexpr std::int64_t kSecond = 1000;
inline constexpr std::int64_t kT0 = Given::kStart;
inline const std::string kHash(64, 'a');

inline BlobRef source_blob() {
  return BlobRef{.sha256 = kHash, .size = 1000, .kind = BlobKind::source, .declared_name = "project.tar.gz",
                 .declared_type = "application/gzip"};
}
inline BlobRef certs_blob() {
  return BlobRef{.sha256 = std::string(64, 'c'), .size = 100, .kind = BlobKind::certs, .declared_name = "certs.zip",
                 .declared_type = {}};
}
inline BlobRef result_blob() {
  return BlobRef{.sha256 = std::string(64, 'e'), .size = 5000, .kind = BlobKind::result, .declared_name = "app.ipa",
                 .declared_type = {}};
}

inline BuildSubmitted submitted(const std::string& build, std::uint64_t order = 0) {
  return {.pool_id = "default", .build_id = build, .platform = Platform::ios, .source = source_blob(),
          .certs = std::nullopt,
          .access_token_sha256 = std::string(64, '7'), .token_key_id = "k1", .order = order, .retry_of = std::nullopt};
}
inline BuildSubmitted submitted_with_certs(const std::string& build) {
  BuildSubmitted event = submitted(build);
  event.certs = certs_blob();
  return event;
}
inline WorkerRegistered registered(const std::string& worker) {
  return {.pool_id = "default", .worker_id = worker, .name = "Mac " + worker, .capabilities = {"{}"},
          .public_identifier = std::nullopt,
          .token_sha256 = "token-" + worker, .token_key_id = "k1", .token_expires_at = kT0 + 90 * kSecond,
          .offline_due_at = kT0 + 300 * kSecond};
}
inline WorkerReregistered reregistered(const std::string& worker, std::optional<std::int64_t> active) {
  return {.pool_id = "default", .worker_id = worker, .active_build_count = active, .token_sha256 = "token2-" + worker,
          .token_key_id = "k1",
          .token_expires_at = kT0 + 120 * kSecond, .offline_due_at = kT0 + 330 * kSecond};
}
inline BuildAssigned assigned(const std::string& build, const std::string& worker, std::uint32_t attempt = 1) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = attempt, .otp_key_id = "k1",
          .otp_expires_at = kT0 + 600 * kSecond, .liveness_due_at = kT0 + 600 * kSecond, .claimed = false};
}
inline BuildStarted started(const std::string& build, std::uint32_t attempt = 1) {
  return {.pool_id = "default", .build_id = build, .attempt = attempt, .liveness_due_at = kT0 + 300 * kSecond};
}
inline BuildCompleted completed(const std::string& build, const std::string& worker, std::uint32_t attempt = 1,
                                bool late = false) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = attempt, .result = result_blob(),
          .late = late};
}
inline BuildFailed failed(const std::string& build, const std::string& worker,
                          const std::string& message = "Build failed", std::uint32_t attempt = 1) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = attempt, .error_message = message,
          .failure_code = std::string(kReportedFailure)};
}
inline BuildTimedOut timed_out(const std::string& build, const std::string& worker,
                               std::int64_t silent_ms = 600 * kSecond) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = 1, .silent_ms = silent_ms};
}
inline BuildRequeued requeued(const std::string& build, const std::string& worker, const std::string& reason,
                              std::uint32_t attempt = 1) {
  return {.pool_id = "default", .build_id = build, .worker_id = worker, .attempt = attempt, .reason = reason};
}
inline BuildCancelled cancelled(const std::string& build, std::optional<std::string> worker = std::nullopt) {
  return {.pool_id = "default", .build_id = build, .worker_id = std::move(worker)};
}
inline BuildLogAppended logged(const std::string& build, std::uint64_t seq, LogLevel level,
                               const std::string& message) {
  return {.pool_id = "default", .build_id = build, .first_seq = seq, .entries = {{level, message}}};
}
inline BuildLogAppended logged(const std::string& build, std::uint64_t seq, const std::string& message) {
  return logged(build, seq, LogLevel::info, message);
}

inline PollForJob poll(const std::string& worker) {
  return {.worker_id = worker, .credential = Credential::api_key, .token_sha256 = std::nullopt, .otp_key_id = "k1",
          .next_token_sha256 = std::nullopt, .next_token_key_id = std::nullopt, .last_sign_at = std::nullopt,
          .pool_id = std::nullopt};
}
inline PollForJob token_poll(const std::string& worker, const std::string& token) {
  PollForJob command = poll(worker);
  command.credential = Credential::worker_token;
  command.token_sha256 = token;
  return command;
}
inline ReportResult success(const std::string& build, const std::string& worker) {
  return {.build_id = build, .credential = Credential::api_key, .worker_id = worker, .attempt = std::nullopt,
          .success = true,
          .result = result_blob(), .error_message = std::nullopt, .pool_id = std::nullopt};
}
inline ReportResult failure(const std::string& build, const std::string& worker,
                            std::optional<std::string> message = std::nullopt) {
  return {.build_id = build, .credential = Credential::api_key, .worker_id = worker, .attempt = std::nullopt,
          .success = false,
          .result = std::nullopt, .error_message = std::move(message), .pool_id = std::nullopt};
}
inline RecordSignOfLife heartbeat(const std::string& build, const std::string& worker) {
  return {.build_id = build, .credential = Credential::api_key, .worker_id = worker, .attempt = std::nullopt,
          .progress = std::nullopt,
          .last_mark_at = std::nullopt, .pool_id = std::nullopt};
}

inline BuildRow build_of(const Given& g, const std::string& id) { return find_build(g.state(), id).value(); }
inline WorkerRow worker_of(const Given& g, const std::string& id) { return find_worker(g.state(), id).value(); }
inline std::string job_of(const Given& g) {
  const auto reply = std::get<PollReply>(g.reply());
  return reply.job ? reply.job->build_id : "none";
}

}  // namespace tidemark::commands::builds
