#pragma once
// Looks at an export as it lies there, without the log: the database is whole, its references hold, and the files are those
// that it names. While an exporter follows, too.

#include <cstdint>
#include <string>
#include <vector>

#include "replay/export/export_database.hpp"

namespace tidemark::replay {

struct ExportFindings {
  struct Count {
    std::string table;
    std::uint64_t rows = 0;
  };
  std::vector<Count> tables;
  std::uint64_t files = 0, bytes = 0;    ///< that were looked at
  std::vector<std::string> problems;     ///< a sentence each; at most kProblemsMax are kept
  std::uint64_t problem_count = 0;
  static constexpr std::size_t kProblemsMax = 20;
  void add_problem(std::string sentence) {
    if (++problem_count <= kProblemsMax) problems.push_back(std::move(sentence));
  }
};

/// How closely files are looked at.
enum class FileCheck { size, content };

/// `PRAGMA integrity_check` and `foreign_key_check`, the number of rows of each table, and every file.
///   errors   invalid_argument (no export of that layout), unavailable, internal: it could not be looked at
Result<ExportFindings> verify_export(const std::string& directory, const ExportLayout& layout, FileCheck how);

}  // namespace tidemark::replay
