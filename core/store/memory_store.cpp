#include <mutex>

#include "core/store/layout.hpp"

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

class MemorySnapshot final : public RowReader {
 public:
  explicit MemorySnapshot(std::shared_ptr<const Rows> rows) : rows_(std::move(rows)) {}
  bool get(std::string_view key, std::string& value) const override { return get_row(*rows_, key, value); }
  void scan(std::string_view from, std::string_view to, Visit visit) const override { scan_rows(*rows_, from, to, visit); }
  void scan_back(std::string_view from, std::string_view to, Visit visit) const override { scan_rows_back(*rows_, from, to, visit); }

 private:
  std::shared_ptr<const Rows> rows_;
};

// Rows are copied on the first write after a snapshot or scan took hold of them, so readers need no lock while they visit.
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
  std::unique_ptr<RowReader> snapshot() const override {
    const std::lock_guard lock(mutex_);
    shared_ = true;
    return std::make_unique<MemorySnapshot>(rows_);
  }
  Result<void> clear() override {
    const std::lock_guard lock(mutex_);
    rows_ = std::make_shared<Rows>();
    shared_ = false;
    before_.clear();
    unflushed_bytes_ = 0;
    return {};
  }
  void crash() override {
    const std::lock_guard lock(mutex_);
    own();
    for (auto& [key, value] : before_) {
      if (value) (*rows_)[key] = std::move(*value);
      else rows_->erase(key);
    }
    before_.clear();
    unflushed_bytes_ = 0;
  }

 private:
  // Taken and let go under the lock, so that a use count of one proves that no reader is left.
  struct Hold {
    explicit Hold(const MemoryStoreImpl& owner) : store(owner) {
      const std::lock_guard lock(store.mutex_);
      rows = store.rows_;
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      const std::lock_guard lock(store.mutex_);
      rows.reset();
    }
    const MemoryStoreImpl& store;
    std::shared_ptr<const Rows> rows;
  };

  void own() {
    if (!shared_ && rows_.use_count() == 1) return;
    rows_ = std::make_shared<Rows>(*rows_);
    shared_ = false;
  }

  void set(const std::string& key, const std::optional<std::string>& value) {
    const auto at = rows_->find(key);
    before_.try_emplace(key, at == rows_->end() ? std::nullopt : std::optional(at->second));
    unflushed_bytes_ += key.size() + (value ? value->size() : 0);
    if (value) rows_->insert_or_assign(key, *value);
    else if (at != rows_->end()) rows_->erase(at);
  }

  mutable std::mutex mutex_;
  std::shared_ptr<Rows> rows_ = std::make_shared<Rows>();
  mutable bool shared_ = false;  // a snapshot holds these rows, perhaps no longer
  std::map<std::string, std::optional<std::string>> before_;  // what a crash goes back to: values at the last flush
  std::uint64_t unflushed_bytes_ = 0;
};

}  // namespace

std::unique_ptr<MemoryStore> make_memory_store() { return std::make_unique<MemoryStoreImpl>(); }

}  // namespace tidemark::store
