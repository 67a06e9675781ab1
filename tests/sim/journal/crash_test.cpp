// The power goes at every operation of a journal's life, and again at every operation of the recovery.
#include "journal_rig.hpp"

namespace tidemark::log::test {
namespace {

std::uint64_t operations_of_a_life() {
  JournalRig rig(1);
  EXPECT_TRUE(rig.open().ok());
  live(rig);
  rig.close();
  return rig.disk.operations();
}

/// Recovers after a crash, lets the journal live on, and compares with the model both times.
void expect_good_life_after(JournalRig& rig, const std::string& where) {
  auto opened = rig.open();
  ASSERT_TRUE(opened.ok()) << where << ": " << describe(opened.error());
  ASSERT_EQ(rig.compare(), "") << where;
  live(rig);
  ASSERT_FALSE(rig.log->failure()) << where;
  ASSERT_EQ(rig.compare(), "") << where;
  rig.close();
  rig.disk.crash();  // a clean stop must have left everything durable
  ASSERT_TRUE(rig.open().ok()) << where;
  EXPECT_EQ(rig.report.torn_bytes_cut, 0u) << where;
  ASSERT_EQ(rig.compare(), "") << where;
  rig.close();
  auto verified = verify_embedded_log(rig.disk, "log");
  ASSERT_TRUE(verified.ok()) << where;
  ASSERT_TRUE(verified->damage.empty()) << where << ": " << verified->damage.front();
}

TEST(JournalCrash, LosesNothingAnsweredWhenThePowerGoesAtAnyStep) {
  const std::uint64_t operations = operations_of_a_life();
  ASSERT_GT(operations, 60u);
  for (std::uint64_t step = 0; step < operations; ++step) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      JournalRig rig(seed * 1000 + step);
      rig.disk.cut_power_at(step);
      if (rig.open().ok()) live(rig);
      rig.close();
      ASSERT_TRUE(rig.disk.power_is_off()) << step;
      rig.disk.crash();
      expect_good_life_after(rig, "power cut at operation " + std::to_string(step) + ", seed " + std::to_string(seed));
      if (HasFatalFailure()) return;
    }
  }
}

TEST(JournalCrash, LosesNothingWhenThePowerGoesAgainDuringRecovery) {
  const std::uint64_t operations = operations_of_a_life();
  int torn = 0;
  for (std::uint64_t step = 20; step < operations; step += 5) {
    for (std::uint64_t again = 0; again < 12; ++again) {
      JournalRig rig(step * 100 + again);
      rig.disk.cut_power_at(step);
      if (rig.open().ok()) live(rig);
      rig.close();
      rig.disk.crash();
      rig.disk.cut_power_at(rig.disk.operations() + again);
      if (rig.open().ok()) {
        torn += rig.report.torn_bytes_cut > 0 ? 1 : 0;
        ASSERT_EQ(rig.compare(), "");
      }
      rig.close();
      rig.disk.crash();
      expect_good_life_after(rig, "power cut at operation " + std::to_string(step) + " and " + std::to_string(again) + " of the recovery");
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(torn, 0) << "no torn tail was ever cut: the simulation is too kind";
}

// A process that is killed loses nothing the kernel has, and the journal goes on from what it finds there.
TEST(JournalCrash, KeepsEverythingWhenOnlyTheProcessDies) {
  for (std::uint64_t step = 30; step < 90; step += 7) {
    JournalRig rig(step);
    ASSERT_TRUE(rig.open().ok());
    live(rig);
    const auto image = rig.disk.image();
    rig.close();
    rig.disk.load(image);
    ASSERT_TRUE(rig.open().ok());
    ASSERT_EQ(rig.compare(), "");
  }
}

}  // namespace
}  // namespace tidemark::log::test
