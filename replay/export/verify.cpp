#include "replay/export/verify.hpp"

#include <sys/stat.h>

#include "replay/export/file_tree.hpp"

namespace tidemark::replay {
namespace {

struct NamedFile {
  std::string path, sha256;
  std::uint64_t size = 0;
};

Result<std::vector<NamedFile>> named_files(SqliteFile& sqlite, const std::string& where, const Cells& values) {
  std::vector<NamedFile> files;
  auto read = sqlite.query("SELECT path,sha256,size FROM tidemark_files" + where, values, [&](const Cells& row) {
    files.push_back({text_of(row[0]), text_of(row[1]), static_cast<std::uint64_t>(integer_of(row[2]))});
    return true;
  });
  if (!read) return read.take_error();
  return files;
}

/// What is wrong with it; empty when nothing is.
std::string problem_of(const std::string& directory, const NamedFile& file, FileCheck how) {
  const std::string path = directory + "/" + file.path;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return "file " + file.path + " is missing";
  if (static_cast<std::uint64_t>(info.st_size) != file.size) return "file " + file.path + " has " + std::to_string(info.st_size) + " bytes, not " + std::to_string(file.size);
  if (how == FileCheck::size) return {};
  const auto hash = hash_of_file(path);
  if (!hash.ok()) return hash.error().message;
  return *hash == file.sha256 ? std::string() : "file " + file.path + " has another content than the one that was exported";
}

Result<void> check_database(SqliteFile& sqlite, const ExportLayout& layout, ExportFindings& findings) {
  auto whole = sqlite.query("PRAGMA integrity_check", {}, [&](const Cells& row) {
    if (text_of(row[0]) != "ok") findings.add_problem("integrity_check: " + text_of(row[0]));
    return true;
  });
  if (!whole) return whole;
  auto held = sqlite.query("PRAGMA foreign_key_check", {}, [&](const Cells& row) {
    findings.add_problem("foreign key: row " + std::to_string(integer_of(row[1])) + " of " + text_of(row[0]) + " refers to nothing in " + text_of(row[2]));
    return true;
  });
  if (!held) return held;
  for (const auto& table : layout.tables) {
    auto rows = sqlite.value("SELECT count(*) FROM " + table.name);
    if (!rows) return rows.take_error();
    findings.tables.push_back({table.name, static_cast<std::uint64_t>(integer_of(*rows))});
  }
  return {};
}

}  // namespace

Result<ExportFindings> verify_export(const std::string& directory, const ExportLayout& layout, FileCheck how) {
  auto found = look_at_export(directory, layout);
  if (!found) return found.take_error();
  if (*found == ExportFound::nothing) return make_error(Code::invalid_argument, "there is no export in " + directory);
  if (auto checked = check_export_directory(directory, layout); !checked) return checked.take_error();
  auto sqlite = SqliteFile::open(directory + "/" + layout.database, SqliteFile::Mode::read);
  if (!sqlite) return sqlite.take_error();
  ExportFindings findings;
  if (auto checked = check_database(**sqlite, layout, findings); !checked) return checked.take_error();
  auto files = named_files(**sqlite, " ORDER BY path", {});
  if (!files) return files.take_error();
  for (const NamedFile& file : *files) {
    ++findings.files;
    findings.bytes += file.size;
    if (problem_of(directory, file, how).empty()) continue;
    // An exporter may have changed it meanwhile: what holds is what the database says now.
    auto now = named_files(**sqlite, " WHERE path=?", {file.path});
    if (!now) return now.take_error();
    if (now->empty()) continue;
    if (auto problem = problem_of(directory, now->front(), how); !problem.empty()) findings.add_problem(std::move(problem));
  }
  return findings;
}

}  // namespace tidemark::replay
