#pragma once
// Read model "builds.status": what a status page shows. The queue and what is under way in the order of submission, how the
// latest builds ended and how long they took, and the latest failures. Times are ms.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/rows.hpp"
#include "schemas/builds/events.hpp"

namespace tidemark::projections::builds {

/// A build that has not ended, or that timed out: a late success may still end it otherwise.
struct OpenBuild {
  std::string id;
  schemas::builds::Platform platform = schemas::builds::Platform::ios;
  schemas::builds::BuildStatus status = schemas::builds::BuildStatus::pending;
  std::int64_t submitted_at = 0;
  std::uint64_t order = 0;
  std::optional<std::string> worker_id;    ///< nothing while pending
  std::uint32_t attempt = 0;
  std::optional<std::int64_t> started_at;  ///< of the present assignment
};
BOOST_DESCRIBE_STRUCT(OpenBuild, (), (id, platform, status, submitted_at, order, worker_id, attempt, started_at))

enum class Ending { completed, failed, timed_out };
std::string_view name_of(Ending ending);

/// How a build ended; cancelled ones tell nothing about build times and are left out.
struct EndedBuild {
  std::uint64_t number = 0;                ///< grows from one end to the next of its pool
  std::string id;
  schemas::builds::Platform platform = schemas::builds::Platform::ios;
  Ending ending = Ending::completed;
  std::optional<std::string> worker_id;
  std::int64_t submitted_at = 0;
  std::optional<std::int64_t> started_at;  ///< nothing when it was queued again before it ended
  std::int64_t ended_at = 0;
  std::string message;                     ///< of a failure, its beginning
};
BOOST_DESCRIBE_STRUCT(EndedBuild, (), (number, id, platform, ending, worker_id, submitted_at, started_at, ended_at, message))

inline constexpr std::uint64_t kEndedKept = 200;
inline constexpr std::uint64_t kFailuresKept = 25;
inline constexpr std::size_t kFailureMessageBytesMax = 600;

struct StatusModel {
  static constexpr std::string_view kName = "builds.status";
  static constexpr int kVersion = 2;
  static constexpr bool kMergeable = false;
  static std::vector<std::string> topics() { return {std::string(schemas::builds::kLedgerTopic)}; }
  using Event = schemas::builds::LedgerEvent;
  static void apply(RowWriter& rows, const Event& event, const EventContext& context);
};

// --- queries: over Node::projection_snapshot(StatusModel::kName) ---

/// The first `max` of the queue, next one first.
std::vector<OpenBuild> queued_builds(const RowReader& rows, std::size_t max);
/// At most `max` assigned or building ones, oldest submission first.
std::vector<OpenBuild> running_builds(const RowReader& rows, std::size_t max);
/// The latest, at most kEndedKept, in the order in which they ended.
std::vector<EndedBuild> ended_builds(const RowReader& rows);
/// The latest failures and timeouts, at most kFailuresKept, latest first. A build that completed late is none.
std::vector<EndedBuild> failed_builds(const RowReader& rows);

}  // namespace tidemark::projections::builds
