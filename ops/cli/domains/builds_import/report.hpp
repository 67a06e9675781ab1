#pragma once
// What an import tells: for a person a page, for a program one JSON document, written while the import goes on so that it
// needs no memory for it.

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/error.hpp"
#include "schemas/builds/import/mapping.hpp"

namespace tidemark::cli::builds_import {

/// Rows of one table.
struct TableCounts {
  std::uint64_t rows = 0;       ///< in the old database
  std::uint64_t imported = 0;   ///< new here
  std::uint64_t updated = 0;    ///< had changed since an earlier import
  std::uint64_t unchanged = 0;  ///< were here already
  std::uint64_t rejected = 0;
  std::uint64_t conflicts = 0;
  std::map<std::string, std::uint64_t> by_status{};  ///< of the old rows
};

/// One comparison of answers: old against new.
struct ParityCounts {
  std::uint64_t equal = 0;
  std::uint64_t explained = 0;  ///< differ as the import's rules say
  std::uint64_t different = 0;
};

class Report {
 public:
  /// Findings go to `path` as they come ("": nowhere); the file has its name only once it is complete.
  static Result<std::unique_ptr<Report>> open(const std::string& path);
  ~Report();
  Report(const Report&) = delete;

  void note(const schemas::builds::ImportNote& note);
  void conflict(std::string_view table, std::string_view key, std::string_view why);
  /// `outcome`: stored, kept (here already), missing, unreadable.
  void file(std::string_view path, std::string_view outcome, std::string_view sha256, std::uint64_t bytes);
  /// `check`: "status", "logs", ...; `detail` for what is not equal.
  enum class Parity { equal, explained, different };
  void parity(std::string_view against, std::string_view check, std::string_view key, Parity parity, std::string_view detail = {});

  TableCounts& table(std::string_view name) { return tables_[std::string(name)]; }
  const TableCounts& table(std::string_view name) const { return tables_.at(std::string(name)); }
  std::uint64_t warnings() const { return warnings_; }
  std::uint64_t conflicts() const;
  /// Nothing rejected, in conflict, unreadable or different.
  bool clean() const;

  std::string database{};  ///< identity
  bool checked_only = false;

  /// Completes the file. Then summary() is what a person reads.
  Result<void> finish();
  std::string summary() const;

 private:
  Report() = default;
  void finding(std::string json);
  void say(std::string line);

  std::string path_;
  std::FILE* file_ = nullptr;
  bool any_finding_ = false, write_failed_ = false;
  std::map<std::string, TableCounts> tables_;
  std::map<std::string, std::uint64_t> files_;  ///< by outcome
  std::uint64_t file_bytes_ = 0;
  std::uint64_t warnings_ = 0;
  std::map<std::string, std::map<std::string, ParityCounts>> parity_;  ///< by against, check
  std::string shown_;  ///< the first findings, for the summary
  std::uint64_t said_ = 0;
};

}  // namespace tidemark::cli::builds_import
