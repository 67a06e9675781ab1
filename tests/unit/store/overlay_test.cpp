#include <gtest/gtest.h>

#include <random>

#include "core/store/store.hpp"
#include "tests/unit/base/map_rows.hpp"

namespace tidemark::store {
namespace {

using test::MapRows;
using Seen = std::vector<std::pair<std::string, std::string>>;

Seen forward(const RowReader& rows, std::string_view from, std::string_view to, std::size_t at_most) {
  Seen seen;
  rows.scan(from, to, [&](std::string_view key, std::string_view value) {
    seen.emplace_back(key, value);
    return seen.size() < at_most;
  });
  return seen;
}

Seen backward(const RowReader& rows, std::string_view from, std::string_view to, std::size_t at_most) {
  Seen seen;
  rows.scan_back(from, to, [&](std::string_view key, std::string_view value) {
    seen.emplace_back(key, value);
    return seen.size() < at_most;
  });
  return seen;
}

// A prefixed view over an overlay over an overlay over rows: how a decider sees a batch.
TEST(Overlay, AnyOperationsThroughAllLayersEqualAModel) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto any_key = [&] {
    static constexpr char kBytes[] = {'\0', 'a', 'b', '\xff'};
    std::string key(random() % 4, '\0');
    for (auto& c : key) c = kBytes[random() % sizeof kBytes];
    return key;
  };
  for (int round = 0; round < 200; ++round) {
    MapRows model, base;
    base.put("a", "left of the prefix");
    base.put("q", "right of it");
    for (int i = 0; i < 10; ++i) {
      const std::string key = any_key(), value = std::to_string(random() % 100);
      base.put("p" + key, value);
      model.put(key, value);
    }
    Overlay lower(base), upper(static_cast<const RowReader&>(lower));
    PrefixedRows low(lower, "p"), high(upper, "p");
    for (int i = 0; i < 30; ++i) {
      const std::string key = any_key(), value = std::to_string(random() % 100);
      RowWriter& target = i < 15 ? low : high;
      if (random() % 2 == 0) {
        target.put(key, value);
        model.put(key, value);
      } else {
        target.erase(key);
        model.erase(key);
      }
      const std::string from = any_key(), to = any_key();
      const std::size_t at_most = random() % 3 == 0 ? 1 + random() % 4 : 1000;
      ASSERT_EQ(forward(high, from, to, at_most), forward(model, from, to, at_most));
      ASSERT_EQ(backward(high, from, to, at_most), backward(model, from, to, at_most));
      std::string mine, its;
      ASSERT_EQ(high.get(from, mine), model.get(from, its));
      ASSERT_EQ(mine, its);
    }
  }
}

TEST(Overlay, AVisitorMayEraseWhatItSeesAndWhatIsAhead) {
  MapRows base;
  for (const char* key : {"b", "d", "f"}) base.put(key, "base");
  for (const bool back : {false, true}) {
    Overlay rows(base);
    for (const char* key : {"a", "c", "e", "g"}) rows.put(key, "change");
    std::string seen;
    const auto visit = [&](std::string_view key, std::string_view) {
      seen += key;
      const std::string erased(key);
      const char ahead = static_cast<char>(back ? erased[0] - 1 : erased[0] + 1);
      rows.erase(erased);
      rows.erase(std::string(1, ahead));
      return true;
    };
    if (back) rows.scan_back("", "", visit);
    else rows.scan("", "", visit);
    EXPECT_EQ(seen, back ? "geca" : "aceg");
    EXPECT_TRUE(forward(rows, "", "", 100).empty());
  }
}

TEST(Overlay, AVisitorMayPutBehindAndAheadWithoutEnd) {
  MapRows base;
  for (const char* key : {"b", "d", "f"}) base.put(key, "base");
  Overlay rows(base);
  int visits = 0;
  rows.scan("", "m", [&](std::string_view key, std::string_view) {
    rows.put(std::string(key) + "-behind", "x");
    rows.put("z" + std::string(key), "beyond the end");
    return ++visits < 100;
  });
  EXPECT_LT(visits, 100 + 1);
  for (const auto& [key, value] : forward(rows, "", "m", 1000)) EXPECT_NE(key[0], 'z');
}

TEST(Overlay, AnErasedRowIsAbsentAndAPutAfterItPresent) {
  MapRows base;
  base.put("a", "1");
  Overlay rows(base);
  std::string value;
  rows.erase("a");
  EXPECT_FALSE(rows.get("a", value));
  rows.put("a", "");
  EXPECT_TRUE(rows.get("a", value));
  EXPECT_EQ(value, "");
  rows.clear();
  EXPECT_TRUE(rows.get("a", value));
  EXPECT_EQ(value, "1");
}

}  // namespace
}  // namespace tidemark::store
