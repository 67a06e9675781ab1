#pragma once
// Facts of the builds domain. Times are ms since 1970; when a fact happened is the envelope's `time`. A member ending
// in _due_at says when the owner first looks for signs of life: the timer is armed by the fact, not by today's
// settings. certs_due_at, of a build that has certificates, says so of their end.

#include <variant>

#include "schemas/builds/file_messages.hpp"
#include "schemas/builds/import_events.hpp"
#include "schemas/builds/samples.hpp"
#include "schemas/builds/topics.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {

struct BuildSubmitted {
  static constexpr std::string_view kDescription = "A build entered the queue, at the end of it.";
  static constexpr std::string_view kType = "BuildSubmitted";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string build_id{};
  Platform platform = Platform::ios;
  BlobRef source{};
  std::optional<BlobRef> certs{};         ///< private to this build
  std::string access_token_sha256{};
  std::string token_key_id{};             ///< of the access token
  std::uint64_t order = 0;                ///< place among builds of one submission time
  std::optional<std::string> retry_of{};
};
BOOST_DESCRIBE_STRUCT(BuildSubmitted, (), (pool_id, build_id, platform, source, certs, access_token_sha256,
                                           token_key_id, order, retry_of))

struct BuildAssigned {
  static constexpr std::string_view kDescription = "A worker got a pending build: one fact about both.";
  static constexpr std::string_view kType = "BuildAssigned";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id; }

  std::string pool_id{};
  std::string build_id{};
  std::string worker_id{};
  std::uint32_t attempt = 0;         ///< from 1
  std::string otp_key_id{};
  std::int64_t otp_expires_at = 0;
  std::int64_t liveness_due_at = 0;
  bool claimed = false;              ///< finished in the same decision: the worker's own work is not touched
};
BOOST_DESCRIBE_STRUCT(BuildAssigned, (), (pool_id, build_id, worker_id, attempt, otp_key_id, otp_expires_at,
                                          liveness_due_at, claimed))

struct BuildReassigned {
  static constexpr std::string_view kDescription =
      "The same worker begins the same build anew; credentials of the attempt before are dead.";
  static constexpr std::string_view kType = "BuildReassigned";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id; }

  std::string pool_id{};
  std::string build_id{};
  std::string worker_id{};
  std::uint32_t attempt = 0;
  std::string otp_key_id{};
  std::int64_t otp_expires_at = 0;
  std::int64_t liveness_due_at = 0;
};
BOOST_DESCRIBE_STRUCT(BuildReassigned, (), (pool_id, build_id, worker_id, attempt, otp_key_id, otp_expires_at,
                                            liveness_due_at))

struct BuildStarted {
  static constexpr std::string_view kDescription = "First heartbeat or telemetry of the attempt.";
  static constexpr std::string_view kType = "BuildStarted";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string build_id{};
  std::uint32_t attempt = 0;
  std::int64_t liveness_due_at = 0;
};
BOOST_DESCRIBE_STRUCT(BuildStarted, (), (pool_id, build_id, attempt, liveness_due_at))

struct VmAuthenticated {
  static constexpr std::string_view kDescription =
      "The VM of the attempt proved the one-time password; token number auth_seq replaces the one "
      "before.";
  static constexpr std::string_view kType = "VmAuthenticated";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string build_id{};
  std::uint32_t attempt = 0;
  std::uint32_t auth_seq = 0;            ///< from 1 within the attempt
  std::string token_key_id{};
  std::int64_t vm_token_expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(VmAuthenticated, (), (pool_id, build_id, attempt, auth_seq, token_key_id, vm_token_expires_at))

struct VmReady {
  static constexpr std::string_view kDescription = "The VM is up: the one-time password is spent.";
  static constexpr std::string_view kType = "VmReady";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string build_id{};
  std::uint32_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(VmReady, (), (pool_id, build_id, attempt))

struct BuildCompleted {
  static constexpr std::string_view kDescription = "The result is there. Final.";
  static constexpr std::string_view kType = "BuildCompleted";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id.value_or(""); }

  std::string pool_id{};
  std::string build_id{};
  std::optional<std::string> worker_id{};
  std::uint32_t attempt = 0;
  BlobRef result{};
  bool late = false;                       ///< after a timeout or a requeue
  std::optional<std::int64_t> certs_due_at{};
};
BOOST_DESCRIBE_STRUCT(BuildCompleted, (), (pool_id, build_id, worker_id, attempt, result, late, certs_due_at))

struct BuildFailed {
  static constexpr std::string_view kDescription =
      "The worker reported failure, or the attempts are used up (failure_code).";
  static constexpr std::string_view kType = "BuildFailed";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id.value_or(""); }

  std::string pool_id{};
  std::string build_id{};
  std::optional<std::string> worker_id{};
  std::uint32_t attempt = 0;
  std::string error_message{};
  std::string failure_code{};
  std::optional<std::int64_t> certs_due_at{};
};
BOOST_DESCRIBE_STRUCT(BuildFailed, (), (pool_id, build_id, worker_id, attempt, error_message, failure_code,
                                        certs_due_at))

struct BuildTimedOut {
  static constexpr std::string_view kDescription =
      "No sign of life for too long: failed, a late success is still taken for a while.";
  static constexpr std::string_view kType = "BuildTimedOut";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id; }

  std::string pool_id{};
  std::string build_id{};
  std::string worker_id{};
  std::uint32_t attempt = 0;
  std::int64_t silent_ms = 0;
  std::optional<std::int64_t> certs_due_at{};
};
BOOST_DESCRIBE_STRUCT(BuildTimedOut, (), (pool_id, build_id, worker_id, attempt, silent_ms, certs_due_at))

struct BuildRequeued {
  static constexpr std::string_view kDescription =
      "The worker gave the build back: pending again, at its original place.";
  static constexpr std::string_view kType = "BuildRequeued";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id; }

  std::string pool_id{};
  std::string build_id{};
  std::string worker_id{};
  std::uint32_t attempt = 0;  ///< that ended
  std::string reason{};
};
BOOST_DESCRIBE_STRUCT(BuildRequeued, (), (pool_id, build_id, worker_id, attempt, reason))

struct BuildCancelled {
  static constexpr std::string_view kDescription = "A developer cancelled it; its worker, if any, is free at once.";
  static constexpr std::string_view kType = "BuildCancelled";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return worker_id.value_or(""); }

  std::string pool_id{};
  std::string build_id{};
  std::optional<std::string> worker_id{};
  std::optional<std::int64_t> certs_due_at{};
};
BOOST_DESCRIBE_STRUCT(BuildCancelled, (), (pool_id, build_id, worker_id, certs_due_at))

struct WorkerRegistered {
  static constexpr std::string_view kDescription =
      "A worker that was not known. The token's nonce is the id of the command.";
  static constexpr std::string_view kType = "WorkerRegistered";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string worker_id{};
  std::string name{};
  event::Json capabilities{};
  std::optional<std::string> public_identifier{};
  std::string token_sha256{};
  std::string token_key_id{};
  std::int64_t token_expires_at = 0;               ///< ms
  std::int64_t offline_due_at = 0;
};
BOOST_DESCRIBE_STRUCT(WorkerRegistered, (), (pool_id, worker_id, name, capabilities, public_identifier, token_sha256,
                                             token_key_id, token_expires_at, offline_due_at))

struct WorkerReregistered {
  static constexpr std::string_view kDescription =
      "A known worker came back with a new token; its stored name stays.";
  static constexpr std::string_view kType = "WorkerReregistered";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string worker_id{};
  std::optional<std::int64_t> active_build_count{};  ///< as the worker said; 0: it lost its job
  std::string token_sha256{};
  std::string token_key_id{};
  std::int64_t token_expires_at = 0;                 ///< ms
  std::int64_t offline_due_at = 0;
};
BOOST_DESCRIBE_STRUCT(WorkerReregistered, (), (pool_id, worker_id, active_build_count, token_sha256, token_key_id,
                                               token_expires_at, offline_due_at))

struct WorkerTokenRotated {
  static constexpr std::string_view kDescription = "A new token; the one before stays valid until its own expiry.";
  static constexpr std::string_view kType = "WorkerTokenRotated";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string worker_id{};
  std::string token_sha256{};
  std::string token_key_id{};
  std::int64_t token_expires_at = 0;  ///< ms
};
BOOST_DESCRIBE_STRUCT(WorkerTokenRotated, (), (pool_id, worker_id, token_sha256, token_key_id, token_expires_at))

struct WorkerCameOnline {
  static constexpr std::string_view kDescription = "An offline worker polled.";
  static constexpr std::string_view kType = "WorkerCameOnline";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string worker_id{};
  std::int64_t offline_due_at = 0;
};
BOOST_DESCRIBE_STRUCT(WorkerCameOnline, (), (pool_id, worker_id, offline_due_at))

struct WorkerWentOffline {
  static constexpr std::string_view kDescription = "No contact for too long, and no live build.";
  static constexpr std::string_view kType = "WorkerWentOffline";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string worker_id{};
  std::int64_t silent_ms = 0;
};
BOOST_DESCRIBE_STRUCT(WorkerWentOffline, (), (pool_id, worker_id, silent_ms))

struct WorkerUnregistered {
  static constexpr std::string_view kDescription = "The worker said goodbye; its tokens are dead.";
  static constexpr std::string_view kType = "WorkerUnregistered";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker_id; }
  std::string record_key() const { return pool_id; }

  std::string pool_id{};
  std::string worker_id{};
};
BOOST_DESCRIBE_STRUCT(WorkerUnregistered, (), (pool_id, worker_id))

struct BuildLogAppended {
  static constexpr std::string_view kDescription =
      "Log lines, numbered on from first_seq; their time is the envelope's.";
  static constexpr std::string_view kType = "BuildLogAppended";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLogsTopic;
  std::string subject() const { return build_id; }
  std::string record_key() const { return build_id; }

  std::string pool_id{};
  std::string build_id{};
  std::uint64_t first_seq = 0;
  std::vector<LogEntry> entries{};
};
BOOST_DESCRIBE_STRUCT(BuildLogAppended, (), (pool_id, build_id, first_seq, entries))

struct HeartbeatRecorded {
  static constexpr std::string_view kDescription =
      "A coalesced sign of life. Ephemeral: nothing that is decided is folded from it.";
  static constexpr std::string_view kType = "HeartbeatRecorded";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kActivityTopic;
  static constexpr bool kIgnorable = true;
  std::string subject() const { return build_id; }
  std::string record_key() const { return build_id; }

  std::string pool_id{};
  std::string build_id{};
  std::string worker_id{};
  std::uint32_t attempt = 0;
};
BOOST_DESCRIBE_STRUCT(HeartbeatRecorded, (), (pool_id, build_id, worker_id, attempt))

/// Everything on builds.ledger.
using LedgerEvent = std::variant<BuildSubmitted, BuildAssigned, BuildReassigned, BuildStarted, VmAuthenticated,
                                 VmReady, BuildCompleted, BuildFailed, BuildTimedOut, BuildRequeued,
                                 BuildCancelled, WorkerRegistered, WorkerReregistered, WorkerTokenRotated,
                                 WorkerCameOnline, WorkerWentOffline, WorkerUnregistered, BlobPurged,
                                 ControllerImported, WorkerImported, BuildImported>;

/// Everything the domain records.
using Event = std::variant<BuildSubmitted, BuildAssigned, BuildReassigned, BuildStarted, VmAuthenticated, VmReady,
                           BuildCompleted, BuildFailed, BuildTimedOut, BuildRequeued, BuildCancelled,
                           WorkerRegistered, WorkerReregistered, WorkerTokenRotated, WorkerCameOnline,
                           WorkerWentOffline, WorkerUnregistered, BuildLogAppended, HeartbeatRecorded,
                           TelemetryRecorded, CpuSnapshotRecorded, DiagnosticReported, BlobPurged,
                           ControllerImported, WorkerImported, BuildImported, BuildLogImported,
                           CpuSnapshotImported, DiagnosticImported>;

}  // namespace tidemark::schemas::builds
