// A disk that fails or is full: what is answered, and what is there afterwards.
#include "journal_rig.hpp"

namespace tidemark::log::test {
namespace {

TEST(JournalFailure, AnswersTruthfullyWhenAnyOperationFails) {
  std::uint64_t operations = 0;
  {
    JournalRig rig(1);
    ASSERT_TRUE(rig.open().ok());
    live(rig);
    operations = rig.disk.operations();
  }
  int failed = 0, unknown = 0;
  for (const Code code : {Code::internal, Code::exhausted}) {
    for (std::uint64_t step = 0; step < operations; ++step) {
      JournalRig rig(step + 77);
      rig.disk.fail_at(step, code);
      const bool opened = rig.open().ok();
      if (opened) {
        live(rig);
        for (const Asked& asked : rig.asked) {
          ASSERT_NE(asked.fate, Asked::Fate::pending) << "operation " << step;
          unknown += asked.fate == Asked::Fate::unknown ? 1 : 0;
          if (asked.fate == Asked::Fate::refused) {
            ASSERT_TRUE(asked.code == Code::unavailable || asked.code == Code::exhausted) << name_of(asked.code);
          }
        }
        failed += rig.log->failure() ? 1 : 0;
      }
      // First only the process starts anew (the kernel's pages are still there), then the power goes.
      rig.close();
      ASSERT_TRUE(rig.open().ok()) << "operation " << step;
      ASSERT_EQ(rig.compare(), "") << "operation " << step << " failed with " << name_of(code);
      rig.disk.crash();
      rig.close();
      auto again = rig.open();
      ASSERT_TRUE(again.ok()) << "operation " << step << ": " << describe(again.error());
      ASSERT_EQ(rig.compare(), "") << "operation " << step << " failed with " << name_of(code) << ", then the power went";
    }
  }
  EXPECT_GT(failed, 0);
  EXPECT_GT(unknown, 0);
}

TEST(JournalFailure, IsNeverHealedByTryingAgain) {
  JournalRig rig(5);
  ASSERT_TRUE(rig.open().ok());
  rig.append(0, {1});
  rig.run();
  rig.disk.fail_at(rig.disk.operations() + 1, Code::internal);  // the sync of the next commit
  rig.append(0, {1});
  rig.append(1, {1});
  rig.run();
  EXPECT_EQ(rig.asked[1].code, Code::outcome_unknown);
  EXPECT_EQ(rig.asked[2].code, Code::outcome_unknown);
  ASSERT_TRUE(rig.log->failure());
  const auto operations = rig.disk.operations();
  rig.append(2, {1});
  rig.run();
  EXPECT_EQ(rig.asked[3].code, Code::unavailable);
  EXPECT_EQ(rig.disk.operations(), operations);
  EXPECT_EQ(rig.log->end(rig.topics[0], LaneId{0}), Tmseq{1});
}

TEST(JournalFailure, RefusesWhenTheDiskIsFullAndGoesOnWhenThereIsSpaceAgain) {
  JournalRig rig(9);
  ASSERT_TRUE(rig.open().ok());
  rig.disk.set_capacity(2 * 4096 + 4096);
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    rig.append(0, {2, 1}, 100);
    rig.run();
    if (rig.asked.back().fate == Asked::Fate::refused) {
      EXPECT_EQ(rig.asked.back().code, Code::exhausted);
      ++refused;
    }
  }
  ASSERT_GT(refused, 0);
  ASSERT_FALSE(rig.log->failure());
  rig.disk.set_capacity(std::nullopt);
  for (int i = 0; i < 60; ++i) {
    rig.append(0, {2, 1}, 100);
    rig.run();
    ASSERT_EQ(rig.asked.back().fate, Asked::Fate::accepted);
  }
  ASSERT_EQ(rig.compare(), "");
  rig.close();
  rig.disk.crash();
  ASSERT_TRUE(rig.open().ok());
  ASSERT_EQ(rig.compare(), "");
}

TEST(JournalFailure, RefusesWhatDoesNotFitInTheQueueOrInASegment) {
  JournalRig rig(3);
  ASSERT_TRUE(rig.open().ok());
  rig.append(0, {1}, 5000);
  rig.run();
  EXPECT_EQ(rig.asked[0].code, Code::exhausted);
  rig.append(0, {1});
  rig.run();
  EXPECT_EQ(rig.asked[1].fate, Asked::Fate::accepted);
}

}  // namespace
}  // namespace tidemark::log::test
