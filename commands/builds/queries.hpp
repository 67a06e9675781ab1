#pragma once
// Owner calls of the builds domain: what endpoints ask of durable state (OwnerView::state) without a command.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "commands/builds/tables.hpp"
#include "core/base/decision.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/replies.hpp"
#include "schemas/builds/settings.hpp"

namespace tidemark::commands::builds {

/// Whether builds.activity may have another mark of a build: one in a while is enough. Times in ms.
inline bool is_mark_due(const schemas::builds::Settings& settings, std::int64_t now, const std::optional<std::int64_t>& last_mark_at) {
  return !last_mark_at || now - *last_mark_at >= settings.activity_mark_ms;
}

std::optional<BuildRow> find_build(const RowReader& state, std::string_view build_id);
std::optional<WorkerRow> find_worker(const RowReader& state, std::string_view worker_id);

/// True when `token_sha256` (token_hash of what the client sent) is the build's access token. Constant time.
bool is_access_token(const BuildRow& build, std::string_view token_sha256);
/// The worker whose current or previous token this is, when it has not expired at `now`.
std::optional<WorkerRow> worker_by_token(const RowReader& state, std::string_view token_sha256, Time now);
/// True when a poll should bring the hash of a next token: less than worker_token_rotate_ms are left of the current
/// one.
bool token_rotation_due(const WorkerRow& worker, Time now, const schemas::builds::Settings& settings);

/// Whether the attempt's VM token may still be used; `last_use` is the owner's memory of its last use.
bool vm_token_alive(const BuildRow& build, std::optional<Time> last_use, Time now,
                    const schemas::builds::Settings& settings);

/// The build that the worker has in hand now.
std::optional<BuildRow> active_build_of(const RowReader& state, std::string_view worker_id);
/// The answer to a poll that changes nothing: what the decider would say to it is Nothing. Nothing: it must be decided.
std::optional<schemas::builds::PollReply> idle_poll(const RowReader& state, const schemas::builds::PollForJob& command,
                                                    const Context& context,
                                                    const schemas::builds::Settings& settings);
/// Worker that owns the build now (assigned or building), or had it when it ended. Nothing while pending.
inline std::string_view owner_of(const BuildRow& build) { return build.worker_id; }

/// Builds by state: health (pending, active, total), metrics.
TotalsRow totals(const RowReader& state);
/// Active builds, oldest id first.
std::vector<BuildRow> active_builds(const RowReader& state);

/// Workers that are idle or building and were in contact within `within` before `now`, or have a live build. A node
/// that took the lane less than `within` ago counts every such worker. `last_contact` gives the owner's memory (ms) of
/// a worker.
std::int64_t nodes_online(const RowReader& state, Time now, Time lane_taken, Duration within,
                          const std::function<std::optional<std::int64_t>(std::string_view worker_id)>& last_contact);

/// Whether a source or result of some build has this content.
bool is_blob_used(const RowReader& state, std::string_view sha256);

// --- owner's memory (Volatile) -----------------------------------------------------------------------------------

std::string seen_key(std::string_view build_id);         ///< ms of the build's last sign of life
std::string mark_key(std::string_view build_id);         ///< ms of its last HeartbeatRecorded
std::string contact_key(std::string_view worker_id);     ///< ms of the worker's last contact, polls included
std::string vm_use_key(std::string_view build_id);       ///< ms of the VM token's last use

/// Data of a timer's command with the owner's memory filled in: what Domain::complete_timer returns.
std::string complete_timer(const Timer& timer,
                           const std::function<std::optional<std::int64_t>(std::string_view key)>& memory);

}  // namespace tidemark::commands::builds
