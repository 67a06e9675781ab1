// The fold: total, it believes history. Every change of a build goes through save_build(), which keeps queue, active
// set, blob uses and totals with it.

#include <algorithm>
#include <tuple>

#include "commands/builds/decider.hpp"
#include "commands/builds/files.hpp"
#include "commands/builds/import_tables.hpp"
#include "commands/builds/silence.hpp"
#include "commands/builds/tables.hpp"
#include "core/event/json.hpp"

namespace tidemark::commands::builds {
namespace {

using namespace schemas::builds;

void count(TotalsRow& totals, BuildStatus status, std::int64_t by) {
  switch (status) {
    case BuildStatus::pending: totals.pending += by; break;
    case BuildStatus::assigned: totals.assigned += by; break;
    case BuildStatus::building: totals.building += by; break;
    case BuildStatus::completed: totals.completed += by; break;
    case BuildStatus::failed: totals.failed += by; break;
    case BuildStatus::cancelled: totals.cancelled += by; break;
  }
}

void join_queue(State& state, TotalsRow& totals, const BuildRow& build) {
  const bool first = totals.pending == 1 || std::tie(build.queued_at, build.order) <
                                                std::tie(totals.first_queued_at, totals.first_order);
  if (first) {
    totals.first_queued_at = build.queued_at;
    totals.first_order = build.order;
  }
  kPending.put(state, build.queued_at, build.order, IdRow{build.id});
}

void leave_queue(State& state, TotalsRow& totals, const BuildRow& build) {
  kPending.erase(state, build.queued_at, build.order);
  if (totals.pending == 0) return;
  kPending.scan_from(state, [&](const auto& key, const IdRow&) {
    std::tie(totals.first_queued_at, totals.first_order) = key;
    return false;
  }, totals.first_queued_at, totals.first_order);
}

// Every reference of a build is in the index of uses, and in that of ended files once it has ended.
void save_files(State& state, const BuildRow* before, const BuildRow& after) {
  for (const BlobKind kind : {BlobKind::source, BlobKind::certs, BlobKind::result}) {
    const BlobRef* had = before ? file_of(*before, kind) : nullptr;
    const BlobRef* has = file_of(after, kind);
    if (kind != BlobKind::certs) {
      if (had && !(has && has->sha256 == had->sha256)) kBlobUses.erase(state, had->sha256, kind, after.id);
      if (has && !(had && had->sha256 == has->sha256)) kBlobUses.put(state, has->sha256, kind, after.id, IdRow{});
    }
    const bool was_ended = had && is_terminal(before->status), is_ended = has && is_terminal(after.status);
    const bool moved = was_ended && is_ended && kept_since(*before) != kept_since(after);
    if (was_ended && (!is_ended || moved)) kEndedFiles.erase(state, kind, kept_since(*before), after.id);
    if (is_ended && (!was_ended || moved)) kEndedFiles.put(state, kind, kept_since(after), after.id, IdRow{});
  }
}

void save_build(State& state, const BuildRow* before, const BuildRow& after) {
  if (!before || before->status != after.status) {
    TotalsRow totals = kTotals.get(state).value_or(TotalsRow{});
    if (before) count(totals, before->status, -1);
    count(totals, after.status, +1);
    if (!before && totals.next_order <= after.order) totals.next_order = after.order + 1;
    if (before && before->status == BuildStatus::pending) leave_queue(state, totals, *before);
    if (after.status == BuildStatus::pending) join_queue(state, totals, after);
    kTotals.put(state, totals);
  }
  if (is_active(after.status)) kActive.put(state, after.id, IdRow{after.worker_id});
  else if (before && is_active(before->status)) kActive.erase(state, after.id);
  save_files(state, before, after);
  kBuilds.put(state, after.id, after);
}

std::string build_timer(const std::string& build_id) { return "build/" + build_id; }
std::string certs_timer(const std::string& build_id) { return "certs/" + build_id; }
std::string worker_timer(const std::string& worker_id) { return "worker/" + worker_id; }

struct Fold {
  State& state;
  const EventContext& context;
  std::int64_t now = to_ms(context.time);

  template <class Change>
  void change_build(const std::string& id, Change change) const {
    const auto before = kBuilds.get(state, id);
    if (!before) return;
    BuildRow after = *before;
    change(after);
    save_build(state, &*before, after);
  }
  template <class Change>
  void change_worker(const std::string& id, Change change) const {
    auto worker = kWorkers.get(state, id);
    if (!worker) return;
    change(*worker);
    kWorkers.put(state, id, *worker);
  }

  std::optional<std::string> timer_pool() const {
    if (context.boundary == kDefaultPool) return std::nullopt;
    return std::string(context.boundary);
  }
  void watch_build(const std::string& id, std::uint32_t attempt, std::int64_t due) const {
    const ExpireBuild command{.build_id = id, .attempt = attempt, .last_sign_at = std::nullopt,
                              .pool_id = timer_pool()};
    state.set_timer(build_timer(id), Timer{from_ms(due), std::string(ExpireBuild::kType), event::to_json(command)});
  }
  void watch_worker(const std::string& id, std::int64_t due) const {
    const ExpireWorker command{.worker_id = id, .last_contact_at = std::nullopt, .pool_id = timer_pool()};
    state.set_timer(worker_timer(id), Timer{from_ms(due), std::string(ExpireWorker::kType), event::to_json(command)});
  }

  void watch_certs(const std::string& id, const std::optional<std::int64_t>& due) const {
    if (!due) return;
    const PurgeBlob command{.build_id = id, .kind = BlobKind::certs, .at_once = false, .pool_id = timer_pool()};
    state.set_timer(certs_timer(id), Timer{from_ms(*due), std::string(PurgeBlob::kType), event::to_json(command)});
  }

  void operator()(const BuildSubmitted& e) const {
    BuildRow build;
    build.id = e.build_id;
    build.platform = e.platform;
    build.submitted_at = build.queued_at = now;
    build.order = e.order;
    build.source = e.source;
    build.certs = e.certs;
    build.access_token_sha256 = e.access_token_sha256;
    build.token_key_id = e.token_key_id;
    build.retry_of = e.retry_of.value_or("");
    save_build(state, nullptr, build);
  }

  template <class Assigned>
  void begin_attempt(const Assigned& e) const {
    change_build(e.build_id, [&](BuildRow& build) {
      build.status = BuildStatus::assigned;
      build.worker_id = build.last_worker_id = e.worker_id;
      build.attempt = e.attempt;
      build.assigned_at = now;
      build.otp_key_id = e.otp_key_id;
      build.otp_expires_at = e.otp_expires_at;
      forget_attempt(build);
    });
  }
  static void forget_attempt(BuildRow& build) {
    build.building_at = 0;
    build.auth_seq = 0;
    build.vm_token_key_id.clear();
    build.vm_authenticated_at = build.vm_token_expires_at = build.vm_ready_at = 0;
  }

  void operator()(const BuildAssigned& e) const {
    begin_attempt(e);
    if (e.claimed) return;
    watch_build(e.build_id, e.attempt, e.liveness_due_at);
    change_worker(e.worker_id, [&](WorkerRow& worker) {
      worker.active_build_id = e.build_id;
      worker.status = WorkerStatus::building;
      worker.lost_job = false;
      worker.contact_at = now;
    });
  }
  void operator()(const BuildReassigned& e) const {
    begin_attempt(e);
    watch_build(e.build_id, e.attempt, e.liveness_due_at);
    change_worker(e.worker_id, [&](WorkerRow& worker) {
      worker.lost_job = false;
      worker.contact_at = now;
    });
  }
  void operator()(const BuildStarted& e) const {
    change_build(e.build_id, [&](BuildRow& build) {
      build.status = BuildStatus::building;
      build.building_at = now;
    });
    watch_build(e.build_id, e.attempt, e.liveness_due_at);
  }
  void operator()(const VmAuthenticated& e) const {
    change_build(e.build_id, [&](BuildRow& build) {
      build.auth_seq = e.auth_seq;
      build.vm_token_key_id = e.token_key_id;
      build.vm_authenticated_at = now;
      build.vm_token_expires_at = e.vm_token_expires_at;
    });
  }
  void operator()(const VmReady& e) const {
    change_build(e.build_id, [&](BuildRow& build) { build.vm_ready_at = now; });
  }

  /// `spoke`: the worker itself said so, which is a contact; the end that a timer or a developer brings is none.
  void end_work(const std::string& worker_id, const std::string& build_id, int completed, int failed, bool spoke) const {
    state.clear_timer(build_timer(build_id));
    change_worker(worker_id, [&](WorkerRow& worker) {
      worker.builds_completed += static_cast<std::uint64_t>(completed);
      worker.builds_failed += static_cast<std::uint64_t>(failed);
      if (worker.active_build_id != build_id) return;
      worker.active_build_id.clear();
      worker.lost_job = false;
      if (spoke) worker.contact_at = now;
      if (worker.status == WorkerStatus::building) worker.status = WorkerStatus::idle;
    });
  }
  void finish(const std::string& build_id, BuildStatus status, std::string_view failure_code) const {
    change_build(build_id, [&](BuildRow& build) {
      build.status = status;
      build.completed_at = now;
      build.kept_from = 0;
      build.failure_code = failure_code;
    });
  }
  void operator()(const BuildCompleted& e) const {
    bool had_failed = false;  // by timeout: the worker's failure becomes a success, it is not counted twice
    change_build(e.build_id, [&](BuildRow& build) {
      had_failed = build.status == BuildStatus::failed;
      build.status = BuildStatus::completed;
      build.completed_at = now;
      build.kept_from = 0;
      build.failure_code.clear();
      build.result = e.result;
      if (e.worker_id) build.worker_id = *e.worker_id;
    });
    end_work(e.worker_id.value_or(""), e.build_id, 1, had_failed ? -1 : 0, true);
    watch_certs(e.build_id, e.certs_due_at);
  }
  void operator()(const BuildFailed& e) const {
    finish(e.build_id, BuildStatus::failed, e.failure_code);
    const bool by_silence = e.failure_code == kAttemptsExhausted && e.error_message.ends_with(kStoppedResponding);
    end_work(e.worker_id.value_or(""), e.build_id, 0, 1, !by_silence);
    watch_certs(e.build_id, e.certs_due_at);
  }
  void operator()(const BuildTimedOut& e) const {
    finish(e.build_id, BuildStatus::failed, kTimedOutFailure);
    end_work(e.worker_id, e.build_id, 0, 1, false);
    watch_certs(e.build_id, e.certs_due_at);
  }
  void operator()(const BuildCancelled& e) const {
    finish(e.build_id, BuildStatus::cancelled, {});
    end_work(e.worker_id.value_or(""), e.build_id, 0, 0, false);
    watch_certs(e.build_id, e.certs_due_at);
  }
  void operator()(const BuildRequeued& e) const {
    change_build(e.build_id, [&](BuildRow& build) {
      build.status = BuildStatus::pending;
      build.worker_id.clear();
      build.assigned_at = 0;
      build.otp_key_id.clear();
      build.otp_expires_at = 0;
      forget_attempt(build);
    });
    end_work(e.worker_id, e.build_id, 0, 0, e.reason != kStoppedResponding);
  }

  template <class Tokened>
  void renew_token(WorkerRow& worker, const Tokened& e) const {
    if (!worker.previous_token_sha256.empty()) kWorkerTokens.erase(state, worker.previous_token_sha256);
    worker.previous_token_sha256 = worker.token_sha256;
    worker.previous_token_expires_at = worker.token_expires_at;
    worker.token_sha256 = e.token_sha256;
    worker.token_key_id = e.token_key_id;
    worker.token_nonce = context.command_id;
    worker.token_expires_at = e.token_expires_at;
    if (!e.token_sha256.empty()) kWorkerTokens.put(state, e.token_sha256, IdRow{worker.id});
  }
  void operator()(const WorkerRegistered& e) const {
    WorkerRow worker;
    worker.id = e.worker_id;
    worker.name = e.name;
    worker.capabilities = e.capabilities.raw;
    worker.public_identifier = e.public_identifier.value_or("");
    worker.registered_at = worker.contact_at = now;
    renew_token(worker, e);
    kWorkers.put(state, worker.id, worker);
    watch_worker(worker.id, e.offline_due_at);
  }
  void come_online(WorkerRow& worker, std::int64_t offline_due_at) const {
    worker.status = worker.active_build_id.empty() ? WorkerStatus::idle : WorkerStatus::building;
    worker.contact_at = now;
    watch_worker(worker.id, offline_due_at);
  }
  void operator()(const WorkerReregistered& e) const {
    change_worker(e.worker_id, [&](WorkerRow& worker) {
      renew_token(worker, e);
      if (e.active_build_count) worker.lost_job = *e.active_build_count == 0 && !worker.active_build_id.empty();
      come_online(worker, e.offline_due_at);
    });
  }
  void operator()(const WorkerTokenRotated& e) const {
    change_worker(e.worker_id, [&](WorkerRow& worker) {
      renew_token(worker, e);
      worker.contact_at = now;
    });
  }
  void operator()(const WorkerCameOnline& e) const {
    change_worker(e.worker_id, [&](WorkerRow& worker) { come_online(worker, e.offline_due_at); });
  }
  void operator()(const WorkerWentOffline& e) const {
    change_worker(e.worker_id, [&](WorkerRow& worker) { worker.status = WorkerStatus::offline; });
    state.clear_timer(worker_timer(e.worker_id));
  }
  void operator()(const WorkerUnregistered& e) const {
    change_worker(e.worker_id, [&](WorkerRow& worker) {
      if (!worker.token_sha256.empty()) kWorkerTokens.erase(state, worker.token_sha256);
      if (!worker.previous_token_sha256.empty()) kWorkerTokens.erase(state, worker.previous_token_sha256);
      worker.token_sha256.clear();
      worker.previous_token_sha256.clear();
      worker.token_expires_at = worker.previous_token_expires_at = 0;
      worker.status = WorkerStatus::offline;
    });
    state.clear_timer(worker_timer(e.worker_id));
  }

  void operator()(const BlobPurged& e) const {
    change_build(e.build_id, [&](BuildRow& build) {
      if (e.kind == BlobKind::source) build.source.sha256.clear();
      else if (e.kind == BlobKind::certs) build.certs.reset();
      else build.result.reset();
    });
    if (e.kind == BlobKind::certs) state.clear_timer(certs_timer(e.build_id));
    PurgesRow purges = kPurges.get(state).value_or(PurgesRow{});
    ++purges.count;
    if (e.kind != BlobKind::certs) ++purges.shared;
    kPurges.put(state, purges);
  }

  void operator()(const BuildLogAppended& e) const {
    kLogHeads.put(state, e.build_id, LogHeadRow{e.first_seq + e.entries.size()});
  }
  void operator()(const ControllerImported& e) const {
    kImportRuns.put(state, e.database, ImportRunRow{e.run + 1, event::to_json(e.read)});
  }
  void operator()(const WorkerImported& e) const {
    const ImportedWorker& row = e.worker;
    WorkerRow worker = kWorkers.get(state, row.id).value_or(WorkerRow{});
    const bool known = !worker.id.empty();
    worker.id = row.id;
    if (e.revision > 0 || !known) {
      worker.name = row.name;
      worker.capabilities = row.capabilities.raw;
    }
    worker.registered_at = known && worker.registered_at > 0 ? std::min(worker.registered_at, row.registered_at) : row.registered_at;
    worker.contact_at = std::max(worker.contact_at, row.last_seen_at);
    worker.builds_completed = added(worker.builds_completed, e.completed_added);
    worker.builds_failed = added(worker.builds_failed, e.failed_added);
    // Who is at work is said by the builds.
    if (!known) worker.status = row.status == WorkerStatus::offline ? WorkerStatus::offline : WorkerStatus::idle;
    kWorkers.put(state, worker.id, worker);
    kWorkerImports.put(state, worker.id, WorkerImportRow{e.database, row.digest, e.revision, row.registered_at, row.builds_completed, row.builds_failed});
    if (!known && worker.status != WorkerStatus::offline) watch_worker(worker.id, e.offline_due_at);
  }
  static std::uint64_t added(std::uint64_t count, std::int64_t by) {
    return by < 0 && count < static_cast<std::uint64_t>(-by) ? 0 : count + static_cast<std::uint64_t>(by);
  }
  void operator()(const BuildImported& e) const {
    const ImportedBuild& row = e.build;
    const auto before = kBuilds.get(state, row.id);
    if (before && is_active(before->status)) end_work(before->worker_id, row.id, 0, 0, false);
    BuildRow build;
    build.id = row.id;
    build.platform = row.platform;
    build.status = row.status;
    build.submitted_at = row.submitted_at;
    build.queued_at = row.front_of_queue ? 0 : row.submitted_at;
    build.order = e.order;
    build.source = row.source;
    build.certs = row.certs;
    build.result = row.result;
    build.access_token_sha256 = row.access_token_sha256;
    build.failure_code = e.failure_code;
    build.completed_at = is_terminal(row.status) ? end_of(row) : 0;
    build.kept_from = e.kept_from;
    if (row.status != BuildStatus::pending) {
      build.worker_id = build.last_worker_id = row.worker_id.value_or("");
      build.attempt = build.worker_id.empty() ? 0 : 1;
      build.assigned_at = row.started_at.value_or(0);
    }
    if (is_active(row.status)) {
      build.assigned_at = now;
      if (row.status == BuildStatus::building) build.building_at = now;
      build.otp_key_id = e.otp_key_id;
      build.otp_expires_at = e.otp_expires_at;
      watch_build(row.id, build.attempt, e.liveness_due_at);
      change_worker(build.worker_id, [&](WorkerRow& worker) {
        if (worker.status == WorkerStatus::offline) watch_worker(worker.id, e.liveness_due_at);
        worker.active_build_id = row.id;
        worker.status = WorkerStatus::building;
        worker.lost_job = false;
        worker.contact_at = std::max(worker.contact_at, now);
      });
    }
    // A place in the queue that changes is left first: the row is found by it.
    if (before && before->status == BuildStatus::pending && build.status == BuildStatus::pending) build.queued_at = before->queued_at;
    save_build(state, before ? &*before : nullptr, build);
    watch_certs(row.id, e.certs_due_at);
    kBuildImports.put(state, row.id, BuildImportRow{e.database, row.digest, e.revision, touch_mark(build)});
  }
  void operator()(const BuildLogImported& e) const {
    const std::string& id = e.logs.build_id;
    kLogHeads.put(state, id, LogHeadRow{e.first_seq + e.logs.lines.size()});
    kLineImports.put(state, id, after_lines(kLineImports.get(state, id).value_or(LineImportRow{}), e.logs));
  }
  void operator()(const CpuSnapshotImported& e) const {
    if (e.of.samples.empty()) return;
    kSampleImports.put(state, e.of.build_id, LogHeadRow{static_cast<std::uint64_t>(e.of.samples.back().row) + 1});
  }
  void operator()(const DiagnosticImported& e) const { kDiagnosticImports.put(state, e.report.id, IdRow{e.report.worker_id}); }
  // Ephemeral: a fold of them would depend on what is still kept.
  void operator()(const HeartbeatRecorded&) const {}
  void operator()(const TelemetryRecorded&) const {}
  // Nothing is decided from them.
  void operator()(const CpuSnapshotRecorded&) const {}
  void operator()(const DiagnosticReported&) const {}
};

}  // namespace

void Builds::evolve(State& state, const Event& event, const EventContext& context) {
  std::visit(Fold{state, context}, event);
}

}  // namespace tidemark::commands::builds
