#pragma once
// Rows of an old controller as the import brings them: checked, mapped, without secrets. Times are ms since 1970.

#include "schemas/builds/samples.hpp"
#include "schemas/builds/types.hpp"

namespace tidemark::schemas::builds {

struct ImportedWorker {
  static constexpr std::string_view kDescription = "A worker of an old controller.";
  std::string id{};
  std::string name{};
  WorkerStatus status = WorkerStatus::idle;
  event::Json capabilities{};
  std::int64_t registered_at = 0;
  std::int64_t last_seen_at = 0;
  std::uint64_t builds_completed = 0;
  std::uint64_t builds_failed = 0;
  std::string digest{};  ///< of the old row: another one means that it has changed
  bool operator==(const ImportedWorker&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedWorker, (), (id, name, status, capabilities, registered_at, last_seen_at,
                                           builds_completed, builds_failed, digest))

struct ImportedBuild {
  static constexpr std::string_view kDescription =
      "A build of an old controller. A file that was not found has a reference without hash (source) or none.";
  std::string id{};
  Platform platform = Platform::ios;
  BuildStatus status = BuildStatus::pending;
  std::optional<std::string> worker_id{};
  std::int64_t submitted_at = 0;
  std::optional<std::int64_t> started_at{};
  std::optional<std::int64_t> completed_at{};
  std::optional<std::string> error_message{};
  BlobRef source{};
  std::optional<BlobRef> certs{};
  std::optional<BlobRef> result{};
  std::string access_token_sha256{};  ///< empty: there was none
  bool front_of_queue = false;        ///< pending, before everything that was not begun
  std::string digest{};               ///< of the old row and the sizes of its files
  bool operator==(const ImportedBuild&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedBuild, (), (id, platform, status, worker_id, submitted_at, started_at, completed_at,
                                          error_message, source, certs, result, access_token_sha256, front_of_queue,
                                          digest))

struct ImportedLine {
  static constexpr std::string_view kDescription = "A log line of an old controller, with the number of its row.";
  std::int64_t row = 0;
  std::int64_t timestamp = 0;
  LogLevel level = LogLevel::info;
  std::string message{};
  bool operator==(const ImportedLine&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedLine, (), (row, timestamp, level, message))

/// Lines of one build, ascending by (timestamp, row): a part of one pass over those rows of the build that are numbered up
/// to `pass_end`. Which rows a later, grown copy of the database adds is told by it: a pass that was broken off is gone on
/// with, and rows above a finished one are new.
struct ImportedLines {
  static constexpr std::string_view kDescription = "Log lines of one build: a part of one pass over its rows.";
  std::string build_id{};
  std::vector<ImportedLine> lines{};
  std::int64_t pass_end = 0;   ///< the greatest row number of the pass
  bool pass_complete = false;  ///< with these lines all rows of the pass are there
  bool operator==(const ImportedLines&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedLines, (), (build_id, lines, pass_end, pass_complete))

struct ImportedSample {
  static constexpr std::string_view kDescription = "A processor sample of an old controller, with the number of its row.";
  std::int64_t row = 0;
  std::int64_t timestamp = 0;
  CpuReading reading{};
  bool operator==(const ImportedSample&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedSample, (), (row, timestamp, reading))

/// Ascending by row.
struct ImportedSamples {
  static constexpr std::string_view kDescription = "Processor samples of one build.";
  std::string build_id{};
  std::vector<ImportedSample> samples{};
  bool operator==(const ImportedSamples&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedSamples, (), (build_id, samples))

struct ImportedDiagnostic {
  static constexpr std::string_view kDescription = "A worker's report on itself, of an old controller.";
  std::string id{};
  std::string worker_id{};
  DiagnosticStatus status = DiagnosticStatus::healthy;
  std::int64_t run_at = 0;
  std::int64_t duration_ms = 0;
  bool auto_fixed = false;
  event::Json checks{};
  bool operator==(const ImportedDiagnostic&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportedDiagnostic, (), (id, worker_id, status, run_at, duration_ms, auto_fixed, checks))

}  // namespace tidemark::schemas::builds
