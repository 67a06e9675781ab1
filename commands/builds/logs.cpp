// Log lines of workers and VMs.

#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {

// Keeps an event well below the size of a record, whatever its characters become in JSON.
constexpr std::size_t kLogEventBytesMax = 512u << 10;

Outcome decide_logs(const Scene& scene, const AppendLogs& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (const auto refusal = refuse_owner(*build, command.credential, command.worker_id, command.attempt))
    return refuse(*refusal);

  Draft draft(scene);
  std::vector<LogEntry> part;
  std::size_t bytes = 0;
  for (const LogEntry& entry : command.entries) {
    if (!part.empty() && bytes + entry.message.size() > kLogEventBytesMax) {
      draft.log(build->id, std::exchange(part, {}));
      bytes = 0;
    }
    bytes += entry.message.size();
    part.push_back(entry);
  }
  if (!part.empty()) draft.log(build->id, std::move(part));
  return std::move(draft).answer(LogsReply{.appended = command.entries.size()});
}

}  // namespace tidemark::commands::builds
