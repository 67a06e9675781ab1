// The bulk path: ingest, and rows folded over it, on each kind of store.
#include <fstream>
#include <random>

#include "core/store/bulk_rows.hpp"
#include "tests/contract/store/store_harness.hpp"
#include "tests/unit/base/map_rows.hpp"

namespace tidemark::store {
namespace {

constexpr std::size_t kPlenty = 64u << 20;

class BulkContract : public ::testing::TestWithParam<bool> {
 protected:
  Store& store() { return harness_->store(); }
  void write(std::string_view key, std::string_view value, std::uint64_t next) {
    Overlay changes(store());
    changes.put(key, value);
    ASSERT_TRUE(store().write(changes, {{at("t", 0), upto(next)}}).ok());
  }
  std::unique_ptr<Harness> harness_ = make_harness(GetParam());
};

TEST_P(BulkContract, AnIngestIsDurableWithEverythingWrittenBefore) {
  write("a", "written", 1);
  write("b", "written", 2);
  const std::vector<SortedRow> rows{{"a", "ingested"}, {"b", std::nullopt}, {"c", ""}};
  const auto ingested = store().ingest(rows, {{at("t", 0), upto(3)}, {at("u", 1), upto(9)}});
  ASSERT_TRUE(ingested.ok()) << describe(ingested.error());
  EXPECT_EQ(store().unflushed_bytes(), 0u);
  write("a", "lost", 4);
  harness_->crash();
  EXPECT_EQ(rows_of(store()), (Rows{{"a", "ingested"}, {"c", ""}}));
  const auto checkpoints = store().checkpoints();
  ASSERT_TRUE(checkpoints.ok());
  EXPECT_EQ(checkpoints->at(at("t", 0)), upto(3));
  EXPECT_EQ(checkpoints->at(at("u", 1)), upto(9));
}

TEST_P(BulkContract, ASnapshotDoesNotSeeALaterIngest) {
  write("a", "1", 1);
  const auto before = store().snapshot();
  const std::vector<SortedRow> rows{{"a", "2"}, {"b", "2"}};
  ASSERT_TRUE(store().ingest(rows, {}).ok());
  EXPECT_EQ(rows_of(*before), (Rows{{"a", "1"}}));
  EXPECT_EQ(rows_of(store()), (Rows{{"a", "2"}, {"b", "2"}}));
}

TEST_P(BulkContract, NothingToIngestIsNoError) {
  ASSERT_TRUE(store().ingest({}, {}).ok());
  BulkRows rows(store(), kPlenty);
  ASSERT_TRUE(rows.spill().ok());
  rows.erase("never there");
  ASSERT_TRUE(rows.spill({{at("t", 0), upto(1)}}).ok());
  EXPECT_TRUE(rows_of(store()).empty());
  EXPECT_EQ(store().checkpoints()->size(), 1u);
}

TEST_P(BulkContract, RunsWithoutCheckpointsAreAllThatACrashBeforeTheEndLeaves) {
  BulkRows rows(store(), kPlenty);
  rows.put("a", "1");
  ASSERT_TRUE(rows.spill().ok());
  rows.put("b", "2");
  harness_->crash();
  EXPECT_EQ(rows_of(store()), (Rows{{"a", "1"}}));
  EXPECT_TRUE(store().checkpoints()->empty()) << "so the reader of checkpoints starts over";
}

/// Random puts, erases, gets and scans, spilled now and then, against a std::map.
TEST_P(BulkContract, RowsEqualThoseOfAMapWhateverIsSpilledInBetween) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  test::MapRows model;
  BulkRows rows(store(), 4096);
  const auto key = [&] {
    std::string made(1, 'k');
    for (auto left = random() % 12; left > 0; --left) made.push_back("\x00\x01" "ab\xff"[random() % 5]);
    return made;
  };
  int spills = 0;
  for (int step = 0; step < 4000; ++step) {
    const std::string where = key();
    if (random() % 4 == 0) {
      rows.erase(where);
      model.erase(where);
    } else {
      const std::string value(random() % 40, static_cast<char>('a' + random() % 26));
      rows.put(where, value);
      model.put(where, value);
    }
    const std::string asked = key();
    std::string ours, theirs;
    ASSERT_EQ(rows.get(asked, ours), model.get(asked, theirs));
    ASSERT_EQ(ours, theirs);
    if (step % 250 == 0) {
      const std::string from = key(), to = random() % 3 == 0 ? "" : key();
      ASSERT_EQ(rows_of(rows, from, to), rows_of(model, from, to));
      ASSERT_EQ(rows_back_of(rows, from, to), rows_back_of(model, from, to));
    }
    if (rows.full()) {
      ASSERT_TRUE(rows.spill().ok());
      ASSERT_FALSE(rows.full());
      ++spills;
    }
  }
  EXPECT_GT(spills, 2);
  ASSERT_TRUE(rows.spill({{at("t", 0), upto(4000)}}).ok());
  harness_->crash();
  EXPECT_EQ(rows_of(store()), model.rows);
  EXPECT_EQ(store().checkpoints()->at(at("t", 0)), upto(4000));
}

TEST_P(BulkContract, AVisitorMayWrite) {
  BulkRows rows(store(), kPlenty);
  for (const std::string key : {"a", "b", "c", "d"}) rows.put(key, "1");
  ASSERT_TRUE(rows.spill().ok());
  rows.put("bb", "1");
  std::vector<std::string> seen;
  rows.scan("a", "", [&](std::string_view key, std::string_view) {
    seen.emplace_back(key);
    if (key == "b") {
      rows.erase("c");
      rows.put("cc", "2");
    }
    return true;
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "bb", "cc", "d"}));
}

INSTANTIATE_TEST_SUITE_P(Stores, BulkContract, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "RocksDb" : "Memory"; });

TEST(RocksDbBulk, WhatAnInterruptedIngestLeftIsOverwritten) {
  TempDirectory directory;
  {
    auto store = open_rocksdb_store(directory.path("s"));
    ASSERT_TRUE(store.ok());
    std::ofstream(directory.path("s/ingest.sst")) << "half a file";
  }
  auto store = open_rocksdb_store(directory.path("s"));
  ASSERT_TRUE(store.ok()) << describe(store.error());
  const std::vector<SortedRow> rows{{"a", "1"}};
  const auto ingested = (*store)->ingest(rows, {});
  ASSERT_TRUE(ingested.ok()) << describe(ingested.error());
  EXPECT_EQ(rows_of(**store), (Rows{{"a", "1"}}));
  EXPECT_FALSE(fs::exists(directory.path("s/ingest.sst")));
}

TEST(RocksDbStoreFactory, ListsAndRemovesStores) {
  TempDirectory directory;
  auto factory = make_rocksdb_store_factory(directory.path("stores"));
  EXPECT_TRUE(factory->list("projections/a")->empty());
  for (const std::string name : {"projections/a-v1", "projections/a-v1.2", "projections/b-v1", "state/a-v1"}) {
    ASSERT_TRUE(factory->open(name).ok());
  }
  EXPECT_EQ(*factory->list("projections/a-v"), (std::vector<std::string>{"projections/a-v1", "projections/a-v1.2"}));
  ASSERT_TRUE(factory->remove("projections/a-v1").ok());
  ASSERT_TRUE(factory->remove("projections/a-v1").ok()) << "once more is no error";
  EXPECT_EQ(*factory->list("projections/"), (std::vector<std::string>{"projections/a-v1.2", "projections/b-v1"}));
  EXPECT_TRUE(fs::is_empty(directory.path("stores/removed"))) << "nothing is left of it";
  EXPECT_EQ(factory->remove("../elsewhere").error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace tidemark::store
