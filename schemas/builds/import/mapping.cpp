#include "schemas/builds/import/mapping.hpp"

#include <cmath>

#include "core/base/bytes.hpp"
#include "core/base/ids.hpp"
#include "core/event/json_document.hpp"
#include "schemas/builds/ids.hpp"

namespace tidemark::schemas::builds {
namespace {

constexpr std::int64_t kTimeMax = 253'402'300'799'999;  // end of the year 9999

/// Fields of SHA-256 with their lengths, so that no two rows run together.
class Digest {
 public:
  void add(const std::optional<std::string>& text) {
    text_ += text ? std::to_string(text->size()) + ':' + *text : std::string("-");
    text_ += ',';
  }
  void add(const std::optional<std::int64_t>& number) {
    text_ += number ? std::to_string(*number) : std::string("-");
    text_ += ',';
  }
  std::string hex() const { return to_hex(sha256(text_)); }

 private:
  std::string text_;
};

/// The notes of one row.
template <class T>
class Mapping {
 public:
  Mapping(std::string_view table, std::string key) : table_(table), key_(std::move(key)) {}
  void warn(std::string text) { note(ImportNote::Kind::warning, std::move(text)); }
  Mapped<T> reject(std::string text) && {
    note(ImportNote::Kind::rejected, std::move(text));
    return {std::nullopt, std::move(notes_)};
  }
  Mapped<T> leave_out(std::string text) && {
    warn(std::move(text) + ", left out");
    return {std::nullopt, std::move(notes_)};
  }
  Mapped<T> take(T value) && { return {std::move(value), std::move(notes_)}; }

  /// A time that a calendar has, or absent.
  std::optional<std::int64_t> time(std::string_view column, const std::optional<std::int64_t>& value) {
    if (!value || (*value >= 0 && *value <= kTimeMax)) return value;
    warn(std::string(column) + " " + std::to_string(*value) + " is no time");
    return std::nullopt;
  }
  std::uint64_t counter(std::string_view column, const std::optional<std::int64_t>& value) {
    if (value.value_or(0) >= 0) return static_cast<std::uint64_t>(value.value_or(0));
    warn(std::string(column) + " " + std::to_string(*value) + " is less than 0");
    return 0;
  }
  std::string cut(std::string_view column, std::string text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    warn(std::string(column) + " of " + std::to_string(text.size()) + " bytes is cut to " + std::to_string(bytes_max));
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text;
  }
  event::Json json(std::string_view column, const std::optional<std::string>& text, bool array) {
    const char* fallback = array ? "[]" : "{}";
    const auto mended = [&](const std::string& why) {
      warn(std::string(column) + " " + why + ", read as " + fallback);
      return event::Json{fallback};
    };
    if (!text) return mended("is not there");
    if (text->size() > kImportedJsonBytesMax) return mended("of " + std::to_string(text->size()) + " bytes is too large");
    const auto document = event::JsonDocument::parse(*text);
    if (!document.ok()) return mended("is no JSON");
    if (array && !document->root().is_array()) return mended("is no array");
    return event::Json{std::string(document->root().raw())};
  }

 private:
  void note(ImportNote::Kind kind, std::string text) { notes_.push_back({kind, std::string(table_), key_, std::move(text)}); }
  const std::string_view table_;
  const std::string key_;
  std::vector<ImportNote> notes_;
};

std::string shown_id(const std::optional<std::string>& id) {
  constexpr std::size_t kShown = 128;
  return id ? id->substr(0, kShown) : std::string("(no id)");
}

BlobRef reference(BlobKind kind, const std::optional<FoundFile>& file, std::string name, std::string type) {
  BlobRef made{.sha256 = {}, .size = 0, .kind = kind, .declared_name = std::move(name), .declared_type = std::move(type)};
  if (file) {
    made.sha256 = file->sha256;
    made.size = file->size;
  }
  return made;
}

}  // namespace

std::string database_identity(const std::optional<legacy::Build>& oldest_build, const std::optional<legacy::Worker>& oldest_worker) {
  Digest digest;
  digest.add(std::string("tidemark.builds.database"));
  if (oldest_build) {
    digest.add(std::string("build"));
    digest.add(oldest_build->id);
    digest.add(oldest_build->submitted_at);
  } else if (oldest_worker) {
    digest.add(std::string("worker"));
    digest.add(oldest_worker->id);
    digest.add(oldest_worker->registered_at);
  }
  return digest.hex();
}

std::string row_digest(const legacy::Worker& row) {
  Digest digest;
  digest.add(row.id);
  digest.add(row.name);
  digest.add(row.status);
  digest.add(row.capabilities);
  digest.add(row.registered_at);
  digest.add(row.last_seen_at);
  digest.add(row.builds_completed);
  digest.add(row.builds_failed);
  return digest.hex().substr(0, 32);
}

std::string row_digest(const legacy::Build& row, const std::optional<std::uint64_t>& source, const std::optional<std::uint64_t>& certs,
                       const std::optional<std::uint64_t>& result) {
  Digest digest;
  for (const auto* text : {&row.id, &row.status, &row.platform, &row.source_path, &row.certs_path, &row.result_path, &row.worker_id,
                           &row.error_message, &row.access_token}) {
    digest.add(*text);
  }
  for (const auto* number : {&row.submitted_at, &row.started_at, &row.completed_at}) digest.add(*number);
  for (const auto* size : {&source, &certs, &result}) {
    digest.add(*size ? std::optional(static_cast<std::int64_t>(**size)) : std::nullopt);
  }
  return digest.hex().substr(0, 32);
}

std::vector<std::string> file_candidates(BlobKind kind, std::string_view build_id, std::string_view platform) {
  if (!is_valid_id(build_id)) return {};
  const auto path = [&](std::string_view folder, std::string_view suffix) {
    return std::string(folder) + '/' + std::string(build_id) + std::string(suffix);
  };
  switch (kind) {
    case BlobKind::source: return {path(legacy::kSourceFolder, legacy::kArchiveSuffix)};
    case BlobKind::certs: return {path(legacy::kCertsFolder, legacy::kArchiveSuffix)};
    case BlobKind::result: break;
  }
  std::vector<std::string> results{path(legacy::kResultFolder, legacy::kIosSuffix), path(legacy::kResultFolder, legacy::kAndroidSuffix)};
  if (platform == name_of(Platform::android)) std::swap(results[0], results[1]);
  return results;
}

Mapped<ImportedWorker> map_worker(const legacy::Worker& row) {
  Mapping<ImportedWorker> mapping(legacy::Worker::kTable, shown_id(row.id));
  if (!row.id || !is_valid_id(*row.id)) return std::move(mapping).reject("the id is not of letters, digits, _ and -");
  ImportedWorker worker;
  worker.id = *row.id;
  worker.digest = row_digest(row);
  if (row.name) worker.name = mapping.cut("name", *row.name, kImportedErrorBytesMax);
  else {
    mapping.warn("there is no name, the id is taken");
    worker.name = worker.id;
  }
  const std::string status = row.status.value_or("");
  if (status == name_of(WorkerStatus::offline)) worker.status = WorkerStatus::offline;
  else if (status == name_of(WorkerStatus::building)) worker.status = WorkerStatus::building;
  else if (status != name_of(WorkerStatus::idle)) mapping.warn("status \"" + status.substr(0, 64) + "\" is none, read as idle");
  worker.capabilities = mapping.json("capabilities", row.capabilities, false);
  const auto registered = mapping.time("registered_at", row.registered_at);
  const auto seen = mapping.time("last_seen_at", row.last_seen_at);
  if (!registered) mapping.warn("registered_at is not there");
  worker.registered_at = registered.value_or(seen.value_or(0));
  worker.last_seen_at = seen.value_or(worker.registered_at);
  worker.builds_completed = mapping.counter("builds_completed", row.builds_completed);
  worker.builds_failed = mapping.counter("builds_failed", row.builds_failed);
  return std::move(mapping).take(std::move(worker));
}

Mapped<ImportedBuild> map_build(const legacy::Build& row, const FoundFiles& files, Holder holder, std::string digest) {
  Mapping<ImportedBuild> mapping(legacy::Build::kTable, shown_id(row.id));
  if (!row.id || !is_valid_id(*row.id)) return std::move(mapping).reject("the id is not of letters, digits, _ and -");
  const auto platform = parse_platform(row.platform.value_or(""));
  if (!platform) return std::move(mapping).reject("platform \"" + row.platform.value_or("").substr(0, 64) + "\" is none");
  const auto status = parse_status(row.status.value_or(""));
  if (!status) return std::move(mapping).reject("status \"" + row.status.value_or("").substr(0, 64) + "\" is none");

  ImportedBuild build;
  build.id = *row.id;
  build.digest = std::move(digest);
  build.platform = *platform;
  build.status = *status;
  if (row.worker_id && !row.worker_id->empty()) {
    if (is_valid_id(*row.worker_id)) build.worker_id = row.worker_id;
    else mapping.warn("worker_id is not of letters, digits, _ and -, left out");
  }
  build.started_at = mapping.time("started_at", row.started_at);
  build.completed_at = mapping.time("completed_at", row.completed_at);
  const auto submitted = mapping.time("submitted_at", row.submitted_at);
  if (!submitted) mapping.warn("submitted_at is not there");
  build.submitted_at = submitted.value_or(build.started_at.value_or(build.completed_at.value_or(0)));
  if (row.error_message) build.error_message = mapping.cut("error_message", *row.error_message, kImportedErrorBytesMax);
  if (build.status == BuildStatus::failed && build.error_message == kCancelledText) build.status = BuildStatus::cancelled;

  if (is_active(build.status) && (holder != Holder::at_work || !build.worker_id)) {
    mapping.warn(holder == Holder::elsewhere ? "its worker is at work on another build: pending, at the front of the queue"
                                             : "its worker is unknown: pending, at the front of the queue");
    build.status = BuildStatus::pending;
    build.front_of_queue = true;
    build.worker_id.reset();
    build.started_at.reset();
  }

  const std::string name = build.id + std::string(legacy::kArchiveSuffix);
  build.source = reference(BlobKind::source, files.source, name, "application/zip");
  if (!files.source) mapping.warn("its source file is missing");
  if (files.certs) build.certs = reference(BlobKind::certs, files.certs, build.id + "-certs.zip", "application/zip");
  else if (row.certs_path) mapping.warn("its certs file is missing");
  if (files.result) {
    const std::string_view suffix = build.platform == Platform::ios ? legacy::kIosSuffix : legacy::kAndroidSuffix;
    build.result = reference(BlobKind::result, files.result, build.id + std::string(suffix), "application/octet-stream");
  } else if (row.result_path) {
    mapping.warn("its result file is missing");
  }
  if (row.access_token && !row.access_token->empty()) build.access_token_sha256 = token_hash(*row.access_token);
  return std::move(mapping).take(std::move(build));
}

Mapped<ImportedLine> map_line(const legacy::BuildLog& row) {
  Mapping<ImportedLine> mapping(legacy::BuildLog::kTable, row.id ? std::to_string(*row.id) : std::string("(no id)"));
  if (!row.id) return std::move(mapping).reject("there is no id");
  ImportedLine line;
  line.row = *row.id;
  const auto timestamp = mapping.time("timestamp", row.timestamp);
  if (!timestamp) mapping.warn("timestamp is not there, read as 0");
  line.timestamp = timestamp.value_or(0);
  const std::string level = row.level.value_or("");
  if (level == name_of(LogLevel::debug)) line.level = LogLevel::debug;
  else if (const auto known = parse_client_level(level)) line.level = *known;
  else mapping.warn("level \"" + level.substr(0, 64) + "\" is none, read as info");
  if (row.message) line.message = mapping.cut("message", *row.message, kImportedLineBytesMax);
  else mapping.warn("there is no message");
  return std::move(mapping).take(std::move(line));
}

Mapped<ImportedSample> map_sample(const legacy::CpuSnapshot& row) {
  Mapping<ImportedSample> mapping(legacy::CpuSnapshot::kTable, row.id ? std::to_string(*row.id) : std::string("(no id)"));
  if (!row.id) return std::move(mapping).reject("there is no id");
  const auto timestamp = mapping.time("timestamp", row.timestamp);
  if (!timestamp) return std::move(mapping).leave_out("timestamp is not there");
  const auto thousandths = [](const std::optional<double>& value, std::int64_t max) -> std::optional<std::int64_t> {
    if (!value || !(*value >= 0) || *value * 1000 > static_cast<double>(max)) return std::nullopt;
    return std::llround(*value * 1000);
  };
  const auto cpu = thousandths(row.cpu_percent, kCpuMillipercentMax);
  if (!cpu) return std::move(mapping).leave_out("cpu_percent is none");
  const auto memory = thousandths(row.memory_mb, kMemoryKbMax);
  if (!memory) return std::move(mapping).leave_out("memory_mb is none");
  return std::move(mapping).take(ImportedSample{*row.id, *timestamp, CpuReading{*cpu, *memory}});
}

Mapped<ImportedDiagnostic> map_diagnostic(const legacy::Diagnostic& row) {
  Mapping<ImportedDiagnostic> mapping(legacy::Diagnostic::kTable, shown_id(row.id));
  if (!row.id || !is_valid_id(*row.id)) return std::move(mapping).reject("the id is not of letters, digits, _ and -");
  if (!row.worker_id || !is_valid_id(*row.worker_id)) return std::move(mapping).reject("worker_id is not of letters, digits, _ and -");
  const auto status = parse_diagnostic_status(row.status.value_or(""));
  if (!status) return std::move(mapping).reject("status \"" + row.status.value_or("").substr(0, 64) + "\" is none");
  const auto run_at = mapping.time("run_at", row.run_at);
  if (!run_at) mapping.warn("run_at is not there, read as 0");
  ImportedDiagnostic report{*row.id, *row.worker_id, *status, run_at.value_or(0),
                            static_cast<std::int64_t>(mapping.counter("duration_ms", row.duration_ms)), row.auto_fixed.value_or(0) != 0, {}};
  report.checks = mapping.json("checks", row.checks, true);
  return std::move(mapping).take(std::move(report));
}

}  // namespace tidemark::schemas::builds
