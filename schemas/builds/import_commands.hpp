#pragma once
// Import: rows of an old controller, many in one command. All of it or none.

#include "schemas/builds/import/rows.hpp"

namespace tidemark::schemas::builds {

/// What one run of the import read, for the record.
struct ImportSummary {
  static constexpr std::string_view kDescription = "Rows that one run of the import read.";
  std::uint64_t workers = 0;
  std::uint64_t builds = 0;
  std::uint64_t log_lines = 0;
  std::uint64_t cpu_snapshots = 0;
  std::uint64_t diagnostics = 0;
  std::int64_t last_log_row = 0;  ///< the greatest number: an older copy has a smaller one
  bool operator==(const ImportSummary&) const = default;
};
BOOST_DESCRIBE_STRUCT(ImportSummary, (), (workers, builds, log_lines, cpu_snapshots, diagnostics, last_log_row))

struct Import {
  static constexpr std::string_view kDescription =
      "Brings rows of an old controller, all or none; those that are here already change nothing. Refused: IMPORT_CONFLICT "
      "(a row contradicts what is here).";
  static constexpr std::string_view kType = "Import";
  static constexpr int kVersion = 1;
  std::string boundary() const { return pool_id.value_or(std::string(kDefaultPool)); }

  std::string database{};  ///< which installation's: 64 hex digits
  std::vector<ImportedWorker> workers{};
  std::vector<ImportedBuild> builds{};
  std::vector<ImportedLines> logs{};
  std::vector<ImportedSamples> cpu_snapshots{};
  std::vector<ImportedDiagnostic> diagnostics{};
  std::optional<ImportSummary> completed{};  ///< the run has brought everything
  std::string otp_key_id{};                  ///< for the one-time passwords of builds that are under way
  std::optional<std::string> pool_id{};      ///< the default pool when absent
};
BOOST_DESCRIBE_STRUCT(Import, (), (database, workers, builds, logs, cpu_snapshots, diagnostics, completed, otp_key_id,
                                 pool_id))

struct ImportReply {
  static constexpr std::string_view kDescription = "Answer of Import: rows that were new, and rows that had changed.";
  std::uint64_t imported = 0;
  std::uint64_t updated = 0;
};
BOOST_DESCRIBE_STRUCT(ImportReply, (), (imported, updated))

}  // namespace tidemark::schemas::builds
