#pragma once
// A StoreFactory whose stores outlive the node that opened them, so that a test can restart it.

#include <map>
#include <memory>
#include <string>

#include "core/store/store.hpp"

namespace tidemark::testing {

class MemoryStores final : public store::StoreFactory {
 public:
  Result<std::unique_ptr<store::Store>> open(const std::string& name) override {
    auto& shared = stores_[name];
    if (!shared) shared = store::make_memory_store();
    return std::unique_ptr<store::Store>(std::make_unique<Shared>(shared));
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    std::vector<std::string> names;
    for (const auto& [name, store] : stores_) {
      if (name.starts_with(prefix)) names.push_back(name);
    }
    return names;
  }
  Result<void> remove(const std::string& name) override {
    if (removals_fail && stores_.contains(name)) return make_error(Code::internal, "the store " + name + " stays");
    stores_.erase(name);
    return {};
  }
  /// The process dies: all that was not flushed is gone.
  void crash() {
    for (auto& [name, store] : stores_) store->crash();
  }
  /// Somebody deleted the directory.
  void remove_all() { stores_.clear(); }
  bool removals_fail = false;
  store::MemoryStore& at(const std::string& name) { return *stores_.at(name); }

 private:
  class Shared final : public store::Store {
   public:
    explicit Shared(std::shared_ptr<store::MemoryStore> target) : target_(std::move(target)) {}
    bool get(std::string_view key, std::string& value) const override { return target_->get(key, value); }
    void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override { target_->scan(from, to, visit); }
    void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
      target_->scan_back(from, to, visit);
    }
    Result<void> write(const store::Overlay& changes, const store::Checkpoints& checkpoints) override {
      return target_->write(changes, checkpoints);
    }
    Result<void> ingest(std::span<const store::SortedRow> rows, const store::Checkpoints& checkpoints) override {
      return target_->ingest(rows, checkpoints);
    }
    Result<std::map<store::CheckpointKey, store::Checkpoint>> checkpoints() const override { return target_->checkpoints(); }
    Result<void> flush() override { return target_->flush(); }
    std::uint64_t unflushed_bytes() const override { return target_->unflushed_bytes(); }
    std::unique_ptr<RowReader> snapshot() const override { return target_->snapshot(); }
    Result<void> clear() override { return target_->clear(); }

   private:
    std::shared_ptr<store::MemoryStore> target_;
  };
  std::map<std::string, std::shared_ptr<store::MemoryStore>> stores_;
};

/// Everything but the store's own.
inline std::map<std::string, std::string> all_rows(const RowReader& rows) {
  std::map<std::string, std::string> out;
  rows.scan("\x01", "", [&](std::string_view key, std::string_view value) {
    out.emplace(key, value);
    return true;
  });
  return out;
}

}  // namespace tidemark::testing
