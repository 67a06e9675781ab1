#include "core/store/cached_store.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tidemark::store {
namespace {

TEST(CachedStoreTest, AnswersAsItsBaseWouldWhateverIsForgotten) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto base = make_memory_store();
    const Store& plain = *base;
    const auto cached = cache_rows(std::move(base), 500 + random() % 3000);  // small: it forgets all the time
    for (int step = 0; step < 2000; ++step) {
      const std::string key = "k" + std::to_string(random() % 60);
      switch (random() % 4) {
        case 0: {
          Overlay changes(static_cast<const RowReader&>(*cached));
          for (int i = 0; i < 3; ++i) {
            const std::string other = "k" + std::to_string(random() % 60);
            if (random() % 3 == 0) changes.erase(other);
            else changes.put(other, std::string(random() % 80, 'v') + std::to_string(step));
          }
          ASSERT_TRUE(cached->write(changes, {}).ok());
          break;
        }
        case 1:
          if (random() % 100 == 0) {
            ASSERT_TRUE(cached->clear().ok());
          }
          break;
        default: {
          std::string ours = "before", theirs = "before";
          const bool here = cached->get(key, ours), there = plain.get(key, theirs);
          ASSERT_EQ(here, there) << key;
          if (here) {
            ASSERT_EQ(ours, theirs) << key;
          }
        }
      }
    }
  }
}

TEST(CachedStoreTest, AnsweringFromMemoryDoesNotAskTheBase) {
  struct Counting final : Store {
    std::unique_ptr<MemoryStore> store = make_memory_store();
    mutable int gets = 0;
    bool get(std::string_view key, std::string& value) const override { return ++gets, store->get(key, value); }
    void scan(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override { store->scan(from, to, visit); }
    void scan_back(std::string_view from, std::string_view to, FnRef<bool(std::string_view, std::string_view)> visit) const override {
      store->scan_back(from, to, visit);
    }
    Result<void> write(const Overlay& changes, const std::vector<std::pair<CheckpointKey, Checkpoint>>& checkpoints) override {
      return store->write(changes, checkpoints);
    }
    Result<void> ingest(std::span<const SortedRow> rows, const Checkpoints& checkpoints) override { return store->ingest(rows, checkpoints); }
    Result<std::map<CheckpointKey, Checkpoint>> checkpoints() const override { return store->checkpoints(); }
    Result<void> flush() override { return store->flush(); }
    std::uint64_t unflushed_bytes() const override { return store->unflushed_bytes(); }
    std::unique_ptr<RowReader> snapshot() const override { return store->snapshot(); }
    Result<void> clear() override { return store->clear(); }
  };
  auto counting = std::make_unique<Counting>();
  const Counting& base = *counting;
  const auto cached = cache_rows(std::move(counting), 1 << 20);
  std::string value;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(cached->get("absent", value));
  EXPECT_EQ(base.gets, 1) << "that a row is absent is remembered too";
  Overlay changes(static_cast<const RowReader&>(*cached));
  changes.put("absent", "now here");
  ASSERT_TRUE(cached->write(changes, {}).ok());
  EXPECT_TRUE(cached->get("absent", value));
  EXPECT_EQ(value, "now here");
  EXPECT_EQ(base.gets, 1);
}

}  // namespace
}  // namespace tidemark::store
