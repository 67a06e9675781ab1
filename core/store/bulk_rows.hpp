#pragma once
// The bulk path into an empty store: rows are folded in memory, sorted, and ingested in runs. A row that is written a
// thousand times costs one entry; only the last run carries checkpoints, so what a crash leaves before it has none and is
// started over.

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/store/store.hpp"

namespace tidemark::store {

/// Rows in memory over a store that was empty at first. Reads see all writes. Not thread-safe.
class BulkRows final : public RowWriter {
 public:
  /// `store` is borrowed, has neither rows nor checkpoints, and is written by nobody else. `bytes_max` is what a run may take
  /// in memory: see full().
  BulkRows(Store& store, std::size_t bytes_max) : store_(store), bytes_max_(bytes_max) {}

  bool get(std::string_view key, std::string& value) const override;
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void put(std::string_view key, std::string_view value) override;
  void erase(std::string_view key) override;

  /// Time for a spill. Nothing is spilled by itself, so that a scan may write.
  bool full() const { return bytes_ >= bytes_max_; }
  /// Ingests what is in memory as one run. With checkpoints it is the last one: the store is complete, and this object empty.
  Result<void> spill(const Checkpoints& checkpoints = {});

 private:
  struct Value {
    char* at = nullptr;
    std::uint32_t size = 0, room = 0;
    bool erased = true;
    friend std::optional<std::string_view> change_value(const Value* value) {
      if (value->erased) return std::nullopt;
      return std::string_view(value->at, value->size);
    }
  };
  /// Hands out memory that is given back all at once.
  class Arena {
   public:
    char* take(std::size_t size);  ///< aligned for any type
    void clear();

   private:
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t left_ = 0;
    char* at_ = nullptr;
  };
  Value& entry(std::string_view key);
  const std::map<std::string_view, Value*>& ordered() const;

  Store& store_;
  const std::size_t bytes_max_;
  bool spilled_ = false;  ///< the store has rows, so that a miss must ask it and an erase must reach it
  std::size_t bytes_ = 0;
  Arena arena_;
  boost::unordered_flat_map<std::string_view, Value*> rows_;  ///< keys and values lie in the arena
  mutable std::optional<std::map<std::string_view, Value*>> ordered_;  ///< the same, once a scan has asked
};

}  // namespace tidemark::store
