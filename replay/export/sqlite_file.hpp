#pragma once
// Writes SQLite files. Knows no domain. SQLite's own header stays in the .cpp.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/rows.hpp"

namespace tidemark::replay {

/// A value of a row; monostate is NULL.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;
using Cells = std::vector<Cell>;

/// One connection. One thread at a time.
///   errors  exhausted (disk full), unavailable (somebody else holds it for longer than the patience), corrupt, not_found,
///           invalid_argument (no SQLite database, or a constraint does not hold), internal; with SQLite's words
class SqliteFile {
 public:
  enum class Mode { read, write, create };  ///< read: also beside a writer
  static Result<std::unique_ptr<SqliteFile>> open(const std::string& path, Mode mode, int patience_ms = 10'000);
  virtual ~SqliteFile() = default;

  /// Statements without values, one after the other.
  virtual Result<void> run_all(const std::string& sql) = 0;
  /// One statement, kept prepared.
  virtual Result<void> run(std::string_view sql, const Cells& values = {}) = 0;
  /// Rows until `visit` says no.
  virtual Result<void> query(std::string_view sql, const Cells& values, FnRef<bool(const Cells&)> visit) = 0;
  /// Rows that the last run() inserted, changed or removed.
  virtual std::uint64_t changes() const = 0;

  /// The first cell of the first row; NULL when there is none.
  Result<Cell> value(std::string_view sql, const Cells& values = {});
};

std::int64_t integer_of(const Cell& cell, std::int64_t otherwise = 0);
std::string text_of(const Cell& cell);  ///< "" when it is no text

}  // namespace tidemark::replay
