#pragma once
// What the store contract tests share: each kind of store with a way to crash it, and all rows of a reader.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>

#include "core/store/store.hpp"

namespace tidemark::store {

namespace fs = std::filesystem;
using Rows = std::map<std::string, std::string, std::less<>>;

class TempDirectory {
 public:
  TempDirectory() {
    std::string name = (fs::temp_directory_path() / "tm-store-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDirectory() { fs::remove_all(path_); }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Opens a store and reopens what a crash would leave of it.
class Harness {
 public:
  virtual ~Harness() = default;
  virtual Store& store() = 0;
  virtual void crash() = 0;
};

class MemoryHarness final : public Harness {
 public:
  Store& store() override { return *store_; }
  void crash() override { store_->crash(); }

 private:
  std::unique_ptr<MemoryStore> store_ = make_memory_store();
};

class RocksHarness final : public Harness {
 public:
  RocksHarness() { open(); }
  Store& store() override { return *store_; }
  void crash() override {
    const std::string left = directory_.path(std::to_string(generation_));
    ++generation_;
    copy_at_rest(left, directory_.path(std::to_string(generation_)));
    store_.reset();  // flushes, but not into the copy
    open();
  }

 private:
  static std::map<fs::path, std::uintmax_t> files_of(const fs::path& directory) {
    std::map<fs::path, std::uintmax_t> files;
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(directory)) files[entry.path()] = entry.file_size(gone);
    return files;
  }
  // The database's own threads remove files that it no longer needs: a copy counts when nothing moved meanwhile.
  static void copy_at_rest(const fs::path& from, const fs::path& to) {
    for (;;) {
      const auto before = files_of(from);
      std::error_code moved;
      fs::copy(from, to, fs::copy_options::recursive, moved);
      if (!moved && files_of(from) == before) return;
      fs::remove_all(to);
    }
  }
  void open() {
    auto opened = open_rocksdb_store(directory_.path(std::to_string(generation_)));
    ASSERT_TRUE(opened.ok()) << describe(opened.error());
    store_ = std::move(*opened);
  }
  TempDirectory directory_;
  int generation_ = 0;
  std::unique_ptr<Store> store_;
};

inline Rows rows_of(const RowReader& reader, std::string_view from = "", std::string_view to = "") {
  Rows rows;
  std::string last;
  reader.scan(from, to, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(rows.empty() || last < key) << "ascending order";
    last = key;
    rows.emplace(key, value);
    return true;
  });
  return rows;
}

inline Rows rows_back_of(const RowReader& reader, std::string_view from = "", std::string_view to = "") {
  Rows rows;
  std::string last;
  reader.scan_back(from, to, [&](std::string_view key, std::string_view value) {
    EXPECT_TRUE(rows.empty() || last > key) << "descending order";
    last = key;
    rows.emplace(key, value);
    return true;
  });
  return rows;
}

inline CheckpointKey at(const std::string& topic, std::uint32_t lane) { return {topic, LaneId{lane}}; }
inline Checkpoint upto(std::uint64_t next) { return {derive_uuid("epoch", "test"), Tmseq{next}, "id-" + std::to_string(next)}; }

inline std::unique_ptr<Harness> make_harness(bool rocksdb) {
  if (rocksdb) return std::make_unique<RocksHarness>();
  return std::make_unique<MemoryHarness>();
}

}  // namespace tidemark::store
