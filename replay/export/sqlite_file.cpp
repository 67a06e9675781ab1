#include "replay/export/sqlite_file.hpp"

#include <sqlite3.h>

#include <map>

namespace tidemark::replay {
namespace {

Code code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_FULL: return Code::exhausted;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Code::unavailable;
    case SQLITE_CORRUPT: return Code::corrupt;
    case SQLITE_CANTOPEN: return Code::not_found;
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: return Code::invalid_argument;
    default: return Code::internal;
  }
}

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinishStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinishStatement>;

class OpenFile final : public SqliteFile {
 public:
  OpenFile(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

  Result<void> run_all(const std::string& sql) override {
    if (const int result = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr); result != SQLITE_OK) return failed(result);
    return {};
  }

  Result<void> run(std::string_view sql, const Cells& values) override {
    return query(sql, values, [](const Cells&) { return true; });
  }

  Result<void> query(std::string_view sql, const Cells& values, FnRef<bool(const Cells&)> visit) override {
    auto prepared = prepare(sql);
    if (!prepared) return prepared.take_error();
    sqlite3_stmt* const statement = *prepared;
    for (std::size_t i = 0; i < values.size(); ++i) bind(statement, static_cast<int>(i) + 1, values[i]);
    int result;
    Cells cells;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
      read(statement, cells);
      if (!visit(cells)) break;
    }
    Result<void> done;
    if (result != SQLITE_DONE && result != SQLITE_ROW) done = failed(result);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done;
  }

  std::uint64_t changes() const override { return static_cast<std::uint64_t>(sqlite3_changes64(database_.get())); }

 private:
  Result<sqlite3_stmt*> prepare(std::string_view sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second.get();
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (result != SQLITE_OK) return failed(result);
    statements_.emplace(std::string(sql), Statement(statement));
    return statement;
  }

  // The values outlive the step: nothing is copied.
  static void bind(sqlite3_stmt* statement, int at, const Cell& cell) {
    if (const auto* number = std::get_if<std::int64_t>(&cell)) sqlite3_bind_int64(statement, at, *number);
    else if (const auto* real = std::get_if<double>(&cell)) sqlite3_bind_double(statement, at, *real);
    else if (const auto* text = std::get_if<std::string>(&cell)) sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    else sqlite3_bind_null(statement, at);
  }

  static void read(sqlite3_stmt* statement, Cells& cells) {
    cells.resize(static_cast<std::size_t>(sqlite3_column_count(statement)));
    for (int i = 0; i < static_cast<int>(cells.size()); ++i) {
      Cell& cell = cells[static_cast<std::size_t>(i)];
      switch (sqlite3_column_type(statement, i)) {
        case SQLITE_INTEGER: cell = static_cast<std::int64_t>(sqlite3_column_int64(statement, i)); break;
        case SQLITE_FLOAT: cell = sqlite3_column_double(statement, i); break;
        case SQLITE_NULL: cell = std::monostate(); break;
        default: {
          const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
          cell = std::string(bytes == nullptr ? "" : bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
        }
      }
    }
  }

  Error failed(int result) const {
    return make_error(code_of(result), path_ + ": " + sqlite3_errmsg(database_.get()));
  }

  const std::string path_;
  const std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::map<std::string, Statement, std::less<>> statements_;
};

}  // namespace

Result<std::unique_ptr<SqliteFile>> SqliteFile::open(const std::string& path, Mode mode, int patience_ms) {
  const int flags = mode == Mode::read ? SQLITE_OPEN_READONLY : mode == Mode::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, CloseDatabase> guard(database);
  if (result != SQLITE_OK) {
    return make_error(code_of(result), path + ": " + (database != nullptr ? sqlite3_errmsg(database) : "no memory"));
  }
  sqlite3_busy_timeout(database, patience_ms);
  sqlite3_extended_result_codes(database, 1);
  return std::unique_ptr<SqliteFile>(std::make_unique<OpenFile>(path, guard.release()));
}

Result<Cell> SqliteFile::value(std::string_view sql, const Cells& values) {
  Cell first;
  auto done = query(sql, values, [&](const Cells& cells) {
    first = cells.at(0);
    return false;
  });
  if (!done) return done.take_error();
  return first;
}

std::int64_t integer_of(const Cell& cell, std::int64_t otherwise) {
  const auto* number = std::get_if<std::int64_t>(&cell);
  return number != nullptr ? *number : otherwise;
}

std::string text_of(const Cell& cell) {
  const auto* text = std::get_if<std::string>(&cell);
  return text != nullptr ? *text : std::string();
}

}  // namespace tidemark::replay
