#include "replay/export/exporter.hpp"

#include <algorithm>

#include "core/base/disk.hpp"
#include "core/keys/crypto.hpp"

namespace tidemark::replay {
namespace {

constexpr std::size_t kEventsPerStep = 4096;
constexpr std::size_t kBytesPerStep = 8u << 20;
constexpr std::uint64_t kFarBehind = 4096;      // records
constexpr std::size_t kStepsAtOnce = 2;         // in one transaction when far behind: rows and syncs of a batch are shared by more
constexpr Duration kModelPatience = std::chrono::seconds(10);
constexpr Duration kMeasureEvery = std::chrono::seconds(1);
constexpr Duration kShortRest = std::chrono::milliseconds(5);  // behind
constexpr Duration kFirstPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::seconds(30);

bool is_lost(const Error& error) { return error.code == Code::not_found || error.code == Code::corrupt; }

}  // namespace

Exporter::Exporter(ExportParts parts, ExportOptions options)
    : parts_(parts), options_(std::move(options)),
      tree_(options_.directory, parts.mapping.layout().folders) {}

Exporter::~Exporter() {
  *alive_ = false;
  if (watch_ != 0) parts_.log.stop_watching(watch_);
}

Result<void> Exporter::open_files() {
  const ExportLayout& layout = parts_.mapping.layout();
  database_.reset();
  follower_.reset();
  missing_.clear();
  if (auto checked = check_export_directory(options_.directory, layout); !checked) return checked;
  if (auto opened = tree_.open(); !opened) return opened;
  if (!lock_) {
    auto lock = make_posix_disk()->open(options_.directory + "/tidemark-export.lock", true);
    if (!lock) return lock.take_error();
    if (auto locked = (*lock)->lock_exclusive(); !locked) {
      if (locked.error().code != Code::unavailable) return locked;
      return make_error(Code::unavailable, "another process exports to " + options_.directory);
    }
    lock_ = std::move(*lock);
  }
  const std::string& root = options_.root.empty() ? options_.directory : options_.root;
  auto database = ExportDatabase::open(options_.directory, layout, parts_.log.epoch(), root, options_.other_log);
  if (!database) return database.take_error();
  auto positions = (*database)->positions();
  if (!positions) return positions.take_error();
  auto follower = LogFollower::open(parts_.log, layout.topics, *positions);
  if (!follower && follower.error().code == Code::version_conflict) {
    if (options_.on_note) parts_.home.post([this, alive = alive_, why = follower.error().message] { if (*alive) options_.on_note(why); });
    if (auto reset = (*database)->reset(); !reset) return reset;
    positions->clear();
    follower = LogFollower::open(parts_.log, layout.topics, {});
  }
  if (!follower) return follower.take_error();
  auto files = (*database)->files();
  if (!files) return files.take_error();
  // What is not named is only removed when no power cut can bring back a database that names it.
  if (auto synced = (*database)->sync(); !synced) return synced;
  if (auto swept = tree_.sweep(*files); !swept) return swept.take_error();
  for (const auto& [path, origin] : *files) {
    if (!tree_.holds(path, origin.size)) missing_.emplace_back(path, origin);
  }
  if (auto synced = tree_.sync(); !synced) return synced;
  database_ = std::move(*database);
  follower_.emplace(std::move(*follower));
  return {};
}

Result<Exporter::Plan> Exporter::plan(const std::vector<FollowedEvent>& events, const std::vector<std::shared_ptr<const RowReader>>& rows) {
  const ExportLayout& layout = parts_.mapping.layout();
  const auto models = [&](std::string_view name) -> const RowReader& {
    const auto at = std::find(layout.read_models.begin(), layout.read_models.end(), name);
    TM_ASSERT(at != layout.read_models.end(), "a mapping reads only the models that it names");
    return *rows[static_cast<std::size_t>(at - layout.read_models.begin())];
  };
  Plan plan;
  try {
    auto changes = parts_.mapping.map(events, models);
    if (!changes) return changes.take_error();
    plan.changes = std::move(*changes);
  } catch (const RowsUnavailable& error) {
    return make_error(Code::internal, std::string("rows of a read model: ") + error.what());
  }
  for (const FileWish& wish : plan.changes.files) {
    auto there = database_->file(wish.path);
    if (!there) return there.take_error();
    if (!wish.origin) {
      if (*there) plan.to_remove.push_back(wish.path);
    } else if (!*there || **there != *wish.origin || !tree_.holds(wish.path, wish.origin->size)) {
      plan.to_place.push_back(wish);
    }
  }
  return plan;
}

Result<void> Exporter::commit(const Plan& plan, const std::vector<ExportPosition>& positions, const std::vector<std::pair<std::string, FileOrigin>>& placed) {
  if (auto synced = tree_.sync(); !synced) return synced;
  if (auto applied = database_->apply({plan.changes, positions, placed, plan.to_remove}); !applied) return applied;
  for (const auto& path : plan.to_remove) {
    if (auto removed = tree_.remove(path); !removed) return removed;
  }
  return tree_.sync();
}

/// False when its content cannot be had any more.
Task<Result<bool>> Exporter::place(std::string path, FileOrigin origin) {
  Result<void> placed;
  if (origin.kind == FileOrigin::Kind::secret) {
    auto reading = parts_.blobs.read_private(origin.name, origin.size);
    Result<std::string> content = co_await std::move(reading);
    if (!content) {
      placed = content.take_error();
      // Longer than it was said to be: not what was stored.
      if (placed.error().code == Code::exhausted) placed = make_error(Code::corrupt, placed.error().message);
    } else {
      auto work = [this, &path, &origin, content = std::move(*content)]() mutable -> Result<void> {
        auto done = tree_.place(path, content, origin);
        keys::wipe(content);
        return done;
      };
      auto running = run_on(parts_.files, parts_.home, std::move(work));
      placed = co_await running;
    }
  } else {
    blob::BlobRef ref{origin.name, origin.size};
    auto opening = parts_.blobs.open(std::move(ref));
    Result<blob::Opened> opened = co_await std::move(opening);
    if (!opened) {
      placed = opened.take_error();
    } else {
      auto work = [this, &path, &origin, fd = opened->fd] { return tree_.place(path, *fd, origin, abandon_copies_); };
      auto running = run_on(parts_.files, parts_.home, std::move(work));
      placed = co_await running;
    }
  }
  if (placed.ok()) co_return true;
  if (!is_lost(placed.error())) co_return placed.take_error();
  ++lost_;
  if (options_.on_note) options_.on_note("a file cannot be exported: " + placed.error().message);
  co_return false;
}

Task<Result<void>> Exporter::complete_tree() {
  std::vector<std::string> lost;
  std::size_t there = 0;
  for (const auto& [path, origin] : missing_) {
    auto placing = place(path, origin);
    Result<bool> placed = co_await std::move(placing);
    if (!placed) co_return placed.take_error();
    if (*placed) ++there;
    else lost.push_back(path);
  }
  missing_.clear();
  if (!lost.empty()) {
    // Once: what no row names is not looked for again.
    auto forget = [this, &lost] { return database_->lose(lost); };
    auto forgetting = run_on(parts_.files, parts_.home, std::move(forget));
    Result<void> forgotten = co_await forgetting;
    if (!forgotten) co_return forgotten;
  }
  if (there + lost.size() > 0) options_.metrics.applied(0, there, lost.size(), 0);
  co_return Result<void>();
}

Task<Result<bool>> Exporter::try_step() {
  if (!open_) {
    auto open = [this] { return open_files(); };
    auto opening = run_on(parts_.files, parts_.home, std::move(open));
    Result<void> opened = co_await opening;
    if (!opened) co_return opened.take_error();
    auto ask = [this] { return database_->positions(); };
    auto asking = run_on(parts_.files, parts_.home, std::move(ask));
    Result<std::vector<ExportPosition>> positions = co_await asking;
    if (!positions) co_return positions.take_error();
    positions_ = std::move(*positions);
    auto completing = complete_tree();
    Result<void> completed = co_await std::move(completing);
    if (!completed) co_return completed.take_error();
    open_ = true;
  }
  const bool far_behind = unread_records(parts_.log, parts_.mapping.layout().topics, positions_) > kFarBehind;
  const std::size_t steps = far_behind ? kStepsAtOnce : 1;
  auto read = [this, steps] { return follower_->read(steps * kEventsPerStep, steps * kBytesPerStep); };
  auto reading = run_on(parts_.files, parts_.home, std::move(read));
  Result<FollowedBatch> batch = co_await reading;
  if (!batch) co_return batch.take_error();
  if (batch->events.empty()) {
    oldest_unread_.reset();
    co_return false;
  }
  if (batch->oldest) oldest_unread_ = batch->oldest;
  if (following_) measure();  // a transaction of many files takes a while

  std::vector<std::shared_ptr<const RowReader>> rows;
  for (const auto& model : parts_.mapping.layout().read_models) {
    auto waiting = parts_.models.wait(model, batch->needed, kModelPatience);
    Result<void> applied = co_await std::move(waiting);
    if (!applied) co_return applied.take_error();
  }
  for (const auto& model : parts_.mapping.layout().read_models) rows.push_back(parts_.models.rows(model));
  auto work = [this, &batch, &rows] { return plan(batch->events, rows); };
  auto planning = run_on(parts_.files, parts_.home, std::move(work));
  Result<Plan> plan = co_await planning;
  if (!plan) co_return plan.take_error();
  rows.clear();

  std::vector<std::pair<std::string, FileOrigin>> placed;
  std::uint64_t lost = 0;
  for (const FileWish& wish : plan->to_place) {
    auto placing = place(wish.path, *wish.origin);
    Result<bool> there = co_await std::move(placing);
    if (!there) co_return there.take_error();
    if (*there) {
      placed.emplace_back(wish.path, *wish.origin);
    } else {
      ++lost;
      plan->to_remove.push_back(wish.path);
      if (wish.if_lost) plan->changes.rows[wish.if_lost->table][wish.if_lost->row][wish.if_lost->column] = std::monostate();
    }
  }
  auto write = [this, &plan, &batch, &placed] { return commit(*plan, batch->positions, placed); };
  auto writing = run_on(parts_.files, parts_.home, std::move(write));
  Result<void> committed = co_await writing;
  if (!committed) co_return committed.take_error();
  for (auto& at : batch->positions) {
    std::erase_if(positions_, [&](const ExportPosition& old) { return old.topic == at.topic && old.lane == at.lane; });
    positions_.push_back(std::move(at));
  }
  left_out_ += plan->changes.left_out;
  options_.metrics.applied(batch->events.size(), placed.size(), lost, plan->changes.left_out);
  co_return true;
}

Task<Result<bool>> Exporter::step() {
  auto trying = try_step();
  Result<bool> more = co_await std::move(trying);
  if (more.ok()) {
    if (!failure_.empty()) {
      failure_.clear();
      options_.metrics.applied(0, 0, 0, 0);
      if (options_.on_recovery) options_.on_recovery();
    }
    co_return more;
  }
  open_ = false;  // what is on disk says where to go on
  options_.metrics.failed();
  const std::string why = more.error().message;
  if (std::exchange(failure_, why) != why && options_.on_failure) options_.on_failure(more.error());
  co_return more;
}

Task<Result<void>> Exporter::close() {
  auto work = [this]() -> Result<void> {
    Result<void> finished;
    if (database_) finished = database_->finish();
    database_.reset();
    follower_.reset();
    lock_.reset();
    return finished;
  };
  auto closing = run_on(parts_.files, parts_.home, std::move(work));
  Result<void> closed = co_await closing;
  open_ = false;
  co_return closed;
}

void Exporter::follow() {
  following_ = true;
  measure();
  watch_ = parts_.log.watch([this] {
    if (wake_posted_.exchange(true)) return;
    parts_.home.post([this, alive = alive_] { if (*alive) wake(); });
  });
  spawn(loop());
}

void Exporter::wake() {
  wake_posted_ = false;
  woken_ = true;
  if (idle_) resume();
}

Callback<bool> Exporter::rest(Duration longest) {
  auto start = [this, longest](Fn<void(bool)> done) {
    resume_ = std::move(done);
    timer_ = parts_.home.after(longest, [this, alive = alive_] {
      if (!*alive) return;
      timer_ = 0;
      resume();
    });
  };
  return Callback<bool>(std::move(start));
}

void Exporter::resume() {
  if (timer_ != 0) parts_.home.cancel(std::exchange(timer_, 0));
  if (auto done = std::exchange(resume_, nullptr)) done(true);
}

std::uint64_t Exporter::measure() {
  const std::uint64_t unread = unread_records(parts_.log, parts_.mapping.layout().topics, positions_);
  const Time now = parts_.home.wall();
  if (unread == 0) oldest_unread_.reset();
  else if (!oldest_unread_) oldest_unread_ = now;
  options_.metrics.behind(unread, unread == 0 ? Duration(0) : std::max(now - *oldest_unread_, Duration(0)));
  return unread;
}

Task<void> Exporter::loop() {
  Duration pause = kFirstPause;
  while (true) {
    woken_ = false;
    auto stepping = step();
    Result<bool> more = co_await std::move(stepping);
    const std::uint64_t unread = measure();
    if (stopping_ && (!more.ok() || !*more || parts_.home.now() >= stop_by_)) break;
    if (!more.ok()) {
      auto resting = rest(pause);
      co_await resting;
      pause = std::min(pause * 2, kLongestPause);
      continue;
    }
    pause = kFirstPause;
    if (*more || woken_) {
      if (!stopping_ && unread <= kFarBehind) {
        auto resting = rest(unread > kFarBehind / 4 ? kShortRest : options_.pace);
        co_await resting;
      }
      continue;
    }
    idle_ = true;
    auto resting = rest(kMeasureEvery);
    co_await resting;
    idle_ = false;
  }
  auto closing = close();
  Result<void> closed = co_await std::move(closing);
  if (!closed.ok() && options_.on_failure) options_.on_failure(closed.error());
  following_ = false;
  if (auto done = std::exchange(stopped_, nullptr)) done(true);
}

Task<void> Exporter::stop(Duration patience) {
  if (watch_ != 0) parts_.log.stop_watching(std::exchange(watch_, 0));
  if (!following_) co_return;
  stop_by_ = parts_.home.now() + patience;
  stopping_ = true;
  const TimerId deadline = parts_.home.after(patience, [this, alive = alive_] { if (*alive) abandon_copies_ = true; });
  auto wait = [this](Fn<void(bool)> done) {
    stopped_ = std::move(done);
    resume();
  };
  Callback<bool> waiting(std::move(wait));
  co_await waiting;
  parts_.home.cancel(deadline);
}

}  // namespace tidemark::replay
