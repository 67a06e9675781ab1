#include "projections/builds/export/legacy_rows.hpp"

namespace tidemark::projections::builds {
namespace {

namespace legacy = schemas::builds::legacy;

std::string path(std::string_view folder, std::string_view id, std::string_view suffix) {
  return std::string(folder) + "/" + std::string(id) + std::string(suffix);
}

}  // namespace

std::string legacy_source_path(std::string_view build_id) { return path(legacy::kSourceFolder, build_id, legacy::kArchiveSuffix); }
std::string legacy_certs_path(std::string_view build_id) { return path(legacy::kCertsFolder, build_id, legacy::kArchiveSuffix); }
std::string legacy_result_path(std::string_view build_id, Platform platform) {
  return path(legacy::kResultFolder, build_id, platform == Platform::ios ? legacy::kIosSuffix : legacy::kAndroidSuffix);
}

legacy::Build legacy_build(const BuildView& build, const std::string& root, std::string access_token) {
  legacy::Build row;
  row.id = build.id;
  row.status = name_of(shown_status(build.status));
  row.platform = name_of(build.platform);
  row.source_path = root + "/" + legacy_source_path(build.id);
  if (build.certs) row.certs_path = root + "/" + legacy_certs_path(build.id);
  if (build.result) row.result_path = root + "/" + legacy_result_path(build.id, build.platform);
  row.worker_id = build.worker_id;
  row.submitted_at = build.submitted_at;
  row.started_at = build.started_at;
  row.completed_at = build.completed_at;
  row.error_message = build.error_message;
  row.access_token = std::move(access_token);
  return row;
}

legacy::Worker legacy_worker(const WorkerView& worker) {
  legacy::Worker row;
  row.id = worker.id;
  row.name = worker.name;
  row.status = name_of(worker.status);
  row.capabilities = worker.capabilities;
  row.registered_at = worker.registered_at;
  row.last_seen_at = worker.last_seen_at;
  row.builds_completed = static_cast<std::int64_t>(worker.builds_completed);
  row.builds_failed = static_cast<std::int64_t>(worker.builds_failed);
  return row;
}

}  // namespace tidemark::projections::builds
