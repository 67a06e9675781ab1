#pragma once
// The old system's SQLite file while the exporter keeps it: its tables, and tables of our own beside them (tidemark_*) that
// say how far the log is applied, which files lie in the tree, and whether somebody else has begun to write.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.hpp"
#include "replay/export/mapping.hpp"

namespace tidemark::replay {

/// How far one topic is applied in one lane.
struct ExportPosition {
  std::string topic;
  LaneId lane;
  Tmseq next;           ///< first record not applied
  std::string last_id;  ///< id of the record before it; empty at 0
};

/// What lies in a directory.
enum class ExportFound {
  nothing,   ///< no directory, or an empty one
  ours,
  foreign,   ///< files that no exporter of this name has made
  taken,     ///< made by us; the old system writes to it now
};
///   errors  those of the file system, corrupt
Result<ExportFound> look_at_export(const std::string& directory, const ExportLayout& layout);
/// invalid_argument, with the reason, when the directory is not one that the exporter may write to.
Result<void> check_export_directory(const std::string& directory, const ExportLayout& layout);
/// invalid_argument, naming both, when what lies there was made from another log: it may be the only way back from that one.
Result<void> check_export_log(const std::string& directory, const ExportLayout& layout, const Uuid& log_epoch);

/// What becomes of an export that was made from another log.
enum class OtherLog { refuse, replace };

/// One thread at a time.
class ExportDatabase {
 public:
  /// Opens the file in `directory`, or makes it. What another version of the layout has left is emptied.
  ///   root    what path columns begin with: the directory as the old system will see it; rows with another root are rewritten
  ///   errors  invalid_argument: not ours, taken, or of another log and not to be replaced
  static Result<std::unique_ptr<ExportDatabase>> open(const std::string& directory, const ExportLayout& layout, const Uuid& log_epoch, const std::string& root,
                                                      OtherLog other = OtherLog::refuse);

  Result<std::vector<ExportPosition>> positions();
  Result<std::map<std::string, FileOrigin>> files();
  Result<std::optional<FileOrigin>> file(const std::string& path);
  Result<std::uint64_t> count(const std::string& table);

  struct Transaction {
    const ExportChanges& changes;
    const std::vector<ExportPosition>& positions;
    const std::vector<std::pair<std::string, FileOrigin>>& placed;
    const std::vector<std::string>& removed;
  };
  /// All of it or nothing. Durable when something is removed, so that no power cut brings back a row that names a removed file.
  ///   errors  invalid_argument: the old system has begun to write, or a foreign key would not hold
  Result<void> apply(const Transaction& transaction);
  /// These files cannot be had any more: no path names them, where a path may be absent. Durable.
  Result<void> lose(const std::vector<std::string>& paths);
  /// Makes durable what was committed: before files go that it does not name.
  Result<void> sync();
  /// Empties everything, for a fold from the start of the log.
  Result<void> reset();
  /// Changes rows outside the log's order, all or nothing: for what only a person asks for.
  Result<void> edit(FnRef<Result<void>(SqliteFile&)> work);
  /// Reads.
  Result<void> look(FnRef<Result<void>(SqliteFile&)> work) { return work(*sqlite_); }
  /// Makes the file one file, without a journal beside it.
  Result<void> finish();
  /// Removes what is ours, so that the file is the old system's alone. The exporter refuses it from then on.
  Result<void> hand_over();

 private:
  ExportDatabase(const ExportLayout& layout, std::unique_ptr<SqliteFile> sqlite) : layout_(layout), sqlite_(std::move(sqlite)) {}
  Result<void> create(const Uuid& log_epoch, const std::string& root);
  Result<void> move_root(const std::string& from, const std::string& to);
  enum class Durability { later, now };
  Result<void> in_transaction(FnRef<Result<void>()> work, Durability durability = Durability::later);
  Result<void> edit(FnRef<Result<void>(SqliteFile&)> work, Durability durability);
  Result<void> write_rows(const ExportChanges& changes);
  Result<std::string> fact(std::string_view name);

  const ExportLayout& layout_;
  std::unique_ptr<SqliteFile> sqlite_;
  std::string epoch_, root_;
};

}  // namespace tidemark::replay
