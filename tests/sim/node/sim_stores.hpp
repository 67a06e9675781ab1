#pragma once
// The stores of one process: the in-memory twin of RocksDB, which loses at a crash what was not flushed. RocksDB flushes by itself
// too, whenever it likes; so do these.

#include <map>
#include <memory>
#include <string>

#include "core/store/store.hpp"
#include "tests/sim/node/faults.hpp"

namespace tidemark::sim {

class SimStores final : public store::StoreFactory {
 public:
  explicit SimStores(Faults& faults) : faults_(faults) {}

  Result<std::unique_ptr<store::Store>> open(const std::string& name) override {
    auto& shared = stores_[name];
    if (!shared) shared = store::make_memory_store();
    return std::unique_ptr<store::Store>(std::make_unique<Open>(shared, faults_));
  }
  Result<std::vector<std::string>> list(const std::string& prefix) override {
    std::vector<std::string> names;
    for (const auto& [name, store] : stores_) {
      if (name.starts_with(prefix)) names.push_back(name);
    }
    return names;
  }
  Result<void> remove(const std::string& name) override {
    stores_.erase(name);
    return {};
  }
  /// The process dies.
  void crash() {
    for (auto& [name, store] : stores_) store->crash();
  }
  /// Somebody deletes the directory.
  void remove_all() { stores_.clear(); }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, store] : stores_) all.push_back(name);
    return all;
  }
  store::Store& at(const std::string& name) { return *stores_.at(name); }

 private:
  class Open final : public store::Store {
   public:
    Open(std::shared_ptr<store::MemoryStore> target, Faults& faults) : target_(std::move(target)), faults_(faults) {}
    bool get(std::string_view key, std::string& value) const override { return target_->get(key, value); }
    void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override { target_->scan(from, to, visit); }
    void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
      target_->scan_back(from, to, visit);
    }
    Result<void> write(const store::Overlay& changes, const store::Checkpoints& checkpoints) override {
      auto written = target_->write(changes, checkpoints);
      if (written.ok() && faults_.strike(Fault::store_flushed)) return target_->flush();
      return written;
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
    const std::shared_ptr<store::MemoryStore> target_;
    Faults& faults_;
  };
  Faults& faults_;
  std::map<std::string, std::shared_ptr<store::MemoryStore>> stores_;
};

}  // namespace tidemark::sim
