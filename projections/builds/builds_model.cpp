#include "projections/builds/builds_model.hpp"

#include <algorithm>

#include "core/base/table.hpp"

namespace tidemark::projections::builds {
namespace {

using namespace schemas::builds;

struct CountRow {
  std::int64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(CountRow, (), (count))

constexpr Table<BuildView, std::string> kBuilds{16};                                                       // id
// submitted_at, order, id
constexpr Table<ListItem, Descending<std::int64_t>, Descending<std::uint64_t>, std::string> kNewest{17};
// submitted_at, order, id
constexpr Table<ListItem, std::int64_t, std::uint64_t, std::string> kActive{18};
constexpr Table<WorkerView, std::string> kWorkers{19};                                                     // id
constexpr Table<Statistics> kStatistics{20};
// UTC day since 1970
constexpr Table<CountRow, std::int64_t> kCompletedPerDay{21};

constexpr std::int64_t kDayMs = 86'400'000;

// What one build contributes to the counters. A changed build gives back its old part and brings its new one, so that
// the counters are always a recount.
void count(RowWriter& rows, const BuildView& build, std::int64_t sign) {
  Statistics sums = kStatistics.get(rows).value_or(Statistics{});
  switch (build.status) {
    case BuildStatus::pending: sums.pending += sign; break;
    case BuildStatus::assigned: sums.assigned += sign; break;
    case BuildStatus::building: sums.building += sign; break;
    case BuildStatus::completed: sums.completed += sign; break;
    case BuildStatus::failed: sums.failed += sign; break;
    case BuildStatus::cancelled: sums.cancelled += sign; break;
  }
  if (build.started_at && build.completed_at) sums.build_time_ms += sign * (*build.completed_at - *build.started_at);
  kStatistics.put(rows, sums);
  if (build.status == BuildStatus::completed && build.completed_at) {
    const std::int64_t day = *build.completed_at / kDayMs;
    CountRow row = kCompletedPerDay.get(rows, day).value_or(CountRow{});
    row.count += sign;
    kCompletedPerDay.put(rows, day, row);
  }
}

void save(RowWriter& rows, const BuildView* before, const BuildView& after) {
  if (before) count(rows, *before, -1);
  count(rows, after, +1);
  const ListItem item{after.id, after.status, after.platform, after.worker_id, after.submitted_at, after.started_at,
                      after.completed_at};
  kBuilds.put(rows, after.id, after);
  kNewest.put(rows, after.submitted_at, after.order, after.id, item);
  if (is_active(after.status)) kActive.put(rows, after.submitted_at, after.order, after.id, item);
  else if (before && is_active(before->status)) kActive.erase(rows, after.submitted_at, after.order, after.id);
}

template <class Change>
void change_build(RowWriter& rows, const std::string& id, const EventContext& context, Change change) {
  const auto before = kBuilds.get(rows, id);
  if (!before) return;
  BuildView after = *before;
  after.updated_at = to_ms(context.time);
  change(after);
  save(rows, &*before, after);
}

template <class Change>
void change_worker(RowWriter& rows, const std::string& id, Change change) {
  auto worker = kWorkers.get(rows, id);
  if (!worker) return;
  change(*worker);
  kWorkers.put(rows, id, *worker);
}

void begin_work(RowWriter& rows, const std::string& worker_id, const std::string& build_id) {
  change_worker(rows, worker_id, [&](WorkerView& worker) {
    worker.active_build_id = build_id;
    worker.status = WorkerStatus::building;
  });
}

void end_work(RowWriter& rows, const std::optional<std::string>& worker_id, const std::string& build_id, int completed,
              int failed) {
  if (!worker_id) return;
  change_worker(rows, *worker_id, [&](WorkerView& worker) {
    worker.builds_completed += static_cast<std::uint64_t>(completed);
    worker.builds_failed += static_cast<std::uint64_t>(failed);
    if (worker.active_build_id != build_id) return;
    worker.active_build_id.reset();
    if (worker.status == WorkerStatus::building) worker.status = WorkerStatus::idle;
  });
}

struct Fold {
  RowWriter& rows;
  const EventContext& context;
  std::int64_t now = to_ms(context.time);

  void operator()(const BuildSubmitted& e) const {
    BuildView build;
    build.id = e.build_id;
    build.platform = e.platform;
    build.submitted_at = build.updated_at = now;
    build.order = e.order;
    build.source = e.source;
    build.certs = e.certs;
    build.access_token_sha256 = e.access_token_sha256;
    build.token_key_id = e.token_key_id;
    build.retry_of = e.retry_of;
    save(rows, nullptr, build);
  }
  void operator()(const BuildAssigned& e) const {
    assign(e.build_id, e.worker_id, e.attempt);
    if (!e.claimed) begin_work(rows, e.worker_id, e.build_id);
    seen(e.worker_id);
  }
  void operator()(const BuildReassigned& e) const {
    assign(e.build_id, e.worker_id, e.attempt);
    seen(e.worker_id);
  }
  /// The worker has spoken.
  void seen(const std::optional<std::string>& worker_id) const {
    if (worker_id) change_worker(rows, *worker_id, [&](WorkerView& worker) { worker.last_seen_at = now; });
  }
  void assign(const std::string& build_id, const std::string& worker_id, std::uint32_t attempt) const {
    change_build(rows, build_id, context, [&](BuildView& build) {
      build.status = BuildStatus::assigned;
      build.worker_id = worker_id;
      build.attempt = attempt;
      build.started_at = now;
      build.vm_ready_at.reset();
    });
  }
  void operator()(const BuildStarted& e) const {
    change_build(rows, e.build_id, context, [&](BuildView& build) { build.status = BuildStatus::building; });
  }
  void operator()(const VmAuthenticated&) const {}
  void operator()(const VmReady& e) const {
    change_build(rows, e.build_id, context, [&](BuildView& build) { build.vm_ready_at = now; });
  }
  void operator()(const BuildCompleted& e) const {
    bool had_failed = false;
    change_build(rows, e.build_id, context, [&](BuildView& build) {
      had_failed = build.status == BuildStatus::failed;
      build.status = BuildStatus::completed;
      build.completed_at = now;
      build.result = e.result;
      if (e.worker_id) build.worker_id = e.worker_id;
      build.error_message.reset();
      build.failure_code.clear();
    });
    end_work(rows, e.worker_id, e.build_id, 1, had_failed ? -1 : 0);
    seen(e.worker_id);
  }
  void operator()(const BuildFailed& e) const {
    finish(e.build_id, e.error_message, e.failure_code, BuildStatus::failed);
    end_work(rows, e.worker_id, e.build_id, 0, 1);
    seen(e.worker_id);
  }
  void operator()(const BuildTimedOut& e) const {
    finish(e.build_id, timeout_message(e.silent_ms), std::string(kTimedOutFailure), BuildStatus::failed);
    Statistics sums = kStatistics.get(rows).value_or(Statistics{});
    sums.timed_out += 1;
    kStatistics.put(rows, sums);
    end_work(rows, e.worker_id, e.build_id, 0, 1);
  }
  void operator()(const BuildCancelled& e) const {
    finish(e.build_id, std::string(kCancelledText), {}, BuildStatus::cancelled);
    end_work(rows, e.worker_id, e.build_id, 0, 0);
  }
  void finish(const std::string& build_id, std::string message, std::string code, BuildStatus status) const {
    change_build(rows, build_id, context, [&](BuildView& build) {
      build.status = status;
      build.completed_at = now;
      build.error_message = std::move(message);
      build.failure_code = std::move(code);
    });
  }
  void operator()(const BuildRequeued& e) const {
    change_build(rows, e.build_id, context, [&](BuildView& build) {
      build.status = BuildStatus::pending;
      build.worker_id.reset();
      build.started_at.reset();
      build.vm_ready_at.reset();
    });
    end_work(rows, e.worker_id, e.build_id, 0, 0);
    seen(e.worker_id);
  }
  // Not a change of the build: when it was last changed stays.
  void operator()(const BlobPurged& e) const {
    auto build = kBuilds.get(rows, e.build_id);
    if (!build) return;
    if (e.kind == BlobKind::source) build->source.sha256.clear();
    else if (e.kind == BlobKind::certs) build->certs.reset();
    else build->result.reset();
    kBuilds.put(rows, build->id, *build);
  }
  void operator()(const WorkerRegistered& e) const {
    WorkerView worker;
    worker.id = e.worker_id;
    worker.name = e.name;
    worker.capabilities = e.capabilities.raw;
    worker.registered_at = worker.last_seen_at = now;
    kWorkers.put(rows, worker.id, worker);
  }
  void operator()(const ControllerImported&) const {}
  void operator()(const WorkerImported& e) const {
    const ImportedWorker& row = e.worker;
    const auto before = kWorkers.get(rows, row.id);
    WorkerView worker = before.value_or(WorkerView{});
    worker.id = row.id;
    if (e.revision > 0 || !before) {
      worker.name = row.name;
      worker.capabilities = row.capabilities.raw;
    }
    worker.last_seen_at = std::max(worker.last_seen_at, row.last_seen_at);
    worker.registered_at = before ? std::min(before->registered_at, row.registered_at) : row.registered_at;
    worker.builds_completed = added(worker.builds_completed, e.completed_added);
    worker.builds_failed = added(worker.builds_failed, e.failed_added);
    if (!before) worker.status = row.status == WorkerStatus::offline ? WorkerStatus::offline : WorkerStatus::idle;
    kWorkers.put(rows, worker.id, worker);
  }
  static std::uint64_t added(std::uint64_t count, std::int64_t by) {
    return by < 0 && count < static_cast<std::uint64_t>(-by) ? 0 : count + static_cast<std::uint64_t>(by);
  }
  void operator()(const BuildImported& e) const {
    const ImportedBuild& row = e.build;
    const auto before = kBuilds.get(rows, row.id);
    if (before && is_active(before->status)) end_work(rows, before->worker_id, row.id, 0, 0);
    BuildView build;
    build.id = row.id;
    build.platform = row.platform;
    build.status = row.status;
    build.worker_id = row.worker_id;
    build.attempt = row.status != BuildStatus::pending && row.worker_id ? 1 : 0;
    build.submitted_at = row.submitted_at;
    build.order = e.order;
    build.started_at = row.started_at;
    build.completed_at = row.completed_at;
    build.updated_at = std::max({row.submitted_at, row.started_at.value_or(0), row.completed_at.value_or(0)});
    build.error_message = row.error_message;
    build.failure_code = e.failure_code;
    build.source = row.source;
    build.certs = row.certs;
    build.result = row.result;
    build.access_token_sha256 = row.access_token_sha256;
    save(rows, before ? &*before : nullptr, build);
    if (is_active(build.status) && build.worker_id) begin_work(rows, *build.worker_id, build.id);
  }
  void operator()(const WorkerReregistered& e) const { online(e.worker_id); }
  void operator()(const WorkerTokenRotated& e) const { seen(e.worker_id); }
  void operator()(const WorkerCameOnline& e) const { online(e.worker_id); }
  void online(const std::string& worker_id) const {
    change_worker(rows, worker_id, [&](WorkerView& worker) {
      worker.last_seen_at = now;
      worker.status = worker.active_build_id ? WorkerStatus::building : WorkerStatus::idle;
    });
  }
  void operator()(const WorkerWentOffline& e) const { offline(e.worker_id); }
  void operator()(const WorkerUnregistered& e) const {
    offline(e.worker_id);
    seen(e.worker_id);
  }
  void offline(const std::string& worker_id) const {
    change_worker(rows, worker_id, [](WorkerView& worker) { worker.status = WorkerStatus::offline; });
  }
};

bool matches(const ListItem& item, const ListFilter& filter) {
  if (filter.status && shown_status(item.status) != shown_status(*filter.status)) return false;
  if (filter.worker_id && item.worker_id != filter.worker_id) return false;
  return !filter.platform || item.platform == *filter.platform;
}

}  // namespace

void BuildsModel::apply(RowWriter& rows, const Event& event, const EventContext& context) {
  std::visit(Fold{rows, context}, event);
}

std::optional<BuildView> find_build(const RowReader& rows, std::string_view build_id) {
  return kBuilds.get(rows, std::string(build_id));
}
std::optional<WorkerView> find_worker(const RowReader& rows, std::string_view worker_id) {
  return kWorkers.get(rows, std::string(worker_id));
}

std::optional<std::string> worker_name(const RowReader& rows, const std::optional<std::string>& worker_id) {
  if (!worker_id) return std::nullopt;
  auto worker = kWorkers.get(rows, *worker_id);
  if (!worker) return std::nullopt;
  return std::move(worker->name);
}

void scan_workers(const RowReader& rows, FnRef<bool(const WorkerView&)> visit) {
  kWorkers.scan(rows, [&](const auto&, const WorkerView& worker) { return visit(worker); });
}

void scan_newest(const RowReader& rows, const ListFilter& filter, FnRef<bool(const ListItem&)> visit) {
  kNewest.scan(rows, [&](const auto&, const ListItem& item) { return !matches(item, filter) || visit(item); });
}

std::vector<ListItem> active_builds(const RowReader& rows) {
  std::vector<ListItem> active;
  kActive.scan(rows, [&](const auto&, const ListItem& item) {
    active.push_back(item);
    return true;
  });
  return active;
}

Statistics statistics(const RowReader& rows) { return kStatistics.get(rows).value_or(Statistics{}); }

std::int64_t completed_on_day(const RowReader& rows, Time now) {
  return kCompletedPerDay.get(rows, to_ms(now) / kDayMs).value_or(CountRow{}).count;
}

}  // namespace tidemark::projections::builds
