// What the monitor inside a build's virtual machine posts.

#include <cmath>

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/json_values.hpp"
#include "commands/builds/endpoint/marks.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/live_progress.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::string_view kTelemetryFailed = "Failed to process telemetry";
constexpr std::size_t kDataBytesMax = 64u << 10;    // what is kept of `data`; larger is left out
constexpr std::size_t kSentAtBytesMax = 64;
constexpr double kCpuPercentMax = 1000, kMemoryMbMax = 1'000'000;

std::int64_t thousandths(double value) { return std::llround(value * 1000); }

/// Both numbers, when both are there and within bounds.
std::optional<CpuReading> reading_of(event::JsonNode data) {
  const auto cpu = number_of(data["cpu_percent"]);
  const auto memory = number_of(data["memory_mb"]);
  if (!cpu || !memory || *cpu < 0 || *cpu > kCpuPercentMax || *memory < 0 || *memory > kMemoryMbMax) return std::nullopt;
  return CpuReading{thousandths(*cpu), thousandths(*memory)};
}

VmBeat beat_of(event::JsonNode data) {
  const event::JsonNode metrics = data["metrics"];
  VmBeat beat;
  beat.stage = is_given(data["stage"]) ? text_of(data["stage"]) : "unknown";
  const auto cpu = number_of(metrics["cpu_percent"]);
  if (cpu && *cpu >= 0 && *cpu <= kCpuPercentMax) beat.cpu_millipercent = thousandths(*cpu);
  beat.memory_mb = number_text(metrics["memory_mb"]).value_or("");
  beat.disk_percent = number_text(metrics["disk_percent"]).value_or("");
  beat.count = number_text(data["heartbeat_count"]).value_or("");
  return beat;
}

/// The command for what was posted; nothing when it is no telemetry.
std::optional<RecordTelemetry> command_of(event::JsonNode root) {
  if (!is_given(root["type"]) || !is_given(root["timestamp"]) || !is_given(root["data"])) return std::nullopt;
  RecordTelemetry command;
  command.type = text_of(root["type"]);
  command.sent_at = text_of(root["timestamp"]);
  if (command.sent_at->size() > kSentAtBytesMax) command.sent_at.reset();
  command.data.raw = compact_json(root["data"]);
  if (command.data.raw.size() > kDataBytesMax) command.data.raw.clear();
  if (command.type == kCpuSnapshot) command.reading = reading_of(root["data"]);
  if (command.type == kVmHeartbeat) command.beat = beat_of(root["data"]);
  return command;
}

/// Whether there is anything to record: else it only moves the owner's memory, as a heartbeat does.
bool is_worth_recording(const RecordTelemetry& command, const BuildRow& build, bool mark_is_due) {
  // What has ended is the decider's to judge.
  return build.status != BuildStatus::building || mark_is_due || command.reading || command.beat || command.type == kMonitorStarted;
}

}  // namespace

Task<http::Response> telemetry(Api& api, http::Request& request) {
  constexpr const char* kTaken = R"({"status":"ok"})";
  Caller caller;
  BuildRow build;
  if (auto refusal = check_owner_or_vm(api, request, request.param("id"), OwnerRoute::named_twice, caller, build, kTelemetryFailed)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  auto command = command_of(body->root());
  if (!command) co_return error_answer(kTelemetryInvalid.status, kTelemetryInvalid.text, kTelemetryInvalid.reason);
  command->build_id = build.id;
  command->credential = caller.credential;
  command->worker_id = caller.worker_id;
  command->attempt = caller.attempt;
  bool record = false;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    command->last_mark_at = view.memory.get(mark_key(build.id));
    const auto present = find_build(view.state, build.id);
    record = !present || is_worth_recording(*command, *present, is_mark_due(api, view, command->last_mark_at));
    if (!present || !is_active(present->status) || !command->beat) return;
    if (const auto stage = stage_value(present->attempt, command->beat->stage)) view.memory.set(stage_key(build.id), *stage);
  });
  if (!answered) co_return ledger_unavailable(kTelemetryFailed);
  if (!record) co_return answer(200, kTaken);

  const auto outcome = co_await api.execute(request, *command, caller.actor());
  const auto reply = reply_of<SignOfLifeReply>(outcome);
  if (!reply) co_return answer_for(outcome, kTelemetryFailed);
  remember_mark(api, outcome, build.id, TelemetryRecorded::kType, reply->timestamp);
  co_return answer(200, kTaken);
}

}  // namespace tidemark::commands::builds::endpoint
