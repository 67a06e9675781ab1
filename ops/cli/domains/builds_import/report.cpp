#include "ops/cli/domains/builds_import/report.hpp"

#include <cerrno>
#include <cstring>

#include "core/event/json_writer.hpp"

namespace tidemark::cli::builds_import {
namespace {

using event::JsonWriter;

constexpr std::uint64_t kShownMax = 20;

std::string plural(std::uint64_t count, const std::string& word) { return std::to_string(count) + " " + word + (count == 1 ? "" : "s"); }

}  // namespace

Result<std::unique_ptr<Report>> Report::open(const std::string& path) {
  auto report = std::unique_ptr<Report>(new Report);
  report->path_ = path;
  if (path.empty()) return report;
  const std::string partial = path + ".partial";
  report->file_ = std::fopen(partial.c_str(), "w");
  if (report->file_ == nullptr) return make_error(Code::invalid_argument, "the report " + partial + " cannot be written: " + std::strerror(errno));
  std::fputs("{\"findings\":[", report->file_);
  return report;
}

Report::~Report() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  std::remove((path_ + ".partial").c_str());
}

void Report::finding(std::string json) {
  if (file_ == nullptr) return;
  if (any_finding_) json.insert(0, ",");
  any_finding_ = true;
  json += '\n';
  if (std::fwrite(json.data(), 1, json.size(), file_) != json.size()) write_failed_ = true;
}

void Report::say(std::string line) {
  if (said_++ < kShownMax) shown_ += "  " + std::move(line) + "\n";
}

void Report::note(const schemas::builds::ImportNote& note) {
  const bool rejected = note.kind == schemas::builds::ImportNote::Kind::rejected;
  if (rejected) ++table(note.table).rejected;
  else ++warnings_;
  std::string json;
  JsonWriter(json).begin_object().member("kind", rejected ? "rejected" : "warning").member("table", note.table).member("key", note.key)
      .member("text", note.text).end_object();
  finding(std::move(json));
  say((rejected ? "rejected " : "warning  ") + note.table + "/" + note.key + ": " + note.text);
}

void Report::conflict(std::string_view name, std::string_view key, std::string_view why) {
  ++table(name).conflicts;
  std::string json;
  JsonWriter(json).begin_object().member("kind", "conflict").member("table", name).member("key", key).member("text", why).end_object();
  finding(std::move(json));
  say("conflict " + std::string(name) + "/" + std::string(key) + ": " + std::string(why));
}

void Report::file(std::string_view path, std::string_view outcome, std::string_view sha256, std::uint64_t bytes) {
  ++files_[std::string(outcome)];
  if (outcome == "stored" || outcome == "found") file_bytes_ += bytes;
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().member("kind", "file").member("path", path).member("outcome", outcome);
  if (!sha256.empty()) writer.member("sha256", sha256).member("bytes", bytes);
  writer.end_object();
  finding(std::move(json));
  if (outcome == "unreadable") say("file     " + std::string(path) + ": unreadable");
}

void Report::parity(std::string_view against, std::string_view check, std::string_view key, Parity parity, std::string_view detail) {
  ParityCounts& counts = parity_[std::string(against)][std::string(check)];
  if (parity == Parity::equal) {
    ++counts.equal;
    return;
  }
  const bool explained = parity == Parity::explained;
  ++(explained ? counts.explained : counts.different);
  std::string json;
  JsonWriter(json).begin_object().member("kind", explained ? "explained" : "difference").member("against", against).member("check", check)
      .member("key", key).member("text", detail).end_object();
  finding(std::move(json));
  if (!explained) say("differs  " + std::string(check) + " of " + std::string(key) + " (" + std::string(against) + "): " + std::string(detail));
}

std::uint64_t Report::conflicts() const {
  std::uint64_t sum = 0;
  for (const auto& [name, counts] : tables_) sum += counts.conflicts;
  return sum;
}

bool Report::clean() const {
  for (const auto& [name, counts] : tables_) {
    if (counts.rejected > 0 || counts.conflicts > 0) return false;
  }
  if (const auto bad = files_.find("unreadable"); bad != files_.end() && bad->second > 0) return false;
  for (const auto& [against, checks] : parity_) {
    for (const auto& [check, counts] : checks) {
      if (counts.different > 0) return false;
    }
  }
  return true;
}

Result<void> Report::finish() {
  if (file_ == nullptr) return {};
  std::string json;
  JsonWriter writer(json);
  writer.begin_object().member("database", database).member("checked_only", checked_only).member("clean", clean()).member("warnings", warnings_);
  writer.key("tables").begin_object();
  for (const auto& [name, counts] : tables_) {
    writer.key(name).begin_object().member("rows", counts.rows).member("imported", counts.imported).member("updated", counts.updated);
    writer.member("unchanged", counts.unchanged).member("rejected", counts.rejected).member("conflicts", counts.conflicts);
    writer.key("by_status").begin_object();
    for (const auto& [status, rows] : counts.by_status) writer.member(status, rows);
    writer.end_object().end_object();
  }
  writer.end_object().key("files").begin_object();
  for (const auto& [outcome, files] : files_) writer.member(outcome, files);
  writer.end_object().key("parity").begin_object();
  for (const auto& [against, checks] : parity_) {
    writer.key(against).begin_object();
    for (const auto& [check, counts] : checks) {
      writer.key(check).begin_object().member("equal", counts.equal).member("explained", counts.explained).member("different", counts.different).end_object();
    }
    writer.end_object();
  }
  writer.end_object().end_object();
  json.front() = ',';  // goes on with the object that begins with the findings
  json.insert(0, "]");
  json += '\n';
  if (std::fwrite(json.data(), 1, json.size(), file_) != json.size()) write_failed_ = true;
  const bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  const std::string partial = path_ + ".partial";
  if (write_failed_ || !closed || std::rename(partial.c_str(), path_.c_str()) != 0) {
    return make_error(Code::internal, "the report " + path_ + " could not be written: " + std::strerror(errno));
  }
  return {};
}

std::string Report::summary() const {
  std::string text = "database " + database.substr(0, 16) + "\n";
  for (const auto& [name, counts] : tables_) {
    text += "  " + name + ": " + plural(counts.rows, "row");
    if (!checked_only) {
      text += ", " + std::to_string(counts.imported) + " new, " + std::to_string(counts.updated) + " brought up to date, " +
              std::to_string(counts.unchanged) + " here already";
    }
    if (counts.rejected > 0) text += ", " + std::to_string(counts.rejected) + " REJECTED";
    if (counts.conflicts > 0) text += ", " + plural(counts.conflicts, "CONFLICT");
    if (!counts.by_status.empty()) {
      text += " (";
      bool first = true;
      for (const auto& [status, rows] : counts.by_status) {
        text += (first ? "" : ", ") + status + " " + std::to_string(rows);
        first = false;
      }
      text += ")";
    }
    text += "\n";
  }
  if (!files_.empty()) {
    text += "  files:";
    for (const auto& [outcome, files] : files_) text += " " + std::to_string(files) + " " + outcome;
    text += ", " + std::to_string(file_bytes_) + " bytes\n";
  }
  for (const auto& [against, checks] : parity_) {
    for (const auto& [check, counts] : checks) {
      text += "  " + check + " against " + against + ": " + std::to_string(counts.equal) + " equal";
      if (counts.explained > 0) text += ", " + std::to_string(counts.explained) + " explained";
      if (counts.different > 0) text += ", " + std::to_string(counts.different) + " DIFFERENT";
      text += "\n";
    }
  }
  text += "  " + plural(warnings_, "warning") + "\n";
  if (!shown_.empty()) text += shown_;
  if (said_ > kShownMax) text += "  and " + std::to_string(said_ - kShownMax) + " more" + (path_.empty() ? " (--report FILE lists all)" : ", in " + path_) + "\n";
  text += clean() ? "  clean\n" : "  NOT CLEAN: see the lines in capitals\n";
  return text;
}

}  // namespace tidemark::cli::builds_import
