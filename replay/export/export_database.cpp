#include "replay/export/export_database.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "core/blob/files.hpp"

namespace tidemark::replay {
namespace {

constexpr std::string_view kLockName = "tidemark-export.lock";

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::string insert_statement(const ExportTable& table) {
  std::string sql = "INSERT INTO " + table.name + "(" + joined(table.columns, ",") + ") VALUES(";
  for (std::size_t i = 0; i < table.columns.size(); ++i) sql += i == 0 ? "?" : ",?";
  sql += ")";
  if (!table.keyed) return sql;
  std::string sets;
  for (std::size_t i = 1; i < table.columns.size(); ++i) {
    const std::string& column = table.columns[i];
    if (std::find(table.kept.begin(), table.kept.end(), column) != table.kept.end()) continue;
    sets += (sets.empty() ? "" : ",") + column + "=excluded." + column;
  }
  return sql + " ON CONFLICT(" + table.columns.front() + ") DO UPDATE SET " + sets;
}

// A write that is not ours is told from ours by a flag that is only set within our transactions.
std::string trigger_statement(const ExportTable& table, const std::string& on) {
  return "CREATE TRIGGER tidemark_" + table.name + "_" + on + " AFTER " + on + " ON " + table.name +
         " WHEN (SELECT value FROM tidemark_export WHERE name='writing')='0' BEGIN "
         "UPDATE tidemark_export SET value='1' WHERE name='taken'; END";
}

Result<bool> has_table(SqliteFile& sqlite, std::string_view name) {
  auto found = sqlite.value("SELECT count(*) FROM sqlite_master WHERE type='table' AND name=?", {std::string(name)});
  if (!found) return found.take_error();
  return integer_of(*found) > 0;
}

Result<std::string> fact_of(SqliteFile& sqlite, std::string_view name) {
  auto found = sqlite.value("SELECT value FROM tidemark_export WHERE name=?", {std::string(name)});
  if (!found) return found.take_error();
  return text_of(*found);
}

bool is_empty_file(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
}

Error taken_error(const std::string& directory) {
  return make_error(Code::invalid_argument, "another program has written to the exported database in " + directory +
                                                ": it is that program's now; choose an empty directory");
}

}  // namespace

Result<ExportFound> look_at_export(const std::string& directory, const ExportLayout& layout) {
  auto names = blob::list_directory(directory);
  if (!names) {
    if (names.error().code == Code::not_found) return ExportFound::nothing;
    return names.take_error();
  }
  std::erase_if(*names, [](const std::string& name) { return name == kLockName || name == "lost+found"; });
  const std::string path = directory + "/" + layout.database;
  // What a crash in the first moments may leave.
  std::erase_if(*names, [&](const std::string& name) { return name.starts_with(layout.database) && is_empty_file(directory + "/" + name); });
  if (names->empty()) return ExportFound::nothing;
  if (std::find(names->begin(), names->end(), layout.database) == names->end()) {
    // Our folders are made before the database has its first table.
    const bool only_folders = std::all_of(names->begin(), names->end(), [&](const std::string& name) {
      if (name == layout.database + "-journal" || name == layout.database + "-wal" || name == layout.database + "-shm") return true;
      if (std::find(layout.folders.begin(), layout.folders.end(), name) == layout.folders.end()) return false;
      const auto inside = blob::list_directory(directory + "/" + name);
      return inside.ok() && inside->empty();
    });
    return only_folders ? ExportFound::nothing : ExportFound::foreign;
  }
  // For writing: a journal that a crash has left is settled first.
  auto sqlite = SqliteFile::open(path, SqliteFile::Mode::write);
  if (!sqlite) return sqlite.take_error();
  const auto ours = has_table(**sqlite, "tidemark_export");
  if (!ours.ok()) {
    if (ours.error().code == Code::invalid_argument) return ExportFound::foreign;
    return ours.error();
  }
  if (!*ours) {
    auto any = (*sqlite)->value("SELECT count(*) FROM sqlite_master");
    if (!any) return any.take_error();
    return integer_of(*any) == 0 ? ExportFound::nothing : ExportFound::foreign;
  }
  auto name = fact_of(**sqlite, "name");
  if (!name) return name.take_error();
  if (*name != layout.name) return ExportFound::foreign;
  auto taken = fact_of(**sqlite, "taken");
  if (!taken) return taken.take_error();
  return *taken == "0" ? ExportFound::ours : ExportFound::taken;
}

Result<void> check_export_directory(const std::string& directory, const ExportLayout& layout) {
  auto found = look_at_export(directory, layout);
  if (!found) return found.take_error();
  if (*found == ExportFound::taken) return taken_error(directory);
  if (*found == ExportFound::foreign) {
    return make_error(Code::invalid_argument, "the directory " + directory + " holds files that no export of " + layout.name + " has made: choose an empty one");
  }
  return {};
}

namespace {
Error other_log_error(const std::string& directory, const std::string& theirs, const std::string& ours) {
  return make_error(Code::invalid_argument, "the export in " + directory + " was made from the log " + theirs + ", this is the log " + ours +
                                                ": choose another directory, or remove it when nobody needs it any more");
}
}  // namespace

Result<void> check_export_log(const std::string& directory, const ExportLayout& layout, const Uuid& log_epoch) {
  auto found = look_at_export(directory, layout);
  if (!found) return found.take_error();
  if (*found != ExportFound::ours) return {};
  auto sqlite = SqliteFile::open(directory + "/" + layout.database, SqliteFile::Mode::read);
  if (!sqlite) return sqlite.take_error();
  auto epoch = fact_of(**sqlite, "log_epoch");
  if (!epoch) return epoch.take_error();
  if (*epoch != to_string(log_epoch)) return other_log_error(directory, *epoch, to_string(log_epoch));
  return {};
}

Result<std::unique_ptr<ExportDatabase>> ExportDatabase::open(const std::string& directory, const ExportLayout& layout, const Uuid& log_epoch,
                                                             const std::string& root, OtherLog other) {
  auto found = look_at_export(directory, layout);
  if (!found) return found.take_error();
  if (auto checked = check_export_directory(directory, layout); !checked) return checked.take_error();
  const std::string path = directory + "/" + layout.database;
  auto sqlite = SqliteFile::open(path, SqliteFile::Mode::create);
  if (!sqlite) return sqlite.take_error();
  ::chmod(path.c_str(), 0600);
  std::unique_ptr<ExportDatabase> made(new ExportDatabase(layout, std::move(*sqlite)));
  made->epoch_ = to_string(log_epoch);
  made->root_ = root;
  // Readers and our commits do not wait for each other, and a commit does not wait for the disk: what a power cut takes is
  // applied again, because the positions go with it. Where files are removed after it, it does wait.
  if (auto set = made->sqlite_->run_all("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384"); !set) {
    return set.take_error();
  }
  bool fresh = *found == ExportFound::nothing;
  if (!fresh) {
    auto version = made->fact("version");
    if (!version) return version.take_error();
    auto epoch = made->fact("log_epoch");
    if (!epoch) return epoch.take_error();
    if (*epoch != made->epoch_ && other == OtherLog::refuse) return other_log_error(directory, *epoch, made->epoch_);
    fresh = *version != std::to_string(layout.version) || *epoch != made->epoch_;
  }
  if (fresh) {
    if (auto reset = made->reset(); !reset) return reset.take_error();
    return made;
  }
  auto old_root = made->fact("root");
  if (!old_root) return old_root.take_error();
  if (*old_root != root) {
    if (auto moved = made->move_root(*old_root, root); !moved) return moved.take_error();
  }
  return made;
}

Result<std::string> ExportDatabase::fact(std::string_view name) { return fact_of(*sqlite_, name); }

Result<void> ExportDatabase::in_transaction(FnRef<Result<void>()> work, Durability durability) {
  // The commit syncs the journal, and with it every commit before. It cannot be asked for within a transaction.
  if (auto set = sqlite_->run_all(durability == Durability::now ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"); !set) return set;
  if (auto begun = sqlite_->run("BEGIN IMMEDIATE"); !begun) return begun;
  Result<void> done = work();
  if (done.ok()) done = sqlite_->run("COMMIT");
  if (!done.ok()) (void)sqlite_->run_all("ROLLBACK");
  return done;
}

Result<void> ExportDatabase::sync() {
  // The flag that says who writes is turned on and off: what changes no page is not synced.
  return edit([](SqliteFile&) { return Result<void>(); }, Durability::now);
}

Result<void> ExportDatabase::reset() {
  return in_transaction([&]() -> Result<void> {
    std::string sql = "PRAGMA defer_foreign_keys=ON;";
    for (auto table = layout_.tables.rbegin(); table != layout_.tables.rend(); ++table) sql += "DROP TABLE IF EXISTS " + table->name + ";";
    for (const char* own : {"tidemark_files", "tidemark_positions", "tidemark_export"}) sql += std::string("DROP TABLE IF EXISTS ") + own + ";";
    for (const auto& table : layout_.tables) sql += table.create + ";";
    for (const auto& index : layout_.indexes) sql += index + ";";
    sql += "CREATE TABLE tidemark_export(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
           "CREATE TABLE tidemark_positions(topic TEXT, lane INTEGER, next INTEGER NOT NULL, last_id TEXT NOT NULL, PRIMARY KEY(topic, lane)) WITHOUT ROWID;"
           "CREATE TABLE tidemark_files(path TEXT PRIMARY KEY, secret INTEGER NOT NULL, blob TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;";
    for (const auto& table : layout_.tables) {
      if (!table.watched) continue;
      for (const char* on : {"INSERT", "UPDATE", "DELETE"}) sql += trigger_statement(table, on) + ";";
    }
    if (auto made = sqlite_->run_all(sql); !made) return made;
    const std::pair<const char*, std::string> facts[] = {{"name", layout_.name}, {"version", std::to_string(layout_.version)}, {"log_epoch", epoch_},
                                                         {"root", root_}, {"writing", "0"}, {"taken", "0"}};
    for (const auto& [name, value] : facts) {
      if (auto put = sqlite_->run("INSERT INTO tidemark_export VALUES(?,?)", {std::string(name), value}); !put) return put;
    }
    return {};
  });
}

Result<void> ExportDatabase::edit(FnRef<Result<void>(SqliteFile&)> work) { return edit(work, Durability::later); }

Result<void> ExportDatabase::edit(FnRef<Result<void>(SqliteFile&)> work, Durability durability) {
  const auto checked = [&]() -> Result<void> {
    auto taken = fact("taken");
    if (!taken) return taken.take_error();
    if (*taken != "0") return taken_error(root_);
    if (auto set = sqlite_->run("UPDATE tidemark_export SET value='1' WHERE name='writing'"); !set) return set;
    if (auto done = work(*sqlite_); !done) return done;
    return sqlite_->run("UPDATE tidemark_export SET value='0' WHERE name='writing'");
  };
  return in_transaction(checked, durability);
}

Result<void> ExportDatabase::move_root(const std::string& from, const std::string& to) {
  return edit([&](SqliteFile&) -> Result<void> {
    for (const auto& table : layout_.tables) {
      for (const auto& column : table.paths) {
        const auto length = static_cast<std::int64_t>(from.size()) + 1;
        auto moved = sqlite_->run("UPDATE " + table.name + " SET " + column + "=?||substr(CAST(" + column + " AS BLOB),?) WHERE " + column + " IS NOT NULL", {to, length});
        if (!moved) return moved;
      }
    }
    return sqlite_->run("UPDATE tidemark_export SET value=? WHERE name='root'", {to});
  });
}

Result<std::vector<ExportPosition>> ExportDatabase::positions() {
  std::vector<ExportPosition> found;
  auto read = sqlite_->query("SELECT topic,lane,next,last_id FROM tidemark_positions", {}, [&](const Cells& row) {
    found.push_back({text_of(row[0]), LaneId{static_cast<std::uint32_t>(integer_of(row[1]))}, Tmseq{static_cast<std::uint64_t>(integer_of(row[2]))}, text_of(row[3])});
    return true;
  });
  if (!read) return read.take_error();
  return found;
}

namespace {
FileOrigin origin_of(const Cells& row) {
  return {integer_of(row[1]) != 0 ? FileOrigin::Kind::secret : FileOrigin::Kind::shared, text_of(row[2]), text_of(row[3]),
          static_cast<std::uint64_t>(integer_of(row[4]))};
}
}  // namespace

Result<std::map<std::string, FileOrigin>> ExportDatabase::files() {
  std::map<std::string, FileOrigin> found;
  auto read = sqlite_->query("SELECT path,secret,blob,sha256,size FROM tidemark_files ORDER BY path", {}, [&](const Cells& row) {
    found.emplace_hint(found.end(), text_of(row[0]), origin_of(row));
    return true;
  });
  if (!read) return read.take_error();
  return found;
}

Result<std::optional<FileOrigin>> ExportDatabase::file(const std::string& path) {
  std::optional<FileOrigin> found;
  auto read = sqlite_->query("SELECT path,secret,blob,sha256,size FROM tidemark_files WHERE path=?", {path}, [&](const Cells& row) {
    found = origin_of(row);
    return false;
  });
  if (!read) return read.take_error();
  return found;
}

Result<std::uint64_t> ExportDatabase::count(const std::string& table) {
  auto counted = sqlite_->value("SELECT count(*) FROM " + table);
  if (!counted) return counted.take_error();
  return static_cast<std::uint64_t>(integer_of(*counted));
}

Result<void> ExportDatabase::write_rows(const ExportChanges& changes) {
  for (std::size_t t = 0; t < changes.rows.size(); ++t) {
    if (changes.rows[t].empty()) continue;
    const std::string sql = insert_statement(layout_.tables[t]);
    for (const Cells& row : changes.rows[t]) {
      if (auto put = sqlite_->run(sql, row); !put) return put;
    }
  }
  return {};
}

Result<void> ExportDatabase::apply(const Transaction& transaction) {
  const auto work = [&](SqliteFile&) -> Result<void> {
    if (auto set = sqlite_->run("PRAGMA defer_foreign_keys=ON"); !set) return set;
    if (auto written = write_rows(transaction.changes); !written) return written;
    for (const auto& [path, origin] : transaction.placed) {
      auto put = sqlite_->run("INSERT OR REPLACE INTO tidemark_files VALUES(?,?,?,?,?)",
                              {path, std::int64_t{origin.kind == FileOrigin::Kind::secret}, origin.name, origin.sha256, static_cast<std::int64_t>(origin.size)});
      if (!put) return put;
    }
    for (const auto& path : transaction.removed) {
      if (auto gone = sqlite_->run("DELETE FROM tidemark_files WHERE path=?", {path}); !gone) return gone;
    }
    for (const auto& at : transaction.positions) {
      auto put = sqlite_->run("INSERT OR REPLACE INTO tidemark_positions VALUES(?,?,?,?)",
                              {at.topic, std::int64_t{at.lane.value}, static_cast<std::int64_t>(at.next.value), at.last_id});
      if (!put) return put;
    }
    return {};
  };
  return edit(work, transaction.removed.empty() ? Durability::later : Durability::now);
}

Result<void> ExportDatabase::lose(const std::vector<std::string>& paths) {
  const auto work = [&](SqliteFile&) -> Result<void> {
    if (auto made = sqlite_->run_all("CREATE TEMP TABLE IF NOT EXISTS lost(path TEXT PRIMARY KEY); DELETE FROM temp.lost"); !made) return made;
    for (const auto& path : paths) {
      if (auto gone = sqlite_->run("DELETE FROM tidemark_files WHERE path=?", {path}); !gone) return gone;
      if (auto put = sqlite_->run("INSERT OR IGNORE INTO temp.lost VALUES(?)", {root_ + "/" + path}); !put) return put;
    }
    for (const auto& table : layout_.tables) {
      for (const auto& column : table.paths) {
        // A row whose path may not be absent stays as it is.
        auto cleared = sqlite_->run("UPDATE OR IGNORE " + table.name + " SET " + column + "=NULL WHERE " + column + " IN (SELECT path FROM temp.lost)");
        if (!cleared) return cleared;
      }
    }
    return {};
  };
  return edit(work, Durability::now);
}

Result<void> ExportDatabase::finish() {
  return sqlite_->run_all("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE");
}

Result<void> ExportDatabase::hand_over() {
  auto removed = in_transaction([&]() -> Result<void> {
    std::string sql;
    for (const auto& table : layout_.tables) {
      if (!table.watched) continue;
      for (const char* on : {"INSERT", "UPDATE", "DELETE"}) sql += "DROP TRIGGER tidemark_" + table.name + "_" + on + ";";
    }
    for (const char* own : {"tidemark_files", "tidemark_positions", "tidemark_export"}) sql += std::string("DROP TABLE ") + own + ";";
    return sqlite_->run_all(sql);
  });
  return removed;
}

}  // namespace tidemark::replay
