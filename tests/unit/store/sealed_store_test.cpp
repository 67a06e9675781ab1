#include "core/store/sealed_store.hpp"

#include <gtest/gtest.h>

namespace tidemark::store {
namespace {

/// Marks a value with its key and turns its bytes around: enough to see who opens what.
class ToyCipher final : public RowCipher {
 public:
  std::string seal(std::string_view key, std::string_view value) const override {
    return std::string(key) + '|' + std::string(value.rbegin(), value.rend());
  }
  std::optional<std::string> open(std::string_view key, std::string_view sealed) const override {
    const std::string mark = std::string(key) + '|';
    if (!sealed.starts_with(mark)) return std::nullopt;
    sealed.remove_prefix(mark.size());
    return std::string(sealed.rbegin(), sealed.rend());
  }
};

/// A store whose base a test may look into.
class SealedStoreTest : public ::testing::Test {
 protected:
  class Factory final : public StoreFactory {
   public:
    Result<std::unique_ptr<Store>> open(const std::string&) override {
      auto made = make_memory_store();
      base = made.get();
      return std::unique_ptr<Store>(std::move(made));
    }
    Result<std::vector<std::string>> list(const std::string&) override { return std::vector<std::string>(); }
    Result<void> remove(const std::string&) override { return {}; }
    MemoryStore* base = nullptr;
  };
  SealedStoreTest() {
    auto factory = std::make_unique<Factory>();
    factory_ = factory.get();
    stores_ = seal_stores(std::move(factory), std::make_shared<ToyCipher>(), [](std::string_view name) { return name == "personal"; });
  }
  void put(Store& store, const std::string& key, const std::string& value) {
    Overlay changes(static_cast<const RowReader&>(store));
    changes.put(key, value);
    ASSERT_TRUE(store.write(changes, {}).ok());
  }
  static std::string get(const RowReader& rows, const std::string& key) {
    std::string value;
    return rows.get(key, value) ? value : "(none)";
  }

  Factory* factory_ = nullptr;
  std::unique_ptr<StoreFactory> stores_;
};

TEST_F(SealedStoreTest, ReadersSeePlainRowsAndTheStoreBelowDoesNot) {
  auto store = std::move(*stores_->open("personal"));
  for (const char* key : {"a", "b", "c"}) put(*store, key, std::string("value of ") + key);
  const auto snapshot = store->snapshot();
  put(*store, "b", "later");
  EXPECT_EQ(get(*store, "b"), "later");
  EXPECT_EQ(get(*snapshot, "b"), "value of b");
  EXPECT_EQ(get(*factory_->base, "b"), "b|retal");
  std::string forth, back;
  const auto append_to = [](std::string& text) {
    return [&text](std::string_view key, std::string_view value) {
      text.append(key).append("=").append(value).append(";");
      return key != "never";
    };
  };
  store->scan("a", "c", append_to(forth));
  store->scan_back("a", "", append_to(back));
  EXPECT_EQ(forth, "a=value of a;b=later;");
  EXPECT_EQ(back, "c=value of c;b=later;a=value of a;");
  Overlay changes(static_cast<const RowReader&>(*store));
  changes.erase("a");
  ASSERT_TRUE(store->write(changes, {}).ok());
  EXPECT_EQ(get(*store, "a"), "(none)");
  EXPECT_EQ(get(*store, "nowhere"), "(none)");
}

TEST_F(SealedStoreTest, WhatIsIngestedIsSealedToo) {
  auto store = std::move(*stores_->open("personal"));
  put(*store, "b", "old");
  const std::vector<SortedRow> rows{{"a", "first"}, {"b", std::nullopt}, {"c", "third"}};
  ASSERT_TRUE(store->ingest(rows, {}).ok());
  EXPECT_EQ(get(*store, "a") + get(*store, "b") + get(*store, "c"), "first(none)third");
  EXPECT_EQ(get(*factory_->base, "c"), "c|driht");
}

TEST_F(SealedStoreTest, ARowThatDoesNotOpenStopsItsReader) {
  auto store = std::move(*stores_->open("personal"));
  put(*factory_->base, "a", "b|moved from another key");
  std::string value;
  EXPECT_THROW((void)store->get("a", value), RowsUnavailable);
  EXPECT_THROW(store->scan("a", "", [](std::string_view, std::string_view) { return true; }), RowsUnavailable);
}

TEST_F(SealedStoreTest, OtherStoresStayAsTheyAre) {
  auto store = std::move(*stores_->open("public"));
  put(*store, "a", "value");
  EXPECT_EQ(get(*factory_->base, "a"), "value");
}

}  // namespace
}  // namespace tidemark::store
