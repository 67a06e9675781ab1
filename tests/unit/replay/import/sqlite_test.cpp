#include "replay/import/sqlite.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "schemas/builds/import/legacy_rows.hpp"

namespace tidemark::replay {
namespace {

namespace legacy = schemas::builds::legacy;

class SqliteFile : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() / ("tm-sqlite-" + std::to_string(::getpid()) + "-" +
                                                           ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override {
    sqlite3_close(writer_);
    std::filesystem::remove_all(directory_);
  }
  std::string path() const { return directory_ / "old.db"; }
  std::string copy() const { return directory_ / "copy.db"; }

  /// The old server, which keeps its file open.
  void write(const std::string& sql) {
    if (writer_ == nullptr) {
      ASSERT_EQ(sqlite3_open(path().c_str(), &writer_), SQLITE_OK);
    }
    char* message = nullptr;
    ASSERT_EQ(sqlite3_exec(writer_, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK) << message;
  }
  std::unique_ptr<SqliteSnapshot> open() {
    auto opened = SqliteSnapshot::open(path(), copy());
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
    return opened.ok() ? std::move(*opened) : nullptr;
  }

  std::filesystem::path directory_;
  sqlite3* writer_ = nullptr;
};

TEST_F(SqliteFile, ASnapshotStaysAsItWasWhileTheWriterGoesOn) {
  write("PRAGMA journal_mode = WAL");
  write(std::string(legacy::BuildLog::kCreate));
  write("INSERT INTO build_logs(build_id, timestamp, level, message) VALUES ('b', 1, 'info', 'one')");
  const auto snapshot = open();
  write("INSERT INTO build_logs(build_id, timestamp, level, message) VALUES ('b', 2, 'info', 'two')");
  EXPECT_EQ(*snapshot->count("build_logs"), 1u);
  EXPECT_EQ(*open()->count("build_logs"), 2u);
}

TEST_F(SqliteFile, WhatAWriterHasNotCommittedIsNotSeenAndHoldsNobodyUpInWalMode) {
  write("PRAGMA journal_mode = WAL");
  write(std::string(legacy::BuildLog::kCreate));
  write("BEGIN; INSERT INTO build_logs(build_id, timestamp, level, message) VALUES ('b', 1, 'info', 'one')");
  EXPECT_EQ(*open()->count("build_logs"), 0u);
  write("COMMIT");
}

TEST_F(SqliteFile, AWriterThatHoldsItsLockForLongIsNamed) {
  write(std::string(legacy::BuildLog::kCreate));
  write("BEGIN EXCLUSIVE");
  const auto opened = SqliteSnapshot::open(path(), copy(), 50);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::unavailable);
  write("COMMIT");
}

TEST_F(SqliteFile, RowsComeAsStructsInTheOrderAsked) {
  write(std::string(legacy::CpuSnapshot::kCreate));
  write("INSERT INTO cpu_snapshots VALUES (1, 'b', 30, 12.5, 100), (2, 'a', 20, 1, 2.25)");
  std::vector<legacy::CpuSnapshot> rows;
  const auto snapshot = open();
  ASSERT_TRUE(scan_rows<legacy::CpuSnapshot>(*snapshot, {"timestamp"}, [&](auto&& row, const auto& problems) {
    EXPECT_TRUE(problems.empty());
    rows.push_back(row);
    return true;
  }).ok());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0], (legacy::CpuSnapshot{2, "a", 20, 1.0, 2.25}));
  EXPECT_EQ(rows[1], (legacy::CpuSnapshot{1, "b", 30, 12.5, 100.0}));
}

TEST_F(SqliteFile, MissingTablesAndColumnsReadAsAbsent) {
  write("CREATE TABLE workers (id TEXT PRIMARY KEY, NAME TEXT)");
  write("INSERT INTO workers VALUES ('w', 'Mac')");
  const auto snapshot = open();
  EXPECT_EQ(*snapshot->count("diagnostics"), 0u);
  EXPECT_TRUE(snapshot->columns("diagnostics")->empty());
  int rows = 0;
  ASSERT_TRUE(scan_rows<legacy::Diagnostic>(*snapshot, {"run_at"}, [&](auto&&, const auto&) { return ++rows > 0; }).ok());
  EXPECT_EQ(rows, 0);
  ASSERT_TRUE(scan_rows<legacy::Worker>(*snapshot, {"registered_at", "id"}, [&](auto&& row, const auto& problems) {
    EXPECT_TRUE(problems.empty());
    EXPECT_EQ(row.name, "Mac");
    EXPECT_FALSE(row.registered_at.has_value());
    return ++rows > 0;
  }).ok());
  EXPECT_EQ(rows, 1);
}

TEST_F(SqliteFile, CellsOfAnotherTypeAreReadAsFarAsTheyHaveAMeaning) {
  write("CREATE TABLE build_logs (id INTEGER PRIMARY KEY, build_id, timestamp, level, message)");
  write("INSERT INTO build_logs VALUES (1, 17, '1700000000000', 'info', X'68C3'), (2, NULL, 'soon', 2.5, ''), (3, 'b', 1e3, 'x', 'y')");
  std::vector<legacy::BuildLog> rows;
  std::vector<std::vector<std::string>> columns;
  const auto snapshot = open();
  ASSERT_TRUE(scan_rows<legacy::BuildLog>(*snapshot, {"id"}, [&](auto&& row, const auto& problems) {
    rows.push_back(row);
    auto& named = columns.emplace_back();
    for (const CellProblem& problem : problems) named.push_back(problem.column + " is " + problem.found);
    return true;
  }).ok());
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0], (legacy::BuildLog{1, "17", 1'700'000'000'000, "info", "h\xef\xbf\xbd"}));
  EXPECT_EQ(columns[0], (std::vector<std::string>{"build_id is integer 17", "timestamp is text \"1700000000000\"", "message is blob of 2 bytes"}));
  EXPECT_EQ(rows[1], (legacy::BuildLog{2, std::nullopt, std::nullopt, "2.5", ""}));
  EXPECT_EQ(rows[2].timestamp, 1000);
}

TEST_F(SqliteFile, OneBuildsRowsCanBeAskedFor) {
  write(std::string(legacy::BuildLog::kCreate));
  write("INSERT INTO build_logs(build_id, timestamp, level, message) VALUES ('a', 1, 'info', '1'), ('b', 2, 'info', '2'), ('a', 0, 'info', '3')");
  std::string seen;
  const auto snapshot = open();
  ASSERT_TRUE(scan_rows<legacy::BuildLog>(*snapshot, {"timestamp", "id"}, [&](auto&& row, const auto&) {
    seen += *row.message;
    return true;
  }, std::pair{std::string("build_id"), SqliteValue(std::string("a"))}).ok());
  EXPECT_EQ(seen, "31");
}

TEST_F(SqliteFile, WhatIsNoDatabaseIsRefusedWithItsReason) {
  EXPECT_EQ(SqliteSnapshot::open(path(), copy()).error().code, Code::not_found);
  std::ofstream(path()) << "";
  EXPECT_EQ(SqliteSnapshot::open(path(), copy()).error().code, Code::invalid_argument);
  std::ofstream(path()) << std::string(8192, 'x');
  EXPECT_EQ(SqliteSnapshot::open(path(), copy()).error().code, Code::invalid_argument);
  EXPECT_EQ(SqliteSnapshot::open(directory_, copy()).error().code, Code::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(SqliteFile, ADamagedFileIsRefused) {
  write(std::string(legacy::BuildLog::kCreate));
  for (int i = 0; i < 20; ++i) {
    write("INSERT INTO build_logs(build_id, timestamp, level, message) SELECT 'b', 1, 'info', hex(randomblob(500)) FROM (VALUES (1), (2), (3), (4), (5))");
  }
  std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 6 + 2);
  file << std::string(2000, '\xff');
  file.close();
  const auto opened = SqliteSnapshot::open(path(), copy());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Code::corrupt) << opened.error().message;
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(SqliteFile, NamesWithQuotesAndMarksAreOnlyNames) {
  directory_ /= "a b?mode=rw#%41";
  std::filesystem::create_directories(directory_);
  write("CREATE TABLE \"a\"\"b\" (\"c d\" TEXT)");
  write("INSERT INTO \"a\"\"b\" VALUES ('x')");
  const auto snapshot = open();
  EXPECT_EQ(*snapshot->tables(), std::vector<std::string>{"a\"b"});
  int rows = 0;
  ASSERT_TRUE(snapshot->scan({"a\"b", {"c d"}, {"c d"}}, [&](const auto& cells) {
    EXPECT_EQ(cells[0], SqliteValue(std::string("x")));
    return ++rows > 0;
  }).ok());
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace tidemark::replay
