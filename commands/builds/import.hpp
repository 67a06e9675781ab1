#pragma once
// What the lane's state knows of an import: which rows are here, as they were or as they were before they changed. Asked by
// the decider, and by the import before it sends anything. Pure.

#include <optional>
#include <string>
#include <string_view>

#include "core/base/decision.hpp"
#include "schemas/builds/import_commands.hpp"

namespace tidemark::commands::builds {

/// What to do with a row.
struct ImportJudgement {
  enum class Kind {
    fresh,      ///< not here yet
    unchanged,  ///< here, as it is in the row
    changed,    ///< here, and the row has changed since: bring it up to date
    conflict,   ///< `why`
  } kind = Kind::fresh;
  std::uint32_t revision = 0;  ///< of the event: how often the row was brought up to date with it
  std::string why;
};

/// A worker that registered here before it was imported is the same worker. Changes on both sides are added up.
ImportJudgement judge_worker(const RowReader& state, const schemas::builds::ImportedWorker& worker);
/// The old row counts as long as nothing has happened to the build here but that it was given up for silence. After that
/// an unchanged row is no news, and a changed one is a conflict unless both sides have come to the same end.
ImportJudgement judge_build(const RowReader& state, const schemas::builds::ImportedBuild& build);
/// The same from what is known before files are hashed; nullopt when the rest of the row must be looked at.
std::optional<ImportJudgement> judge_build_early(const RowReader& state, std::string_view build_id, std::string_view digest);

/// Whether the build came by an import; and whether nothing has happened to it since.
bool is_imported(const RowReader& state, std::string_view build_id);
bool is_untouched(const RowReader& state, std::string_view build_id);

/// How far the lines of a build are here (see ImportedLines).
struct LineProgress {
  std::int64_t finished_row = 0;            ///< every row up to it is here
  std::int64_t pass_end = 0;                ///< of the pass under way, when it is greater
  std::int64_t timestamp = 0, row = 0;      ///< last line of the pass under way
  bool under_way() const { return pass_end > finished_row; }
};
LineProgress line_progress(const RowReader& state, std::string_view build_id);
/// Whether a line of a pass that goes to `pass_end` is new.
bool is_new_line(const LineProgress& progress, std::int64_t pass_end, std::int64_t timestamp, std::int64_t row);

/// Whether a processor sample of a build, or a report, is here already.
std::int64_t first_new_sample(const RowReader& state, std::string_view build_id);  ///< by row
bool is_new_sample(const RowReader& state, std::string_view build_id, std::int64_t row);
bool is_new_diagnostic(const RowReader& state, std::string_view report_id);

/// Whether nothing at all has happened here.
bool is_blank(const RowReader& state);

/// The last completed run over this database, if there was one.
std::optional<schemas::builds::ImportSummary> last_import(const RowReader& state, std::string_view database);

}  // namespace tidemark::commands::builds
