#pragma once
// Requests to the builds domain. Credentials were checked by the endpoint; tokens appear only as hashes and key ids.
// What a decision needs from the owner's memory (signs of life) is a member, so that deciding again gives the same.

#include <variant>

#include "schemas/builds/file_messages.hpp"
#include "schemas/builds/import_commands.hpp"
#include "schemas/builds/samples.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {

struct SubmitBuild {
  static constexpr std::string_view kDescription =
      "Queues a build. Refused: SOURCE_MISSING, SOURCE_TOO_LARGE, CERTS_TOO_LARGE, BUILD_ID_INVALID, "
      "BUILD_ID_TAKEN.";
  static constexpr std::string_view kType = "SubmitBuild";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  Platform platform = Platform::ios;
  BlobRef source{};
  std::optional<BlobRef> certs{};
  std::string access_token_sha256{};
  std::string token_key_id{};
  std::optional<std::string> build_id{};  ///< derive_build_id(command id) when absent
  std::optional<std::string> pool_id{};   ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(SubmitBuild, (), (platform, source, certs, access_token_sha256, token_key_id, build_id, pool_id))

struct RetryBuild {
  static constexpr std::string_view kDescription =
      "Queues a new build of the same files. Refused: BUILD_NOT_FOUND, SOURCE_GONE, BUILD_ID_INVALID, "
      "BUILD_ID_TAKEN.";
  static constexpr std::string_view kType = "RetryBuild";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string original_build_id{};
  bool source_available = false;          ///< the blob was found
  bool keep_certs = false;                ///< the endpoint has copied the certs to the new build
  std::string access_token_sha256{};
  std::string token_key_id{};
  std::optional<std::string> build_id{};
  std::optional<std::string> pool_id{};   ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(RetryBuild, (), (original_build_id, source_available, keep_certs, access_token_sha256,
                                       token_key_id, build_id, pool_id))

struct CancelBuild {
  static constexpr std::string_view kDescription = "Cancels a build. Refused: BUILD_NOT_FOUND, BUILD_ALREADY_FINISHED.";
  static constexpr std::string_view kType = "CancelBuild";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(CancelBuild, (), (build_id, pool_id))

struct RegisterWorker {
  static constexpr std::string_view kDescription =
      "Makes a worker known, or renews it. Refused: NAME_OR_CAPABILITIES_MISSING, WORKER_ID_INVALID.";
  static constexpr std::string_view kType = "RegisterWorker";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::optional<std::string> worker_id{};            ///< derive_worker_id(command id) when absent
  std::string name{};
  event::Json capabilities{};
  std::optional<std::string> public_identifier{};
  std::optional<std::int64_t> active_build_count{};
  std::string token_sha256{};                        ///< of the token made for (worker id, this command's id)
  std::string token_key_id{};
  std::optional<std::string> pool_id{};              ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(RegisterWorker, (), (worker_id, name, capabilities, public_identifier, active_build_count,
                                           token_sha256, token_key_id, pool_id))

struct PollForJob {
  static constexpr std::string_view kDescription =
      "Asks for work; idempotent. Refused: WORKER_NOT_FOUND, WORKER_TOKEN_INVALID.";
  static constexpr std::string_view kType = "PollForJob";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string worker_id{};
  Credential credential = Credential::api_key;
  std::optional<std::string> token_sha256{};       ///< the token presented; with Credential::worker_token
  std::string otp_key_id{};                        ///< for the one-time password of an assignment
  std::optional<std::string> next_token_sha256{};  ///< of the token for (worker id, this command's id), if one is due
  std::optional<std::string> next_token_key_id{};
  std::optional<std::int64_t> last_sign_at{};      ///< of the worker's active build, from the owner's memory
  std::optional<std::string> pool_id{};            ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(PollForJob, (), (worker_id, credential, token_sha256, otp_key_id, next_token_sha256,
                                       next_token_key_id, last_sign_at, pool_id))

struct UnregisterWorker {
  static constexpr std::string_view kDescription =
      "Takes a worker offline; its build goes back to the queue. Refused: WORKER_NOT_FOUND.";
  static constexpr std::string_view kType = "UnregisterWorker";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string worker_id{};
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(UnregisterWorker, (), (worker_id, pool_id))

struct RecordSignOfLife {
  static constexpr std::string_view kDescription =
      "Heartbeat. Refused: BUILD_NOT_FOUND, NOT_BUILD_OWNER, STALE_ATTEMPT, BUILD_ALREADY_FINISHED.";
  static constexpr std::string_view kType = "RecordSignOfLife";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  Credential credential = Credential::api_key;
  std::optional<std::string> worker_id{};       ///< absent: whoever owns it
  std::optional<std::uint32_t> attempt{};       ///< of the credential; checked when given
  std::optional<std::string> progress{};        ///< the number as the client wrote it: adds a log line
  std::optional<std::int64_t> last_mark_at{};   ///< of the last HeartbeatRecorded, from the owner's memory
  std::optional<std::string> pool_id{};         ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(RecordSignOfLife, (), (build_id, credential, worker_id, attempt, progress, last_mark_at, pool_id))

struct AppendLogs {
  static constexpr std::string_view kDescription =
      "Adds log lines, also after the end. Refused: BUILD_NOT_FOUND, NOT_BUILD_OWNER, STALE_ATTEMPT.";
  static constexpr std::string_view kType = "AppendLogs";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  Credential credential = Credential::api_key;
  std::optional<std::string> worker_id{};
  std::optional<std::uint32_t> attempt{};       ///< of the credential; checked when given
  std::vector<LogEntry> entries{};
  std::optional<std::string> pool_id{};         ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(AppendLogs, (), (build_id, credential, worker_id, attempt, entries, pool_id))

struct AuthenticateVm {
  static constexpr std::string_view kDescription =
      "The endpoint found the one-time password of this attempt right. Refused: BUILD_NOT_FOUND, OTP_*.";
  static constexpr std::string_view kType = "AuthenticateVm";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  std::uint32_t attempt = 0;
  std::string token_key_id{};            ///< for the VM token
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(AuthenticateVm, (), (build_id, attempt, token_key_id, pool_id))

struct MarkVmReady {
  static constexpr std::string_view kDescription =
      "The VM holds a valid token. Refused: BUILD_NOT_FOUND, VM_TOKEN_NOT_ISSUED, VM_TOKEN_INVALID.";
  static constexpr std::string_view kType = "MarkVmReady";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  std::uint32_t attempt = 0;
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(MarkVmReady, (), (build_id, attempt, pool_id))

struct ReportResult {
  static constexpr std::string_view kDescription =
      "Outcome of a build, with the file on success. Refused: BUILD_NOT_FOUND, WORKER_NOT_FOUND, "
      "NOT_BUILD_OWNER, STALE_ATTEMPT, BUILD_ALREADY_FINISHED, RESULT_TOO_LARGE.";
  static constexpr std::string_view kType = "ReportResult";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  Credential credential = Credential::api_key;
  std::optional<std::string> worker_id{};       ///< absent: whoever owns it
  std::optional<std::uint32_t> attempt{};       ///< of the credential; checked when given
  bool success = false;
  std::optional<BlobRef> result{};              ///< success without a file counts as failure, unless already completed
  std::optional<std::string> error_message{};
  std::optional<std::string> pool_id{};         ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(ReportResult, (), (build_id, credential, worker_id, attempt, success, result, error_message,
                                         pool_id))

struct AbandonBuild {
  static constexpr std::string_view kDescription =
      "The owner gives the build back. Refused: BUILD_NOT_FOUND, NOT_BUILD_OWNER.";
  static constexpr std::string_view kType = "AbandonBuild";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  std::string worker_id{};
  std::string reason{};
  std::optional<std::string> pool_id{};  ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(AbandonBuild, (), (build_id, worker_id, reason, pool_id))

struct ExpireBuild {
  static constexpr std::string_view kDescription = "Issued by the build's timer: ends an attempt that is still silent.";
  static constexpr std::string_view kType = "ExpireBuild";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string build_id{};
  std::uint32_t attempt = 0;
  std::optional<std::int64_t> last_sign_at{};  ///< from the owner's memory
  std::optional<std::string> pool_id{};        ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(ExpireBuild, (), (build_id, attempt, last_sign_at, pool_id))

struct ExpireWorker {
  static constexpr std::string_view kDescription = "Issued by the worker's timer: a worker that is still silent is offline.";
  static constexpr std::string_view kType = "ExpireWorker";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string worker_id{};
  std::optional<std::int64_t> last_contact_at{};  ///< from the owner's memory
  std::optional<std::string> pool_id{};           ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(ExpireWorker, (), (worker_id, last_contact_at, pool_id))

using Command = std::variant<SubmitBuild, RetryBuild, CancelBuild, RegisterWorker, PollForJob, UnregisterWorker,
                             RecordSignOfLife, AppendLogs, AuthenticateVm, MarkVmReady, ReportResult, AbandonBuild,
                             ExpireBuild, ExpireWorker, RecordTelemetry, SubmitDiagnostics, PurgeBlob, Import>;

}  // namespace tidemark::schemas::builds
