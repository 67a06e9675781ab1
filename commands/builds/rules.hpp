#pragma once
// What the rules of the builds decider share. Private to commands/builds.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "commands/builds/tables.hpp"
#include "core/base/decision.hpp"
#include "schemas/builds/builds.hpp"

namespace tidemark::commands::builds {

using namespace schemas::builds;

using Outcome = Decision<Event, Reply>;

/// One command's view: the state before it, its context, the settings of the lane.
struct Scene {
  const RowReader& state;
  const Context& context;
  const Settings& settings;
  std::int64_t now = to_ms(context.now);

  std::string pool() const { return std::string(context.boundary); }
  std::optional<BuildRow> build(const std::string& id) const { return kBuilds.get(state, id); }
  std::optional<WorkerRow> worker(const std::string& id) const { return kWorkers.get(state, id); }
  /// Recorded time of taking the lane: before it nobody was listening, so it counts as a sign of life of everyone.
  std::int64_t lane_taken() const { return to_ms(context.lane_taken); }
};

inline Refused refuse(const RefusalSpec& spec) {
  return Refused{std::string(spec.reason), std::string(spec.text), spec.status};
}

/// Events of a decision under way; numbers log lines on from the state.
class Draft {
 public:
  explicit Draft(const Scene& scene) : scene_(scene) {}
  void add(Event event) { events_.push_back(std::move(event)); }
  void log(const std::string& build_id, LogLevel level, std::string message) {
    log(build_id, {LogEntry{level, std::move(message)}});
  }
  void log(const std::string& build_id, std::vector<LogEntry> entries);
  bool empty() const { return events_.empty(); }
  /// Accepted with what was added, or Nothing.
  Outcome answer(Reply reply) &&;

 private:
  const Scene& scene_;
  std::vector<Event> events_;
  std::map<std::string, std::uint64_t> next_seq_;
};

/// Why the credential gives no right over the build, if so. Whoever had a finished build still counts as its owner.
std::optional<RefusalSpec> refuse_owner(const BuildRow& build, Credential credential,
                                        const std::optional<std::string>& worker_id,
                                        std::optional<std::uint32_t> attempt);

/// The answer to a sign of life of a build that has ended: welcome and ignored, or refused so that its worker stops.
Outcome answer_after_end(const BuildRow& build, SignOfLifeReply reply);

/// BuildStarted at the first sign of life of an attempt.
void note_start(const Scene& scene, Draft& draft, const BuildRow& build);

/// Gives an active build back to the queue (true), or fails it when its attempts are used up (false).
bool requeue(const Scene& scene, Draft& draft, const BuildRow& build, const std::string& reason);

/// When the certificates of a build that ends now are due; nothing when it has none.
std::optional<std::int64_t> certs_due_at(const Scene& scene, const BuildRow& build);

/// The build as a worker gets it.
Job job_of(const BuildRow& build);

/// At most `bytes_max` bytes of the text, not ending inside a UTF-8 sequence.
std::string cut_text(std::string text, std::uint64_t bytes_max);

// One function per command; each file of this folder has the rules of one subject.
Outcome decide_submit(const Scene& scene, const SubmitBuild& command);
Outcome decide_retry(const Scene& scene, const RetryBuild& command);
Outcome decide_cancel(const Scene& scene, const CancelBuild& command);
Outcome decide_register(const Scene& scene, const RegisterWorker& command);
Outcome decide_unregister(const Scene& scene, const UnregisterWorker& command);
Outcome decide_expire_worker(const Scene& scene, const ExpireWorker& command);
Outcome decide_poll(const Scene& scene, const PollForJob& command);
Outcome decide_abandon(const Scene& scene, const AbandonBuild& command);
Outcome decide_sign_of_life(const Scene& scene, const RecordSignOfLife& command);
Outcome decide_telemetry(const Scene& scene, const RecordTelemetry& command);
Outcome decide_diagnostics(const Scene& scene, const SubmitDiagnostics& command);
Outcome decide_expire_build(const Scene& scene, const ExpireBuild& command);
Outcome decide_logs(const Scene& scene, const AppendLogs& command);
Outcome decide_authenticate(const Scene& scene, const AuthenticateVm& command);
Outcome decide_vm_ready(const Scene& scene, const MarkVmReady& command);
Outcome decide_result(const Scene& scene, const ReportResult& command);
Outcome decide_purge(const Scene& scene, const PurgeBlob& command);
Outcome decide_import(const Scene& scene, const Import& command);

}  // namespace tidemark::commands::builds
