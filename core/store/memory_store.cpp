#include <mutex>
#include <set>

#include "core/store/layout.hpp"
#include "core/store/merged_scan.hpp"

namespace tidemark::store {
namespace {

using Rows = std::map<std::string, std::string, std::less<>>;
using Visit = FnRef<bool(std::string_view, std::string_view)>;

bool get_row(const Rows& rows, std::string_view key, std::string& value) {
  layout::check_row_key(key);
  const auto found = rows.find(key);
  if (found == rows.end()) return false;
  value = found->second;
  return true;
}

void scan_rows(const Rows& rows, std::string_view from, std::string_view to, Visit visit) {
  for (auto at = rows.lower_bound(layout::scan_start(from)); at != rows.end(); ++at) {
    if (!to.empty() && std::string_view(at->first) >= to) return;
    if (!visit(at->first, at->second)) return;
  }
}

void scan_rows_back(const Rows& rows, std::string_view from, std::string_view to, Visit visit) {
  from = layout::scan_start(from);
  auto at = to.empty() ? rows.end() : rows.lower_bound(to);
  while (at != rows.begin()) {
    --at;
    if (std::string_view(at->first) < from || !visit(at->first, at->second)) return;
  }
}

using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

class RowsView final : public RowReader {
 public:
  explicit RowsView(const Rows& rows) : rows_(rows) {}
  bool get(std::string_view key, std::string& value) const override { return get_row(rows_, key, value); }
  void scan(std::string_view from, std::string_view to, Visit visit) const override { scan_rows(rows_, from, to, visit); }
  void scan_back(std::string_view from, std::string_view to, Visit visit) const override { scan_rows_back(rows_, from, to, visit); }

 private:
  const Rows& rows_;
};

// Rows are copied on the first write while a scan has hold of them, so readers need no lock while they visit. A snapshot costs what
// is written while it is held: it keeps the values that were overwritten since.
class MemoryStoreImpl final : public MemoryStore {
 public:
  bool get(std::string_view key, std::string& value) const override {
    const std::lock_guard lock(mutex_);
    return get_row(*rows_, key, value);
  }
  void scan(std::string_view from, std::string_view to, Visit visit) const override {
    const Hold hold(*this);
    scan_rows(*hold.rows, from, to, visit);
  }
  void scan_back(std::string_view from, std::string_view to, Visit visit) const override {
    const Hold hold(*this);
    scan_rows_back(*hold.rows, from, to, visit);
  }

  Result<void> write(const Overlay& changes, const Checkpoints& checkpoints) override {
    const std::lock_guard lock(mutex_);
    own();
    for (const auto& [key, value] : changes.changes()) {
      layout::check_row_key(key);
      set(key, value);
    }
    for (const auto& [key, checkpoint] : checkpoints) set(layout::checkpoint_key(key), layout::checkpoint_value(checkpoint));
    return {};
  }

  Result<void> ingest(std::span<const SortedRow> rows, const Checkpoints& checkpoints) override {
    const std::lock_guard lock(mutex_);
    own();
    std::string_view last;
    for (const auto& [key, value] : rows) {
      layout::check_row_key(key);
      TM_ASSERT(last < key, "the rows of an ingest ascend");
      last = key;
      if (!snapshots_.empty()) {
        const auto at = rows_->find(key);
        note_for_snapshots(std::string(key), at == rows_->end() ? std::nullopt : std::optional(at->second));
      }
      if (value) rows_->insert_or_assign(std::string(key), *value);
      else rows_->erase(std::string(key));
    }
    for (const auto& [key, checkpoint] : checkpoints) set(layout::checkpoint_key(key), layout::checkpoint_value(checkpoint));
    before_.clear();
    unflushed_bytes_ = 0;
    return {};
  }

  Result<std::map<CheckpointKey, Checkpoint>> checkpoints() const override {
    const std::lock_guard lock(mutex_);
    std::map<CheckpointKey, Checkpoint> all;
    const auto end = rows_->lower_bound(layout::kCheckpointsTo);
    for (auto at = rows_->lower_bound(layout::kCheckpointsFrom); at != end; ++at) {
      if (auto read = layout::read_checkpoint(at->first, at->second, all); !read) return read.take_error();
    }
    return all;
  }

  Result<void> flush() override {
    const std::lock_guard lock(mutex_);
    before_.clear();
    unflushed_bytes_ = 0;
    return {};
  }
  std::uint64_t unflushed_bytes() const override {
    const std::lock_guard lock(mutex_);
    return unflushed_bytes_;
  }
  std::unique_ptr<RowReader> snapshot() const override { return std::make_unique<Snapshot>(*this); }
  Result<void> clear() override {
    const std::lock_guard lock(mutex_);
    own();
    for (const auto& [key, value] : *rows_) note_for_snapshots(key, value);
    rows_->clear();
    before_.clear();
    unflushed_bytes_ = 0;
    return {};
  }
  void crash() override {
    const std::lock_guard lock(mutex_);
    own();
    for (auto& [key, value] : before_) {
      const auto at = rows_->find(key);
      note_for_snapshots(key, at == rows_->end() ? std::nullopt : std::optional(at->second));
      if (value) rows_->insert_or_assign(key, std::move(*value));
      else if (at != rows_->end()) rows_->erase(at);
    }
    before_.clear();
    unflushed_bytes_ = 0;
  }

 private:
  // Taken and let go under the lock, so that a use count of one proves that no reader is left.
  struct Hold {
    explicit Hold(const MemoryStoreImpl& owner) : Hold(owner, std::unique_lock(owner.mutex_)) {}
    Hold(const MemoryStoreImpl& owner, std::unique_lock<std::mutex>) : store(owner), rows(owner.rows_) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      const std::lock_guard lock(store.mutex_);
      rows.reset();
    }
    const MemoryStoreImpl& store;
    std::shared_ptr<const Rows> rows;
  };

  class Snapshot final : public RowReader {
   public:
    explicit Snapshot(const MemoryStoreImpl& store) : store_(store) {
      const std::lock_guard lock(store_.mutex_);
      store_.snapshots_.insert(this);
    }
    ~Snapshot() override {
      const std::lock_guard lock(store_.mutex_);
      store_.snapshots_.erase(this);
    }
    bool get(std::string_view key, std::string& value) const override {
      const std::lock_guard lock(store_.mutex_);
      const auto found = before_.find(key);
      if (found == before_.end()) return get_row(*store_.rows_, key, value);
      if (!found->second) return false;
      value = *found->second;
      return true;
    }
    void scan(std::string_view from, std::string_view to, Visit visit) const override {
      const Held held(*this);
      merged_scan(held.rows, held.before, layout::scan_start(from), to, visit);
    }
    void scan_back(std::string_view from, std::string_view to, Visit visit) const override {
      const Held held(*this);
      merged_scan_back(held.rows, held.before, layout::scan_start(from), to, visit);
    }

   private:
    friend class MemoryStoreImpl;
    // What it shows now, for a reader without a lock.
    struct Held {
      explicit Held(const Snapshot& snapshot) : Held(snapshot, std::unique_lock(snapshot.store_.mutex_)) {}
      Held(const Snapshot& snapshot, std::unique_lock<std::mutex> lock)
          : before(snapshot.before_), hold(snapshot.store_, std::move(lock)), rows(*hold.rows) {}
      const Changes before;
      const Hold hold;
      const RowsView rows;
    };
    const MemoryStoreImpl& store_;
    Changes before_;  // what was overwritten since
  };

  void own() {
    if (rows_.use_count() == 1) return;
    rows_ = std::make_shared<Rows>(*rows_);
  }

  void note_for_snapshots(const std::string& key, const std::optional<std::string>& value) {
    for (Snapshot* snapshot : snapshots_) snapshot->before_.try_emplace(key, value);
  }

  void set(const std::string& key, const std::optional<std::string>& value) {
    const auto at = rows_->find(key);
    const auto old = at == rows_->end() ? std::nullopt : std::optional(at->second);
    before_.try_emplace(key, old);
    note_for_snapshots(key, old);
    unflushed_bytes_ += key.size() + (value ? value->size() : 0);
    if (value) rows_->insert_or_assign(key, *value);
    else if (at != rows_->end()) rows_->erase(at);
  }

  mutable std::mutex mutex_;
  std::shared_ptr<Rows> rows_ = std::make_shared<Rows>();
  mutable std::set<Snapshot*> snapshots_;
  Changes before_;  // what a crash goes back to: values at the last flush
  std::uint64_t unflushed_bytes_ = 0;
};

}  // namespace

std::unique_ptr<MemoryStore> make_memory_store() { return std::make_unique<MemoryStoreImpl>(); }

}  // namespace tidemark::store
