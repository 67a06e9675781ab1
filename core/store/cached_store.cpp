#include "core/store/cached_store.hpp"

#include <unordered_map>

namespace tidemark::store {
namespace {

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
};

class CachedStore final : public Store {
 public:
  CachedStore(std::unique_ptr<Store> base, std::size_t bytes_max) : base_(std::move(base)), bytes_max_(bytes_max) {}

  bool get(std::string_view key, std::string& value) const override {
    const auto found = rows_.find(key);
    if (found == rows_.end()) {
      const bool present = base_->get(key, value);
      remember(key, present ? std::optional<std::string>(value) : std::nullopt);
      return present;
    }
    if (!found->second) return false;
    value = *found->second;
    return true;
  }
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
    base_->scan(from, to, visit);
  }
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
    base_->scan_back(from, to, visit);
  }

  Result<void> write(const Overlay& changes, const Checkpoints& checkpoints) override {
    auto written = base_->write(changes, checkpoints);
    if (!written) {
      forget_all();  // what the base holds now is its own secret
      return written;
    }
    for (const auto& [key, value] : changes.changes()) remember(key, value);
    return written;
  }
  Result<void> ingest(std::span<const SortedRow> rows, const Checkpoints& checkpoints) override {
    forget_all();
    return base_->ingest(rows, checkpoints);
  }
  Result<std::map<CheckpointKey, Checkpoint>> checkpoints() const override { return base_->checkpoints(); }
  Result<void> flush() override { return base_->flush(); }
  std::uint64_t unflushed_bytes() const override { return base_->unflushed_bytes(); }
  std::unique_ptr<RowReader> snapshot() const override { return base_->snapshot(); }
  Result<void> clear() override {
    forget_all();
    return base_->clear();
  }

 private:
  static constexpr std::size_t kRowOverhead = 96;  // node, two strings

  void remember(std::string_view key, const std::optional<std::string>& value) const {
    if (bytes_ > bytes_max_) forget_all();
    const auto found = rows_.find(key);
    if (found != rows_.end()) {
      bytes_ -= found->second ? found->second->size() : 0;
      found->second = value;
    } else {
      rows_.emplace(std::string(key), value);
      bytes_ += key.size() + kRowOverhead;
    }
    bytes_ += value ? value->size() : 0;
  }
  void forget_all() const {
    rows_.clear();
    bytes_ = 0;
  }

  std::unique_ptr<Store> base_;
  const std::size_t bytes_max_;
  mutable std::unordered_map<std::string, std::optional<std::string>, Hash, std::equal_to<>> rows_;
  mutable std::size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Store> cache_rows(std::unique_ptr<Store> base, std::size_t bytes_max) {
  return std::make_unique<CachedStore>(std::move(base), bytes_max);
}

}  // namespace tidemark::store
