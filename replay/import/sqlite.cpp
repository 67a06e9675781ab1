#include "replay/import/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include "core/base/bytes.hpp"

namespace tidemark::replay {
namespace {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

constexpr std::string_view kDescending = " DESC";
constexpr int kCachePages = 4096;  // of 4 KiB; sorting spills to files

Error sqlite_error(int code, const std::string& path, const std::string& words) {
  const std::string message = path + ": " + words;
  switch (code & 0xff) {
    case SQLITE_NOTADB: return make_error(Code::invalid_argument, path + " is not a SQLite database");
    case SQLITE_CORRUPT: return make_error(Code::corrupt, path + " is damaged: " + words);
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return make_error(Code::unavailable, path + " is locked by its writer: " + words);
    case SQLITE_FULL: return make_error(Code::exhausted, message);
    default: return make_error(Code::internal, message);
  }
}
Error last_error(sqlite3* database, const std::string& path) {
  return sqlite_error(sqlite3_extended_errcode(database), path, sqlite3_errmsg(database));
}

/// A path as a file: URI, so that its name cannot be read as one.
std::string uri_of(const std::string& path, std::string_view parameters) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
                       c == '-' || c == '_';
    if (plain) {
      uri += c;
    } else {
      uri += '%';
      uri += kHex[static_cast<unsigned char>(c) >> 4];
      uri += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
  return uri + "?" + std::string(parameters);
}

Result<Database> open_database(const std::string& path, std::string_view parameters, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(uri_of(path, parameters).c_str(), &raw, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code == SQLITE_OK) return database;
  return sqlite_error(code, path, raw != nullptr ? sqlite3_errmsg(raw) : sqlite3_errstr(code));
}

Result<Statement> prepare(sqlite3* database, const std::string& sql, const std::string& path) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database, sql.c_str(), static_cast<int>(sql.size()), &raw, nullptr) != SQLITE_OK) {
    return last_error(database, path);
  }
  return Statement(raw);
}

Result<void> run(sqlite3* database, const char* sql, const std::string& path) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return last_error(database, path);
  return {};
}

std::string sql_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\"";
}

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() && sqlite3_strnicmp(left.data(), right.data(), static_cast<int>(left.size())) == 0;
}

SqliteValue cell(sqlite3_stmt* statement, int column) {
  const auto bytes = [&] {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, column));
    return std::string(data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  };
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER: return static_cast<std::int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT: return sqlite3_column_double(statement, column);
    case SQLITE_TEXT: return bytes();
    case SQLITE_BLOB: return SqliteBlob{bytes()};
    default: return std::monostate{};
  }
}

void bind(sqlite3_stmt* statement, int at, const SqliteValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) sqlite3_bind_int64(statement, at, *integer);
  else if (const auto* real = std::get_if<double>(&value)) sqlite3_bind_double(statement, at, *real);
  else if (const auto* text = std::get_if<std::string>(&value)) sqlite3_bind_text64(statement, at, text->data(), text->size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  else if (const auto* blob = std::get_if<SqliteBlob>(&value)) sqlite3_bind_blob64(statement, at, blob->bytes.data(), blob->bytes.size(), SQLITE_TRANSIENT);
  else sqlite3_bind_null(statement, at);
}

class Snapshot final : public SqliteSnapshot {
 public:
  Snapshot(Database database, std::string path, std::string copy) : database_(std::move(database)), path_(std::move(path)), copy_(std::move(copy)) {}
  ~Snapshot() override {
    database_.reset();
    std::error_code ignored;
    std::filesystem::remove(copy_, ignored);
  }

  Result<std::vector<std::string>> tables() const override {
    auto statement = prepare(database_.get(), "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name", path_);
    if (!statement) return statement.take_error();
    std::vector<std::string> names;
    auto stepped = each_row(statement->get(), [&] {
      names.push_back(as_text(cell(statement->get(), 0)).value_or(""));
      return true;
    });
    if (!stepped) return stepped.take_error();
    return names;
  }

  Result<std::vector<SqliteColumn>> columns(const std::string& table) const override {
    auto statement = prepare(database_.get(), "PRAGMA table_info(" + sql_name(table) + ")", path_);
    if (!statement) return statement.take_error();
    std::vector<SqliteColumn> found;
    auto stepped = each_row(statement->get(), [&] {
      found.push_back({as_text(cell(statement->get(), 1)).value_or(""), as_text(cell(statement->get(), 2)).value_or(""),
                       as_integer(cell(statement->get(), 5)).value_or(0) != 0});
      return true;
    });
    if (!stepped) return stepped.take_error();
    return found;
  }

  Result<std::uint64_t> count(const std::string& table) const override {
    auto known = columns(table);
    if (!known) return known.take_error();
    if (known->empty()) return std::uint64_t{0};
    auto statement = prepare(database_.get(), "SELECT count(*) FROM " + sql_name(table), path_);
    if (!statement) return statement.take_error();
    std::uint64_t rows = 0;
    auto stepped = each_row(statement->get(), [&] {
      rows = static_cast<std::uint64_t>(sqlite3_column_int64(statement->get(), 0));
      return true;
    });
    if (!stepped) return stepped.take_error();
    return rows;
  }

  Result<void> index(const std::string& table, const std::vector<std::string>& names) override {
    auto known = columns(table);
    if (!known) return known.take_error();
    std::string sql = "PRAGMA query_only = OFF; CREATE INDEX " + sql_name("tidemark_" + std::to_string(indexes_++)) + " ON " + sql_name(table) + " (";
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool there = std::any_of(known->begin(), known->end(), [&](const SqliteColumn& column) { return same_name(column.name, names[i]); });
      if (!there) return {};
      sql += (i > 0 ? ", " : "") + sql_name(names[i]);
    }
    sql += "); PRAGMA query_only = ON";
    return run(database_.get(), sql.c_str(), path_);
  }

  Result<void> scan(const SqliteQuery& query, const std::function<bool(const std::vector<SqliteValue>&)>& visit) const override {
    auto known = columns(query.table);
    if (!known) return known.take_error();
    if (known->empty()) return {};
    const auto has = [&](const std::string& name) {
      return std::any_of(known->begin(), known->end(), [&](const SqliteColumn& column) { return same_name(column.name, name); });
    };
    std::string sql = "SELECT ";
    for (std::size_t i = 0; i < query.columns.size(); ++i) {
      sql += (i > 0 ? ", " : "") + (has(query.columns[i]) ? sql_name(query.columns[i]) : std::string("NULL"));
    }
    sql += " FROM " + sql_name(query.table);
    if (query.equals) {
      if (!has(query.equals->first)) return {};
      sql += " WHERE " + sql_name(query.equals->first) + " = ?1";
    }
    const char* joint = " ORDER BY ";
    for (const std::string& place : query.order_by) {
      const bool descending = place.ends_with(kDescending);
      const std::string name = place.substr(0, place.size() - (descending ? kDescending.size() : 0));
      if (!has(name)) continue;
      sql += joint + sql_name(name) + (descending ? " DESC" : "");
      joint = ", ";
    }
    auto statement = prepare(database_.get(), sql, path_);
    if (!statement) return statement.take_error();
    if (query.equals) bind(statement->get(), 1, query.equals->second);
    std::vector<SqliteValue> cells(query.columns.size());
    return each_row(statement->get(), [&] {
      for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cell(statement->get(), static_cast<int>(i));
      return visit(cells);
    });
  }

 private:
  template <class Visit>
  Result<void> each_row(sqlite3_stmt* statement, Visit visit) const {
    for (;;) {
      const int code = sqlite3_step(statement);
      if (code == SQLITE_DONE) return {};
      if (code != SQLITE_ROW) return last_error(database_.get(), path_);
      if (!visit()) return {};
    }
  }

  Database database_;
  int indexes_ = 0;
  const std::string path_, copy_;
};

/// Copies as of one moment. A writer that is at work is waited for.
Result<void> copy_database(sqlite3* from, sqlite3* to, const std::string& path, const std::string& copy_path, int patience_ms) {
  constexpr int kPauseMs = 20;
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr) return last_error(to, copy_path);
  int code = SQLITE_OK;
  for (int waited = 0;; waited += kPauseMs) {
    code = sqlite3_backup_step(backup, -1);
    if ((code != SQLITE_BUSY && code != SQLITE_LOCKED) || waited >= patience_ms) break;
    sqlite3_sleep(kPauseMs);
  }
  sqlite3_backup_finish(backup);
  if (code == SQLITE_DONE) return {};
  if (code == SQLITE_FULL || (code & 0xff) == SQLITE_IOERR) return sqlite_error(code, copy_path, sqlite3_errstr(code));
  return sqlite_error(code, path, sqlite3_errstr(code));
}

/// Rows may break the constraints of their table, older programs wrote them; pages may not be broken.
bool is_about_rows(std::string_view verdict) {
  return verdict == "ok" || verdict.starts_with("NULL value in ") || verdict.starts_with("non-unique entry in") ||
         verdict.starts_with("CHECK constraint failed") || verdict.starts_with("NUMERIC value in ") || verdict.starts_with("TEXT value in ");
}

Result<void> check_pages(sqlite3* database, const std::string& path) {
  auto statement = prepare(database, "PRAGMA integrity_check(10000)", path);
  if (!statement) return statement.take_error();
  for (;;) {
    const int code = sqlite3_step(statement->get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return last_error(database, path);
    const std::string verdict = as_text(cell(statement->get(), 0)).value_or("no answer");
    if (!is_about_rows(verdict)) return make_error(Code::corrupt, path + " is damaged: " + verdict);
  }
}

}  // namespace

Result<std::unique_ptr<SqliteSnapshot>> SqliteSnapshot::open(const std::string& path, const std::string& copy_path, int patience_ms) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return make_error(Code::not_found, "there is no file " + path);
  if (!std::filesystem::is_regular_file(status)) return make_error(Code::invalid_argument, path + " is not a file");
  if (std::filesystem::file_size(path, error) == 0) return make_error(Code::invalid_argument, path + " is empty, not a SQLite database");

  auto from = open_database(path, "mode=ro", SQLITE_OPEN_READONLY);
  if (!from) return from.take_error();
  if (auto read = run(from->get(), "SELECT count(*) FROM sqlite_master", path); !read) {
    // A WAL file's shared memory cannot be made beside a file on a read-only medium; without a WAL there is no need for it.
    const std::string wal = path + "-wal";
    const bool has_wal = std::filesystem::exists(wal, error) && std::filesystem::file_size(wal, error) > 0;
    const int code = sqlite3_errcode(from->get()) & 0xff;
    if (has_wal || (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)) return read.take_error();
    from = open_database(path, "mode=ro&immutable=1", SQLITE_OPEN_READONLY);
    if (!from) return from.take_error();
    if (auto again = run(from->get(), "SELECT count(*) FROM sqlite_master", path); !again) return again.take_error();
  }

  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) std::filesystem::remove(copy_path + suffix, error);
  auto copy = open_database(copy_path, "mode=rwc", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (!copy) return copy.take_error();
  const auto give_up = [&](Error why) {
    copy->reset();
    std::filesystem::remove(copy_path, error);
    return why;
  };
  std::filesystem::permissions(copy_path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
  if (auto copied = copy_database(from->get(), copy->get(), path, copy_path, patience_ms); !copied) return give_up(copied.take_error());
  const std::string setup = "PRAGMA query_only = ON; PRAGMA temp_store = FILE; PRAGMA trusted_schema = OFF; PRAGMA cache_size = " + std::to_string(kCachePages);
  if (auto set = run(copy->get(), setup.c_str(), path); !set) return give_up(set.take_error());
  if (auto checked = check_pages(copy->get(), path); !checked) return give_up(checked.take_error());
  return std::unique_ptr<SqliteSnapshot>(std::make_unique<Snapshot>(std::move(*copy), path, copy_path));
}

std::optional<std::int64_t> as_integer(const SqliteValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) {
    if (!(*real >= -9007199254740992.0 && *real <= 9007199254740992.0) || std::trunc(*real) != *real) return std::nullopt;
    return static_cast<std::int64_t>(*real);
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (failed == std::errc{} && end == text->data() + text->size()) return number;
  if (const auto real = as_real(value)) return as_integer(SqliteValue(*real));
  return std::nullopt;
}

std::optional<double> as_real(const SqliteValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) return std::isfinite(*real) ? std::optional(*real) : std::nullopt;
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return std::nullopt;
  double number = 0;
  const auto [end, failed] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (failed != std::errc{} || end != text->data() + text->size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

namespace {

/// Well-formed UTF-8: every byte that is not part of it becomes U+FFFD.
std::string mended(std::string_view text) {
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 1;
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead >= 0xc2 && lead < 0xe0) length = 2;
    else if (lead >= 0xe0 && lead < 0xf0) length = 3;
    else if (lead >= 0xf0 && lead < 0xf5) length = 4;
    const std::string_view sequence = text.substr(at, length);
    if (sequence.size() == length && is_utf8(sequence)) {
      clean += sequence;
      at += length;
    } else {
      clean += "\xef\xbf\xbd";
      ++at;
    }
  }
  return clean;
}

std::string text_of_real(double real) {
  char buffer[32];
  const auto [end, failed] = std::to_chars(buffer, buffer + sizeof buffer, real);
  return failed == std::errc{} ? std::string(buffer, end) : std::string();
}

}  // namespace

std::optional<std::string> as_text(const SqliteValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return is_utf8(*text) ? *text : mended(*text);
  if (const auto* blob = std::get_if<SqliteBlob>(&value)) return is_utf8(blob->bytes) ? blob->bytes : mended(blob->bytes);
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return text_of_real(*real);
  return std::nullopt;
}

namespace sqlite_detail {

bool read_cell(const SqliteValue& value, std::optional<std::int64_t>& out) {
  out = as_integer(value);
  return std::holds_alternative<std::monostate>(value) || std::holds_alternative<std::int64_t>(value);
}
bool read_cell(const SqliteValue& value, std::optional<double>& out) {
  out = as_real(value);
  return std::holds_alternative<std::monostate>(value) || std::holds_alternative<std::int64_t>(value) ||
         (std::holds_alternative<double>(value) && out.has_value());
}
bool read_cell(const SqliteValue& value, std::optional<std::string>& out) {
  out = as_text(value);
  if (std::holds_alternative<std::monostate>(value)) return true;
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr && *text == *out;
}

std::string describe_cell(const SqliteValue& value) {
  constexpr std::size_t kShown = 40;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return "integer " + std::to_string(*integer);
  if (const auto* real = std::get_if<double>(&value)) return "real " + text_of_real(*real);
  if (const auto* blob = std::get_if<SqliteBlob>(&value)) return "blob of " + std::to_string(blob->bytes.size()) + " bytes";
  if (const auto* text = std::get_if<std::string>(&value)) {
    return "text \"" + mended(std::string_view(*text).substr(0, kShown)) + (text->size() > kShown ? "\"..." : "\"");
  }
  return "nothing";
}

}  // namespace sqlite_detail

}  // namespace tidemark::replay
