// Rows of an old controller become facts, each once.

#include "commands/builds/import.hpp"

#include <set>

#include "commands/builds/import_tables.hpp"
#include "commands/builds/rules.hpp"
#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/event/json.hpp"

namespace tidemark::commands::builds {
namespace {

using Kind = ImportJudgement::Kind;

ImportJudgement conflict(std::string why) { return {Kind::conflict, 0, std::move(why)}; }

bool timed_out(const BuildRow& build) {
  return build.status == BuildStatus::failed && build.failure_code == kTimedOutFailure;
}

LineProgress progress_of(const LineImportRow& row) { return {row.finished_row, row.pass_end, row.timestamp, row.row}; }

}  // namespace

std::string touch_mark(const BuildRow& build) { return to_hex(sha256(pack(build))).substr(0, 32); }

LineImportRow after_lines(const LineImportRow& before, const ImportedLines& lines) {
  LineImportRow after = before;
  if (lines.pass_end > before.pass_end) {  // a new pass: the one before had come to its end
    after.finished_row = std::max(before.finished_row, before.pass_end);
    after.pass_end = lines.pass_end;
    after.timestamp = after.row = 0;
  }
  if (!lines.lines.empty()) {
    after.timestamp = lines.lines.back().timestamp;
    after.row = lines.lines.back().row;
  }
  if (lines.pass_complete) after.finished_row = after.pass_end;
  return after;
}

ImportJudgement judge_worker(const RowReader& state, const ImportedWorker& worker) {
  const auto known = kWorkerImports.get(state, worker.id);
  if (!known) return {};
  if (known->registered_at != worker.registered_at) {
    return conflict("another worker of this id was imported, registered at " + std::to_string(known->registered_at));
  }
  if (known->digest == worker.digest) return {Kind::unchanged, known->revision, {}};
  return {Kind::changed, known->revision + 1, {}};
}

std::optional<ImportJudgement> judge_build_early(const RowReader& state, std::string_view build_id, std::string_view digest) {
  const std::string id(build_id);
  const auto known = kBuildImports.get(state, id);
  if (known && known->digest == digest) return ImportJudgement{Kind::unchanged, known->revision, {}};
  if (!known && kBuilds.contains(state, id)) return conflict("a build of this id was submitted here");
  return std::nullopt;
}

ImportJudgement judge_build(const RowReader& state, const ImportedBuild& build) {
  if (auto early = judge_build_early(state, build.id, build.digest)) return *early;
  const auto known = kBuildImports.get(state, build.id);
  if (!known) return {};
  const auto here = kBuilds.get(state, build.id);
  if (!here || here->submitted_at != build.submitted_at || here->platform != build.platform) {
    return conflict("another build of this id was imported");
  }
  const ImportJudgement changed{Kind::changed, known->revision + 1, {}};
  if (touch_mark(*here) == known->untouched) {
    if (is_terminal(here->status) && !is_terminal(build.status)) {
      return conflict("it was imported as " + std::string(name_of(here->status)) + ", so this copy of the database is an older one");
    }
    return changed;
  }
  if (timed_out(*here)) return changed;
  if (here->status == build.status && is_terminal(here->status)) return {Kind::unchanged, known->revision, {}};
  return conflict("it went on here (" + std::string(name_of(here->status)) + ") and there (" + std::string(name_of(build.status)) + ")");
}

bool is_imported(const RowReader& state, std::string_view build_id) { return kBuildImports.contains(state, std::string(build_id)); }

bool is_untouched(const RowReader& state, std::string_view build_id) {
  const auto known = kBuildImports.get(state, std::string(build_id));
  const auto here = kBuilds.get(state, std::string(build_id));
  return known && here && touch_mark(*here) == known->untouched;
}

LineProgress line_progress(const RowReader& state, std::string_view build_id) {
  return progress_of(kLineImports.get(state, std::string(build_id)).value_or(LineImportRow{}));
}

bool is_new_line(const LineProgress& progress, std::int64_t pass_end, std::int64_t timestamp, std::int64_t row) {
  if (row > pass_end || row <= progress.finished_row) return false;
  if (pass_end > progress.pass_end) return row > progress.pass_end;
  return progress.under_way() && std::pair(timestamp, row) > std::pair(progress.timestamp, progress.row);
}

std::int64_t first_new_sample(const RowReader& state, std::string_view build_id) {
  return static_cast<std::int64_t>(kSampleImports.get(state, std::string(build_id)).value_or(LogHeadRow{}).next_seq);
}

bool is_new_sample(const RowReader& state, std::string_view build_id, std::int64_t row) {
  return row >= first_new_sample(state, build_id);
}

bool is_new_diagnostic(const RowReader& state, std::string_view report_id) {
  return !kDiagnosticImports.contains(state, std::string(report_id));
}

bool is_blank(const RowReader& state) {
  bool blank = !kTotals.get(state);
  kWorkers.scan(state, [&](const auto&, const WorkerRow&) { return blank = false; });
  return blank;
}

std::optional<ImportSummary> last_import(const RowReader& state, std::string_view database) {
  const auto run = kImportRuns.get(state, std::string(database));
  if (!run) return std::nullopt;
  std::vector<event::FieldError> errors;
  return event::from_json<ImportSummary>(run->summary, event::Decoding::tolerant, errors);
}

namespace {

/// One command under way.
class Importing {
 public:
  Importing(const Scene& scene, const Import& command) : scene_(scene), command_(command) {}

  Outcome decide() {
    for (const ImportedWorker& worker : command_.workers) add_worker(worker);
    for (const ImportedBuild& build : command_.builds) add_build(build);
    for (const ImportedLines& lines : command_.logs) add_lines(lines);
    for (const ImportedSamples& samples : command_.cpu_snapshots) add_samples(samples);
    for (const ImportedDiagnostic& report : command_.diagnostics) add_diagnostic(report);
    if (refusal_) return *refusal_;
    if (command_.completed) add_run(*command_.completed);
    if (events_.empty()) return Nothing<Reply>{reply_, std::nullopt};
    return Accepted<Event, Reply>{std::move(events_), reply_};
  }

 private:
  void refuse_row(std::string_view table, const std::string& key, const std::string& why) {
    if (refusal_) return;
    refusal_ = refuse(kImportConflict);
    refusal_->detail = std::string(table) + "/" + key + ": " + why;
  }
  /// False when nothing is to be recorded of the row.
  bool wanted(std::string_view table, const std::string& key, const ImportJudgement& judgement) {
    if (!seen_.insert(std::string(table) + '/' + key).second) refuse_row(table, key, "it is in the command twice");
    if (judgement.kind == Kind::conflict) refuse_row(table, key, judgement.why);
    if (judgement.kind == Kind::fresh) ++reply_.imported;
    if (judgement.kind == Kind::changed) ++reply_.updated;
    return judgement.kind == Kind::fresh || judgement.kind == Kind::changed;
  }

  void add_worker(const ImportedWorker& worker) {
    if (!is_valid_id(worker.id)) return refuse_row("workers", worker.id.substr(0, 128), "the id is not of letters, digits, _ and -");
    const ImportJudgement judgement = judge_worker(scene_.state, worker);
    if (!wanted("workers", worker.id, judgement)) return;
    const WorkerImportRow before = kWorkerImports.get(scene_.state, worker.id).value_or(WorkerImportRow{});
    const auto added = [](std::uint64_t now, std::uint64_t then) { return static_cast<std::int64_t>(now) - static_cast<std::int64_t>(then); };
    // Looked at as soon as somebody listens: silence is counted from there.
    events_.push_back(WorkerImported{.pool_id = scene_.pool(), .database = command_.database, .revision = judgement.revision,
                                     .worker = worker,
                                     .completed_added = added(worker.builds_completed, before.builds_completed),
                                     .failed_added = added(worker.builds_failed, before.builds_failed),
                                     .offline_due_at = scene_.now});
  }

  void add_build(ImportedBuild build) {
    if (!is_valid_id(build.id)) return refuse_row("builds", build.id.substr(0, 128), "the id is not of letters, digits, _ and -");
    const ImportJudgement judgement = judge_build(scene_.state, build);
    if (!wanted("builds", build.id, judgement)) return;
    const auto here = scene_.build(build.id);
    if (is_active(build.status) && !may_hold(build)) {
      build.status = BuildStatus::pending;
      build.front_of_queue = true;
      build.worker_id.reset();
      build.started_at.reset();
    }
    BuildImported imported{.pool_id = scene_.pool(), .database = command_.database, .revision = judgement.revision,
                           .build = std::move(build), .order = here ? here->order : next_order_++, .failure_code = {},
                           .otp_key_id = {}, .otp_expires_at = 0, .liveness_due_at = 0,
                           .kept_from = 0, .certs_due_at = std::nullopt};
    if (imported.build.status == BuildStatus::failed) {
      // The old controller's own words: a worker that comes late with the result may still bring it.
      const bool silent = imported.build.error_message.value_or("").starts_with("Build timeout");
      imported.failure_code = silent ? kTimedOutFailure : kReportedFailure;
    }
    if (is_active(imported.build.status)) {
      busy_.insert(*imported.build.worker_id);
      imported.otp_key_id = command_.otp_key_id;
      imported.otp_expires_at = scene_.now + scene_.settings.otp_ms;
      imported.liveness_due_at = scene_.now;
    }
    if (is_terminal(imported.build.status)) set_keeping(imported);
    events_.push_back(std::move(imported));
  }
  /// Files that would be due already are kept for a period after the import: what has just moved can be retried.
  void set_keeping(BuildImported& imported) const {
    const std::int64_t kept = scene_.settings.certs_kept_ms, ended = end_of(imported.build);
    if (ended + kept <= scene_.now) imported.kept_from = scene_.now;
    if (imported.build.certs) imported.certs_due_at = std::max(imported.kept_from, ended) + kept;
  }
  /// Whether its worker is known and at work on nothing else.
  bool may_hold(const ImportedBuild& build) const {
    if (!build.worker_id || busy_.contains(*build.worker_id)) return false;
    const auto worker = scene_.worker(*build.worker_id);
    if (worker) return worker->active_build_id.empty() || worker->active_build_id == build.id;
    return seen_.contains("workers/" + *build.worker_id);
  }

  void add_lines(const ImportedLines& lines) {
    if (!seen_.insert("build_logs/" + lines.build_id).second) return refuse_row("build_logs", lines.build_id, "it is in the command twice");
    if (!kBuildImports.contains(scene_.state, lines.build_id) && !seen_.contains("builds/" + lines.build_id)) {
      return refuse_row("build_logs", lines.build_id, "the build was not imported");
    }
    const LineProgress progress = line_progress(scene_.state, lines.build_id);
    ImportedLines fresh{lines.build_id, {}, lines.pass_end, lines.pass_complete};
    for (const ImportedLine& line : lines.lines) {
      if (!is_new_line(progress, lines.pass_end, line.timestamp, line.row)) continue;
      const auto place = [](const ImportedLine& of) { return std::pair(of.timestamp, of.row); };
      if (!fresh.lines.empty() && place(line) <= place(fresh.lines.back())) {
        return refuse_row("build_logs", lines.build_id, "the lines are not in the order of time and row");
      }
      fresh.lines.push_back(line);
    }
    if (fresh.lines.empty()) return;
    reply_.imported += fresh.lines.size();
    events_.push_back(BuildLogImported{.pool_id = scene_.pool(), .database = command_.database,
                                       .first_seq = kLogHeads.get(scene_.state, lines.build_id).value_or(LogHeadRow{}).next_seq,
                                       .logs = std::move(fresh)});
  }

  void add_samples(const ImportedSamples& samples) {
    const std::string& id = samples.build_id;
    if (!seen_.insert("cpu_snapshots/" + id).second) return refuse_row("cpu_snapshots", id, "it is in the command twice");
    if (!kBuildImports.contains(scene_.state, id) && !seen_.contains("builds/" + id)) {
      return refuse_row("cpu_snapshots", id, "the build was not imported");
    }
    ImportedSamples fresh{id, {}};
    for (const ImportedSample& sample : samples.samples) {
      if (!is_new_sample(scene_.state, id, sample.row)) continue;
      if (!fresh.samples.empty() && sample.row <= fresh.samples.back().row) {
        return refuse_row("cpu_snapshots", id, "the samples are not in the order of their rows");
      }
      fresh.samples.push_back(sample);
    }
    if (fresh.samples.empty()) return;
    reply_.imported += fresh.samples.size();
    events_.push_back(CpuSnapshotImported{.pool_id = scene_.pool(), .database = command_.database, .of = std::move(fresh)});
  }

  void add_diagnostic(const ImportedDiagnostic& report) {
    if (!is_valid_id(report.id)) return refuse_row("diagnostics", report.id.substr(0, 128), "the id is not of letters, digits, _ and -");
    if (!seen_.insert("diagnostics/" + report.id).second) return refuse_row("diagnostics", report.id, "it is in the command twice");
    if (!is_new_diagnostic(scene_.state, report.id)) return;
    if (!scene_.worker(report.worker_id) && !seen_.contains("workers/" + report.worker_id)) {
      return refuse_row("diagnostics", report.id, "the worker is not known");
    }
    ++reply_.imported;
    events_.push_back(DiagnosticImported{.pool_id = scene_.pool(), .database = command_.database, .report = report});
  }

  void add_run(const ImportSummary& read) {
    const auto before = kImportRuns.get(scene_.state, command_.database);
    if (before && last_import(scene_.state, command_.database) == read) return;
    events_.push_back(ControllerImported{.pool_id = scene_.pool(), .database = command_.database,
                                         .run = before ? before->runs : 0, .read = read});
  }

  const Scene& scene_;
  const Import& command_;
  std::vector<Event> events_;
  std::set<std::string> seen_;  // table/key
  std::set<std::string> busy_;  // workers that got a build in this command
  std::uint64_t next_order_ = kTotals.get(scene_.state).value_or(TotalsRow{}).next_order;
  ImportReply reply_;
  std::optional<Refused> refusal_;
};

bool is_database(std::string_view text) {
  const auto bytes = from_hex(text);
  return bytes && bytes->size() == 32;
}

}  // namespace

Outcome decide_import(const Scene& scene, const Import& command) {
  if (!is_database(command.database)) return Refused{std::string(kImportConflict.reason), "database: not 64 hex digits", kImportConflict.status};
  return Importing(scene, command).decide();
}

}  // namespace tidemark::commands::builds
