#include "ops/cli/domains/builds_import/importer.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "commands/builds/import.hpp"
#include "commands/builds/queries.hpp"
#include "core/base/ids.hpp"
#include "core/event/json.hpp"

namespace tidemark::cli::builds_import {
namespace {

using namespace schemas::builds;
using commands::builds::ImportJudgement;

constexpr std::size_t kCommandBytes = 512u << 10;  // of rows; the decision holds the command and names its events
constexpr std::size_t kCommandRows = 1000;
constexpr std::size_t kPageRows = 5000;            // of small rows
constexpr std::size_t kRowBytes = 400;             // of a row's names and numbers
constexpr std::size_t kLineBytes = 80;             // the same of a log line
constexpr std::uint64_t kTurns = 64;                // builds between two returns to the loop: what is here already waits for nothing
constexpr std::string_view kActor = "tool:import";

void note_cells(Report& report, std::string_view table, const std::optional<std::string>& key, const std::vector<replay::CellProblem>& problems) {
  for (const replay::CellProblem& problem : problems) {
    report.note({ImportNote::Kind::warning, std::string(table), key.value_or("(no id)"), problem.column + " is " + problem.found});
  }
}
void note_all(Report& report, const std::vector<ImportNote>& notes) {
  for (const ImportNote& note : notes) report.note(note);
}
std::optional<std::string> key_of(const std::optional<std::int64_t>& id) {
  if (!id) return std::nullopt;
  return std::to_string(*id);
}

struct BuildFiles {
  std::optional<TreeFile> source, certs, result;
};
BuildFiles files_of(const Source& source, const legacy::Build& row) {
  return {source.find(BlobKind::source, row), source.find(BlobKind::certs, row), source.find(BlobKind::result, row)};
}
std::optional<std::uint64_t> size_of(const std::optional<TreeFile>& file) { return file ? std::optional(file->size) : std::nullopt; }
std::string digest_of(const legacy::Build& row, const BuildFiles& files) {
  return row_digest(row, size_of(files.source), size_of(files.certs), size_of(files.result));
}
/// As if every file that is there had been stored: for what can be judged before they are.
FoundFiles supposed(const BuildFiles& files) {
  const auto as_found = [](const std::optional<TreeFile>& file) { return file ? std::optional(FoundFile{{}, file->size}) : std::nullopt; };
  return {as_found(files.source), as_found(files.certs), as_found(files.result)};
}

/// The lines of a build as they are imported, by time and row, until `visit` says no. When the database sorts its times
/// otherwise than they are read (some are no numbers), all of them are held to be sorted.
template <class Visit>
Result<void> each_line(const Source& source, const std::string& build_id, bool in_order, Visit visit) {
  std::vector<std::pair<Mapped<ImportedLine>, std::vector<replay::CellProblem>>> held;
  auto scanned = replay::scan_rows<legacy::BuildLog>(source.rows(), {"timestamp", "id"}, [&](legacy::BuildLog&& row, const auto& problems) {
    if (in_order) return visit(map_line(row), problems);
    held.emplace_back(map_line(row), problems);
    return true;
  }, std::pair{std::string("build_id"), replay::SqliteValue(build_id)});
  if (!scanned || in_order) return scanned;
  const auto place = [](const auto& item) {
    const auto& line = item.first.value;
    return line ? std::pair(line->timestamp, line->row) : std::pair<std::int64_t, std::int64_t>(-1, 0);
  };
  std::sort(held.begin(), held.end(), [&](const auto& left, const auto& right) { return place(left) < place(right); });
  for (auto& [mapped, problems] : held) {
    if (!visit(std::move(mapped), problems)) break;
  }
  return {};
}

class Importer {
 public:
  Importer(const Source& source, OfflineParts parts, Report& report) : source_(source), parts_(parts), report_(report) {}

  Task<Result<void>> run() {
    report_.database = source_.identity();
    auto older = refuse_older_copy();
    if (!older.ok()) co_return older;
    using Step = Task<Result<void>> (Importer::*)();
    static constexpr Step kSteps[] = {&Importer::workers, &Importer::builds, &Importer::logs, &Importer::samples, &Importer::diagnostics, &Importer::finish};
    for (const Step step : kSteps) {
      auto stepping = (this->*step)();
      auto done = co_await std::move(stepping);
      if (!done.ok()) co_return done;
    }
    co_return Result<void>();
  }

 private:
  /// Asks the lane's state.
  template <class Ask>
  Result<void> ask(Ask question) {
    return parts_.node.owner_call(kDomainName, kDefaultPool, [&](const runtime::OwnerView& view) { question(view.state); });
  }

  Result<void> refuse_older_copy() {
    std::optional<ImportSummary> last;
    if (auto asked = ask([&](const RowReader& state) { last = commands::builds::last_import(state, source_.identity()); }); !asked) return asked;
    if (!last || last->last_log_row <= source_.last_log_row()) return {};
    return make_error(Code::invalid_argument, "this copy of the database is older than one that was imported: its last log line has number " +
                                                  std::to_string(source_.last_log_row()) + ", that one's " + std::to_string(last->last_log_row));
  }

  /// Sends what has gathered.
  Task<Result<void>> flush() {
    if (batch_.workers.empty() && batch_.builds.empty() && batch_.logs.empty() && batch_.cpu_snapshots.empty() && batch_.diagnostics.empty() &&
        !batch_.completed) {
      co_return Result<void>();
    }
    batch_.database = source_.identity();
    batch_.otp_key_id = parts_.keys.current_mac_key();
    runtime::CommandRequest request;
    request.domain = kDomainName;
    request.name = Import::kType;
    request.data = event::to_json(batch_);
    request.actor = kActor;
    // The same rows are the same command, whichever run sends them.
    request.command_id = to_string(derive_uuid(to_string(uuid_from_bytes(std::string_view(sha256(request.data)).substr(0, 16))), "tidemark.builds.import"));
    batch_ = Import{};
    batch_bytes_ = batch_rows_ = 0;
    auto deciding = parts_.node.execute(std::move(request));
    const auto outcome = co_await std::move(deciding);
    using Kind = runtime::Outcome::Kind;
    if (outcome.kind == Kind::accepted || outcome.kind == Kind::nothing) co_return Result<void>();
    std::string why = outcome.reason + " " + outcome.detail;
    if (outcome.kind == Kind::failed) why = describe(outcome.error);
    if (outcome.kind == Kind::bad_input && !outcome.bad_input.errors.empty()) {
      why = outcome.bad_input.errors.front().pointer + " " + outcome.bad_input.errors.front().message;
    }
    co_return make_error(outcome.kind == Kind::failed ? outcome.error.code : Code::internal, "rows could not be imported: " + why);
  }
  bool is_full() const { return batch_bytes_ >= kCommandBytes || batch_rows_ >= kCommandRows; }
  void add_bytes(std::size_t bytes) {
    batch_bytes_ += bytes;
    ++batch_rows_;
  }

  bool count(TableCounts& counts, std::string_view table, const std::string& key, const ImportJudgement& judgement) {
    switch (judgement.kind) {
      case ImportJudgement::Kind::fresh: ++counts.imported; return true;
      case ImportJudgement::Kind::changed: ++counts.updated; return true;
      case ImportJudgement::Kind::unchanged: ++counts.unchanged; return false;
      case ImportJudgement::Kind::conflict: report_.conflict(table, key, judgement.why); return false;
    }
    return false;
  }

  Task<Result<void>> workers() {
    // As many as there are machines: they are held together.
    std::vector<std::pair<legacy::Worker, std::vector<replay::CellProblem>>> rows;
    auto scanned = replay::scan_rows<legacy::Worker>(source_.rows(), {"registered_at", "id"}, [&](legacy::Worker&& row, const auto& problems) {
      rows.emplace_back(std::move(row), problems);
      return true;
    });
    if (!scanned) co_return scanned;
    TableCounts& counts = report_.table(legacy::Worker::kTable);
    for (const auto& [row, problems] : rows) {
      ++counts.rows;
      ++counts.by_status[row.status.value_or("(none)")];
      note_cells(report_, legacy::Worker::kTable, row.id, problems);
      auto mapped = map_worker(row);
      note_all(report_, mapped.notes);
      if (!mapped.value) continue;
      ImportJudgement judgement;
      if (auto asked = ask([&](const RowReader& state) { judgement = commands::builds::judge_worker(state, *mapped.value); }); !asked) co_return asked;
      if (!count(counts, legacy::Worker::kTable, mapped.value->id, judgement)) continue;
      add_bytes(kRowBytes + mapped.value->name.size() + mapped.value->capabilities.raw.size());
      batch_.workers.push_back(std::move(*mapped.value));
      if (!is_full()) continue;
      auto sending = flush();
      auto sent = co_await std::move(sending);
      if (!sent.ok()) co_return sent;
    }
    auto sending = flush();
    auto sent = co_await std::move(sending);
    co_return sent;
  }

  Task<Result<void>> builds() {
    // The ids in the order of the import: what a row says is read when its turn comes, so that memory holds few rows.
    std::vector<std::string> ids;
    TableCounts& counts = report_.table(legacy::Build::kTable);
    auto scanned = source_.rows().scan({std::string(legacy::Build::kTable), {"id"}, {"submitted_at", "id"}}, [&](const auto& cells) {
      if (const auto* id = std::get_if<std::string>(&cells[0])) {
        ids.push_back(*id);
      } else {
        ++counts.rows;
        report_.note({ImportNote::Kind::rejected, std::string(legacy::Build::kTable), replay::as_text(cells[0]).value_or("(no id)"), "the id is no text"});
      }
      return true;
    });
    if (!scanned) co_return scanned;
    for (const std::string& id : ids) {
      std::optional<legacy::Build> row;
      std::vector<replay::CellProblem> problems;
      scanned = replay::scan_rows<legacy::Build>(source_.rows(), {}, [&](legacy::Build&& found, const auto& cells) {
        row = std::move(found);
        problems = cells;
        return false;
      }, std::pair{std::string("id"), replay::SqliteValue(id)});
      if (!scanned) co_return scanned;
      if (!row) continue;
      auto importing = build(*row, problems);
      auto imported = co_await std::move(importing);
      if (!imported.ok()) co_return imported;
      auto turn = end_turn();
      co_await std::move(turn);
    }
    auto sending = flush();
    auto sent = co_await std::move(sending);
    co_return sent;
  }

  /// Lets the node do its own work now and then.
  Task<void> end_turn() {
    if (++turns_ % kTurns != 0) co_return;
    auto pause = sleep_for(parts_.node.scheduler(), Duration(0));
    co_await std::move(pause);
  }

  Task<Result<void>> build(const legacy::Build& row, const std::vector<replay::CellProblem>& problems) {
    TableCounts& counts = report_.table(legacy::Build::kTable);
    ++counts.rows;
    ++counts.by_status[row.status.value_or("(none)")];
    note_cells(report_, legacy::Build::kTable, row.id, problems);
    BuildFiles files = files_of(source_, row);
    const std::string digest = digest_of(row, files);
    const Holder holder = source_.holder_of(row);
    auto mapped = map_build(row, supposed(files), holder, digest);
    ImportJudgement judgement;
    if (mapped.value) {
      if (auto asked = ask([&](const RowReader& state) { judgement = commands::builds::judge_build(state, *mapped.value); }); !asked) co_return asked;
    }
    const bool wanted = mapped.value && count(counts, legacy::Build::kTable, mapped.value->id, judgement);
    report_missing(row, files);
    if (!wanted) {
      note_all(report_, mapped.notes);
      for (const auto* file : {&files.source, &files.certs, &files.result}) {
        if (*file && mapped.value) report_.file((*file)->path, "kept", {}, 0);
      }
      co_return Result<void>();
    }

    FoundFiles found;
    auto storing = store(files.source, BlobKind::source, *row.id, found.source);
    auto stored = co_await std::move(storing);
    if (!stored.ok()) co_return stored;
    storing = store(files.certs, BlobKind::certs, *row.id, found.certs);
    stored = co_await std::move(storing);
    if (!stored.ok()) co_return stored;
    storing = store(files.result, BlobKind::result, *row.id, found.result);
    stored = co_await std::move(storing);
    if (!stored.ok()) co_return stored;

    // What could not be read is remembered as not there: once it can be, the next run finds the row changed.
    if (!found.source) files.source.reset();
    if (!found.certs) files.certs.reset();
    if (!found.result) files.result.reset();
    mapped = map_build(row, found, holder, digest_of(row, files));
    note_all(report_, mapped.notes);
    add_bytes(kRowBytes * 3 + mapped.value->error_message.value_or("").size());
    batch_.builds.push_back(std::move(*mapped.value));
    if (!is_full()) co_return Result<void>();
    auto sending = flush();
    auto sent = co_await std::move(sending);
    co_return sent;
  }

  Task<Result<void>> store(std::optional<TreeFile> file, BlobKind kind, std::string build_id, std::optional<FoundFile>& found) {
    if (!file) co_return Result<void>();
    const std::string path = file->path;
    auto storing = store_file(parts_.blobs, std::move(*file), kind, std::move(build_id));
    auto stored = co_await std::move(storing);
    if (!stored.ok()) co_return make_error(stored.error().code, path + ": " + stored.error().message);
    if (stored->found) report_.file(path, "stored", stored->found->sha256, stored->found->size);
    else report_.file(path, "unreadable", {}, 0);
    found = std::move(stored->found);
    co_return Result<void>();
  }

  void report_missing(const legacy::Build& row, const BuildFiles& files) {
    const auto missing = [&](BlobKind kind, bool named, const std::optional<TreeFile>& file) {
      if (!named || file) return;
      const auto paths = file_candidates(kind, row.id.value_or(""), row.platform.value_or(""));
      if (!paths.empty()) report_.file(paths.front(), "missing", {}, 0);
    };
    missing(BlobKind::source, true, files.source);
    missing(BlobKind::certs, row.certs_path.has_value(), files.certs);
    missing(BlobKind::result, row.result_path.has_value(), files.result);
  }

  /// Builds by id, the lines of each by time and row.
  Task<Result<void>> logs() {
    std::vector<std::string> ids;
    auto scanned = source_.rows().scan({std::string(legacy::Build::kTable), {"id"}, {"id"}}, [&](const auto& cells) {
      if (const auto* id = std::get_if<std::string>(&cells[0])) ids.push_back(*id);
      return true;
    });
    if (!scanned) co_return scanned;
    for (const std::string& id : ids) {
      auto importing = lines_of(id);
      auto imported = co_await std::move(importing);
      if (!imported.ok()) co_return imported;
      auto turn = end_turn();
      co_await std::move(turn);
    }
    auto sending = flush();
    auto sent = co_await std::move(sending);
    if (!sent.ok()) co_return sent;

    co_return left_over(legacy::BuildLog::kTable, "lines of builds that are not in the database are left out");
  }

  struct Survey {
    bool imported = false;  ///< the build is here, by an import
    commands::builds::LineProgress progress;
    std::int64_t greatest = 0;
    std::uint64_t rows = 0, unfinished = 0;  ///< unfinished: of a pass that was broken off
    bool in_order = true;                    ///< the database's order of times is that of the times as they are read
  };
  Result<Survey> survey_lines(const std::string& build_id) {
    Survey survey;
    if (auto asked = ask([&](const RowReader& state) {
          survey.imported = commands::builds::is_imported(state, build_id);
          survey.progress = commands::builds::line_progress(state, build_id);
        }); !asked) {
      return asked.take_error();
    }
    std::pair<std::int64_t, std::int64_t> last{std::numeric_limits<std::int64_t>::min(), 0};
    auto scanned = replay::scan_rows<legacy::BuildLog>(source_.rows(), {"timestamp", "id"}, [&](legacy::BuildLog&& row, const auto&) {
      const auto mapped = map_line(row);
      if (mapped.value) {
        const std::pair place(mapped.value->timestamp, mapped.value->row);
        survey.in_order = survey.in_order && place > last;
        last = place;
      }
      ++survey.rows;
      ++report_.table(legacy::BuildLog::kTable).by_status[row.level.value_or("(none)")];
      survey.greatest = std::max(survey.greatest, row.id.value_or(0));
      const auto& progress = survey.progress;
      if (mapped.value && progress.under_way() && commands::builds::is_new_line(progress, progress.pass_end, mapped.value->timestamp, mapped.value->row)) {
        ++survey.unfinished;
      }
      return true;
    }, of_build(build_id));
    if (!scanned) return scanned.take_error();
    return survey;
  }
  static std::pair<std::string, replay::SqliteValue> of_build(const std::string& id) { return {"build_id", replay::SqliteValue(id)}; }

  Task<Result<void>> lines_of(const std::string& build_id) {
    TableCounts& counts = report_.table(legacy::BuildLog::kTable);
    auto survey = survey_lines(build_id);
    if (!survey) co_return survey.take_error();
    counts.rows += survey->rows;
    if (!survey->imported) {
      counts.rejected += survey->rows;
      co_return Result<void>();
    }
    const std::uint64_t before = counts.imported;
    if (survey->unfinished > 0) {
      auto going_on = pass_over(build_id, survey->in_order, survey->progress, survey->progress.pass_end);
      auto gone = co_await std::move(going_on);
      if (!gone.ok()) co_return gone;
      if (auto asked = ask([&](const RowReader& state) { survey->progress = commands::builds::line_progress(state, build_id); }); !asked) co_return asked;
    }
    auto passing = pass_over(build_id, survey->in_order, survey->progress, survey->greatest);
    auto passed = co_await std::move(passing);
    counts.unchanged += survey->rows - std::min(survey->rows, counts.imported - before);
    co_return passed;
  }

  /// One pass, in parts. The lines of a short log wait for others to be sent with them.
  Task<Result<void>> pass_over(const std::string& build_id, bool in_order, commands::builds::LineProgress progress, std::int64_t pass_end) {
    TableCounts& counts = report_.table(legacy::BuildLog::kTable);
    for (bool more = true; more;) {
      more = false;
      ImportedLines part{build_id, {}, pass_end, false};
      std::size_t bytes = kRowBytes;
      auto scanned = each_line(source_, build_id, in_order, [&](Mapped<ImportedLine>&& mapped, const auto& problems) {
        if (!mapped.value) {
          note_all(report_, mapped.notes);
          return true;
        }
        if (!commands::builds::is_new_line(progress, pass_end, mapped.value->timestamp, mapped.value->row)) return true;
        const std::size_t size = mapped.value->message.size() + kLineBytes;
        more = !part.lines.empty() && bytes + size > kCommandBytes;
        if (more) return false;
        note_cells(report_, legacy::BuildLog::kTable, std::to_string(mapped.value->row), problems);
        note_all(report_, mapped.notes);
        bytes += size;
        ++counts.imported;
        part.lines.push_back(std::move(*mapped.value));
        return true;
      });
      if (!scanned) co_return scanned;
      if (part.lines.empty()) co_return Result<void>();
      part.pass_complete = !more;
      const bool stands_alone = more || progress.under_way();
      if (stands_alone || batch_bytes_ + bytes > kCommandBytes) {
        auto sending = flush();
        auto sent = co_await std::move(sending);
        if (!sent.ok()) co_return sent;
      }
      add_bytes(bytes);
      batch_.logs.push_back(std::move(part));
      if (!stands_alone && !is_full()) continue;
      auto sending = flush();
      auto sent = co_await std::move(sending);
      if (!sent.ok()) co_return sent;
      if (auto asked = ask([&](const RowReader& state) { progress = commands::builds::line_progress(state, build_id); }); !asked) co_return asked;
    }
    co_return Result<void>();
  }

  /// A page of rows in that order, behind the first `skip`.
  template <class Row>
  Result<std::vector<std::pair<Row, std::vector<replay::CellProblem>>>> page(const std::vector<std::string>& order, std::uint64_t skip) {
    std::vector<std::pair<Row, std::vector<replay::CellProblem>>> rows;
    std::uint64_t at = 0;
    auto scanned = replay::scan_rows<Row>(source_.rows(), order, [&](Row&& row, const auto& problems) {
      if (at++ < skip) return true;
      rows.emplace_back(std::move(row), problems);
      return rows.size() < kPageRows;
    });
    if (!scanned) return scanned.take_error();
    return rows;
  }

  Task<Result<void>> samples() {
    std::vector<std::string> ids;
    auto scanned = source_.rows().scan({std::string(legacy::Build::kTable), {"id"}, {"id"}}, [&](const auto& cells) {
      if (const auto* id = std::get_if<std::string>(&cells[0])) ids.push_back(*id);
      return true;
    });
    if (!scanned) co_return scanned;
    for (const std::string& id : ids) {
      for (bool more = true; more;) {
        auto read = samples_of(id, more);
        if (!read.ok()) co_return read;
        if (!more && !is_full()) continue;
        auto sending = flush();
        auto sent = co_await std::move(sending);
        if (!sent.ok()) co_return sent;
      }
    }
    auto sending = flush();
    auto sent = co_await std::move(sending);
    if (!sent.ok()) co_return sent;
    co_return left_over(legacy::CpuSnapshot::kTable, "samples of builds that are not in the database are left out");
  }
  /// Gathers new samples of a build; `more` when a command is full before all are there.
  Result<void> samples_of(const std::string& build_id, bool& more) {
    more = false;
    TableCounts& counts = report_.table(legacy::CpuSnapshot::kTable);
    std::int64_t first_new = 0;
    bool here = false, first_time = false;
    if (auto asked = ask([&](const RowReader& state) {
          here = commands::builds::is_imported(state, build_id);
          first_new = commands::builds::first_new_sample(state, build_id);
        }); !asked) {
      return asked;
    }
    first_time = counted_.insert(build_id).second;
    ImportedSamples part{build_id, {}};
    auto scanned = replay::scan_rows<legacy::CpuSnapshot>(source_.rows(), {"id"}, [&](legacy::CpuSnapshot&& row, const auto& problems) {
      if (first_time) ++counts.rows;
      if (!here) {
        if (first_time) ++counts.rejected;
        return true;
      }
      if (row.id && *row.id < first_new) {
        if (first_time) ++counts.unchanged;
        return true;
      }
      if (more) return true;  // counted only
      auto mapped = map_sample(row);
      note_cells(report_, legacy::CpuSnapshot::kTable, key_of(row.id), problems);
      note_all(report_, mapped.notes);
      if (!mapped.value) return true;
      ++counts.imported;
      part.samples.push_back(*mapped.value);
      more = part.samples.size() >= kPageRows;
      return true;
    }, of_build(build_id));
    if (!scanned || part.samples.empty()) return scanned;
    add_bytes(kRowBytes + part.samples.size() * kLineBytes);
    batch_.cpu_snapshots.push_back(std::move(part));
    return {};
  }
  Result<void> left_over(std::string_view table, std::string_view what) {
    TableCounts& counts = report_.table(table);
    const auto rows = source_.rows().count(std::string(table));
    if (!rows) return rows.error();
    if (*rows > counts.rows) report_.note({ImportNote::Kind::warning, std::string(table), "(several)", std::to_string(*rows - counts.rows) + " " + std::string(what)});
    counts.rows = *rows;
    return {};
  }

  Task<Result<void>> diagnostics() {
    TableCounts& counts = report_.table(legacy::Diagnostic::kTable);
    for (std::uint64_t skip = 0;; skip += kPageRows) {
      auto rows = page<legacy::Diagnostic>({"run_at", "id"}, skip);
      if (!rows.ok()) co_return rows.take_error();
      for (const auto& [row, problems] : *rows) {
        if (auto added = diagnostic(row, problems, counts); !added.ok()) co_return added;
        if (!is_full()) continue;
        auto sending = flush();
        auto sent = co_await std::move(sending);
        if (!sent.ok()) co_return sent;
      }
      if (rows->size() < kPageRows) break;
    }
    auto sending = flush();
    auto sent = co_await std::move(sending);
    co_return sent;
  }
  Result<void> diagnostic(const legacy::Diagnostic& row, const std::vector<replay::CellProblem>& problems, TableCounts& counts) {
    ++counts.rows;
    ++counts.by_status[row.status.value_or("(none)")];
    note_cells(report_, legacy::Diagnostic::kTable, row.id, problems);
    auto mapped = map_diagnostic(row);
    note_all(report_, mapped.notes);
    if (!mapped.value) return {};
    bool is_new = false, worker_here = false;
    if (auto asked = ask([&](const RowReader& state) {
          is_new = commands::builds::is_new_diagnostic(state, mapped.value->id);
          worker_here = commands::builds::find_worker(state, mapped.value->worker_id).has_value();
        }); !asked) {
      return asked;
    }
    if (!worker_here) {
      report_.note({ImportNote::Kind::warning, std::string(legacy::Diagnostic::kTable), mapped.value->id, "its worker is not in the database, left out"});
      return {};
    }
    if (!is_new) {
      ++counts.unchanged;
      return {};
    }
    ++counts.imported;
    add_bytes(kRowBytes + mapped.value->checks.raw.size());
    batch_.diagnostics.push_back(std::move(*mapped.value));
    return {};
  }

  Task<Result<void>> finish() {
    ImportSummary read;
    read.workers = report_.table(legacy::Worker::kTable).rows;
    read.builds = report_.table(legacy::Build::kTable).rows;
    read.log_lines = report_.table(legacy::BuildLog::kTable).rows;
    read.cpu_snapshots = report_.table(legacy::CpuSnapshot::kTable).rows;
    read.diagnostics = report_.table(legacy::Diagnostic::kTable).rows;
    read.last_log_row = source_.last_log_row();
    batch_.completed = read;
    auto sending = flush();
    auto sent = co_await std::move(sending);
    if (!sent.ok()) co_return sent;
    const SteadyTime deadline = parts_.node.scheduler().now() + std::chrono::hours(1);
    auto waiting = parts_.node.wait_domain_applied(std::string(kDomainName), parts_.node.domain_end(kDomainName), deadline);
    auto waited = co_await std::move(waiting);
    co_return waited;
  }

  const Source& source_;
  const OfflineParts parts_;
  Report& report_;
  Import batch_;
  std::size_t batch_bytes_ = 0, batch_rows_ = 0;
  std::uint64_t turns_ = 0;
  std::set<std::string> counted_;  ///< builds whose samples are counted
};

}  // namespace

Result<void> check_source(const Source& source, Report& report) {
  report.database = source.identity();
  report.checked_only = true;
  TableCounts& workers = report.table(legacy::Worker::kTable);
  auto scanned = replay::scan_rows<legacy::Worker>(source.rows(), {"registered_at", "id"}, [&](legacy::Worker&& row, const auto& problems) {
    ++workers.rows;
    ++workers.by_status[row.status.value_or("(none)")];
    note_cells(report, legacy::Worker::kTable, row.id, problems);
    note_all(report, map_worker(row).notes);
    return true;
  });
  if (!scanned) return scanned;
  TableCounts& builds = report.table(legacy::Build::kTable);
  scanned = replay::scan_rows<legacy::Build>(source.rows(), {"submitted_at", "id"}, [&](legacy::Build&& row, const auto& problems) {
    ++builds.rows;
    ++builds.by_status[row.status.value_or("(none)")];
    note_cells(report, legacy::Build::kTable, row.id, problems);
    const BuildFiles files = files_of(source, row);
    note_all(report, map_build(row, supposed(files), source.holder_of(row), {}).notes);
    for (const auto* file : {&files.source, &files.certs, &files.result}) {
      if (*file) report.file((*file)->path, "found", {}, (*file)->size);
    }
    return true;
  });
  if (!scanned) return scanned;
  TableCounts& samples = report.table(legacy::CpuSnapshot::kTable);
  scanned = replay::scan_rows<legacy::CpuSnapshot>(source.rows(), {}, [&](legacy::CpuSnapshot&& row, const auto& problems) {
    ++samples.rows;
    note_cells(report, legacy::CpuSnapshot::kTable, key_of(row.id), problems);
    note_all(report, map_sample(row).notes);
    return true;
  });
  if (!scanned) return scanned;
  TableCounts& reports = report.table(legacy::Diagnostic::kTable);
  scanned = replay::scan_rows<legacy::Diagnostic>(source.rows(), {}, [&](legacy::Diagnostic&& row, const auto& problems) {
    ++reports.rows;
    ++reports.by_status[row.status.value_or("(none)")];
    note_cells(report, legacy::Diagnostic::kTable, row.id, problems);
    note_all(report, map_diagnostic(row).notes);
    return true;
  });
  if (!scanned) return scanned;
  TableCounts& lines = report.table(legacy::BuildLog::kTable);
  return replay::scan_rows<legacy::BuildLog>(source.rows(), {}, [&](legacy::BuildLog&& row, const auto& problems) {
    ++lines.rows;
    ++lines.by_status[row.level.value_or("(none)")];
    note_cells(report, legacy::BuildLog::kTable, key_of(row.id), problems);
    note_all(report, map_line(row).notes);
    return true;
  });
}

Task<Result<void>> import_source(const Source& source, OfflineParts parts, Report& report) {
  Importer importer(source, parts, report);
  auto running = importer.run();
  auto ran = co_await std::move(running);
  co_return ran;
}

}  // namespace tidemark::cli::builds_import
