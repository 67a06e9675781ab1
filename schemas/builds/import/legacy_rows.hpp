#pragma once
// Tables of the old build controller's SQLite file: what the import reads and the export writes. A struct is a row, its
// members are the columns by name, in the order of the table. Every member is optional: older files lack columns, and a
// value of a wrong type reads as absent. Times are ms since 1970.

#include <array>
#include <boost/describe/class.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark::schemas::builds::legacy {

struct Worker {
  static constexpr std::string_view kTable = "workers";
  static constexpr std::string_view kPrimaryKey = "id";
  static constexpr std::string_view kCreate =
      "CREATE TABLE IF NOT EXISTS workers (id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, "
      "capabilities TEXT NOT NULL, registered_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, "
      "builds_completed INTEGER DEFAULT 0, builds_failed INTEGER DEFAULT 0)";
  std::optional<std::string> id{};
  std::optional<std::string> name{};
  std::optional<std::string> status{};        ///< idle, building, offline
  std::optional<std::string> capabilities{};  ///< JSON
  std::optional<std::int64_t> registered_at{};
  std::optional<std::int64_t> last_seen_at{};
  std::optional<std::int64_t> builds_completed{};
  std::optional<std::int64_t> builds_failed{};
  bool operator==(const Worker&) const = default;
};
BOOST_DESCRIBE_STRUCT(Worker, (), (id, name, status, capabilities, registered_at, last_seen_at, builds_completed,
                                   builds_failed))

struct Build {
  static constexpr std::string_view kTable = "builds";
  static constexpr std::string_view kPrimaryKey = "id";
  static constexpr std::string_view kCreate =
      "CREATE TABLE IF NOT EXISTS builds (id TEXT PRIMARY KEY, status TEXT NOT NULL, platform TEXT NOT NULL, "
      "source_path TEXT NOT NULL, certs_path TEXT, result_path TEXT, worker_id TEXT, submitted_at INTEGER NOT NULL, "
      "started_at INTEGER, completed_at INTEGER, error_message TEXT, access_token TEXT NOT NULL, "
      "FOREIGN KEY (worker_id) REFERENCES workers(id))";
  std::optional<std::string> id{};
  std::optional<std::string> status{};    ///< pending, assigned, building, completed, failed
  std::optional<std::string> platform{};  ///< ios, android
  std::optional<std::string> source_path{};
  std::optional<std::string> certs_path{};
  std::optional<std::string> result_path{};
  std::optional<std::string> worker_id{};
  std::optional<std::int64_t> submitted_at{};
  std::optional<std::int64_t> started_at{};
  std::optional<std::int64_t> completed_at{};
  std::optional<std::string> error_message{};
  std::optional<std::string> access_token{};  ///< plain text: never leaves the reader but as a hash
  bool operator==(const Build&) const = default;
};
BOOST_DESCRIBE_STRUCT(Build, (), (id, status, platform, source_path, certs_path, result_path, worker_id, submitted_at,
                                  started_at, completed_at, error_message, access_token))

struct BuildLog {
  static constexpr std::string_view kTable = "build_logs";
  static constexpr std::string_view kPrimaryKey = "id";
  static constexpr std::string_view kCreate =
      "CREATE TABLE IF NOT EXISTS build_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, build_id TEXT NOT NULL, "
      "timestamp INTEGER NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL, "
      "FOREIGN KEY (build_id) REFERENCES builds(id))";
  std::optional<std::int64_t> id{};
  std::optional<std::string> build_id{};
  std::optional<std::int64_t> timestamp{};
  std::optional<std::string> level{};  ///< info, warn, error, debug
  std::optional<std::string> message{};
  bool operator==(const BuildLog&) const = default;
};
BOOST_DESCRIBE_STRUCT(BuildLog, (), (id, build_id, timestamp, level, message))

struct CpuSnapshot {
  static constexpr std::string_view kTable = "cpu_snapshots";
  static constexpr std::string_view kPrimaryKey = "id";
  static constexpr std::string_view kCreate =
      "CREATE TABLE IF NOT EXISTS cpu_snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, build_id TEXT NOT NULL, "
      "timestamp INTEGER NOT NULL, cpu_percent REAL NOT NULL, memory_mb REAL NOT NULL, "
      "FOREIGN KEY (build_id) REFERENCES builds(id))";
  std::optional<std::int64_t> id{};
  std::optional<std::string> build_id{};
  std::optional<std::int64_t> timestamp{};
  std::optional<double> cpu_percent{};
  std::optional<double> memory_mb{};
  bool operator==(const CpuSnapshot&) const = default;
};
BOOST_DESCRIBE_STRUCT(CpuSnapshot, (), (id, build_id, timestamp, cpu_percent, memory_mb))

struct Diagnostic {
  static constexpr std::string_view kTable = "diagnostics";
  static constexpr std::string_view kPrimaryKey = "id";
  static constexpr std::string_view kCreate =
      "CREATE TABLE IF NOT EXISTS diagnostics (id TEXT PRIMARY KEY, worker_id TEXT NOT NULL, status TEXT NOT NULL, "
      "run_at INTEGER NOT NULL, duration_ms INTEGER NOT NULL, auto_fixed INTEGER DEFAULT 0, checks TEXT NOT NULL, "
      "FOREIGN KEY (worker_id) REFERENCES workers(id))";
  std::optional<std::string> id{};
  std::optional<std::string> worker_id{};
  std::optional<std::string> status{};  ///< healthy, warning, critical
  std::optional<std::int64_t> run_at{};
  std::optional<std::int64_t> duration_ms{};
  std::optional<std::int64_t> auto_fixed{};  ///< 0 or 1
  std::optional<std::string> checks{};       ///< JSON
  bool operator==(const Diagnostic&) const = default;
};
BOOST_DESCRIBE_STRUCT(Diagnostic, (), (id, worker_id, status, run_at, duration_ms, auto_fixed, checks))

/// Indexes of the old file, for a writer.
inline constexpr std::array<std::string_view, 6> kCreateIndexes{
    "CREATE INDEX IF NOT EXISTS idx_builds_status ON builds(status)",
    "CREATE INDEX IF NOT EXISTS idx_builds_worker ON builds(worker_id)",
    "CREATE INDEX IF NOT EXISTS idx_builds_submitted ON builds(submitted_at DESC)",
    "CREATE INDEX IF NOT EXISTS idx_build_logs_build ON build_logs(build_id)",
    "CREATE INDEX IF NOT EXISTS idx_cpu_snapshots_build ON cpu_snapshots(build_id)",
    "CREATE INDEX IF NOT EXISTS idx_diagnostics_worker ON diagnostics(worker_id, run_at DESC)",
};

// Files of a build under the storage root. Stored path columns only say whether there is one: they may be absolute, of
// another host.
inline constexpr std::string_view kSourceFolder = "builds";
inline constexpr std::string_view kCertsFolder = "certs";
inline constexpr std::string_view kResultFolder = "results";
inline constexpr std::string_view kArchiveSuffix = ".zip";  ///< sources and certs
inline constexpr std::string_view kIosSuffix = ".ipa";      ///< results
inline constexpr std::string_view kAndroidSuffix = ".apk";

}  // namespace tidemark::schemas::builds::legacy
