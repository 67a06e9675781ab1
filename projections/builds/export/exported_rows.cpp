#include "projections/builds/export/exported_rows.hpp"

#include "projections/builds/cpu_model.hpp"
#include "projections/builds/diagnostics_model.hpp"
#include "projections/builds/export/legacy_cells.hpp"
#include "projections/builds/export/legacy_rows.hpp"
#include "projections/builds/logs_model.hpp"
#include "schemas/builds/ids.hpp"

namespace tidemark::projections::builds {
namespace {

namespace legacy = schemas::builds::legacy;
using replay::Cells;

/// A file that could not be had has no path.
bool is_lost_path(const std::string& column, const replay::Cell& cell) {
  return (column == "certs_path" || column == "result_path") && std::holds_alternative<std::monostate>(cell);
}

/// Compares the row of that key with the one that is expected.
template <class Row>
Result<void> compare(replay::SqliteFile& sqlite, const Row& expected, replay::ExportFindings& findings, std::uint64_t& lost) {
  const auto columns = columns_of<Row>();
  static const std::string sql = [&] {
    std::string text = "SELECT ";
    for (std::size_t i = 0; i < columns.size(); ++i) text += (i == 0 ? "" : ",") + columns[i];
    return text + " FROM " + std::string(Row::kTable) + " WHERE id=?";
  }();
  const Cells wanted = cells_of(Row(expected));
  bool there = false;
  auto read = sqlite.query(sql, {*expected.id}, [&](const Cells& row) {
    there = true;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i] == "access_token" || row[i] == wanted[i]) continue;
      if (is_lost_path(columns[i], row[i])) {
        ++lost;
      } else {
        findings.add_problem(std::string(Row::kTable) + " " + *expected.id + ": " + columns[i] + " is not what the read model says");
      }
    }
    return false;
  });
  if (!read) return read;
  if (!there) findings.add_problem(std::string(Row::kTable) + " has no row " + *expected.id);
  return {};
}

/// What an export of these read models has.
struct Expected {
  std::uint64_t workers = 0, builds = 0, lines = 0, snapshots = 0, diagnostics = 0;
  std::uint64_t lost_files = 0;
};

void compare_count(const std::string& table, std::uint64_t expected, replay::ExportFindings& findings) {
  for (const auto& count : findings.tables) {
    if (count.table != table || count.rows == expected) continue;
    findings.add_problem("table " + table + " has " + std::to_string(count.rows) + " rows, the read models say " + std::to_string(expected));
  }
}

}  // namespace

std::vector<std::string> models_to_compare() {
  return {std::string(BuildsModel::kName), std::string(LogsModel::kName), std::string(CpuModel::kName), std::string(DiagnosticsModel::kName)};
}

Result<std::uint64_t> compare_rows(replay::ExportDatabase& database, const replay::ModelRows& models, const std::string& root, replay::ExportFindings& findings) {
  const RowReader& rows = models(BuildsModel::kName);
  Expected expected;
  Result<void> result;
  // Samples of any age: only what is shown ends after 90 days.
  const Time beginning = from_ms(0);
  auto done = database.look([&](replay::SqliteFile& sqlite) -> Result<void> {
    scan_workers(rows, [&](const WorkerView& worker) {
      ++expected.workers;
      result = compare(sqlite, legacy_worker(worker), findings, expected.lost_files);
      scan_diagnostics(models(DiagnosticsModel::kName), worker.id, beginning, [&](const DiagnosticView&) {
        ++expected.diagnostics;
        return true;
      });
      return result.ok();
    });
    scan_newest(rows, {}, [&](const ListItem& item) {
      if (!result.ok()) return false;
      const auto build = find_build(rows, item.id);
      if (!build) return true;
      ++expected.builds;
      auto row = legacy_build(*build, root, {});
      if (row.worker_id && !find_worker(rows, *row.worker_id)) row.worker_id.reset();
      result = compare(sqlite, row, findings, expected.lost_files);
      scan_logs(models(LogsModel::kName), item.id, 0, [&](std::uint64_t, std::string_view) {
        ++expected.lines;
        return true;
      });
      scan_cpu(models(CpuModel::kName), item.id, beginning, [&](const CpuSample&) {
        ++expected.snapshots;
        return true;
      });
      return result.ok();
    });
    return result;
  });
  if (!done) return done.take_error();
  compare_count(std::string(legacy::Worker::kTable), expected.workers, findings);
  compare_count(std::string(legacy::Build::kTable), expected.builds, findings);
  compare_count(std::string(legacy::BuildLog::kTable), expected.lines, findings);
  compare_count(std::string(legacy::CpuSnapshot::kTable), expected.snapshots, findings);
  compare_count(std::string(legacy::Diagnostic::kTable), expected.diagnostics, findings);
  return expected.lost_files;
}

Result<std::uint64_t> restore_tokens(replay::ExportDatabase& database, const RowReader& builds, const TokenGuess& guess) {
  std::uint64_t restored = 0;
  Result<void> put;
  auto done = database.edit([&](replay::SqliteFile& sqlite) -> Result<void> {
    scan_newest(builds, {}, [&](const ListItem& item) {
      const auto build = find_build(builds, item.id);
      if (!build || build->access_token_sha256.empty()) return true;
      const auto token = guess(*build);
      if (!token || schemas::builds::token_hash(*token) != build->access_token_sha256) return true;
      put = sqlite.run("UPDATE builds SET access_token=? WHERE id=?", {*token, item.id});
      restored += put.ok() ? sqlite.changes() : 0;
      return put.ok();
    });
    return put;
  });
  if (!done) return done.take_error();
  return restored;
}

}  // namespace tidemark::projections::builds
