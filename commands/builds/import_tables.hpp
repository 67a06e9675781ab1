#pragma once
// What the state keeps of an import for ever: enough to know each row again, however much later.

#include "commands/builds/tables.hpp"
#include "schemas/builds/import_commands.hpp"

namespace tidemark::commands::builds {

struct WorkerImportRow {
  std::string database;
  std::string digest;
  std::uint32_t revision = 0;
  std::int64_t registered_at = 0;
  std::uint64_t builds_completed = 0, builds_failed = 0;  ///< of the old row
};
BOOST_DESCRIBE_STRUCT(WorkerImportRow, (), (database, digest, revision, registered_at, builds_completed, builds_failed))

struct BuildImportRow {
  std::string database;
  std::string digest;
  std::uint32_t revision = 0;
  std::string untouched;  ///< hash of the build's row as the import left it
};
BOOST_DESCRIBE_STRUCT(BuildImportRow, (), (database, digest, revision, untouched))

struct LineImportRow {
  std::int64_t finished_row = 0, pass_end = 0, timestamp = 0, row = 0;
};
BOOST_DESCRIBE_STRUCT(LineImportRow, (), (finished_row, pass_end, timestamp, row))

struct ImportRunRow {
  std::uint32_t runs = 0;
  std::string summary;  ///< JSON of ImportSummary
};
BOOST_DESCRIBE_STRUCT(ImportRunRow, (), (runs, summary))

inline constexpr Table<WorkerImportRow, std::string> kWorkerImports{40};  ///< worker id
inline constexpr Table<BuildImportRow, std::string> kBuildImports{41};    ///< build id
inline constexpr Table<LineImportRow, std::string> kLineImports{42};      ///< build id
inline constexpr Table<LogHeadRow, std::string> kSampleImports{44};       ///< build id: its last row and one
inline constexpr Table<IdRow, std::string> kDiagnosticImports{45};        ///< report id
inline constexpr Table<ImportRunRow, std::string> kImportRuns{43};        ///< database

/// Hash of a build's row, to see whether anything has happened to it.
std::string touch_mark(const BuildRow& build);
/// What a run of lines leaves behind.
LineImportRow after_lines(const LineImportRow& before, const schemas::builds::ImportedLines& lines);

}  // namespace tidemark::commands::builds
