#pragma once
// Facts that the import of an old controller makes. Their ids are of the row they come from (version 5, in the name space of
// the database), so that whoever imports the same row elsewhere gets the same id.

#include "schemas/builds/import/rows.hpp"
#include "schemas/builds/import_commands.hpp"
#include "schemas/builds/topics.hpp"

namespace tidemark::schemas::builds {

/// Id of the event about a row: of the database, the table, the primary key; and, for a row that was brought up to date, how
/// often.
std::string imported_event_id(std::string_view database, std::string_view table, std::string_view key,
                              std::uint32_t revision = 0);

struct ControllerImported {
  static constexpr std::string_view kDescription = "A run of the import has brought everything that it read.";
  static constexpr std::string_view kType = "ControllerImported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return database; }
  std::string record_key() const { return pool_id; }
  std::string event_id() const { return imported_event_id(database, "controller", database, run); }

  std::string pool_id{};
  std::string database{};
  std::uint32_t run = 0;  ///< from 0; runs that changed nothing are not counted
  ImportSummary read{};
};
BOOST_DESCRIBE_STRUCT(ControllerImported, (), (pool_id, database, run, read))

struct WorkerImported {
  static constexpr std::string_view kDescription =
      "A worker of an old controller is known, or its row has changed: its counters grow by what was added.";
  static constexpr std::string_view kType = "WorkerImported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return worker.id; }
  std::string record_key() const { return pool_id; }
  std::string event_id() const { return imported_event_id(database, "workers", worker.id, revision); }

  std::string pool_id{};
  std::string database{};
  std::uint32_t revision = 0;  ///< how often the row was brought up to date
  ImportedWorker worker{};
  std::int64_t completed_added = 0;
  std::int64_t failed_added = 0;
  std::int64_t offline_due_at = 0;
};
BOOST_DESCRIBE_STRUCT(WorkerImported, (), (pool_id, database, revision, worker, completed_added, failed_added,
                                           offline_due_at))

struct BuildImported {
  static constexpr std::string_view kDescription =
      "A build of an old controller as it was there, or as it is now that its row has changed. What was under way there is "
      "attempt 1 here.";
  static constexpr std::string_view kType = "BuildImported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLedgerTopic;
  std::string subject() const { return build.id; }
  std::string record_key() const { return pool_id; }
  std::string second_subject() const { return build.worker_id.value_or(""); }
  std::string event_id() const { return imported_event_id(database, "builds", build.id, revision); }

  std::string pool_id{};
  std::string database{};
  std::uint32_t revision = 0;  ///< how often the row was brought up to date
  ImportedBuild build{};
  std::uint64_t order = 0;     ///< place among builds of one submission time
  std::string failure_code{};
  std::string otp_key_id{};    ///< these three when it is under way
  std::int64_t otp_expires_at = 0;
  std::int64_t liveness_due_at = 0;
  std::int64_t kept_from = 0;  ///< when it has ended: since when its files are kept; 0: since its end
  std::optional<std::int64_t> certs_due_at{};
};
BOOST_DESCRIBE_STRUCT(BuildImported, (), (pool_id, database, revision, build, order, failure_code, otp_key_id,
                                          otp_expires_at, liveness_due_at, kept_from, certs_due_at))

/// When a build that has ended did so, as well as its row knows it.
inline std::int64_t end_of(const ImportedBuild& build) {
  return build.completed_at.value_or(build.started_at.value_or(build.submitted_at));
}

struct BuildLogImported {
  static constexpr std::string_view kDescription =
      "Log lines of an old controller, numbered on from first_seq; each has its own time.";
  static constexpr std::string_view kType = "BuildLogImported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kLogsTopic;
  std::string subject() const { return logs.build_id; }
  std::string record_key() const { return logs.build_id; }
  /// Of its first row: a row is in one event only.
  std::string event_id() const {
    return imported_event_id(database, "build_logs", std::to_string(logs.lines.empty() ? 0 : logs.lines.front().row));
  }

  std::string pool_id{};
  std::string database{};
  std::uint64_t first_seq = 0;
  ImportedLines logs{};
};
BOOST_DESCRIBE_STRUCT(BuildLogImported, (), (pool_id, database, first_seq, logs))

struct CpuSnapshotImported {
  static constexpr std::string_view kDescription = "Processor samples of an old controller; each has its own time.";
  static constexpr std::string_view kType = "CpuSnapshotImported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kSamplesTopic;
  std::string subject() const { return of.build_id; }
  std::string record_key() const { return of.build_id; }
  /// Of its first row: a row is in one event only.
  std::string event_id() const {
    return imported_event_id(database, "cpu_snapshots", std::to_string(of.samples.empty() ? 0 : of.samples.front().row));
  }

  std::string pool_id{};
  std::string database{};
  ImportedSamples of{};
};
BOOST_DESCRIBE_STRUCT(CpuSnapshotImported, (), (pool_id, database, of))

struct DiagnosticImported {
  static constexpr std::string_view kDescription = "A worker's report on itself, of an old controller.";
  static constexpr std::string_view kType = "DiagnosticImported";
  static constexpr int kVersion = 1;
  static constexpr std::string_view kTopic = kSamplesTopic;
  std::string subject() const { return report.worker_id; }
  std::string record_key() const { return report.worker_id; }
  std::string event_id() const { return imported_event_id(database, "diagnostics", report.id); }

  std::string pool_id{};
  std::string database{};
  ImportedDiagnostic report{};
};
BOOST_DESCRIBE_STRUCT(DiagnosticImported, (), (pool_id, database, report))

}  // namespace tidemark::schemas::builds
