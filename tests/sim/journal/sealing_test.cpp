// Full segments become sealed files, and retention removes them: whatever happens meanwhile, readers get the same records.
#include "core/log/embedded/layout.hpp"
#include "core/log/embedded/sealed_format.hpp"
#include "sealing_rig.hpp"

namespace tidemark::log::test {
namespace {

TEST(JournalSealing, LeavesOnlyTheLastSegmentsAndServesTheSame) {
  JournalRig rig(1);
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 20);
  EXPECT_EQ(count(rig, SealingReport::Kind::failed), 0u);
  EXPECT_LE(names(rig, ".journal").size(), 3u);  // the current one and the next, perhaps under its temporary name
  EXPECT_GT(names(rig, ".journal").front(), segment_name(5));
  EXPECT_FALSE(names(rig, ".fact.sealed").empty());
  EXPECT_FALSE(names(rig, ".decisions.sealed").empty());
  EXPECT_FALSE(names(rig, ".ephemeral-60000.sealed").empty());
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "while open");
  rig.close();
  ASSERT_TRUE(rig.open().ok());
  EXPECT_LE(rig.report.segments, 2u);
  EXPECT_GT(rig.report.sealed_files, 3u);
  ASSERT_EQ(rig.compare(), "");
  fill(rig, 5);
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "after a restart");
}

TEST(JournalSealing, TakesInWhatWasLeftByALogThatDidNotSeal) {
  JournalRig rig(2);
  ASSERT_TRUE(rig.open().ok());
  fill(rig, 20);
  rig.close();
  const auto before = names(rig, ".journal").size();
  ASSERT_TRUE(sealing(rig).open().ok());
  rig.run();
  EXPECT_LT(names(rig, ".journal").size(), before);
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "after sealing");
}

TEST(JournalSealing, MergesSmallNeighboursSoThatFilesDoNotPileUp) {
  JournalRig rig(3, 8192);
  rig.specs[2].retention = std::chrono::hours(24);
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 120);
  const auto sealed_segments = parse_segment_name(names(rig, ".journal").front());
  ASSERT_TRUE(sealed_segments);
  ASSERT_GT(*sealed_segments, 15u);
  std::uint64_t bytes = 0;
  for (const auto& [name, content] : rig.disk.image()) bytes += name.ends_with(".sealed") ? content.size() : 0;
  EXPECT_LT(names(rig, ".sealed").size(), 3 * 4 + bytes / 4096 * 2);
  EXPECT_LE(names(rig, ".decisions.sealed").size(), *sealed_segments / 2 + 1);
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "after merging");
}

TEST(JournalSealing, IsNotNoticedByReadersBetweenAnyTwoSteps) {
  JournalRig rig(4);
  ASSERT_TRUE(sealing(rig).open().ok());
  for (int round = 0; round < 12; ++round) {
    rig.append(0, {1, 1, 1}, 150);
    rig.append(1, {2, 1}, 250);
    for (bool ran = true; ran;) {
      ran = rig.writer.run_one() || rig.home.run_one() || rig.sealer.run_one();
      for (std::size_t t = 0; t < kTopics; ++t) {
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
          auto v = rig.values(t, lane);
          ASSERT_TRUE(v.ok()) << describe(v.error());
          ASSERT_EQ(v->size(), rig.log->end(rig.topics[t], LaneId{lane}).value);
        }
      }
    }
  }
  ASSERT_EQ(rig.compare(), "");
}

TEST(JournalSealing, LosesNothingWhenThePowerGoesAtAnyStep) {
  std::uint64_t operations = 0;
  {
    JournalRig rig(1);
    ASSERT_TRUE(sealing(rig).open().ok());
    fill(rig, 9);
    rig.close();
    operations = rig.disk.operations();
  }
  ASSERT_GT(operations, 150u);
  for (std::uint64_t step = 0; step < operations; ++step) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      const auto where = "power cut at operation " + std::to_string(step) + ", seed " + std::to_string(seed);
      JournalRig rig(seed * 1000 + step);
      rig.disk.cut_power_at(step);
      if (sealing(rig).open().ok()) fill(rig, 9);
      rig.close();
      rig.disk.crash();
      auto opened = rig.open();
      ASSERT_TRUE(opened.ok()) << where << ": " << describe(opened.error());
      ASSERT_EQ(rig.compare(), "") << where;
      expect_whole(rig, where);
      fill(rig, 3);
      ASSERT_EQ(rig.compare(), "") << where;
      expect_whole(rig, where + ", later");
      if (HasFatalFailure()) return;
    }
  }
}

TEST(JournalSealing, GoesOnAfterAnyOperationHasFailed) {
  std::uint64_t operations = 0;
  {
    JournalRig rig(1);
    ASSERT_TRUE(sealing(rig).open().ok());
    fill(rig, 9);
    operations = rig.disk.operations();
  }
  std::size_t failed_sealings = 0, sealed_later = 0;
  for (const Code code : {Code::internal, Code::exhausted}) {
    for (std::uint64_t step = 0; step < operations; ++step) {
      const auto where = "operation " + std::to_string(step) + " failed with " + std::string(name_of(code));
      JournalRig rig(step + 77);
      rig.disk.fail_at(step, code);
      if (sealing(rig).open().ok()) {
        fill(rig, 9);
        failed_sealings += count(rig, SealingReport::Kind::failed);
        if (!rig.log->failure()) {
          ASSERT_EQ(rig.compare(), "") << where;
          rig.log->tend();
          rig.run();
          sealed_later += names(rig, ".journal").size() <= 3 ? 1 : 0;
        }
      }
      rig.close();
      rig.disk.crash();
      auto again = rig.open();
      ASSERT_TRUE(again.ok()) << where << ": " << describe(again.error());
      ASSERT_EQ(rig.compare(), "") << where;
      rig.run();
      expect_whole(rig, where);
      ASSERT_LE(names(rig, ".journal").size(), 3u) << where;
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GT(failed_sealings, 20u);
  EXPECT_GT(sealed_later, 20u);
}

TEST(JournalSealing, KeepsTheSegmentsWhileTheDiskIsFullAndSealsThemLater) {
  JournalRig rig(6, 8192);
  ASSERT_TRUE(rig.open().ok());
  fill(rig, 20);
  rig.close();
  const auto before = names(rig, ".journal");
  std::uint64_t used = 0;
  for (const auto& [name, content] : rig.disk.image()) used += content.size();
  rig.disk.set_capacity(used + 2000);
  ASSERT_TRUE(sealing(rig).open().ok());
  rig.run();
  EXPECT_EQ(names(rig, ".journal"), before);
  EXPECT_TRUE(names(rig, ".sealed").empty());
  ASSERT_EQ(count(rig, SealingReport::Kind::failed), 1u);
  EXPECT_EQ(rig.sealed.front().error.code, Code::exhausted);
  ASSERT_EQ(rig.compare(), "");
  rig.disk.set_capacity(std::nullopt);
  rig.log->tend();
  rig.run();
  EXPECT_LE(names(rig, ".journal").size(), 3u);
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "when there is space again");
}

TEST(JournalSealing, NamesASegmentThatIsDamagedAndKeepsIt) {
  JournalRig rig(7);
  ASSERT_TRUE(rig.open().ok());
  fill(rig, 20);
  rig.close();
  auto image = rig.disk.image();
  auto& first = image["log/" + segment_name(1)];
  first[first.find("vvvv")] ^= 1;
  rig.disk.load(image);
  ASSERT_TRUE(sealing(rig).open().ok());
  rig.run();
  ASSERT_EQ(count(rig, SealingReport::Kind::failed), 1u);
  EXPECT_EQ(rig.sealed.front().error.code, Code::corrupt);
  EXPECT_NE(rig.sealed.front().error.message.find("segment 1 offset "), std::string::npos) << rig.sealed.front().error.message;
  EXPECT_EQ(rig.disk.image().at("log/" + segment_name(1)), first);
  EXPECT_TRUE(names(rig, ".sealed").empty());
}

// In the footer, which shows when the file is opened, and in the checksums before it, which only merging looks at.
TEST(JournalSealing, LeavesADamagedFileApartAndSealsOn) {
  for (const std::size_t before_end : {kSealedFooterSize - 1, kSealedFooterSize + 1}) {
    JournalRig rig(8);
    ASSERT_TRUE(sealing(rig).open().ok());
    fill(rig, 4);
    rig.close();
    const std::string newest = names(rig, ".decisions.sealed").back();
    damage(rig, newest, before_end);
    ASSERT_TRUE(rig.open().ok());
    fill(rig, 30);
    rig.log->tend();
    rig.run();
    ASSERT_EQ(count(rig, SealingReport::Kind::failed), 1u) << before_end;
    const auto failed = std::find_if(rig.sealed.begin(), rig.sealed.end(), [](const auto& r) { return r.kind == SealingReport::Kind::failed; });
    EXPECT_EQ(failed->error.code, Code::corrupt);
    EXPECT_NE(failed->error.message.find("file " + newest), std::string::npos) << failed->error.message;
    EXPECT_LE(names(rig, ".journal").size(), 3u) << "sealing goes on";
    EXPECT_TRUE(rig.disk.image().contains("log/" + newest));
    const auto sealed_segments = parse_segment_name(names(rig, ".journal").front());
    ASSERT_TRUE(sealed_segments);
    EXPECT_LE(names(rig, ".decisions.sealed").size(), *sealed_segments / 2 + 1) << "newer files are merged as ever";
    if (before_end > kSealedFooterSize) {
      ASSERT_EQ(rig.compare(), "");  // readers do not look at the checksums
    }
  }
}

}  // namespace
}  // namespace tidemark::log::test
