#include "core/cluster/blobs/copy_check.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/observe/log.hpp"

namespace tidemark::cluster {
namespace {

constexpr Duration kUsesAgain = std::chrono::milliseconds(500);  // after uses could not be said
constexpr int kUsesAttempts = 60;

class CheckMetrics {
 public:
  explicit CheckMetrics(metrics::Registry* registry)
      : others_(registry, {"tidemark_blob_copies_nodes", "Other nodes that there are for copies of files"}),
        single_(registry, {"tidemark_blob_copies_single_files", "Files of this node that are needed and were on no other node when last looked at"}),
        passed_(registry, {"tidemark_blob_copies_checked_seconds", "When the last pass over all files of this node ended, or this node began, since the Unix epoch"}),
        remade_(registry, {"tidemark_blob_copies_remade_total", "Files given to another node because no other had them any more, or yet"}),
        checked_(registry, {"tidemark_blob_copies_checked_total", "Files of which was asked whether another node has them"}),
        cut_(registry, {"tidemark_blob_copies_passes_cut_total", "Passes over the files of this node that ended early"}) {}

  void others(std::size_t nodes) const { others_.set(static_cast<double>(nodes)); }
  void checked(std::size_t files) const { checked_.add(static_cast<double>(files)); }
  void remade() const { remade_.add(); }
  void single(std::uint64_t files) const { single_.set(static_cast<double>(files)); }
  void passed(Time now) const { passed_.set(static_cast<double>(to_ms(now) / 1000)); }
  void cut() const { cut_.add(); }

 private:
  metrics::Gauge others_, single_, passed_;
  metrics::Counter remade_, checked_, cut_;
};

struct Pass {
  std::vector<std::string> group;     // ids of the other nodes
  std::set<std::string> passed_over;  // of those that are not asked
  std::uint64_t checked = 0, single = 0, remade = 0;
  int refusals = 0;                   // one after the other
  const char* cut = nullptr;          // why it ended early
};

}  // namespace

struct CopyCheck::State {
  State(CopyCheckParts of, CopyCheckOptions with) : parts(of), options(with), files(blob::copy_source(of.local)), metrics(of.metrics) {}

  static Task<void> run(std::shared_ptr<State> self);
  Task<void> pass_over(Pass& pass);
  Task<void> look_at(Pass& pass, std::vector<blob::StoredFile> page);
  Task<std::optional<blob::Use>> use_of(Pass& pass, const blob::StoredFile& file);
  Task<void> make_again(Pass& pass, blob::StoredFile file);
  Task<bool> is_here(blob::StoredFile file);
  bool goes_on(Pass& pass) const;
  void note_mute(Pass& pass, const PeerCopies::Elsewhere& found);
  void tell(const Pass& pass);

  const CopyCheckParts parts;
  const CopyCheckOptions options;
  blob::CopySource& files;
  const CheckMetrics metrics;
  bool ended = false, running = false;
  std::map<std::string, int> mute;  // ids of nodes that could not be asked, with the number of passes
  std::uint64_t last_single = 0;
};

CopyCheck::CopyCheck(CopyCheckParts parts, CopyCheckOptions options) : state_(std::make_shared<State>(parts, options)) {}

void CopyCheck::begin() {
  state_->running = true;
  spawn(State::run(state_));
}
void CopyCheck::end() { state_->ended = true; }
bool CopyCheck::under_way() const { return state_->running; }

Task<void> CopyCheck::State::run(std::shared_ptr<State> self) {
  Scheduler& home = self->parts.home;
  std::vector<std::string> group = self->parts.copies.others();
  SteadyTime due = home.now() + self->options.settle;
  self->metrics.passed(home.wall());  // none is late yet
  while (!self->ended) {
    auto pausing = sleep_for(home, self->options.look_every);
    co_await pausing;
    if (self->ended) break;
    auto others = self->parts.copies.others();
    self->metrics.others(others.size());
    if (others != group) {
      group = std::move(others);
      self->mute.clear();
      due = home.now() + self->options.settle;
    }
    if (home.now() < due) continue;
    Pass pass;
    pass.group = group;
    auto passing = self->pass_over(pass);
    co_await std::move(passing);
    self->tell(pass);
    const bool soon = pass.cut != nullptr || (pass.single > 0 && !group.empty());
    due = home.now() + (soon ? std::min(self->options.retry, self->options.interval) : self->options.interval);
  }
  self->running = false;
}

Task<void> CopyCheck::State::pass_over(Pass& pass) {
  std::optional<blob::StoredFile> after;
  while (goes_on(pass)) {
    auto listing = files.list_files(after, options.page_files);
    auto page = co_await std::move(listing);
    if (!page.ok()) {
      observe::warning("files not listed", {{"code", name_of(page.error().code)}, {"reason", page.error().message}});
      pass.cut = "the files cannot be listed";
      co_return;
    }
    const bool last = page->size() < options.page_files;
    if (!page->empty()) {
      after = page->back();
      auto looking = look_at(pass, std::move(*page));
      co_await std::move(looking);
    }
    if (last) co_return;
    auto pausing = sleep_for(parts.home, options.page_pause);
    co_await pausing;
  }
}

bool CopyCheck::State::goes_on(Pass& pass) const {
  if (pass.cut == nullptr && ended) pass.cut = "the node stops";
  if (pass.cut == nullptr && parts.copies.others() != pass.group) pass.cut = "the group has changed";
  return pass.cut == nullptr;
}

Task<void> CopyCheck::State::look_at(Pass& pass, std::vector<blob::StoredFile> page) {
  std::vector<bool> held(page.size(), false);
  if (!pass.group.empty()) {
    auto asking = parts.copies.elsewhere(page, pass.passed_over);
    auto found = co_await std::move(asking);
    note_mute(pass, found);
    held = std::move(found.held);
  }
  pass.checked += page.size();
  metrics.checked(page.size());
  for (std::size_t i = 0; i < page.size() && goes_on(pass); ++i) {
    if (held[i]) continue;
    auto making = make_again(pass, std::move(page[i]));
    co_await std::move(making);
  }
}

/// One that may only be busy is waited for; one that stays away does not keep the others from having what it may have.
void CopyCheck::State::note_mute(Pass& pass, const PeerCopies::Elsewhere& found) {
  for (const std::string& id : found.answered) mute.erase(id);
  for (const std::string& id : found.mute) {
    pass.passed_over.insert(id);
    if (++mute[id] <= options.mute_passes_max) pass.cut = "a node cannot be asked";
  }
}

Task<std::optional<blob::Use>> CopyCheck::State::use_of(Pass& pass, const blob::StoredFile& file) {
  for (int attempt = 1; goes_on(pass); ++attempt) {
    const auto use = parts.uses.of(file);
    if (use) co_return use;
    if (attempt == kUsesAttempts) pass.cut = "nobody can say which files are needed";
    auto pausing = sleep_for(parts.home, kUsesAgain);
    co_await pausing;
  }
  co_return std::nullopt;
}

Task<void> CopyCheck::State::make_again(Pass& pass, blob::StoredFile file) {
  auto asking = use_of(pass, file);
  const auto use = co_await std::move(asking);
  if (use != blob::Use::needed) co_return;
  if (pass.group.empty()) {
    ++pass.single;
    co_return;
  }
  // Not collected meanwhile. A private one is: its end is not to wait for this.
  std::shared_ptr<void> held;
  if (!file.is_private) held = parts.local.hold(file.name);
  auto looking = is_here(file);
  const bool here = co_await std::move(looking);
  if (!here) co_return;
  auto giving = parts.copies.give_again(file);
  const auto given = co_await std::move(giving);
  using Again = PeerCopies::Again;
  if (given.became == Again::gone) co_return;
  if (given.became == Again::given) {
    ++pass.remade;
    pass.refusals = 0;
    metrics.remade();
    auto resting = sleep_for(parts.home, Duration(given.bytes * 1000 / options.bytes_per_second));
    co_await resting;
    co_return;
  }
  ++pass.single;
  if (given.became == Again::refused && ++pass.refusals >= options.refusals_max) pass.cut = "no node takes copies";
  if (given.became == Again::damaged && !file.is_private) {
    blob::BlobRef ref{file.name, file.size};
    auto reading = parts.local.open_verified(std::move(ref));  // which counts it
    (void)co_await std::move(reading);
  }
}

Task<bool> CopyCheck::State::is_here(blob::StoredFile file) {
  std::vector<blob::StoredFile> wanted{std::move(file)};
  auto looking = files.are_here(std::move(wanted));
  const auto here = co_await std::move(looking);
  co_return here.ok() && here->front();
}

void CopyCheck::State::tell(const Pass& pass) {
  if (pass.cut == nullptr || pass.single > last_single) {
    last_single = pass.single;
    metrics.single(pass.single);
  }
  if (pass.remade > 0) observe::info("files copied to other nodes", {{"files", pass.remade}});
  if (pass.single > 0 && !pass.group.empty()) observe::warning("files with one copy", {{"files", pass.single}});
  if (pass.cut == nullptr) {
    metrics.passed(parts.home.wall());
  } else if (!ended) {
    metrics.cut();
    observe::info("copies of files not all looked at", {{"looked_at", pass.checked}, {"reason", pass.cut}});
  }
}

}  // namespace tidemark::cluster
