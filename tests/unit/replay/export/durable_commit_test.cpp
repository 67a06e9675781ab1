// What a power cut may take: a commit waits for the disk when files are removed after it, and only then.

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "replay/export/export_database.hpp"
#include "tests/contract/log/scratch_directory.hpp"

namespace {
std::atomic<int> g_syncs{0};
}

// Before those of the C library, for SQLite too.
extern "C" int fsync(int fd) {
  ++g_syncs;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int fdatasync(int fd) {
  ++g_syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace tidemark::replay {
namespace {

class DurableCommit : public testing::Test {
 protected:
  DurableCommit() {
    layout_.name = "shop";
    layout_.database = "shop.db";
    layout_.tables = {{.name = "things", .create = "CREATE TABLE things(id TEXT PRIMARY KEY, path TEXT)", .columns = {"id", "path"}, .paths = {"path"}}};
    database_ = *ExportDatabase::open(directory_.path(), layout_, Uuid{{1}}, "/root");
  }
  /// How often a sync was asked for meanwhile.
  template <class Work>
  int syncs_of(Work&& work) {
    const int before = g_syncs;
    EXPECT_TRUE(work().ok());
    return g_syncs - before;
  }
  Result<void> apply(const std::vector<std::string>& removed) {
    ExportChanges changes;
    changes.rows = {{{std::string("a"), std::string("/root/a")}}};
    return database_->apply({changes, {}, {}, removed});
  }

  log::test::ScratchDirectory directory_;
  ExportLayout layout_;
  std::unique_ptr<ExportDatabase> database_;
};

TEST_F(DurableCommit, ACommitThatOnlyAddsDoesNotWaitForTheDisk) {
  ASSERT_TRUE(apply({}).ok());
  EXPECT_EQ(syncs_of([&] { return apply({}); }), 0);
}

TEST_F(DurableCommit, ACommitThatRemovesFilesIsDurable) {
  EXPECT_GT(syncs_of([&] { return apply({"things/a"}); }), 0);
  EXPECT_EQ(syncs_of([&] { return apply({}); }), 0);  // and the next one does not wait again
}

TEST_F(DurableCommit, EverythingBeforeASyncIsDurable) {
  ASSERT_TRUE(apply({}).ok());
  EXPECT_GT(syncs_of([&] { return database_->sync(); }), 0);
}

TEST_F(DurableCommit, WhatIsLostIsForgottenDurably) {
  EXPECT_GT(syncs_of([&] { return database_->lose({"a"}); }), 0);
}

}  // namespace
}  // namespace tidemark::replay
