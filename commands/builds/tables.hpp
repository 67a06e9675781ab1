#pragma once
// State of the builds decider: what decisions need, folded from the domain's events, one pool per boundary.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/table.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::commands::builds {

using schemas::builds::BlobKind;
using schemas::builds::BlobRef;
using schemas::builds::BuildStatus;
using schemas::builds::Platform;
using schemas::builds::WorkerStatus;

/// A build, for ever. Times are ms; 0 and empty strings mean "not yet".
struct BuildRow {
  std::string id;
  Platform platform = Platform::ios;
  BuildStatus status = BuildStatus::pending;
  std::string worker_id;          ///< owner, or who had it when it ended; empty while pending
  std::string last_worker_id;     ///< who had the last attempt, also after a requeue
  std::uint32_t attempt = 0;
  std::int64_t submitted_at = 0;
  std::int64_t queued_at = 0;     ///< when submitted; 0: before everyone
  std::uint64_t order = 0;        ///< with queued_at its place in the queue
  std::int64_t assigned_at = 0;
  std::int64_t building_at = 0;   ///< first sign of life of the attempt
  std::int64_t completed_at = 0;  ///< any terminal state
  std::int64_t kept_from = 0;     ///< of an import: its files' time counts from then; 0: from completed_at
  std::string failure_code;
  BlobRef source;
  std::optional<BlobRef> certs;
  std::optional<BlobRef> result;
  std::string access_token_sha256;
  std::string token_key_id;       ///< of the access token
  std::string otp_key_id;
  std::int64_t otp_expires_at = 0;
  std::uint32_t auth_seq = 0;     ///< of the attempt's present VM token; 0: none issued
  std::string vm_token_key_id;
  std::int64_t vm_authenticated_at = 0;
  std::int64_t vm_token_expires_at = 0;
  std::int64_t vm_ready_at = 0;
  std::string retry_of;
};
BOOST_DESCRIBE_STRUCT(BuildRow, (), (id, platform, status, worker_id, last_worker_id, attempt, submitted_at, queued_at, order,
                                     assigned_at, building_at, completed_at, kept_from, failure_code, source, certs, result,
                                     access_token_sha256, token_key_id, otp_key_id, otp_expires_at, auth_seq,
                                     vm_token_key_id, vm_authenticated_at, vm_token_expires_at, vm_ready_at, retry_of))

struct WorkerRow {
  std::string id;
  std::string name;
  WorkerStatus status = WorkerStatus::idle;
  std::string capabilities;             ///< JSON as given
  std::string public_identifier;
  std::int64_t registered_at = 0;       ///< ms
  std::int64_t contact_at = 0;          ///< ms; last contact that is a fact, the owner's memory knows later ones
  std::uint64_t builds_completed = 0;
  std::uint64_t builds_failed = 0;
  std::string active_build_id;          ///< at most one
  bool lost_job = false;                ///< re-registered with no active build since the assignment
  std::string token_sha256;
  std::string token_key_id;
  std::string token_nonce;
  std::int64_t token_expires_at = 0;
  std::string previous_token_sha256;    ///< valid until its own expiry
  std::int64_t previous_token_expires_at = 0;
};
BOOST_DESCRIBE_STRUCT(WorkerRow, (), (id, name, status, capabilities, public_identifier, registered_at, contact_at,
                                      builds_completed, builds_failed, active_build_id, lost_job, token_sha256,
                                      token_key_id, token_nonce, token_expires_at, previous_token_sha256,
                                      previous_token_expires_at))

struct IdRow {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(IdRow, (), (id))

struct LogHeadRow {
  std::uint64_t next_seq = 0;
};
BOOST_DESCRIBE_STRUCT(LogHeadRow, (), (next_seq))

/// Builds by state; the next place in the queue, and its first while any build is pending: whoever looked for the first
/// would pass all that were there before.
struct TotalsRow {
  std::int64_t pending = 0, assigned = 0, building = 0, completed = 0, failed = 0, cancelled = 0;
  std::uint64_t next_order = 0;
  std::int64_t first_queued_at = 0;
  std::uint64_t first_order = 0;
  std::int64_t total() const { return pending + assigned + building + completed + failed + cancelled; }
};
BOOST_DESCRIBE_STRUCT(TotalsRow, (), (pending, assigned, building, completed, failed, cancelled, next_order,
                                      first_queued_at, first_order))

/// How many files were purged, and how many of them were no certificates: who deletes them waits for a change of it.
struct PurgesRow {
  std::uint64_t count = 0;
  std::uint64_t shared = 0;
};
BOOST_DESCRIBE_STRUCT(PurgesRow, (), (count, shared))

inline constexpr Table<BuildRow, std::string> kBuilds{16};                       ///< build id
inline constexpr Table<WorkerRow, std::string> kWorkers{17};                     ///< worker id
inline constexpr Table<IdRow, std::int64_t, std::uint64_t> kPending{18};         ///< queued_at, order -> build
inline constexpr Table<IdRow, std::string> kActive{19};                          ///< build id -> its worker
inline constexpr Table<LogHeadRow, std::string> kLogHeads{20};                   ///< build id
inline constexpr Table<IdRow, std::string> kWorkerTokens{21};                    ///< token hash -> worker
/// sha256, kind, build id; sources and results
inline constexpr Table<IdRow, std::string, BlobKind, std::string> kBlobUses{22};
inline constexpr Table<TotalsRow> kTotals{23};

/// kind, since when its time counts (kept_since(), ms), build id: what could be purged from builds that have ended
inline constexpr Table<IdRow, BlobKind, std::int64_t, std::string> kEndedFiles{30};
inline constexpr Table<PurgesRow> kPurges{31};

/// Version of these tables; another one is rebuilt from the log.
inline constexpr int kStateVersion = 6;

}  // namespace tidemark::commands::builds
