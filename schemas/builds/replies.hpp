#pragma once
// Answers of the builds domain's commands; the endpoint makes the tokens again from the key ids and nonces in them.

#include <variant>

#include "schemas/builds/file_messages.hpp"
#include "schemas/builds/import_commands.hpp"
#include "schemas/builds/samples.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {

struct SubmittedReply {
  static constexpr std::string_view kDescription = "Answer of SubmitBuild and RetryBuild.";
  std::string build_id{};
  std::int64_t submitted_at = 0;                   ///< ms
  std::string token_key_id{};
  std::optional<std::string> original_build_id{};
};
BOOST_DESCRIBE_STRUCT(SubmittedReply, (), (build_id, submitted_at, token_key_id, original_build_id))

struct RegisteredReply {
  static constexpr std::string_view kDescription = "Answer of RegisterWorker.";
  std::string worker_id{};
  bool reregistered = false;
  std::string token_key_id{};
  std::string token_nonce{};
  std::int64_t token_expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(RegisteredReply, (), (worker_id, reregistered, token_key_id, token_nonce, token_expires_at))

struct Job {
  static constexpr std::string_view kDescription = "A build in a worker's hands.";
  std::string build_id{};
  Platform platform = Platform::ios;
  bool has_certs = false;
  std::int64_t submitted_at = 0;
  std::uint32_t attempt = 0;
  std::string otp_key_id{};
  std::int64_t otp_expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(Job, (), (build_id, platform, has_certs, submitted_at, attempt, otp_key_id, otp_expires_at))

struct PollReply {
  static constexpr std::string_view kDescription =
      "Answer of PollForJob; the token members name the worker's current token, empty when it has none.";
  std::optional<Job> job{};
  std::string token_key_id{};
  std::string token_nonce{};
  std::int64_t token_expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(PollReply, (), (job, token_key_id, token_nonce, token_expires_at))

struct SignOfLifeReply {
  static constexpr std::string_view kDescription = "Answer of RecordSignOfLife.";
  std::int64_t timestamp = 0;  ///< ms
  bool active = false;         ///< false: the build had ended, nothing was recorded
};
BOOST_DESCRIBE_STRUCT(SignOfLifeReply, (), (timestamp, active))

struct LogsReply {
  static constexpr std::string_view kDescription = "Answer of AppendLogs.";
  std::uint64_t appended = 0;
};
BOOST_DESCRIBE_STRUCT(LogsReply, (), (appended))

struct VmTokenReply {
  static constexpr std::string_view kDescription = "Answer of AuthenticateVm.";
  std::uint32_t attempt = 0;
  std::uint32_t auth_seq = 0;
  std::string token_key_id{};
  std::int64_t vm_token_expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(VmTokenReply, (), (attempt, auth_seq, token_key_id, vm_token_expires_at))

struct VmReadyReply {
  static constexpr std::string_view kDescription = "Answer of MarkVmReady.";
  std::int64_t vm_ready_at = 0;  ///< ms
};
BOOST_DESCRIBE_STRUCT(VmReadyReply, (), (vm_ready_at))

struct ResultReply {
  static constexpr std::string_view kDescription = "Answer of ReportResult: completed, or failed.";
  BuildStatus status = BuildStatus::failed;
  bool changed = false;                      ///< false: it was so already
};
BOOST_DESCRIBE_STRUCT(ResultReply, (), (status, changed))

struct UnregisteredReply {
  static constexpr std::string_view kDescription = "Answer of UnregisterWorker.";
  std::uint32_t builds_reassigned = 0;
};
BOOST_DESCRIBE_STRUCT(UnregisteredReply, (), (builds_reassigned))

struct BuildReply {
  static constexpr std::string_view kDescription = "Answer of CancelBuild and AbandonBuild: the state it is in now.";
  std::string build_id{};
  BuildStatus status = BuildStatus::pending;
};
BOOST_DESCRIBE_STRUCT(BuildReply, (), (build_id, status))

using Reply = std::variant<std::monostate, SubmittedReply, RegisteredReply, PollReply, SignOfLifeReply, LogsReply,
                           VmTokenReply, VmReadyReply, ResultReply, UnregisteredReply, BuildReply, DiagnosticReply, PurgedReply,
                           ImportReply>;

}  // namespace tidemark::schemas::builds
