// The exporter's SQLite file, with a small layout of its own.

#include "replay/export/export_database.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/contract/log/scratch_directory.hpp"

namespace tidemark::replay {
namespace {

Cell text(std::string value) { return Cell(std::move(value)); }
const Uuid kEpoch{{1}}, kOtherEpoch{{2}};

ExportLayout small_layout() {
  ExportLayout layout;
  layout.name = "shop";
  layout.database = "shop.db";
  layout.tables = {
      {.name = "owners", .create = "CREATE TABLE owners(id TEXT PRIMARY KEY, name TEXT NOT NULL, token TEXT NOT NULL)", .columns = {"id", "name", "token"},
       .kept = {"token"}, .watched = true},
      {.name = "things", .create = "CREATE TABLE things(id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT REFERENCES owners(id), path TEXT)",
       .columns = {"owner", "path"}, .keyed = false, .paths = {"path"}},
  };
  layout.folders = {"things"};
  return layout;
}

class Shop : public testing::Test {
 protected:
  Result<std::unique_ptr<ExportDatabase>> open(const Uuid& epoch = kEpoch, const std::string& root = "/root") {
    return ExportDatabase::open(directory_.path(), layout_, epoch, root);
  }
  /// Writes rows and a position.
  Result<void> apply(ExportDatabase& database, std::vector<Cells> owners, std::vector<Cells> things, std::uint64_t next = 1) {
    ExportChanges changes;
    changes.rows = {std::move(owners), std::move(things)};
    return database.apply({changes, {{"shop.topic", LaneId{0}, Tmseq{next}, "id"}}, {}, {}});
  }
  Cell look(ExportDatabase& database, const std::string& sql) {
    Cell found;
    const auto done = database.look([&](SqliteFile& sqlite) -> Result<void> {
      auto value = sqlite.value(sql);
      if (!value) return value.take_error();
      found = *value;
      return {};
    });
    EXPECT_TRUE(done.ok());
    return found;
  }
  std::string database_path() const { return directory_.path() + "/shop.db"; }

  log::test::ScratchDirectory directory_;
  const ExportLayout layout_ = small_layout();
};

TEST_F(Shop, ARowReplacesTheOneOfItsKeyAndKeepsWhatIsKept) {
  auto database = open().value().release();
  const std::unique_ptr<ExportDatabase> own(database);
  ASSERT_TRUE(apply(*database, {{text("a"), text("Ann"), text("first")}}, {}).ok());
  ASSERT_TRUE(apply(*database, {{text("a"), text("Anna"), text("second")}}, {}).ok());
  EXPECT_EQ(look(*database, "SELECT name || '/' || token FROM owners"), text("Anna/first"));
}

TEST_F(Shop, NumberedRowsAreAddedInOrder) {
  const auto database = open().value().release();
  const std::unique_ptr<ExportDatabase> own(database);
  ASSERT_TRUE(apply(*database, {{text("a"), text("Ann"), text("t")}}, {{text("a"), text("/root/1")}, {text("a"), text("/root/2")}}).ok());
  ASSERT_TRUE(apply(*database, {}, {{text("a"), {}}}).ok());
  EXPECT_EQ(look(*database, "SELECT group_concat(id || coalesce(path, '-')) FROM things"), text("1/root/1,2/root/2,3-"));
}

TEST_F(Shop, ARowThatRefersToNothingIsNotWrittenNorIsThePosition) {
  const auto database = open().value().release();
  const std::unique_ptr<ExportDatabase> own(database);
  const auto applied = apply(*database, {}, {{text("nobody"), {}}});
  ASSERT_FALSE(applied.ok());
  EXPECT_EQ(applied.error().code, Code::invalid_argument);
  EXPECT_TRUE(database->positions()->empty());
  EXPECT_EQ(look(*database, "SELECT count(*) FROM things"), Cell(std::int64_t{0}));
}

TEST_F(Shop, ItGoesOnWhereItWas) {
  ASSERT_TRUE(apply(**open(), {{text("a"), text("Ann"), text("t")}}, {}, 7).ok());
  auto again = open();
  ASSERT_TRUE(again.ok());
  const auto positions = (*again)->positions();
  ASSERT_EQ(positions->size(), 1u);
  EXPECT_EQ(positions->front().next, Tmseq{7});
  EXPECT_EQ(*(*again)->count("owners"), 1u);
}

TEST_F(Shop, WhatWasMadeFromAnotherLogIsLeftAlone) {
  EXPECT_TRUE(check_export_log(directory_.path(), layout_, kOtherEpoch).ok());  // nothing yet
  ASSERT_TRUE(apply(**open(), {{text("a"), text("Ann"), text("t")}}, {}).ok());
  EXPECT_TRUE(check_export_log(directory_.path(), layout_, kEpoch).ok());
  const auto checked = check_export_log(directory_.path(), layout_, kOtherEpoch);
  const auto opened = open(kOtherEpoch);
  ASSERT_FALSE(checked.ok());
  ASSERT_FALSE(opened.ok());
  for (const Error& error : {checked.error(), opened.error()}) {
    EXPECT_EQ(error.code, Code::invalid_argument);
    EXPECT_NE(error.message.find(to_string(kEpoch)), std::string::npos) << error.message;
    EXPECT_NE(error.message.find(to_string(kOtherEpoch)), std::string::npos) << error.message;
  }
  EXPECT_EQ(*(*open())->count("owners"), 1u);
}

TEST_F(Shop, AnotherLogReplacesItWhenItIsAskedTo) {
  ASSERT_TRUE(apply(**open(), {{text("a"), text("Ann"), text("t")}}, {}).ok());
  auto replaced = ExportDatabase::open(directory_.path(), layout_, kOtherEpoch, "/root", OtherLog::replace);
  ASSERT_TRUE(replaced.ok());
  EXPECT_EQ(*(*replaced)->count("owners"), 0u);
  EXPECT_TRUE((*replaced)->positions()->empty());
  EXPECT_TRUE(check_export_log(directory_.path(), layout_, kOtherEpoch).ok());
}

TEST_F(Shop, AnotherLayoutOfTheSameLogBeginsEmpty) {
  ASSERT_TRUE(apply(**open(), {{text("a"), text("Ann"), text("t")}}, {}).ok());
  ExportLayout next = small_layout();
  next.version = 2;
  EXPECT_EQ(*(*ExportDatabase::open(directory_.path(), next, kEpoch, "/root"))->count("owners"), 0u);
}

TEST_F(Shop, AFileThatIsLostIsNamedNoLonger) {
  auto database = open();
  ExportChanges changes;
  changes.rows = {{{text("a"), text("Ann"), text("t")}}, {{text("a"), text("/root/things/1")}, {text("a"), text("/root/things/2")}}};
  const FileOrigin origin{FileOrigin::Kind::shared, "blob", "hash", 1};
  ASSERT_TRUE((*database)->apply({changes, {}, {{"things/1", origin}, {"things/2", origin}}, {}}).ok());
  ASSERT_TRUE((*database)->lose({"things/1", "things/never"}).ok());
  EXPECT_EQ(look(**database, "SELECT group_concat(coalesce(path, '-')) FROM things"), text("-,/root/things/2"));
  EXPECT_EQ((*database)->files()->size(), 1u);
  ASSERT_TRUE((*database)->lose({"things/2"}).ok());
  EXPECT_EQ(look(**database, "SELECT group_concat(coalesce(path, '-')) FROM things"), text("-,-"));
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::ours);
}

TEST_F(Shop, ALostFileWhosePathMayNotBeAbsentKeepsItsRow) {
  ExportLayout strict = small_layout();
  strict.tables[1].create = "CREATE TABLE things(id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT REFERENCES owners(id), path TEXT NOT NULL)";
  auto database = ExportDatabase::open(directory_.path(), strict, kEpoch, "/root");
  ASSERT_TRUE(apply(**database, {{text("a"), text("Ann"), text("t")}}, {{text("a"), text("/root/things/1")}}).ok());
  ASSERT_TRUE((*database)->lose({"things/1"}).ok());
  EXPECT_EQ(look(**database, "SELECT group_concat(path) FROM things"), text("/root/things/1"));
}

TEST_F(Shop, PathsMoveWithTheRoot) {
  ASSERT_TRUE(apply(**open(), {{text("a"), text("Ann"), text("t")}}, {{text("a"), text("/root/things/1")}, {text("a"), {}}}).ok());
  auto moved = open(kEpoch, "/ümläut");
  ASSERT_TRUE(moved.ok());
  auto back = open(kEpoch, "/b");
  EXPECT_EQ(look(**back, "SELECT group_concat(coalesce(path, '-')) FROM things"), text("/b/things/1,-"));
}

TEST_F(Shop, AWriteOfSomebodyElseEndsOurs) {
  auto database = open();
  ASSERT_TRUE(apply(**database, {{text("a"), text("Ann"), text("t")}}, {}).ok());
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::ours);
  ASSERT_TRUE((*SqliteFile::open(database_path(), SqliteFile::Mode::write))->run_all("UPDATE owners SET name='Bea'").ok());
  const auto applied = apply(**database, {{text("a"), text("Anna"), text("t")}}, {});
  ASSERT_FALSE(applied.ok());
  EXPECT_NE(applied.error().message.find("another program has written"), std::string::npos);
  EXPECT_EQ(look(**database, "SELECT name FROM owners"), text("Bea"));
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::taken);
  EXPECT_FALSE(open().ok());
}

TEST_F(Shop, WhatIsHandedOverHasNothingOfOurs) {
  auto database = open();
  ASSERT_TRUE(apply(**database, {{text("a"), text("Ann"), text("t")}}, {}).ok());
  ASSERT_TRUE((*database)->hand_over().ok());
  EXPECT_EQ(look(**database, "SELECT group_concat(name) FROM (SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name)"), text("owners,things"));
  ASSERT_TRUE((*database)->finish().ok());
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::foreign);
}

TEST_F(Shop, FinishedItIsOneFile) {
  auto database = open();
  ASSERT_TRUE(apply(**database, {{text("a"), text("Ann"), text("t")}}, {}).ok());
  ASSERT_TRUE((*database)->finish().ok());
  EXPECT_FALSE(std::filesystem::exists(database_path() + "-wal"));
  EXPECT_FALSE(std::filesystem::exists(database_path() + "-shm"));
}

TEST_F(Shop, AFileThatIsNoDatabaseIsSomebodyElses) {
  std::ofstream(database_path()) << "this has never been a database, whatever its name says";
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::foreign);
  EXPECT_FALSE(check_export_directory(directory_.path(), layout_).ok());
}

TEST_F(Shop, WhatACrashInTheFirstMomentsLeavesIsNothing) {
  std::filesystem::create_directory(directory_.path() + "/things");
  std::ofstream(database_path()).flush();
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::nothing);
  EXPECT_EQ(*look_at_export(directory_.path() + "/not-there", layout_), ExportFound::nothing);
  std::ofstream(directory_.path() + "/things/1") << "a file";
  std::filesystem::remove(database_path());
  EXPECT_EQ(*look_at_export(directory_.path(), layout_), ExportFound::foreign);
}

}  // namespace
}  // namespace tidemark::replay
