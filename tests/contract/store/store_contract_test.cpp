// What every Store promises, run on each of them.

#include <atomic>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "tests/contract/store/store_harness.hpp"
#include "tests/unit/base/map_rows.hpp"

namespace tidemark::store {
namespace {

class StoreContract : public ::testing::TestWithParam<bool> {
 protected:
  Store& store() { return harness_->store(); }
  void put(std::string_view key, std::string_view value, std::uint64_t next) {
    Overlay changes(store());
    changes.put(key, value);
    const auto written = store().write(changes, {{at("t", 0), upto(next)}});
    ASSERT_TRUE(written.ok()) << describe(written.error());
  }
  std::unique_ptr<Harness> harness_ = make_harness(GetParam());
};

TEST_P(StoreContract, RowsAndCheckpointsOfAWriteAreReadBack) {
  Overlay changes(store());
  changes.put("a", "1");
  changes.put(std::string_view("b\0c", 3), "");
  changes.put("\xff\xff", "last");
  ASSERT_TRUE(store().write(changes, {{at("x.y", 3), upto(7)}, {at("x", 300), upto(0)}}).ok());
  std::string value;
  EXPECT_TRUE(store().get("a", value));
  EXPECT_EQ(value, "1");
  EXPECT_TRUE(store().get("\xff\xff", value));
  EXPECT_FALSE(store().get("b", value));
  EXPECT_EQ(rows_of(store()).size(), 3u) << "checkpoints are no rows";
  EXPECT_EQ(rows_back_of(store()), rows_of(store()));
  const auto checkpoints = store().checkpoints();
  ASSERT_TRUE(checkpoints.ok());
  EXPECT_EQ(*checkpoints, (std::map<CheckpointKey, Checkpoint>{{at("x.y", 3), upto(7)}, {at("x", 300), upto(0)}}));
}

TEST_P(StoreContract, AWriteErasesWhatItsOverlayErased) {
  put("a", "1", 1);
  put("b", "2", 2);
  Overlay changes(store());
  changes.erase("a");
  changes.erase("never there");
  ASSERT_TRUE(store().write(changes, {}).ok());
  EXPECT_EQ(rows_of(store()), (Rows{{"b", "2"}}));
}

TEST_P(StoreContract, ScansKeepTheirBoundsAndStopWhenTold) {
  for (const char* key : {"a", "b", "ba", "c", "d"}) put(key, key, 1);
  EXPECT_EQ(rows_of(store(), "b", "c"), (Rows{{"b", "b"}, {"ba", "ba"}}));
  EXPECT_EQ(rows_back_of(store(), "b", "c"), (Rows{{"b", "b"}, {"ba", "ba"}}));
  EXPECT_EQ(rows_of(store(), "bb", ""), (Rows{{"c", "c"}, {"d", "d"}}));
  EXPECT_TRUE(rows_of(store(), "c", "b").empty());
  EXPECT_TRUE(rows_back_of(store(), "c", "c").empty());
  std::string seen;
  const auto two = [&](std::string_view key, std::string_view) {
    seen += key;
    return seen.size() < 2;
  };
  store().scan("", "", two);
  EXPECT_EQ(seen, "ab");
  seen.clear();
  store().scan_back("", "", two);
  EXPECT_EQ(seen, "dc");
}

TEST_P(StoreContract, ASnapshotDoesNotSeeLaterWrites) {
  put("a", "1", 1);
  const auto before = store().snapshot();
  put("a", "2", 2);
  put("b", "3", 3);
  EXPECT_EQ(rows_of(*before), (Rows{{"a", "1"}}));
  EXPECT_EQ(rows_back_of(*before), (Rows{{"a", "1"}}));
  std::string value;
  EXPECT_FALSE(before->get("b", value));
  EXPECT_EQ(rows_of(store()), (Rows{{"a", "2"}, {"b", "3"}}));
  ASSERT_TRUE(store().flush().ok());
  EXPECT_EQ(rows_of(*before), (Rows{{"a", "1"}}));
}

TEST_P(StoreContract, ACrashLeavesAPrefixOfTheWritesThatHasTheFlushedOnes) {
  for (std::uint64_t i = 1; i <= 50; ++i) {
    put("row" + std::to_string(i), "x", i);
    if (i == 30) {
      ASSERT_TRUE(store().flush().ok());
      EXPECT_EQ(store().unflushed_bytes(), 0u);
    }
  }
  EXPECT_GT(store().unflushed_bytes(), 0u);
  harness_->crash();
  const auto checkpoints = store().checkpoints();
  ASSERT_TRUE(checkpoints.ok());
  const std::uint64_t next = checkpoints->at(at("t", 0)).next.value;
  EXPECT_GE(next, 30u);
  EXPECT_EQ(rows_of(store()).size(), next) << "rows and checkpoint of the same write";
  for (std::uint64_t i = 1; i <= next; ++i) {
    std::string value;
    EXPECT_TRUE(store().get("row" + std::to_string(i), value)) << i;
  }
}

TEST_P(StoreContract, ACrashBringsBackWhatWasErasedAfterTheFlush) {
  put("a", "1", 1);
  ASSERT_TRUE(store().flush().ok());
  Overlay changes(store());
  changes.erase("a");
  changes.put("b", "2");
  ASSERT_TRUE(store().write(changes, {{at("t", 0), upto(2)}}).ok());
  harness_->crash();
  EXPECT_EQ(rows_of(store()), (Rows{{"a", "1"}}));
  EXPECT_EQ(store().checkpoints()->at(at("t", 0)), upto(1));
}

TEST_P(StoreContract, ClearRemovesEverythingDurably) {
  put("a", "1", 1);
  ASSERT_TRUE(store().flush().ok());
  put("\xff\xff\xff", "2", 2);
  ASSERT_TRUE(store().clear().ok());
  EXPECT_TRUE(rows_of(store()).empty());
  harness_->crash();
  EXPECT_TRUE(rows_of(store()).empty());
  EXPECT_TRUE(store().checkpoints()->empty());
  put("a", "3", 1);
  EXPECT_EQ(rows_of(store()), (Rows{{"a", "3"}}));
  ASSERT_TRUE(store().clear().ok());
  ASSERT_TRUE(store().clear().ok()) << "clearing an empty store";
}

TEST_P(StoreContract, RandomWritesEqualTheModel) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Rows model;
  std::vector<Rows> history{Rows{}};  // by checkpoint
  std::uint64_t next = 0, flushed = 0;
  const auto any_key = [&] {
    static constexpr char kBytes[] = {'\x01', 'a', 'b', '\0', '\xff'};
    std::string key(1, kBytes[random() % 3]);
    for (std::size_t more = random() % 3; more > 0; --more) key.push_back(kBytes[random() % sizeof kBytes]);
    return key;
  };
  for (int round = 0; round < 400; ++round) {
    Overlay changes(store());
    for (std::size_t n = random() % 6; n > 0; --n) {
      const std::string key = any_key();
      if (random() % 3 == 0) {
        changes.erase(key);
        model.erase(key);
      } else {
        const std::string value(random() % 20, 'v');
        changes.put(key, value);
        model[key] = value;
      }
    }
    const std::string from = any_key(), to = random() % 4 == 0 ? "" : any_key();
    EXPECT_EQ(rows_of(changes, from, to), rows_back_of(changes, from, to));
    EXPECT_EQ(rows_of(changes), model) << "the overlay shows its changes";
    ASSERT_TRUE(store().write(changes, {{at("t", 0), upto(++next)}}).ok());
    history.push_back(model);
    EXPECT_EQ(rows_of(store()), model);
    if (random() % 40 == 0) {
      ASSERT_TRUE(store().flush().ok());
      flushed = next;
    }
    if (random() % 100 == 0) {
      harness_->crash();
      const auto checkpoints = store().checkpoints();
      ASSERT_TRUE(checkpoints.ok());
      const auto found = checkpoints->find(at("t", 0));
      next = found == checkpoints->end() ? 0 : found->second.next.value;
      ASSERT_GE(next, flushed);
      ASSERT_LT(next, history.size());
      history.resize(next + 1);
      model = history.back();
      EXPECT_EQ(rows_of(store()), model) << "a crash leaves the rows of its checkpoint";
    }
  }
}

TEST_P(StoreContract, ReadersOnOtherThreadsSeeWholeWrites) {
  std::atomic<bool> stop = false;
  put("a", "0", 0);
  put("b", "0", 0);
  std::thread reader([&] {
    while (!stop) {
      const auto view = store().snapshot();
      std::string a, b;
      EXPECT_TRUE(view->get("a", a) && view->get("b", b));
      EXPECT_EQ(a, b);
      EXPECT_EQ(rows_of(store()).size(), 2u);
    }
  });
  for (std::uint64_t i = 1; i <= 300; ++i) {
    Overlay changes(store());
    changes.put("a", std::to_string(i));
    changes.put("b", std::to_string(i));
    EXPECT_TRUE(store().write(changes, {{at("t", 0), upto(i)}}).ok());
  }
  stop = true;
  reader.join();
}

TEST_P(StoreContract, KeysOfTheStoreItselfAreRefusedAndNeverShown) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // RocksDB has threads
  put("a", "1", 1);
  std::string value;
  EXPECT_DEATH(store().get(std::string_view("\0c", 2), value), "byte 0");
  EXPECT_DEATH(store().get("", value), "not empty");
  Overlay changes(store());
  changes.put(std::string_view("\0x", 2), "");
  EXPECT_DEATH((void)store().write(changes, {}), "byte 0");
  EXPECT_EQ(rows_of(store(), std::string_view("\0", 1), ""), (Rows{{"a", "1"}}));
  EXPECT_EQ(rows_back_of(store(), "", ""), (Rows{{"a", "1"}}));
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, ::testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "RocksDb" : "Memory"; });

TEST(RocksDbStore, KeepsEverythingOverACleanStop) {
  TempDirectory directory;
  {
    auto store = open_rocksdb_store(directory.path("s"));
    ASSERT_TRUE(store.ok());
    Overlay changes(**store);
    changes.put("a", "1");
    ASSERT_TRUE((*store)->write(changes, {{at("t", 0), upto(1)}}).ok());
  }
  auto store = open_rocksdb_store(directory.path("s"));
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(rows_of(**store), (Rows{{"a", "1"}}));
  EXPECT_FALSE(fs::exists(directory.path("s/LOG")));
}

TEST(RocksDbStore, ASecondOpenIsUnavailable) {
  TempDirectory directory;
  auto first = open_rocksdb_store(directory.path("s"));
  ASSERT_TRUE(first.ok());
  const auto second = open_rocksdb_store(directory.path("s"));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::unavailable) << describe(second.error());
}

TEST(RocksDbStore, DamageIsNamedCorrupt) {
  for (const std::string damaged : {"CURRENT", "MANIFEST", ".sst"}) {
    SCOPED_TRACE(damaged);
    TempDirectory directory;
    {
      auto store = open_rocksdb_store(directory.path("s"));
      ASSERT_TRUE(store.ok());
      Overlay changes(**store);
      for (int i = 0; i < 100; ++i) changes.put("key" + std::to_string(i), std::string(100, 'x'));
      ASSERT_TRUE((*store)->write(changes, {}).ok());
    }
    for (const auto& entry : fs::directory_iterator(directory.path("s"))) {
      if (entry.path().filename().string().find(damaged) == std::string::npos) continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      const auto size = fs::file_size(entry.path());
      for (std::uintmax_t at = 0; at < size; at += 5) {
        file.seekp(static_cast<std::streamoff>(at));
        file.put('#');
      }
    }
    auto store = open_rocksdb_store(directory.path("s"));
    if (store.ok()) {
      EXPECT_THROW(rows_of(**store), RowsUnavailable);
    } else {
      EXPECT_EQ(store.error().code, Code::corrupt) << describe(store.error());
    }
  }
}

TEST(RocksDbStore, StoresAreRemovedByManyThreadsAtOnce) {
  constexpr int kThreads = 4, kStores = 50;
  TempDirectory directory;
  const auto factory = make_rocksdb_store_factory(directory.path("root"));
  const auto name = [](int thread, int i) { return "state/s" + std::to_string(thread) + "-" + std::to_string(i); };
  for (int thread = 0; thread < kThreads; ++thread) {
    for (int i = 0; i < kStores; ++i) {
      const fs::path store = directory.path("root/" + name(thread, i));
      fs::create_directories(store);
      for (const char* file : {"CURRENT", "LOCK", "MANIFEST"}) std::ofstream(store / file) << file;
    }
  }
  std::atomic<int> failed{0};
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kStores; ++i) failed += factory->remove(name(thread, i)).ok() ? 0 : 1;
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 0);
  const auto left = factory->list("state/");
  ASSERT_TRUE(left.ok());
  EXPECT_TRUE(left->empty());
}

TEST(RocksDbStore, TheFactoryOpensUnderItsRootOnly) {
  TempDirectory directory;
  const auto factory = make_rocksdb_store_factory(directory.path("root"));
  EXPECT_FALSE(fs::exists(directory.path("root"))) << "lazily";
  EXPECT_TRUE(factory->open("projections/builds.by_id-v3").ok());
  EXPECT_TRUE(fs::exists(directory.path("root/projections/builds.by_id-v3")));
  for (const char* bad : {"", "/etc/x", "../x", "a/../../x", "a b"}) {
    const auto opened = factory->open(bad);
    ASSERT_FALSE(opened.ok()) << bad;
    EXPECT_EQ(opened.error().code, Code::invalid_argument);
  }
}

}  // namespace
}  // namespace tidemark::store
