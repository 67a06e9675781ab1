#pragma once
// Read model "builds.builds": builds by id and by time, active builds, workers, counters; one fold of the ledger
// because one answer often needs several of them. Times are ms.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/rows.hpp"
#include "schemas/builds/events.hpp"

namespace tidemark::projections::builds {

using schemas::builds::BlobRef;
using schemas::builds::BuildStatus;
using schemas::builds::Platform;
using schemas::builds::WorkerStatus;

struct BuildView {
  std::string id;
  Platform platform = Platform::ios;
  BuildStatus status = BuildStatus::pending;  ///< the true one; shown_status() is what clients may see
  std::optional<std::string> worker_id;       ///< owner, or who had it when it ended
  std::uint32_t attempt = 0;
  std::int64_t submitted_at = 0;
  std::uint64_t order = 0;
  std::optional<std::int64_t> started_at;     ///< of the current assignment
  std::optional<std::int64_t> completed_at;   ///< any terminal state
  std::int64_t updated_at = 0;
  std::optional<std::string> error_message;
  std::string failure_code;
  BlobRef source;                             ///< without hash when it is gone; a file that was purged is no longer here
  std::optional<BlobRef> certs;
  std::optional<BlobRef> result;
  std::string access_token_sha256;
  std::string token_key_id;                   ///< of the access token; empty when it was not made here
  std::optional<std::string> retry_of;
  std::optional<std::int64_t> vm_ready_at;
};
BOOST_DESCRIBE_STRUCT(BuildView, (), (id, platform, status, worker_id, attempt, submitted_at, order, started_at,
                                      completed_at, updated_at, error_message, failure_code, source, certs, result,
                                      access_token_sha256, token_key_id, retry_of, vm_ready_at))

/// A build in the list.
struct ListItem {
  std::string id;
  BuildStatus status = BuildStatus::pending;
  Platform platform = Platform::ios;
  std::optional<std::string> worker_id;
  std::int64_t submitted_at = 0;
  std::optional<std::int64_t> started_at;
  std::optional<std::int64_t> completed_at;
};
BOOST_DESCRIBE_STRUCT(ListItem, (), (id, status, platform, worker_id, submitted_at, started_at, completed_at))

struct WorkerView {
  std::string id;
  std::string name;
  WorkerStatus status = WorkerStatus::idle;
  std::string capabilities = "{}";            ///< JSON
  std::int64_t registered_at = 0;
  std::int64_t last_seen_at = 0;              ///< of the facts that a contact of its own has caused
  std::uint64_t builds_completed = 0;
  std::uint64_t builds_failed = 0;
  std::optional<std::string> active_build_id;
};
BOOST_DESCRIBE_STRUCT(WorkerView, (), (id, name, status, capabilities, registered_at, last_seen_at, builds_completed,
                                       builds_failed, active_build_id))

struct Statistics {
  std::int64_t pending = 0, assigned = 0, building = 0, completed = 0, failed = 0, cancelled = 0;
  std::int64_t build_time_ms = 0;  ///< sum of completed_at - started_at over builds that have both
  std::int64_t timed_out = 0;      ///< how often a worker fell silent, whatever became of the build
  std::int64_t total() const { return pending + assigned + building + completed + failed + cancelled; }
  std::int64_t finished() const { return completed + failed + cancelled; }
};
BOOST_DESCRIBE_STRUCT(Statistics, (), (pending, assigned, building, completed, failed, cancelled, build_time_ms, timed_out))

struct BuildsModel {
  static constexpr std::string_view kName = "builds.builds";
  static constexpr int kVersion = 2;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {std::string(schemas::builds::kLedgerTopic)}; }
  using Event = schemas::builds::LedgerEvent;
  static void apply(RowWriter& rows, const Event& event, const EventContext& context);
};

// --- queries: over Node::projection_rows(BuildsModel::kName) or its snapshot ---

std::optional<BuildView> find_build(const RowReader& rows, std::string_view build_id);
std::optional<WorkerView> find_worker(const RowReader& rows, std::string_view worker_id);
/// Name of the worker, or nothing.
std::optional<std::string> worker_name(const RowReader& rows, const std::optional<std::string>& worker_id);

struct ListFilter {
  std::optional<BuildStatus> status;  ///< as shown: `failed` includes cancelled builds
  std::optional<std::string> worker_id;
  std::optional<Platform> platform;
};
/// Every worker, by id, until `visit` says no.
void scan_workers(const RowReader& rows, FnRef<bool(const WorkerView&)> visit);
/// Newest first, until `visit` says no.
void scan_newest(const RowReader& rows, const ListFilter& filter, FnRef<bool(const ListItem&)> visit);
/// Assigned and building, oldest submission first.
std::vector<ListItem> active_builds(const RowReader& rows);

Statistics statistics(const RowReader& rows);
/// Builds completed on the UTC day of `now`.
std::int64_t completed_on_day(const RowReader& rows, Time now);

/// What every route but the statistics shows: cancelled is failed.
inline BuildStatus shown_status(BuildStatus status) {
  return status == BuildStatus::cancelled ? BuildStatus::failed : status;
}

}  // namespace tidemark::projections::builds
