#include "ops/cli/domains/builds_import/source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/blob/files.hpp"

namespace tidemark::cli::builds_import {
namespace {

using namespace schemas::builds;
namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = 256u << 10;
constexpr std::size_t kPrivateNameMax = 64;

/// An old controller's tables have at least these columns.
Result<void> check_table(const replay::SqliteSnapshot& rows, const std::string& database, std::string_view table,
                         std::initializer_list<std::string_view> needed) {
  const auto columns = rows.columns(std::string(table));
  if (!columns) return columns.error();
  for (const std::string_view name : needed) {
    const bool there = std::any_of(columns->begin(), columns->end(), [&](const auto& column) { return column.name == name; });
    if (!there) {
      return make_error(Code::invalid_argument, database + " is not a build controller's database: " +
                                                    (columns->empty() ? "it has no table " + std::string(table)
                                                                      : "table " + std::string(table) + " has no column " + std::string(name)));
    }
  }
  return {};
}

/// The first row by these columns, those where one of them is NULL left out.
template <class Row, class Time>
Result<std::optional<Row>> oldest(const replay::SqliteSnapshot& rows, std::vector<std::string> order, Time time) {
  std::optional<Row> found;
  auto scanned = replay::scan_rows<Row>(rows, std::move(order), [&](Row&& row, const auto&) {
    if (!row.id || !time(row)) return true;
    found = std::move(row);
    return false;
  });
  if (!scanned) return scanned.take_error();
  return found;
}

}  // namespace

Result<std::unique_ptr<Source>> Source::open(const std::string& database, const std::string& storage, const std::string& scratch) {
  std::error_code error;
  if (!fs::is_directory(storage, error)) return make_error(Code::invalid_argument, "there is no storage directory " + storage);
  fs::create_directories(scratch, error);
  auto source = std::unique_ptr<Source>(new Source);
  source->storage_ = storage;
  auto snapshot = replay::SqliteSnapshot::open(database, scratch + "/import-" + std::to_string(::getpid()) + ".db");
  if (!snapshot) return snapshot.take_error();
  source->snapshot_ = std::move(*snapshot);
  if (auto checked = check_table(source->rows(), database, legacy::Worker::kTable, {"id", "registered_at"}); !checked) return checked.take_error();
  if (auto checked = check_table(source->rows(), database, legacy::Build::kTable, {"id", "status", "platform", "submitted_at"}); !checked) return checked.take_error();
  for (const auto& [table, columns] : {std::pair{legacy::Build::kTable, std::vector<std::string>{"id"}}, {legacy::BuildLog::kTable, {"build_id", "timestamp", "id"}},
                                       {legacy::CpuSnapshot::kTable, {"build_id", "id"}}}) {
    if (auto indexed = source->snapshot_->index(std::string(table), columns); !indexed) return indexed.take_error();
  }
  if (auto surveyed = source->survey(); !surveyed) return surveyed.take_error();
  return source;
}

Result<void> Source::survey() {
  auto build = oldest<legacy::Build>(rows(), {"submitted_at", "id"}, [](const auto& row) { return row.submitted_at; });
  if (!build) return build.take_error();
  auto worker = oldest<legacy::Worker>(rows(), {"registered_at", "id"}, [](const auto& row) { return row.registered_at; });
  if (!worker) return worker.take_error();
  identity_ = database_identity(*build, *worker);

  auto scanned = replay::scan_rows<legacy::Worker>(rows(), {}, [&](legacy::Worker&& row, const auto&) {
    if (row.id && map_worker(row).value) workers_.emplace(*row.id, "");
    return true;
  });
  if (!scanned) return scanned;
  // Of several builds in a worker's hands it is at work on the one that it began last.
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> begun;
  for (const BuildStatus status : {BuildStatus::assigned, BuildStatus::building}) {
    scanned = replay::scan_rows<legacy::Build>(rows(), {"submitted_at", "id"}, [&](legacy::Build&& row, const auto&) {
      if (!row.id || !row.worker_id) return true;
      const auto held = workers_.find(*row.worker_id);
      const std::pair at(row.started_at.value_or(0), row.submitted_at.value_or(0));
      if (held == workers_.end() || (!held->second.empty() && at < begun[held->first])) return true;
      held->second = *row.id;
      begun[held->first] = at;
      return true;
    }, std::pair{std::string("status"), replay::SqliteValue(std::string(name_of(status)))});
    if (!scanned) return scanned;
  }
  return replay::scan_rows<legacy::BuildLog>(rows(), {}, [&](legacy::BuildLog&& row, const auto&) {
    last_log_row_ = std::max(last_log_row_, row.id.value_or(0));
    return true;
  });
}

Holder Source::holder_of(const legacy::Build& build) const {
  const auto worker = workers_.find(build.worker_id.value_or(""));
  if (worker == workers_.end()) return Holder::unknown;
  return worker->second == build.id ? Holder::at_work : Holder::elsewhere;
}

std::optional<TreeFile> Source::find(BlobKind kind, const legacy::Build& build) const {
  const auto& named = kind == BlobKind::source ? build.source_path : kind == BlobKind::certs ? build.certs_path : build.result_path;
  // A table without the column of a source still has the sources.
  if (!named && kind != BlobKind::source) return std::nullopt;
  if (!build.id) return std::nullopt;
  for (const std::string& path : file_candidates(kind, *build.id, build.platform.value_or(""))) {
    const std::string absolute = storage_ + "/" + path;
    struct stat status {};
    if (::lstat(absolute.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      return TreeFile{path, absolute, static_cast<std::uint64_t>(status.st_size)};
    }
  }
  return std::nullopt;
}

Task<Result<Stored>> store_file(blob::BlobStore& blobs, TreeFile file, BlobKind kind, std::string build_id) {
  Stored stored;
  const blob::Descriptor input(::open(file.absolute.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!input || ::fstat(input.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    stored.problem = std::string("cannot be read: ") + std::strerror(errno);
    co_return stored;
  }
  constexpr std::uint64_t kAny = 1ull << 50;  // the old controller took it
  auto staged = kind == BlobKind::certs ? blobs.stage_private(kAny) : blobs.stage(kAny);
  if (!staged.ok()) co_return staged.take_error();
  std::unique_ptr<blob::Upload> upload = std::move(*staged);
  std::unique_ptr<char[]> buffer(new char[kReadBytes]);
  for (std::uint64_t offset = 0;;) {
    const auto read = blob::read_some(input.get(), offset, buffer.get(), kReadBytes, file.path);
    if (!read.ok()) {
      stored.problem = read.error().message;
      auto gone = upload->discard();
      co_await std::move(gone);
      co_return stored;
    }
    if (*read == 0) break;
    offset += *read;
    const std::string_view bytes(buffer.get(), *read);
    auto writing = upload->write(bytes);
    auto written = co_await std::move(writing);
    if (!written.ok()) co_return written.take_error();
  }
  if (kind == BlobKind::certs && build_id.size() > kPrivateNameMax) {
    stored.problem = "the build's id is too long for a private file";
    auto gone = upload->discard();
    co_await std::move(gone);
    co_return stored;
  }
  auto committing = kind == BlobKind::certs ? blobs.commit_private(std::move(upload), std::move(build_id)) : upload->commit();
  auto committed = co_await std::move(committing);
  if (!committed.ok()) co_return committed.take_error();
  stored.found = FoundFile{committed->sha256, committed->size};
  co_return stored;
}

}  // namespace tidemark::cli::builds_import
