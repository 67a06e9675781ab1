#include "projections/builds/export/mapping.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "core/runtime/typed_domain.hpp"
#include "projections/builds/export/legacy_cells.hpp"
#include "projections/builds/export/legacy_rows.hpp"
#include "projections/builds/logs_model.hpp"
#include "schemas/builds/ids.hpp"
#include "schemas/builds/samples.hpp"

namespace tidemark::projections::builds {
namespace {

namespace legacy = schemas::builds::legacy;
using replay::Cell;
using replay::Cells;

enum TableIndex : std::size_t { kWorkersTable, kBuildsTable, kLogsTable, kSnapshotsTable, kDiagnosticsTable, kTables };
enum TopicIndex : std::size_t { kLedger, kLogs, kSamples };

template <class Row>
replay::ExportTable table_of() {
  replay::ExportTable table;
  table.name = Row::kTable;
  table.create = Row::kCreate;
  table.columns = columns_of<Row>();
  table.keyed = !kNumbered<Row>;
  return table;
}

/// What a batch of events is about, in the order in which it is mentioned first.
class Mentioned {
 public:
  void add(std::string id) {
    if (id.empty() || !known_.insert(id).second) return;
    ids_.push_back(std::move(id));
  }
  const std::vector<std::string>& ids() const { return ids_; }

 private:
  std::unordered_set<std::string> known_;
  std::vector<std::string> ids_;
};

class LegacyMapping final : public replay::ExportMapping {
 public:
  explicit LegacyMapping(LegacyMappingParts parts) : parts_(std::move(parts)), layout_(legacy_layout()) {}

  const replay::ExportLayout& layout() const override { return layout_; }

  Result<replay::ExportChanges> map(const std::vector<replay::FollowedEvent>& events, const replay::ModelRows& models) const override {
    Batch batch{{}, {}, {}, models(BuildsModel::kName)};
    batch.changes.rows.resize(kTables);
    for (const auto& [topic, event] : events) {
      // What an event does to the rows is the read model's business; here it only names them.
      batch.mentioned.add(event.envelope.subject);
      if (topic == kLedger) batch.mentioned.add(parts_.decider->second_subject(event));
      if (topic == kLogs) {
        if (auto done = add_lines(event, batch); !done) return done.take_error();
      }
      if (topic == kSamples) {
        if (auto done = add_sample(event, batch); !done) return done.take_error();
      }
    }
    for (const auto& id : batch.mentioned.ids()) {
      if (const auto& build = batch.build(id)) add_build(*build, batch);
      add_worker(id, batch);
    }
    return std::move(batch.changes);
  }

 private:
  struct Batch {
    replay::ExportChanges changes;
    Mentioned mentioned;
    std::unordered_set<std::string> workers;  ///< that were looked for
    const RowReader& rows;
    std::unordered_map<std::string, std::optional<BuildView>> builds{};  ///< as read

    const std::optional<BuildView>& build(const std::string& id) {
      const auto found = builds.find(id);
      return found != builds.end() ? found->second : builds.emplace(id, find_build(rows, id)).first->second;
    }
  };

  void add_worker(const std::string& id, Batch& batch) const {
    if (!batch.workers.insert(id).second) return;
    if (const auto worker = find_worker(batch.rows, id)) batch.changes.rows[kWorkersTable].push_back(cells_of(legacy_worker(*worker)));
  }

  void add_build(const BuildView& build, Batch& batch) const {
    auto row = legacy_build(build, parts_.root, parts_.new_token());
    if (row.worker_id) {
      // What it refers to comes with it, whatever the read model knows already that the file does not.
      add_worker(*row.worker_id, batch);
      if (!find_worker(batch.rows, *row.worker_id)) row.worker_id.reset();
    }
    auto& rows = batch.changes.rows[kBuildsTable];
    rows.push_back(cells_of(std::move(row)));
    if (!schemas::builds::is_valid_id(build.id)) return;  // it becomes a file name
    const auto place = [&](std::string_view column) { return replay::FileWish::Place{kBuildsTable, rows.size() - 1, column_index<legacy::Build>(column)}; };
    using Kind = replay::FileOrigin::Kind;
    const auto wish = [&](std::string path, Kind kind, const std::string& name, const BlobRef* ref, std::optional<replay::FileWish::Place> if_lost) {
      std::optional<replay::FileOrigin> origin;
      if (ref != nullptr && !ref->sha256.empty()) origin = replay::FileOrigin{kind, name, ref->sha256, ref->size};
      batch.changes.files.push_back({std::move(path), std::move(origin), if_lost});
    };
    wish(legacy_source_path(build.id), Kind::shared, build.source.sha256, &build.source, std::nullopt);
    wish(legacy_certs_path(build.id), Kind::secret, build.id, build.certs ? &*build.certs : nullptr, place("certs_path"));
    wish(legacy_result_path(build.id, build.platform), Kind::shared, build.result ? build.result->sha256 : std::string(), build.result ? &*build.result : nullptr,
         place("result_path"));
  }

  static Result<void> add_lines(const event::Event& recorded, Batch& batch) {
    auto event = runtime::decode_event<LogsModel::Event>(recorded, schemas::builds::kDomainName);
    if (!event) return event.take_error();
    if (!event->has_value()) return {};
    for_each_line(**event, recorded_at(recorded), [&](const std::string& build_id, std::int64_t timestamp, schemas::builds::LogLevel level, const std::string& message) {
      if (!batch.build(build_id)) {
        ++batch.changes.left_out;
        return;
      }
      batch.mentioned.add(build_id);
      legacy::BuildLog line;
      line.build_id = build_id;
      line.timestamp = timestamp;
      line.level = name_of(level);
      line.message = message;
      batch.changes.rows[kLogsTable].push_back(cells_of(std::move(line)));
    });
    return {};
  }

  static Result<void> add_sample(const event::Event& recorded, Batch& batch) {
    auto sample = runtime::decode_event<SampleEvent>(recorded, schemas::builds::kDomainName);
    if (!sample) return sample.take_error();
    if (sample->has_value()) std::visit(SampleRows{batch, recorded_at(recorded)}, **sample);
    return {};
  }

  static std::int64_t recorded_at(const event::Event& recorded) { return to_ms(recorded.envelope.recordedtime.value_or(recorded.envelope.time)); }

  using SampleEvent = std::variant<schemas::builds::CpuSnapshotRecorded, schemas::builds::DiagnosticReported, schemas::builds::CpuSnapshotImported,
                                   schemas::builds::DiagnosticImported>;

  struct SampleRows {
    Batch& batch;
    std::int64_t now;

    void operator()(const schemas::builds::CpuSnapshotRecorded& e) const { add_snapshot(e.build_id, now, e.reading); }
    void operator()(const schemas::builds::CpuSnapshotImported& e) const {
      for (const auto& sample : e.of.samples) add_snapshot(e.of.build_id, sample.timestamp, sample.reading);
    }
    void add_snapshot(const std::string& build_id, std::int64_t timestamp, const schemas::builds::CpuReading& reading) const {
      if (!batch.build(build_id)) {
        ++batch.changes.left_out;
        return;
      }
      batch.mentioned.add(build_id);
      legacy::CpuSnapshot row;
      row.build_id = build_id;
      row.timestamp = timestamp;
      row.cpu_percent = static_cast<double>(reading.cpu_millipercent) / 1000;
      row.memory_mb = static_cast<double>(reading.memory_kb) / 1000;
      batch.changes.rows[kSnapshotsTable].push_back(cells_of(std::move(row)));
    }
    void operator()(const schemas::builds::DiagnosticReported& e) const {
      add_report(e.report_id, e.worker_id, e.status, now, e.duration_ms, e.auto_fixed, e.checks.raw);
    }
    void operator()(const schemas::builds::DiagnosticImported& e) const {
      const auto& report = e.report;
      add_report(report.id, report.worker_id, report.status, report.run_at, report.duration_ms, report.auto_fixed, report.checks.raw);
    }
    void add_report(const std::string& id, const std::string& worker_id, schemas::builds::DiagnosticStatus status, std::int64_t run_at, std::int64_t duration_ms,
                    bool auto_fixed, const std::string& checks) const {
      if (!find_worker(batch.rows, worker_id)) {
        ++batch.changes.left_out;
        return;
      }
      batch.mentioned.add(worker_id);
      legacy::Diagnostic row;
      row.id = id;
      row.worker_id = worker_id;
      row.status = name_of(status);
      row.run_at = run_at;
      row.duration_ms = duration_ms;
      row.auto_fixed = auto_fixed ? 1 : 0;
      row.checks = checks;
      batch.changes.rows[kDiagnosticsTable].push_back(cells_of(std::move(row)));
    }
  };

  const LegacyMappingParts parts_;
  const replay::ExportLayout layout_;
};

}  // namespace

replay::ExportLayout legacy_layout() {
  replay::ExportLayout layout;
  layout.name = schemas::builds::kDomainName;
  layout.version = 1;
  layout.database = "controller.db";
  layout.tables.resize(kTables);
  layout.tables[kWorkersTable] = table_of<legacy::Worker>();
  layout.tables[kBuildsTable] = table_of<legacy::Build>();
  layout.tables[kLogsTable] = table_of<legacy::BuildLog>();
  layout.tables[kSnapshotsTable] = table_of<legacy::CpuSnapshot>();
  layout.tables[kDiagnosticsTable] = table_of<legacy::Diagnostic>();
  layout.tables[kWorkersTable].watched = layout.tables[kBuildsTable].watched = true;
  layout.tables[kBuildsTable].kept = {"access_token"};
  layout.tables[kBuildsTable].paths = {"source_path", "certs_path", "result_path"};
  for (const auto index : legacy::kCreateIndexes) layout.indexes.emplace_back(index);
  layout.folders = {std::string(legacy::kSourceFolder), std::string(legacy::kCertsFolder), std::string(legacy::kResultFolder)};
  for (const auto topic : {schemas::builds::kLedgerTopic, schemas::builds::kLogsTopic, schemas::builds::kSamplesTopic}) {
    layout.topics.push_back({std::string(topic), log::TopicClass::fact, {}, {}});
  }
  layout.read_models = {std::string(BuildsModel::kName)};
  return layout;
}

std::unique_ptr<replay::ExportMapping> make_legacy_mapping(LegacyMappingParts parts) { return std::make_unique<LegacyMapping>(std::move(parts)); }

}  // namespace tidemark::projections::builds
