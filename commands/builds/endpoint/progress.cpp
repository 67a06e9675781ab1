// Signs of life and log lines of a build under way.

#include "commands/builds/endpoint/credentials.hpp"
#include "commands/builds/endpoint/json_values.hpp"
#include "commands/builds/endpoint/marks.hpp"
#include "commands/builds/endpoint/memory.hpp"
#include "commands/builds/endpoint/replies.hpp"
#include "commands/builds/endpoint/routes.hpp"
#include "commands/builds/live_progress.hpp"
#include "core/event/json_writer.hpp"
#include "schemas/builds/commands.hpp"
#include "schemas/builds/events.hpp"
#include "schemas/builds/refusals.hpp"

namespace tidemark::commands::builds::endpoint {
namespace {

using namespace schemas::builds;

constexpr std::string_view kHeartbeatFailed = "Heartbeat failed";
constexpr std::string_view kLogsFailed = "Failed to store logs";

http::Response refuse(const RefusalSpec& refusal) { return error_answer(refusal.status, refusal.text, refusal.reason); }
constexpr std::size_t kLogBodyBytesMax = 8u << 20;
constexpr std::size_t kLogLineBytesMax = 1u << 20;      // a longer one goes on in the next line
constexpr std::size_t kLogCommandBytesMax = 2u << 20;   // as JSON: its events are one record, which has 4 MiB

/// Adds a line as one entry, or as several when it is too long for one.
void add_lines(LogLevel level, std::string_view message, std::vector<LogEntry>& entries) {
  while (message.size() > kLogLineBytesMax) {
    std::size_t end = kLogLineBytesMax;
    while ((static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
    entries.push_back(LogEntry{level, std::string(message.substr(0, end))});
    message.remove_prefix(end);
  }
  entries.push_back(LogEntry{level, std::string(message)});
}

/// Takes from `entries`, from `next` on, what goes into one command.
std::vector<LogEntry> next_batch(std::vector<LogEntry>& entries, std::size_t& next) {
  std::vector<LogEntry> batch;
  std::size_t bytes = 0;
  for (; next < entries.size(); ++next) {
    std::string json;
    event::write_json_string(json, entries[next].message);
    bytes += json.size() + 40;
    if (!batch.empty() && bytes > kLogCommandBytesMax) break;
    batch.push_back(std::move(entries[next]));
  }
  return batch;
}

http::Response log_body_invalid() {
  return error_answer(400, "Invalid body. Expected { level, message } or { logs: [...] }", "LOG_BODY_INVALID");
}

/// What a heartbeat comes to: a refusal, or when it was taken.
struct Beat {
  std::optional<http::Response> refusal;
  std::int64_t timestamp = 0;  ///< ms
};

/// A heartbeat of `build_id`; a caller without worker id beats for whoever owns it. Most beats only move the owner's memory; one
/// is recorded when it is the first of its attempt, brings progress, or the last mark on the log is old.
Task<Beat> beat(Api& api, http::Request& request, std::string build_id, Caller caller, std::optional<std::string> progress) {
  RecordSignOfLife command;
  command.build_id = std::move(build_id);
  command.credential = caller.credential;
  command.attempt = caller.attempt;
  if (!caller.worker_id.empty()) command.worker_id = caller.worker_id;
  command.progress = std::move(progress);
  Beat out;
  bool record = false;
  const bool answered = api.owner_call([&](const runtime::OwnerView& view) {
    out.timestamp = to_ms(view.now);
    const auto build = find_build(view.state, command.build_id);
    if (!build) {
      out.refusal = refuse(kBuildNotFound);
      return;
    }
    if (command.worker_id && owner_of(*build) != *command.worker_id) {
      out.refusal = refuse(kNotBuildOwner);
      return;
    }
    command.last_mark_at = view.memory.get(mark_key(build->id));
    // What has ended is the decider's to judge: some ends refuse a beat and some do not.
    record = build->status != BuildStatus::building || is_mark_due(api, view, command.last_mark_at) || command.progress.has_value();
    note_life(view, *build);
    if (!is_active(build->status) || !command.progress) return;
    if (const auto value = progress_value(build->attempt, *command.progress)) view.memory.set(progress_key(build->id), *value);
  });
  if (!answered) out.refusal = ledger_unavailable(kHeartbeatFailed);
  if (out.refusal || !record) co_return out;

  const auto outcome = co_await api.execute(request, command, caller.actor());
  const auto reply = reply_of<SignOfLifeReply>(outcome);
  if (!reply) {
    out.refusal = answer_for(outcome, kHeartbeatFailed);
    co_return out;
  }
  out.timestamp = reply->timestamp;
  remember_mark(api, outcome, command.build_id, HeartbeatRecorded::kType, reply->timestamp);
  co_return out;
}

}  // namespace

Task<http::Response> build_heartbeat(Api& api, http::Request& request) {
  Caller caller;
  if (has_vm_token(request)) {
    BuildRow build;
    if (auto refusal = check_vm(api, request, request.param("id"), caller, build, kHeartbeatFailed)) co_return std::move(*refusal);
  } else {
    if (auto refusal = check_key(api, request)) co_return std::move(*refusal);
    caller.worker_id = request.query("worker_id").value_or("");
    if (caller.worker_id.empty()) co_return error_answer(400, "worker_id required", "WORKER_ID_REQUIRED");
  }
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  auto progress = number_text(body->root()["progress"]);
  auto taken = co_await beat(api, request, std::string(request.param("id")), std::move(caller), std::move(progress));
  if (taken.refusal) co_return std::move(*taken.refusal);
  std::string out;
  event::JsonWriter(out).begin_object().member("status", "ok").member("timestamp", taken.timestamp).end_object();
  co_return answer(200, std::move(out));
}

Task<http::Response> worker_heartbeat(Api& api, http::Request& request) {
  Caller caller;
  if (auto refusal = check_key_or_worker(api, request, caller, kHeartbeatFailed)) co_return std::move(*refusal);
  auto body = co_await read_json(request);
  if (body->refusal) co_return std::move(*body->refusal);
  const auto build_id = body->root()["build_id"].as_string();
  if (!build_id || build_id->empty()) co_return error_answer(400, "build_id required");
  if (const auto named = request.header("X-Worker-Id"); named && caller.worker_id.empty()) caller.worker_id = *named;
  auto progress = number_text(body->root()["progress"]);
  auto taken = co_await beat(api, request, std::string(*build_id), std::move(caller), std::move(progress));
  if (taken.refusal) co_return std::move(*taken.refusal);
  co_return answer(200, R"({"success":true,"message":"Heartbeat recorded"})");
}

Task<http::Response> append_logs(Api& api, http::Request& request) {
  Caller caller;
  BuildRow build;
  if (auto refusal = check_owner_or_vm(api, request, request.param("id"), OwnerRoute::plain, caller, build, kLogsFailed)) co_return std::move(*refusal);
  auto body = co_await read_json(request, kLogBodyBytesMax);
  if (body->refusal) co_return std::move(*body->refusal);
  const event::JsonNode root = body->root();

  AppendLogs command;
  command.build_id = build.id;
  command.credential = caller.credential;
  command.worker_id = caller.worker_id;
  command.attempt = caller.attempt;
  std::vector<LogEntry> entries;
  const bool many = root["logs"].is_array();
  std::size_t sent = 0;
  if (many) {
    for (const event::JsonNode entry : root["logs"].items()) {
      ++sent;
      const auto level = parse_client_level(entry["level"].as_string().value_or(""));
      const auto message = entry["message"].as_string();
      if (level && message) add_lines(*level, *message, entries);
    }
  } else {
    const auto level_text = root["level"].as_string();
    const auto message = root["message"].as_string();
    if (!level_text || level_text->empty() || !message) co_return log_body_invalid();
    const auto level = parse_client_level(*level_text);
    if (!level) co_return error_answer(400, "Invalid log level. Must be: info, warn, or error", "LOG_LEVEL_INVALID");
    add_lines(*level, *message, entries);
  }
  for (std::size_t next = 0; next < entries.size();) {
    command.entries = next_batch(entries, next);
    const auto outcome = co_await api.execute(request, command, caller.actor());
    if (!was_done(outcome)) co_return answer_for(outcome, kLogsFailed);
  }
  if (!many) co_return answer(200, R"({"success":true})");
  std::string out;
  event::JsonWriter(out).begin_object().member("success", true).member("count", sent).end_object();
  co_return answer(200, std::move(out));
}

}  // namespace tidemark::commands::builds::endpoint
