#pragma once
// A store: ordered rows and the checkpoints they belong to, written together. RocksDB in production, memory in tests.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/metrics.hpp"
#include "core/base/rows.hpp"

namespace tidemark::store {

/// How far a store has applied one topic in one lane.
struct Checkpoint {
  Uuid log_epoch;
  Tmseq next;          ///< first tmseq not applied
  std::string last_id;  ///< ce_id of the record at next - 1, read again at start; empty when next is 0
  bool operator==(const Checkpoint&) const = default;
};

/// Names a checkpoint inside a store.
struct CheckpointKey {
  std::string topic;
  LaneId lane;
  auto operator<=>(const CheckpointKey&) const = default;
};

using Checkpoints = std::vector<std::pair<CheckpointKey, Checkpoint>>;

/// A row of an ingest; without a value the key is erased. Borrowed bytes.
struct SortedRow {
  std::string_view key;
  std::optional<std::string_view> value;
};

/// Puts and erases over a reader, in memory: what a lane's batch has decided, or a projection's batch has applied.
/// Reads see the writes. Not thread-safe. `base` is borrowed. Not copied, so that `Overlay upper(lower)` does not compile
/// instead of silently not being a layer: say `Overlay upper(static_cast<const RowReader&>(lower))`.
class Overlay final : public RowWriter {
 public:
  explicit Overlay(const RowReader& base) : base_(&base) {}
  Overlay(const Overlay&) = delete;
  Overlay& operator=(const Overlay&) = delete;
  Overlay(Overlay&&) = default;
  Overlay& operator=(Overlay&&) = default;
  bool get(std::string_view key, std::string& value) const override;
  void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override;
  void put(std::string_view key, std::string_view value) override;
  void erase(std::string_view key) override;

  /// nullopt is an erase.
  const std::map<std::string, std::optional<std::string>, std::less<>>& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }
  void clear() { changes_.clear(); }
  /// Puts the changes of `upper`, an overlay over this one, over its own. Leaves it empty.
  void take(Overlay& upper);

 private:
  const RowReader* base_;
  std::map<std::string, std::optional<std::string>, std::less<>> changes_;
};

/// The store. Row keys must not be empty; keys that begin with byte 0x00 are the store's own and rejected by assert.
///   threads   reads from any thread at any time; write from one thread at a time, flush from one thread at a time (another one may write meanwhile)
class Store : public RowReader {
 public:
  /// Applies the overlay's changes and sets the given checkpoints, atomically. Not durable: a crash may lose a suffix of
  /// writes, never a part of one.
  virtual Result<void> write(const Overlay& changes, const Checkpoints& checkpoints) = 0;
  /// Applies rows in strictly ascending order of their keys and sets the checkpoints, atomically, and makes that and all that
  /// was written before durable. For large amounts (bulk_rows.hpp): RocksDB takes them as a file, past its memtable.
  virtual Result<void> ingest(std::span<const SortedRow> rows, const Checkpoints& checkpoints) = 0;
  virtual Result<std::map<CheckpointKey, Checkpoint>> checkpoints() const = 0;
  /// Makes everything written so far durable.
  virtual Result<void> flush() = 0;
  /// Bytes written since the last flush, about.
  virtual std::uint64_t unflushed_bytes() const = 0;
  /// A consistent view of the present rows; stays the same while writes go on. Must not outlive the store.
  virtual std::unique_ptr<RowReader> snapshot() const = 0;
  /// Removes all rows and checkpoints, durably.
  virtual Result<void> clear() = 0;
};

/// Opens a RocksDB store in `directory` (created when missing). Block cache and write buffers are shared by all stores of
/// the process. corrupt when RocksDB says so, unavailable when another process has it open.
/// `registry` (outlives the store; null: nothing is counted) gets its metrics, labelled `name`.
Result<std::unique_ptr<Store>> open_rocksdb_store(const std::string& directory, metrics::Registry* registry = nullptr,
                                                  const std::string& name = {});

/// The in-memory twin. `crash()` forgets everything written since the last flush, as RocksDB without a WAL does.
class MemoryStore : public Store {
 public:
  virtual void crash() = 0;
};
std::unique_ptr<MemoryStore> make_memory_store();

/// Opens the store of that name and version; handed to the runtime so that it knows no RocksDB.
class StoreFactory {
 public:
  virtual ~StoreFactory() = default;
  /// `name` is like "state/builds-v1" or "projections/builds.by_id-v3".
  virtual Result<std::unique_ptr<Store>> open(const std::string& name) = 0;
  /// Names of the stores that exist and begin with `prefix`, sorted. The prefix reaches into the last directory.
  virtual Result<std::vector<std::string>> list(const std::string& prefix) = 0;
  /// Removes a store that nobody has open, if it exists; a crash leaves all of it or nothing.
  virtual Result<void> remove(const std::string& name) = 0;
};
std::unique_ptr<StoreFactory> make_rocksdb_store_factory(std::string root_directory, metrics::Registry* registry = nullptr);

}  // namespace tidemark::store
