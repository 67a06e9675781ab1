#include "core/base/index.hpp"

#include <gtest/gtest.h>

#include <boost/describe/class.hpp>
#include <random>
#include <set>

#include "tests/unit/base/map_rows.hpp"

namespace tidemark {
namespace {

struct Job {
  std::string pool;
  std::int64_t at = 0;
  std::optional<std::string> token;
  bool hidden = false;
  bool operator==(const Job&) const = default;
};
BOOST_DESCRIBE_STRUCT(Job, (), (pool, at, token, hidden))

using PoolAndTime = std::tuple<std::string, Descending<std::int64_t>>;
using Token = std::tuple<std::string>;

constexpr Index<Job, PoolAndTime> kByPool{17, [](const Job& job) -> std::optional<PoolAndTime> {
                                            if (job.hidden) return std::nullopt;
                                            return PoolAndTime{job.pool, job.at};
                                          }};
constexpr UniqueIndex<Job, Token> kByToken{18, [](const Job& job) -> std::optional<Token> {
                                             if (!job.token) return std::nullopt;
                                             return Token{*job.token};
                                           }};
constexpr Table<Job, std::string> kJobs{16};
constexpr IndexedTable kIndexed{kJobs, kByPool, kByToken};

std::string ids(const RowReader& rows, std::string_view pool) {
  std::string seen;
  kIndexed.scan_by(kByPool, rows, [&](const std::tuple<std::string>& key, const Job& job) {
    EXPECT_EQ(job.pool, pool);
    seen += std::get<0>(key) + " ";
    return true;
  }, pool);
  return seen;
}

TEST(Index, FindsRowsByItsPartsInTheirOrder) {
  test::MapRows rows;
  kIndexed.put(rows, {"a"}, {"p", 1, {}, false});
  kIndexed.put(rows, {"b"}, {"p", 3, {}, false});
  kIndexed.put(rows, {"c"}, {"p", 3, {}, false});
  kIndexed.put(rows, {"d"}, {"pp", 2, {}, false});
  kIndexed.put(rows, {"e"}, {"p", 9, {}, true});
  EXPECT_EQ(ids(rows, "p"), "b c a ") << "newest first, then by key; hidden ones left out";
  EXPECT_EQ(ids(rows, "pp"), "d ");
  EXPECT_EQ(ids(rows, ""), "");
  std::string back;
  kIndexed.scan_back_by(kByPool, rows, [&](const auto& key, const Job&) {
    back += std::get<0>(key);
    return back.size() < 3;
  });
  EXPECT_EQ(back, "dac");
}

TEST(Index, AMovedRowLeavesNoStaleEntry) {
  test::MapRows rows;
  kIndexed.put(rows, {"a"}, {"p", 1, "t1", false});
  kIndexed.put(rows, {"a"}, {"q", 1, "t2", false});
  EXPECT_EQ(ids(rows, "p"), "");
  EXPECT_EQ(ids(rows, "q"), "a ");
  EXPECT_FALSE(kIndexed.find_by(kByToken, rows, "t1"));
  EXPECT_EQ(kIndexed.find_by(kByToken, rows, "t2")->second.pool, "q");
  kIndexed.put(rows, {"a"}, {"q", 1, {}, true});
  EXPECT_EQ(rows.rows.size(), 1u) << "neither index has it";
  kIndexed.erase(rows, {"a"});
  kIndexed.erase(rows, {"a"});
  EXPECT_TRUE(rows.rows.empty());
}

TEST(UniqueIndex, BelongsToTheRowPutLast) {
  test::MapRows rows;
  kIndexed.put(rows, {"a"}, {"p", 1, "t", false});
  kIndexed.put(rows, {"b"}, {"p", 2, "t", false});
  EXPECT_EQ(kIndexed.find_by(kByToken, rows, "t")->first, std::tuple<std::string>("b"));
  kIndexed.erase(rows, {"a"});
  EXPECT_TRUE(kIndexed.find_by(kByToken, rows, "t")) << "the entry was not the erased row's";
  kIndexed.put(rows, {"b"}, {"p", 2, "u", false});
  EXPECT_FALSE(kIndexed.find_by(kByToken, rows, "t"));
}

TEST(Index, AnEntryWithoutItsRowIsFound) {
  test::MapRows rows;
  kIndexed.put(rows, {"a"}, {"p", 1, {}, false});
  kJobs.erase(rows, "a");
  EXPECT_THROW(ids(rows, "p"), RowsUnavailable);
}

TEST(Index, RandomChangesEqualAFreshlyBuiltTable) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  test::MapRows rows;
  std::map<std::string, Job> model;
  for (int round = 0; round < 2000; ++round) {
    const std::string id(1, static_cast<char>('a' + random() % 8));
    if (random() % 4 == 0) {
      kIndexed.erase(rows, {id});
      model.erase(id);
    } else {
      Job job{std::string(1, static_cast<char>('p' + random() % 3)), static_cast<std::int64_t>(random() % 3), {}, random() % 5 == 0};
      if (random() % 2 == 0) job.token = id + std::to_string(random() % 3);
      kIndexed.put(rows, {id}, job);
      model[id] = job;
    }
    test::MapRows fresh;
    for (const auto& [key, job] : model) kIndexed.put(fresh, {key}, job);
    ASSERT_EQ(rows.rows, fresh.rows);
  }
}

}  // namespace
}  // namespace tidemark
