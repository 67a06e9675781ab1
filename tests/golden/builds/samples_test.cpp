// What is written today, byte for byte: one sample per command and event, every optional member present.

#include <gtest/gtest.h>

#include "schemas/builds/builds.hpp"
#include "tests/support/golden/golden.hpp"

namespace tidemark::schemas::builds {
namespace {

const std::string kPool = "default";
const std::string kBuild = "V1StGXR8_Z5jdHi6B-myT";
const std::string kHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
constexpr std::int64_t kLater = 1'700'000'600'000;

BlobRef blob(BlobKind kind, const std::string& name) {
  return {.sha256 = kHash, .size = 524'288'000, .kind = kind, .declared_name = name,
          .declared_type = "application/gzip"};
}

template <class T>
void check(const T& sample) { EXPECT_EQ(golden::check("builds", sample), ""); }

TEST(BuildsSamples, Events) {
  check(BuildSubmitted{.pool_id = kPool, .build_id = kBuild, .platform = Platform::ios,
                       .source = blob(BlobKind::source, "project.tar.gz"),
                       .certs = blob(BlobKind::certs, "certs.zip"), .access_token_sha256 = kHash, .token_key_id = "k1",
                       .order = 7,
                       .retry_of = "earlier"});
  check(BuildAssigned{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1, .otp_key_id = "k1",
                      .otp_expires_at = kLater,
                      .liveness_due_at = kLater, .claimed = false});
  check(BuildReassigned{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 2, .otp_key_id = "k1",
                        .otp_expires_at = kLater,
                        .liveness_due_at = kLater});
  check(BuildStarted{.pool_id = kPool, .build_id = kBuild, .attempt = 1, .liveness_due_at = kLater});
  check(VmAuthenticated{.pool_id = kPool, .build_id = kBuild, .attempt = 1, .auth_seq = 1, .token_key_id = "k1",
                        .vm_token_expires_at = kLater});
  check(VmReady{.pool_id = kPool, .build_id = kBuild, .attempt = 1});
  check(BuildCompleted{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1,
                       .result = blob(BlobKind::result, "app.ipa"), .late = false});
  check(BuildFailed{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1,
                    .error_message = "xcodebuild: \"exit 65\"\n",
                    .failure_code = std::string(kReportedFailure)});
  check(BuildTimedOut{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1, .silent_ms = 300'000});
  check(BuildRequeued{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1,
                      .reason = "worker unregistered"});
  check(BuildCancelled{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1"});
  check(WorkerRegistered{.pool_id = kPool, .worker_id = "w1", .name = "Mac mini",
                         .capabilities = {R"({"platforms":["ios"],"cpus":8})"},
                         .public_identifier = "mini-1", .token_sha256 = kHash, .token_key_id = "k1",
                         .token_expires_at = kLater, .offline_due_at = kLater});
  check(WorkerReregistered{.pool_id = kPool, .worker_id = "w1", .active_build_count = 0, .token_sha256 = kHash,
                           .token_key_id = "k1",
                           .token_expires_at = kLater, .offline_due_at = kLater});
  check(WorkerTokenRotated{.pool_id = kPool, .worker_id = "w1", .token_sha256 = kHash, .token_key_id = "k1",
                           .token_expires_at = kLater});
  check(WorkerCameOnline{.pool_id = kPool, .worker_id = "w1", .offline_due_at = kLater});
  check(WorkerWentOffline{.pool_id = kPool, .worker_id = "w1", .silent_ms = 300'000});
  check(WorkerUnregistered{.pool_id = kPool, .worker_id = "w1"});
  check(BuildLogAppended{.pool_id = kPool, .build_id = kBuild, .first_seq = 3,
                         .entries = {{LogLevel::info, "Compiling"}, {LogLevel::error, "no such module"}}});
  check(BlobPurged{.pool_id = kPool, .sha256 = kHash, .kind = BlobKind::certs, .build_id = kBuild});
  check(HeartbeatRecorded{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1});
}

TEST(BuildsSamples, Samples) {
  check(TelemetryRecorded{.pool_id = kPool, .build_id = kBuild, .worker_id = "w1", .attempt = 1, .type = "heartbeat",
                          .sent_at = "2023-11-14T22:13:20Z", .data = {R"({"stage":"building"})"}});
  check(CpuSnapshotRecorded{.pool_id = kPool, .build_id = kBuild, .attempt = 1,
                            .reading = {.cpu_millipercent = 45'250, .memory_kb = 2'048'500}});
  check(DiagnosticReported{.pool_id = kPool, .worker_id = "w1", .report_id = "0b0e0b0e-0000-4000-8000-000000000001",
                           .status = DiagnosticStatus::warning, .duration_ms = 1200, .auto_fixed = true,
                           .checks = {R"([{"name":"disk","status":"warn"}])"}});
  check(RecordTelemetry{.build_id = kBuild, .credential = Credential::vm_token, .worker_id = "w1", .attempt = 1,
                        .type = "heartbeat", .sent_at = "2023-11-14T22:13:20Z", .data = {R"({"stage":"building"})"},
                        .reading = CpuReading{.cpu_millipercent = 45'250, .memory_kb = 2'048'500},
                        .beat = VmBeat{.stage = "building", .cpu_millipercent = 45'250, .memory_mb = "2048.5",
                                       .disk_percent = "71", .count = "3"},
                        .last_mark_at = kLater, .pool_id = kPool});
  check(SubmitDiagnostics{.worker_id = "w1", .status = DiagnosticStatus::critical, .duration_ms = 1200,
                          .auto_fixed = false, .checks = {"[]"}, .pool_id = kPool});
}

ImportedWorker imported_worker() {
  return {.id = "w1", .name = "Mac mini", .status = WorkerStatus::idle, .capabilities = {R"({"cpus":8})"},
          .registered_at = kLater, .last_seen_at = kLater, .builds_completed = 12, .builds_failed = 3,
          .digest = kHash.substr(0, 32)};
}
ImportedBuild imported_build() {
  return {.id = kBuild, .platform = Platform::ios, .status = BuildStatus::assigned, .worker_id = "w1",
          .submitted_at = kLater, .started_at = kLater, .completed_at = kLater, .error_message = "exit 65",
          .source = blob(BlobKind::source, "project.zip"), .certs = blob(BlobKind::certs, "certs.zip"),
          .result = blob(BlobKind::result, "app.ipa"), .access_token_sha256 = kHash, .front_of_queue = false,
          .digest = kHash.substr(0, 32)};
}
ImportedLines imported_lines() {
  return {.build_id = kBuild, .lines = {{.row = 7, .timestamp = kLater, .level = LogLevel::debug, .message = "Beat"}},
          .pass_end = 9, .pass_complete = false};
}
ImportSummary import_summary() {
  return {.workers = 1, .builds = 2, .log_lines = 3, .cpu_snapshots = 4, .diagnostics = 5, .last_log_row = 9};
}

ImportedSamples imported_samples() {
  return {.build_id = kBuild, .samples = {{.row = 3, .timestamp = kLater, .reading = {.cpu_millipercent = 45'250, .memory_kb = 2'048'500}}}};
}
ImportedDiagnostic imported_diagnostic() {
  return {.id = "0b0e0b0e-0000-4000-8000-000000000001", .worker_id = "w1", .status = DiagnosticStatus::warning, .run_at = kLater,
          .duration_ms = 1200, .auto_fixed = true, .checks = {R"([{"name":"disk"}])"}};
}

TEST(BuildsSamples, Imports) {
  check(CpuSnapshotImported{.pool_id = kPool, .database = kHash, .of = imported_samples()});
  check(DiagnosticImported{.pool_id = kPool, .database = kHash, .report = imported_diagnostic()});
  check(ControllerImported{.pool_id = kPool, .database = kHash, .run = 0, .read = import_summary()});
  check(WorkerImported{.pool_id = kPool, .database = kHash, .revision = 1, .worker = imported_worker(),
                       .completed_added = 12, .failed_added = 3, .offline_due_at = kLater});
  check(BuildImported{.pool_id = kPool, .database = kHash, .revision = 1, .build = imported_build(), .order = 7,
                      .failure_code = "REPORTED", .otp_key_id = "k1", .otp_expires_at = kLater,
                      .liveness_due_at = kLater, .kept_from = kLater, .certs_due_at = kLater});
  check(BuildLogImported{.pool_id = kPool, .database = kHash, .first_seq = 3, .logs = imported_lines()});
  check(Import{.database = kHash, .workers = {imported_worker()}, .builds = {imported_build()},
               .logs = {imported_lines()}, .cpu_snapshots = {imported_samples()},
               .diagnostics = {imported_diagnostic()}, .completed = import_summary(), .otp_key_id = "k1", .pool_id = kPool});
}

TEST(BuildsSamples, CommandsOfDevelopers) {
  check(SubmitBuild{.platform = Platform::android, .source = blob(BlobKind::source, "project.tar.gz"),
                    .certs = blob(BlobKind::certs, "certs.zip"),
                    .access_token_sha256 = kHash, .token_key_id = "k1", .build_id = kBuild, .pool_id = kPool});
  check(RetryBuild{.original_build_id = kBuild, .source_available = true, .keep_certs = false,
                   .access_token_sha256 = kHash, .token_key_id = "k1",
                   .build_id = "again", .pool_id = kPool});
  check(CancelBuild{.build_id = kBuild, .pool_id = kPool});
}

TEST(BuildsSamples, CommandsOfWorkers) {
  check(RegisterWorker{.worker_id = "w1", .name = "Mac mini", .capabilities = {"{}"}, .public_identifier = "mini-1",
                       .active_build_count = 1,
                       .token_sha256 = kHash, .token_key_id = "k1", .pool_id = kPool});
  check(PollForJob{.worker_id = "w1", .credential = Credential::worker_token, .token_sha256 = kHash, .otp_key_id = "k1",
                   .next_token_sha256 = kHash,
                   .next_token_key_id = "k1", .last_sign_at = kLater, .pool_id = kPool});
  check(UnregisterWorker{.worker_id = "w1", .pool_id = kPool});
  check(RecordSignOfLife{.build_id = kBuild, .credential = Credential::vm_token, .worker_id = "w1", .attempt = 1,
                         .progress = "42.5",
                         .last_mark_at = kLater, .pool_id = kPool});
  check(AppendLogs{.build_id = kBuild, .credential = Credential::api_key, .worker_id = "w1", .attempt = 1,
                   .entries = {{LogLevel::warn, "slow"}},
                   .pool_id = kPool});
  check(AuthenticateVm{.build_id = kBuild, .attempt = 1, .token_key_id = "k1", .pool_id = kPool});
  check(MarkVmReady{.build_id = kBuild, .attempt = 1, .pool_id = kPool});
  check(ReportResult{.build_id = kBuild, .credential = Credential::api_key, .worker_id = "w1", .attempt = 1,
                     .success = true,
                     .result = blob(BlobKind::result, "app.ipa"), .error_message = "none", .pool_id = kPool});
  check(AbandonBuild{.build_id = kBuild, .worker_id = "w1", .reason = "disk full", .pool_id = kPool});
}

TEST(BuildsSamples, CommandsOfTimers) {
  check(ExpireBuild{.build_id = kBuild, .attempt = 1, .last_sign_at = kLater, .pool_id = kPool});
  check(ExpireWorker{.worker_id = "w1", .last_contact_at = kLater, .pool_id = kPool});
  check(PurgeBlob{.build_id = kBuild, .kind = BlobKind::certs, .at_once = true, .pool_id = kPool});
}

}  // namespace
}  // namespace tidemark::schemas::builds
