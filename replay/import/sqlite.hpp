#pragma once
// Reads SQLite files: an unchanging copy of one that somebody may still write to, its tables, its rows. Knows no domain.

#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/algorithm.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/error.hpp"

namespace tidemark::replay {

struct SqliteBlob {
  std::string bytes;
  auto operator<=>(const SqliteBlob&) const = default;
};
/// A cell as it is stored: columns of SQLite take a value of any type.
using SqliteValue = std::variant<std::monostate, std::int64_t, double, std::string, SqliteBlob>;

// A cell read as the type that is wanted: nullopt for NULL and for what has no such meaning. Text that is a number is that
// number, a real without fraction is an integer, numbers are text. Text and blobs must be UTF-8; what is not becomes U+FFFD.
std::optional<std::int64_t> as_integer(const SqliteValue& value);
std::optional<double> as_real(const SqliteValue& value);
std::optional<std::string> as_text(const SqliteValue& value);

struct SqliteColumn {
  std::string name;
  std::string declared_type;
  bool primary_key = false;
};

struct SqliteQuery {
  std::string table;
  std::vector<std::string> columns;                              ///< one that the table lacks reads as NULL
  std::vector<std::string> order_by{};                           ///< those that the table lacks are left out; "x DESC" too
  std::optional<std::pair<std::string, SqliteValue>> equals{};   ///< only rows with this value (not NULL) in that column
};

/// A value that could not be read as the type of its member, or was no clean text; the member is absent (or mended).
struct CellProblem {
  std::string column;
  std::string found;  ///< "text \"abc\"", "blob of 12 bytes"
};

/// One SQLite file, copied when it was opened. One thread at a time.
class SqliteSnapshot {
 public:
  /// Copies `path` to `copy_path` (replacing what is there) as of one moment, whatever its writer does meanwhile (SQLite's
  /// backup, WAL included), and checks every page. The file itself is opened read-only. The copy is removed with the snapshot.
  ///   errors  not_found, invalid_argument (not a SQLite database), corrupt (with SQLite's words), unavailable (locked for
  ///           longer than `patience_ms`), internal
  static Result<std::unique_ptr<SqliteSnapshot>> open(const std::string& path, const std::string& copy_path,
                                                      int patience_ms = 30'000);
  virtual ~SqliteSnapshot() = default;

  virtual Result<std::vector<std::string>> tables() const = 0;  ///< sorted; without SQLite's own
  virtual Result<std::vector<SqliteColumn>> columns(const std::string& table) const = 0;  ///< empty: there is no such table
  virtual Result<std::uint64_t> count(const std::string& table) const = 0;                ///< 0 when there is no such table
  /// Makes rows of the copy quick to find by these columns, and to read in their order. No such table or column: nothing.
  virtual Result<void> index(const std::string& table, const std::vector<std::string>& columns) = 0;
  /// Rows until `visit` says no. A table that is not there has none. `visit` may scan, too.
  virtual Result<void> scan(const SqliteQuery& query, const std::function<bool(const std::vector<SqliteValue>&)>& visit) const = 0;
};

namespace sqlite_detail {
/// True when the cell was read as it is, or NULL.
bool read_cell(const SqliteValue& value, std::optional<std::int64_t>& out);
bool read_cell(const SqliteValue& value, std::optional<double>& out);
bool read_cell(const SqliteValue& value, std::optional<std::string>& out);
std::string describe_cell(const SqliteValue& value);
}  // namespace sqlite_detail

/// Rows of the table Row::kTable as structs: members of Row (described, std::optional of int64, double or string) by column
/// name. `visit(Row&&, const std::vector<CellProblem>&)` says whether to go on.
template <class Row, class Visit>
Result<void> scan_rows(const SqliteSnapshot& from, std::vector<std::string> order_by, Visit visit,
                       std::optional<std::pair<std::string, SqliteValue>> equals = std::nullopt) {
  using Members = boost::describe::describe_members<Row, boost::describe::mod_public>;
  SqliteQuery query{std::string(Row::kTable), {}, std::move(order_by), std::move(equals)};
  boost::mp11::mp_for_each<Members>([&](auto member) { query.columns.emplace_back(member.name); });
  return from.scan(query, [&](const std::vector<SqliteValue>& cells) {
    Row row;
    std::vector<CellProblem> problems;
    std::size_t at = 0;
    boost::mp11::mp_for_each<Members>([&](auto member) {
      const SqliteValue& cell = cells[at++];
      if (!sqlite_detail::read_cell(cell, row.*member.pointer)) {
        problems.push_back({member.name, sqlite_detail::describe_cell(cell)});
      }
    });
    return visit(std::move(row), problems);
  });
}

}  // namespace tidemark::replay
