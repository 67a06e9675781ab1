#include "tests/sim/node/builds_work.hpp"

#include "core/event/json.hpp"
#include "schemas/builds/builds.hpp"

namespace tidemark::sim {
namespace {

using namespace schemas::builds;

constexpr std::uint64_t kPools = 4, kWorkers = 4;
constexpr std::size_t kRemembered = 24;

template <class Command>
void set(runtime::CommandRequest& request, const std::string& pool, Command command) {
  command.pool_id = pool;
  request.name = std::string(Command::kType);
  request.data = event::to_json(command);
}

template <class T>
void remember(std::deque<T>& last, T one) {
  last.push_back(std::move(one));
  if (last.size() > kRemembered) last.pop_front();
}

SubmitBuild submission(const std::string& id) {
  SubmitBuild command;
  command.source = BlobRef{.sha256 = std::string(64, 'a'), .size = 1, .kind = BlobKind::source, .declared_name = "s", .declared_type = {}};
  command.access_token_sha256 = std::string(64, '7');
  command.token_key_id = "k";
  command.build_id = id;
  return command;
}

}  // namespace

Settings BuildsWork::settings(Random& random) {
  Settings settings;
  settings.assigned_silence_ms = BuildsModel::kAssignedSilenceMs;
  settings.building_silence_ms = BuildsModel::kBuildingSilenceMs;
  settings.worker_offline_ms = 4'000;
  settings.activity_mark_ms = 500;
  settings.attempts_max = 3;
  settings.requeue_on_timeout = random.chance(0.5);
  return settings;
}

std::string BuildsWork::any_build(Random& random, const std::string& pool) {
  const auto& last = submitted_[pool];
  return last.empty() ? "nowhere" : last[random.below(last.size())];
}

Wish BuildsWork::next(Random& random, const std::string& client, std::uint64_t number) {
  Wish wish;
  const std::string pool = "p" + std::to_string(random.below(kPools));
  const std::string worker = pool + "w" + std::to_string(random.below(kWorkers));
  wish.boundary = pool;
  wish.request.domain = "builds";
  wish.request.actor = client;
  if (random.chance(0.9)) {
    wish.request.keyed = true;
    wish.request.command_id = runtime::command_id_of_key("", client, "builds", std::to_string(number));
  }
  const auto held = model_.held(pool);
  auto& once_held = once_held_[pool];
  BuildsModel::Held mine{any_build(random, pool), worker};
  if (!held.empty() && random.chance(0.8)) mine = held[random.below(held.size())];
  else if (!once_held.empty() && random.chance(0.6)) mine = once_held[random.below(once_held.size())];
  if (!held.empty()) remember(once_held, held[random.below(held.size())]);

  const std::uint64_t dice = random.below(100);
  if (dice < 26) {
    const std::string id = random.chance(0.97) ? client + "-" + std::to_string(number) : any_build(random, pool);
    remember(submitted_[pool], id);
    set(wish.request, pool, submission(id));
  } else if (dice < 36) {
    RegisterWorker command;
    command.worker_id = worker;
    command.name = "Mac";
    command.capabilities.raw = "{}";
    command.token_sha256 = "t-" + worker;
    command.token_key_id = "k";
    if (random.chance(0.3)) command.active_build_count = 0;
    set(wish.request, pool, command);
  } else if (dice < 62) {
    PollForJob command;
    command.worker_id = worker;
    command.otp_key_id = "k";
    set(wish.request, pool, command);
  } else if (dice < 74) {
    RecordSignOfLife command;
    command.build_id = mine.build;
    command.worker_id = mine.worker;
    if (random.chance(0.3)) command.progress = std::to_string(random.below(100));
    set(wish.request, pool, command);
  } else if (dice < 86) {
    ReportResult command;
    command.build_id = mine.build;
    command.worker_id = mine.worker;
    command.success = random.chance(0.7);
    if (command.success) command.result = BlobRef{.sha256 = std::string(64, 'e'), .size = 1, .kind = BlobKind::result, .declared_name = "r", .declared_type = {}};
    set(wish.request, pool, command);
  } else if (dice < 90) {
    CancelBuild command;
    command.build_id = any_build(random, pool);
    set(wish.request, pool, command);
  } else if (dice < 93) {
    AbandonBuild command;
    command.build_id = mine.build;
    command.worker_id = mine.worker;
    command.reason = "no disk";
    set(wish.request, pool, command);
  } else if (dice < 96) {
    AppendLogs command;
    command.build_id = mine.build;
    command.worker_id = mine.worker;
    command.entries.assign(1 + random.below(3), LogEntry{LogLevel::info, std::string(1 + random.below(200), 'l')});
    set(wish.request, pool, command);
  } else if (dice < 98) {
    UnregisterWorker command;
    command.worker_id = worker;
    set(wish.request, pool, command);
  } else {
    RetryBuild command;
    command.original_build_id = any_build(random, pool);
    command.source_available = true;
    command.build_id = client + "-retry-" + std::to_string(number);
    remember(submitted_[pool], *command.build_id);
    set(wish.request, pool, command);
  }
  if (wish.request.keyed) {
    wish.other = wish.request;
    set(*wish.other, pool, submission("another"));
  }
  return wish;
}

/// Whoever waits for a token sees no error but that it takes too long.
Task<void> BuildsWork::look(Machine& machine, const Wish& wish, const runtime::Outcome& outcome, bool) {
  if (outcome.position.empty()) co_return;
  const std::string domain = wish.request.domain;
  auto waiting = machine.node().wait_domain_applied(domain, outcome.position, machine.scheduler().now() + std::chrono::seconds(2));
  auto applied = co_await std::move(waiting);
  if (!applied && applied.error().code != Code::timed_out && applied.error().code != Code::unavailable) {
    site_.history.violated("a token is waited for", describe(applied.error()));
  }
}

}  // namespace tidemark::sim
