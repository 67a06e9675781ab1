#include "projections/builds/status_model.hpp"

#include <algorithm>

#include "core/base/table.hpp"

namespace tidemark::projections::builds {
namespace {

using namespace schemas::builds;

struct IdRow {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(IdRow, (), (id))

struct NumberRow {
  std::uint64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(NumberRow, (), (number))

/// Next numbers.
struct NextRow {
  std::uint64_t ended = 1, failures = 1;
};
BOOST_DESCRIBE_STRUCT(NextRow, (), (ended, failures))

constexpr Table<OpenBuild, std::string> kOpen{16};                            // id
constexpr Table<IdRow, std::int64_t, std::uint64_t, std::string> kQueued{17};   // submitted_at, order, id
constexpr Table<IdRow, std::int64_t, std::uint64_t, std::string> kRunning{18};  // submitted_at, order, id
// By pool: another lies in another lane perhaps, and rows may not depend on which of them is read first.
constexpr Table<EndedBuild, std::string, std::uint64_t> kEnded{19};           // pool, number
constexpr Table<EndedBuild, std::string, std::uint64_t> kFailures{20};        // pool, number of its own
// Of a build that timed out, where it stands in the two above.
constexpr Table<NumberRow, std::string> kEndedNumber{21};                     // id
constexpr Table<NumberRow, std::string> kFailureNumber{22};                   // id
constexpr Table<NextRow, std::string> kNext{23};                              // pool

/// The beginning of a text, without half a character.
std::string beginning(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "\xE2\x80\xA6";
}

void enlist(RowWriter& rows, const OpenBuild& build) {
  if (build.status == BuildStatus::pending) kQueued.put(rows, build.submitted_at, build.order, build.id, IdRow{build.id});
  if (is_active(build.status)) kRunning.put(rows, build.submitted_at, build.order, build.id, IdRow{build.id});
}

void unlist(RowWriter& rows, const OpenBuild& build) {
  if (build.status == BuildStatus::pending) kQueued.erase(rows, build.submitted_at, build.order, build.id);
  if (is_active(build.status)) kRunning.erase(rows, build.submitted_at, build.order, build.id);
}

template <class Change>
void change(RowWriter& rows, const std::string& id, Change change) {
  const auto before = kOpen.get(rows, id);
  if (!before) return;
  OpenBuild after = *before;
  change(after);
  if (after.status != before->status) {
    unlist(rows, *before);
    enlist(rows, after);
  }
  kOpen.put(rows, id, after);
}

/// Takes back how a build was said to have ended.
void forget_ending(RowWriter& rows, const std::string& pool, const std::string& id) {
  if (const auto ended = kEndedNumber.get(rows, id)) kEnded.erase(rows, pool, ended->number);
  if (const auto failure = kFailureNumber.get(rows, id)) kFailures.erase(rows, pool, failure->number);
  kEndedNumber.erase(rows, id);
  kFailureNumber.erase(rows, id);
}

void add_ending(RowWriter& rows, const std::string& pool, const EndedBuild& ended) {
  NextRow next = kNext.get(rows, pool).value_or(NextRow{});
  EndedBuild row = ended;
  row.number = next.ended++;
  if (ended.ending != Ending::completed) {
    const std::uint64_t number = next.failures++;
    kFailures.put(rows, pool, number, row);
    if (number > kFailuresKept) kFailures.erase(rows, pool, number - kFailuresKept);
    if (ended.ending == Ending::timed_out) kFailureNumber.put(rows, ended.id, NumberRow{number});
  }
  row.message.clear();  // it is read with the failures
  kEnded.put(rows, pool, row.number, row);
  if (row.number > kEndedKept) kEnded.erase(rows, pool, row.number - kEndedKept);
  if (ended.ending == Ending::timed_out) kEndedNumber.put(rows, ended.id, NumberRow{row.number});
  kNext.put(rows, pool, next);
}

struct Fold {
  RowWriter& rows;
  const EventContext& context;
  std::int64_t now = to_ms(context.time);
  std::string pool{context.boundary};

  void operator()(const BuildSubmitted& e) const {
    OpenBuild build;
    build.id = e.build_id;
    build.platform = e.platform;
    build.submitted_at = now;
    build.order = e.order;
    enlist(rows, build);
    kOpen.put(rows, build.id, build);
  }
  void operator()(const BuildAssigned& e) const { assign(e.build_id, e.worker_id, e.attempt); }
  void operator()(const BuildReassigned& e) const { assign(e.build_id, e.worker_id, e.attempt); }
  void assign(const std::string& build_id, const std::string& worker_id, std::uint32_t attempt) const {
    change(rows, build_id, [&](OpenBuild& build) {
      build.status = BuildStatus::assigned;
      build.worker_id = worker_id;
      build.attempt = attempt;
      build.started_at = now;
    });
  }
  void operator()(const BuildStarted& e) const {
    change(rows, e.build_id, [](OpenBuild& build) { build.status = BuildStatus::building; });
  }
  void operator()(const BuildRequeued& e) const {
    change(rows, e.build_id, [](OpenBuild& build) {
      build.status = BuildStatus::pending;
      build.worker_id.reset();
      build.started_at.reset();
    });
  }
  void operator()(const BuildCompleted& e) const { end(e.build_id, e.worker_id, Ending::completed, {}); }
  void operator()(const BuildFailed& e) const { end(e.build_id, e.worker_id, Ending::failed, e.error_message); }
  void operator()(const BuildTimedOut& e) const {
    end(e.build_id, e.worker_id, Ending::timed_out, timeout_message(e.silent_ms));
  }
  void operator()(const BuildCancelled& e) const {
    const auto build = kOpen.get(rows, e.build_id);
    if (!build) return;
    unlist(rows, *build);
    kOpen.erase(rows, e.build_id);
  }
  void end(const std::string& build_id, const std::optional<std::string>& worker_id, Ending ending,
           std::string_view message) const {
    auto build = kOpen.get(rows, build_id);
    if (!build) return;
    forget_ending(rows, pool, build_id);
    unlist(rows, *build);
    add_ending(rows, pool, {.number = 0, .id = build_id, .platform = build->platform, .ending = ending,
                      .worker_id = worker_id ? worker_id : build->worker_id, .submitted_at = build->submitted_at,
                      .started_at = build->started_at, .ended_at = now,
                      .message = beginning(message, kFailureMessageBytesMax)});
    build->status = BuildStatus::failed;
    if (ending == Ending::timed_out) kOpen.put(rows, build_id, *build);
    else kOpen.erase(rows, build_id);
  }
  void operator()(const BuildImported& e) const {
    const ImportedBuild& row = e.build;
    if (const auto before = kOpen.get(rows, row.id)) unlist(rows, *before);
    forget_ending(rows, pool, row.id);
    kOpen.erase(rows, row.id);
    OpenBuild build{row.id, row.platform, row.status, row.submitted_at, e.order, row.worker_id,
                    is_terminal(row.status) || row.worker_id ? 1u : 0u, row.started_at};
    const bool timed_out = e.failure_code == kTimedOutFailure;
    if (!is_terminal(row.status) || timed_out) {
      enlist(rows, build);
      kOpen.put(rows, build.id, build);
    }
    if (row.status != BuildStatus::completed && row.status != BuildStatus::failed) return;
    const Ending ending = timed_out ? Ending::timed_out : row.status == BuildStatus::failed ? Ending::failed : Ending::completed;
    add_ending(rows, pool, {.number = 0, .id = row.id, .platform = row.platform, .ending = ending, .worker_id = row.worker_id,
                      .submitted_at = row.submitted_at, .started_at = row.started_at,
                      .ended_at = row.completed_at.value_or(row.started_at.value_or(row.submitted_at)),
                      .message = ending == Ending::completed ? std::string() : beginning(row.error_message.value_or(""), kFailureMessageBytesMax)});
  }
  void operator()(const ControllerImported&) const {}
  void operator()(const WorkerImported&) const {}
  void operator()(const VmAuthenticated&) const {}
  void operator()(const VmReady&) const {}
  void operator()(const WorkerRegistered&) const {}
  void operator()(const WorkerReregistered&) const {}
  void operator()(const WorkerTokenRotated&) const {}
  void operator()(const WorkerCameOnline&) const {}
  void operator()(const WorkerWentOffline&) const {}
  void operator()(const WorkerUnregistered&) const {}
  void operator()(const BlobPurged&) const {}
};

template <class Listed>
std::vector<OpenBuild> first_of(const RowReader& rows, const Listed& listed, std::size_t max) {
  std::vector<OpenBuild> builds;
  if (max == 0) return builds;
  listed.scan(rows, [&](const auto&, const IdRow& row) {
    if (auto build = kOpen.get(rows, row.id)) builds.push_back(std::move(*build));
    return builds.size() < max;
  });
  return builds;
}

/// First number that is kept.
std::uint64_t first_kept(std::uint64_t next, std::uint64_t kept) { return next > kept ? next - kept : 0; }

/// The latest `kept` of all pools, in the order in which they ended.
template <class Endings>
std::vector<EndedBuild> latest(const RowReader& rows, const Endings& endings, std::uint64_t NextRow::*next, std::uint64_t kept) {
  std::vector<EndedBuild> all;
  std::size_t pools = 0;
  kNext.scan(rows, [&](const auto& key, const NextRow& numbers) {
    ++pools;
    const std::string& pool = std::get<0>(key);
    // From the number on, not from the start of the table: what was removed there would be walked over each time.
    endings.scan_from(rows, [&](const auto& at, const EndedBuild& build) {
      if (std::get<0>(at) != pool) return false;
      all.push_back(build);
      return true;
    }, pool, first_kept(numbers.*next, kept));
    return true;
  });
  if (pools > 1) std::stable_sort(all.begin(), all.end(), [](const EndedBuild& a, const EndedBuild& b) { return a.ended_at < b.ended_at; });
  if (all.size() > kept) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(kept));
  return all;
}

}  // namespace

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::completed: return "completed";
    case Ending::failed: return "failed";
    case Ending::timed_out: return "timed_out";
  }
  return "";
}

void StatusModel::apply(RowWriter& rows, const Event& event, const EventContext& context) {
  std::visit(Fold{rows, context}, event);
}

std::vector<OpenBuild> queued_builds(const RowReader& rows, std::size_t max) { return first_of(rows, kQueued, max); }
std::vector<OpenBuild> running_builds(const RowReader& rows, std::size_t max) { return first_of(rows, kRunning, max); }

std::vector<EndedBuild> ended_builds(const RowReader& rows) { return latest(rows, kEnded, &NextRow::ended, kEndedKept); }

std::vector<EndedBuild> failed_builds(const RowReader& rows) {
  auto failed = latest(rows, kFailures, &NextRow::failures, kFailuresKept);
  std::reverse(failed.begin(), failed.end());
  return failed;
}

}  // namespace tidemark::projections::builds
