#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <atomic>

#include "core/base/disk.hpp"
#include "core/store/layout.hpp"
#include "core/store/store_metrics.hpp"

namespace tidemark::store {
namespace {

using Visit = FnRef<bool(std::string_view, std::string_view)>;

// One budget for all stores of the process: write buffers are charged to the block cache.
constexpr std::size_t kCacheBytes = 32u << 20;
constexpr std::size_t kWriteBuffersBytes = 24u << 20;
constexpr std::size_t kWriteBufferBytes = 8u << 20;   // per store, before RocksDB flushes by itself
constexpr const char* kIngestFile = "ingest.sst";     // being written; a left one is overwritten by the next ingest
constexpr std::size_t kArenaBlockBytes = 128u << 10;  // what an almost empty store takes

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

// RocksDB's own log repeats what the statuses say; a store must not write files that nobody reads.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

struct Shared {
  std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kCacheBytes, /*num_shard_bits=*/2);
  std::shared_ptr<rocksdb::WriteBufferManager> buffers = std::make_shared<rocksdb::WriteBufferManager>(kWriteBuffersBytes, cache);
  std::shared_ptr<rocksdb::Logger> log = std::make_shared<NoLog>();
  rocksdb::CompressionType compression = rocksdb::kNoCompression;

  Shared() {
    const auto supported = rocksdb::GetSupportedCompressions();
    if (std::find(supported.begin(), supported.end(), rocksdb::kLZ4Compression) != supported.end()) compression = rocksdb::kLZ4Compression;
    rocksdb::Env::Default()->SetBackgroundThreads(1, rocksdb::Env::LOW);
    rocksdb::Env::Default()->SetBackgroundThreads(1, rocksdb::Env::HIGH);
  }
};

const Shared& shared() {
  static const Shared instance;
  return instance;
}

rocksdb::Options make_options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.info_log = shared().log;
  options.max_background_jobs = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;
  options.skip_stats_update_on_db_open = true;
  options.manifest_preallocation_size = 64u << 10;
  options.max_manifest_file_size = 4u << 20;
  options.avoid_unnecessary_blocking_io = true;
  options.write_buffer_manager = shared().buffers;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = 3;
  options.arena_block_size = kArenaBlockBytes;
  options.level_compaction_dynamic_level_bytes = true;
  options.target_file_size_base = 16u << 20;
  options.max_bytes_for_level_base = 64u << 20;
  options.compression = shared().compression;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = shared().cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 8u << 10;
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

Error to_error(const rocksdb::Status& status, const std::string& doing, const std::string& directory) {
  const std::string text = status.ToString();
  Code code = Code::internal;
  if (status.IsCorruption()) code = Code::corrupt;
  else if (status.IsNoSpace()) code = Code::exhausted;
  else if (status.IsNotSupported()) code = Code::unsupported_version;
  else if (status.IsIOError() && text.find("lock") != std::string::npos && text.find("LOCK") != std::string::npos) code = Code::unavailable;
  return make_error(code, doing + " the store " + directory + ": " + text);
}

/// Reads of the present rows, or of a snapshot of them.
class Reads {
 public:
  Reads(rocksdb::DB& db, const std::string& directory, const rocksdb::Snapshot* snapshot) : db_(&db), directory_(&directory) {
    options_.snapshot = snapshot;
    options_.total_order_seek = true;
  }

  bool get(std::string_view key, std::string& value) const {
    layout::check_row_key(key);
    rocksdb::PinnableSlice found;
    const auto status = db_->Get(options_, db_->DefaultColumnFamily(), slice(key), &found);
    if (status.IsNotFound()) return false;
    if (!status.ok()) fail(status);
    value.assign(found.data(), found.size());
    return true;
  }

  void scan(std::string_view from, std::string_view to, Visit visit) const {
    from = layout::scan_start(from);
    if (!to.empty() && from >= to) return;
    const rocksdb::Slice end = slice(to);
    rocksdb::ReadOptions options = options_;
    if (!to.empty()) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    for (at->Seek(slice(from)); at->Valid(); at->Next()) {
      if (!visit(view(at->key()), view(at->value()))) return;
    }
    if (!at->status().ok()) fail(at->status());
  }

  void scan_back(std::string_view from, std::string_view to, Visit visit) const {
    from = layout::scan_start(from);
    if (!to.empty() && from >= to) return;
    const rocksdb::Slice begin = slice(from);
    const rocksdb::Slice end = slice(to);
    rocksdb::ReadOptions options = options_;
    options.iterate_lower_bound = &begin;
    if (!to.empty()) options.iterate_upper_bound = &end;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    for (at->SeekToLast(); at->Valid(); at->Prev()) {
      if (!visit(view(at->key()), view(at->value()))) return;
    }
    if (!at->status().ok()) fail(at->status());
  }

 private:
  [[noreturn]] void fail(const rocksdb::Status& status) const {
    throw RowsUnavailable(describe(to_error(status, "reading", *directory_)));
  }
  rocksdb::DB* db_;
  const std::string* directory_;
  rocksdb::ReadOptions options_;
};

class RocksSnapshot final : public RowReader {
 public:
  RocksSnapshot(rocksdb::DB& db, const std::string& directory) : db_(&db), snapshot_(db.GetSnapshot()), reads_(db, directory, snapshot_) {}
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;
  ~RocksSnapshot() override { db_->ReleaseSnapshot(snapshot_); }
  bool get(std::string_view key, std::string& value) const override { return reads_.get(key, value); }
  void scan(std::string_view from, std::string_view to, Visit visit) const override { reads_.scan(from, to, visit); }
  void scan_back(std::string_view from, std::string_view to, Visit visit) const override { reads_.scan_back(from, to, visit); }

 private:
  rocksdb::DB* db_;
  const rocksdb::Snapshot* snapshot_;
  Reads reads_;
};

// The default column family only, and the WAL off: memtables reach the disk in the order written, so what a crash leaves
// is always the rows and checkpoints of some earlier write. Two column families would not promise that.
class RocksStore final : public Store {
 public:
  RocksStore(std::unique_ptr<rocksdb::DB> db, std::string directory, StoreMetrics metrics)
      : db_(std::move(db)), directory_(std::move(directory)), reads_(*db_, directory_, nullptr), metrics_(metrics) {
    write_options_.disableWAL = true;
  }

  bool get(std::string_view key, std::string& value) const override { return reads_.get(key, value); }
  void scan(std::string_view from, std::string_view to, Visit visit) const override { reads_.scan(from, to, visit); }
  void scan_back(std::string_view from, std::string_view to, Visit visit) const override { reads_.scan_back(from, to, visit); }

  Result<void> write(const Overlay& changes, const Checkpoints& checkpoints) override {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : changes.changes()) {
      layout::check_row_key(key);
      const auto status = value ? batch.Put(key, *value) : batch.Delete(key);
      if (!status.ok()) return to_error(status, "filling a batch for", directory_);
    }
    for (const auto& [key, checkpoint] : checkpoints) {
      const auto status = batch.Put(layout::checkpoint_key(key), layout::checkpoint_value(checkpoint));
      if (!status.ok()) return to_error(status, "filling a batch for", directory_);
    }
    if (batch.Count() == 0) return {};
    const auto writing = metrics_.writing();
    if (const auto status = db_->Write(write_options_, &batch); !status.ok()) return to_error(status, "writing", directory_);
    writing.stop();
    metrics_.wrote(batch.GetDataSize());
    unflushed_bytes_ += batch.GetDataSize();
    return {};
  }

  Result<void> ingest(std::span<const SortedRow> rows, const Checkpoints& checkpoints) override {
    if (rows.empty() && checkpoints.empty()) return flush();
    // What a memtable holds is older than the file and must not be lost behind it.
    if (auto flushed = flush(); !flushed) return flushed;
    const std::string path = directory_ + "/" + kIngestFile;
    rocksdb::SstFileWriter file(rocksdb::EnvOptions(), db_->GetOptions());
    auto status = file.Open(path);
    std::map<std::string, std::string> own;  // sorts below all rows
    for (const auto& [key, checkpoint] : checkpoints) own[layout::checkpoint_key(key)] = layout::checkpoint_value(checkpoint);
    for (auto at = own.begin(); at != own.end() && status.ok(); ++at) status = file.Put(at->first, at->second);
    for (auto at = rows.begin(); at != rows.end() && status.ok(); ++at) {
      layout::check_row_key(at->key);
      status = at->value ? file.Put(slice(at->key), slice(*at->value)) : file.Delete(slice(at->key));
    }
    if (status.ok()) status = file.Finish();
    if (status.ok()) {
      rocksdb::IngestExternalFileOptions options;
      options.move_files = true;
      options.write_global_seqno = false;
      status = db_->IngestExternalFile({path}, options);
    }
    if (!status.ok()) return to_error(status, "ingesting into", directory_);
    metrics_.wrote(file.FileSize());
    return {};
  }

  Result<std::map<CheckpointKey, Checkpoint>> checkpoints() const override {
    const rocksdb::Slice end = slice(layout::kCheckpointsTo);
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.iterate_upper_bound = &end;
    std::map<CheckpointKey, Checkpoint> all;
    const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
    for (at->Seek(slice(layout::kCheckpointsFrom)); at->Valid(); at->Next()) {
      if (auto read = layout::read_checkpoint(view(at->key()), view(at->value()), all); !read) return read.take_error();
    }
    if (!at->status().ok()) return to_error(at->status(), "reading checkpoints of", directory_);
    return all;
  }

  Result<void> flush() override {
    const auto flushing = metrics_.flushing();
    rocksdb::FlushOptions options;
    options.wait = true;
    options.allow_write_stall = true;
    if (const auto status = db_->Flush(options); !status.ok()) return to_error(status, "flushing", directory_);
    flushing.stop();
    unflushed_bytes_ = 0;
    return {};
  }

  std::uint64_t unflushed_bytes() const override { return unflushed_bytes_; }
  std::unique_ptr<RowReader> snapshot() const override { return std::make_unique<RocksSnapshot>(*db_, directory_); }

  Result<void> clear() override {
    std::string end;
    {
      rocksdb::ReadOptions options;
      options.total_order_seek = true;
      const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options));
      at->SeekToLast();
      if (!at->status().ok()) return to_error(at->status(), "reading", directory_);
      if (at->Valid()) end = at->key().ToString() + '\0';  // the least key above the last
    }
    if (end.empty()) return flush();
    // One range deletion is one entry: a crash before the flush leaves everything, after it nothing.
    const auto status = db_->DeleteRange(write_options_, db_->DefaultColumnFamily(), rocksdb::Slice(), end);
    if (!status.ok()) return to_error(status, "clearing", directory_);
    if (auto flushed = flush(); !flushed) return flushed;
    rocksdb::CompactRangeOptions compact;
    compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    if (const auto done = db_->CompactRange(compact, nullptr, nullptr); !done.ok()) return to_error(done, "clearing", directory_);
    return {};
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  const std::string directory_;
  Reads reads_;
  const StoreMetrics metrics_;
  rocksdb::WriteOptions write_options_;
  std::atomic<std::uint64_t> unflushed_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Store>> open_rocksdb_store(const std::string& directory, metrics::Registry* registry, const std::string& name) {
  if (auto made = make_posix_disk()->make_directories(directory); !made) return made.take_error();
  rocksdb::DB* opened = nullptr;
  const auto status = rocksdb::DB::Open(make_options(), directory, &opened);
  std::unique_ptr<rocksdb::DB> db(opened);
  if (!status.ok()) return to_error(status, "opening", directory);
  return std::unique_ptr<Store>(std::make_unique<RocksStore>(std::move(db), directory, StoreMetrics(registry, name)));
}

}  // namespace tidemark::store
