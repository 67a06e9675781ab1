// What a build's virtual machine tells of itself: a sign of life like a heartbeat, with lines for the log and samples.

#include <algorithm>

#include "commands/builds/queries.hpp"
#include "commands/builds/rules.hpp"

namespace tidemark::commands::builds {
namespace {

constexpr std::size_t kTypeBytesMax = 64;
constexpr std::size_t kValueBytesMax = 32;

bool is_within_bounds(const CpuReading& reading) {
  return reading.cpu_millipercent >= 0 && reading.cpu_millipercent <= kCpuMillipercentMax && reading.memory_kb >= 0 &&
         reading.memory_kb <= kMemoryKbMax;
}

/// With one decimal, halves away from zero.
std::string percent_text(std::int64_t millipercent) {
  const std::int64_t tenths = (std::max<std::int64_t>(millipercent, 0) + 50) / 100;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10);
}

std::string value_text(const std::string& given) { return given.empty() ? "0" : cut_text(given, kValueBytesMax); }

std::string beat_line(const VmBeat& beat) {
  return "[VM] Stage: " + cut_text(beat.stage, kTypeBytesMax) + " | CPU: " + percent_text(beat.cpu_millipercent) +
         "% | Mem: " + value_text(beat.memory_mb) + "MB | Disk: " + value_text(beat.disk_percent) +
         "% | Beat: " + value_text(beat.count);
}

}  // namespace

Outcome decide_telemetry(const Scene& scene, const RecordTelemetry& command) {
  const auto build = scene.build(command.build_id);
  if (!build) return refuse(kBuildNotFound);
  if (const auto refusal = refuse_owner(*build, command.credential, command.worker_id, command.attempt))
    return refuse(*refusal);
  const SignOfLifeReply reply{.timestamp = scene.now, .active = is_active(build->status)};
  if (!reply.active) return answer_after_end(*build, reply);

  Draft draft(scene);
  note_start(scene, draft, *build);
  if (is_mark_due(scene.settings, scene.now, command.last_mark_at)) {
    draft.add(TelemetryRecorded{.pool_id = scene.pool(), .build_id = build->id, .worker_id = build->worker_id,
                                .attempt = build->attempt, .type = cut_text(command.type, kTypeBytesMax),
                                .sent_at = command.sent_at, .data = command.data});
  }
  if (command.type == kCpuSnapshot && command.reading && is_within_bounds(*command.reading)) {
    draft.add(CpuSnapshotRecorded{.pool_id = scene.pool(), .build_id = build->id, .attempt = build->attempt,
                                  .reading = *command.reading});
  }
  if (command.type == kMonitorStarted) draft.log(build->id, LogLevel::info, "[VM] Monitor started");
  if (command.type == kVmHeartbeat && command.beat) draft.log(build->id, LogLevel::debug, beat_line(*command.beat));
  return std::move(draft).answer(reply);
}

}  // namespace tidemark::commands::builds
