#include "commands/builds/queries.hpp"

#include <algorithm>

#include "commands/builds/silence.hpp"
#include "core/event/json.hpp"
#include "schemas/builds/commands.hpp"

namespace tidemark::commands::builds {
namespace {

// Both sides are SHA-256 values in hex, so lengths tell nothing.
bool equal_hashes(std::string_view a, std::string_view b) {
  if (a.size() != b.size() || a.empty()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return difference == 0;
}

template <class Command, class Fill>
std::string filled(const std::string& data, Fill fill) {
  std::vector<event::FieldError> errors;
  auto command = event::from_json<Command>(data, event::Decoding::tolerant, errors);
  if (!command) return data;
  fill(*command);
  return event::to_json(*command);
}

}  // namespace

std::optional<BuildRow> find_build(const RowReader& state, std::string_view build_id) {
  return kBuilds.get(state, std::string(build_id));
}
std::optional<WorkerRow> find_worker(const RowReader& state, std::string_view worker_id) {
  return kWorkers.get(state, std::string(worker_id));
}

bool is_access_token(const BuildRow& build, std::string_view token_sha256) {
  return equal_hashes(build.access_token_sha256, token_sha256);
}

std::optional<WorkerRow> worker_by_token(const RowReader& state, std::string_view token_sha256, Time now) {
  const auto found = kWorkerTokens.get(state, std::string(token_sha256));
  if (!found) return std::nullopt;
  auto worker = kWorkers.get(state, found->id);
  if (!worker) return std::nullopt;
  const std::int64_t at = to_ms(now);
  const bool current = equal_hashes(worker->token_sha256, token_sha256) && at < worker->token_expires_at;
  const bool previous = equal_hashes(worker->previous_token_sha256, token_sha256) &&
      at < worker->previous_token_expires_at;
  if (!current && !previous) return std::nullopt;
  return worker;
}

bool token_rotation_due(const WorkerRow& worker, Time now, const schemas::builds::Settings& settings) {
  return worker.token_expires_at - to_ms(now) < settings.worker_token_rotate_ms;
}

bool vm_token_alive(const BuildRow& build, std::optional<Time> last_use, Time now,
                    const schemas::builds::Settings& settings) {
  if (build.auth_seq == 0) return false;
  std::int64_t expires = build.vm_token_expires_at;
  if (last_use) expires = std::max(expires, to_ms(*last_use) + settings.vm_token_ms);
  return to_ms(now) < std::min(expires, build.vm_authenticated_at + settings.vm_token_max_ms);
}

std::optional<BuildRow> active_build_of(const RowReader& state, std::string_view worker_id) {
  const auto worker = find_worker(state, worker_id);
  if (!worker || worker->active_build_id.empty()) return std::nullopt;
  return kBuilds.get(state, worker->active_build_id);
}

TotalsRow totals(const RowReader& state) { return kTotals.get(state).value_or(TotalsRow{}); }

std::vector<BuildRow> active_builds(const RowReader& state) {
  std::vector<BuildRow> active;
  kActive.scan(state, [&](const auto& key, const IdRow&) {
    if (auto build = kBuilds.get(state, std::get<0>(key))) active.push_back(std::move(*build));
    return true;
  });
  return active;
}

std::int64_t nodes_online(const RowReader& state, Time now, Time lane_taken, Duration within,
                          const std::function<std::optional<std::int64_t>(std::string_view worker_id)>& last_contact) {
  std::int64_t online = 0;
  kWorkers.scan(state, [&](const auto&, const WorkerRow& worker) {
    if (worker.status == WorkerStatus::offline) return true;
    const std::int64_t last = std::max({worker.contact_at, to_ms(lane_taken), last_contact(worker.id).value_or(0)});
    if (!worker.active_build_id.empty() || to_ms(now) - last <= within.count()) ++online;
    return true;
  });
  return online;
}

bool is_blob_used(const RowReader& state, std::string_view sha256) {
  bool used = false;
  kBlobUses.scan(state, [&](const auto&, const IdRow&) {
    used = true;
    return false;
  }, std::string(sha256));
  return used;
}

std::string seen_key(std::string_view build_id) { return "seen/" + std::string(build_id); }
std::string mark_key(std::string_view build_id) { return "mark/" + std::string(build_id); }
std::string contact_key(std::string_view worker_id) { return "contact/" + std::string(worker_id); }
std::string vm_use_key(std::string_view build_id) { return "vm-use/" + std::string(build_id); }

std::string complete_timer(const Timer& timer,
                           const std::function<std::optional<std::int64_t>(std::string_view key)>& memory) {
  using schemas::builds::ExpireBuild;
  using schemas::builds::ExpireWorker;
  if (timer.command == ExpireBuild::kType) {
    return filled<ExpireBuild>(timer.data, [&](ExpireBuild& c) {
      // What may be the result of this build keeps it from ending by silence.
      c.last_sign_at = std::max(memory(seen_key(c.build_id)), memory(kUnnamedUploadKey));
    });
  }
  if (timer.command == ExpireWorker::kType) {
    return filled<ExpireWorker>(timer.data,
                                [&](ExpireWorker& c) { c.last_contact_at = memory(contact_key(c.worker_id)); });
  }
  return timer.data;
}

}  // namespace tidemark::commands::builds
