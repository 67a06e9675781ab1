// Retention deletes whole sealed files, oldest first, and never a fact.
#include "core/log/embedded/catalogue.hpp"
#include "sealing_rig.hpp"

namespace tidemark::log::test {
namespace {

std::uint64_t begin(const JournalRig& rig, std::size_t topic, std::uint32_t lane) { return rig.log->begin(rig.topics[topic], LaneId{lane}).value; }

/// Twenty seconds of records, then a minute: the ephemeral topic's retention.
void age(JournalRig& rig) {
  fill(rig, 20);
  rig.now += std::chrono::seconds(61);
  rig.log->tend();
  rig.run();
}

TEST(JournalRetention, CutsWhatIsOlderThanTheTopicAllows) {
  JournalRig rig(1);
  ASSERT_TRUE(sealing(rig).open().ok());
  age(rig);
  EXPECT_GT(count(rig, SealingReport::Kind::removed), 0u);
  EXPECT_TRUE(names(rig, ".ephemeral-60000.sealed").empty());
  EXPECT_GT(begin(rig, 2, 0), 0u);
  EXPECT_GT(begin(rig, 2, 2), 0u);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    EXPECT_EQ(begin(rig, 0, lane), 0u);
    EXPECT_EQ(begin(rig, 1, lane), 0u);
  }
  auto below = rig.log->read(rig.topics[2], LaneId{0}, Tmseq{begin(rig, 2, 0) - 1}, 1000);
  ASSERT_FALSE(below.ok());
  EXPECT_EQ(below.error().code, Code::not_found);
  EXPECT_NE(below.error().message.find("builds.activity lane 0 begins at " + std::to_string(begin(rig, 2, 0))), std::string::npos) << below.error().message;
  ASSERT_EQ(rig.compare(), "");
  const std::uint64_t began = begin(rig, 2, 0);
  rig.close();
  ASSERT_TRUE(rig.open().ok());
  EXPECT_EQ(begin(rig, 2, 0), began);
  ASSERT_EQ(rig.compare(), "");
  age(rig);
  EXPECT_GT(begin(rig, 2, 0), began);
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "after two cuts");
}

TEST(JournalRetention, KeepsWhatIsYoungerAndWhatHasNoSealedFileYet) {
  JournalRig rig(2);
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 20);
  rig.log->tend();
  rig.run();
  EXPECT_EQ(begin(rig, 2, 0), 0u);
  rig.append(0, {0, 0, 1});
  rig.now += std::chrono::hours(24);
  rig.log->tend();
  rig.run();
  EXPECT_GT(begin(rig, 2, 0), 0u);
  // Retention deletes files, and what lies in the last segment is in none.
  EXPECT_LT(begin(rig, 2, 0), rig.log->end(rig.topics[2], LaneId{0}).value);
  ASSERT_EQ(rig.compare(), "");
}

TEST(JournalRetention, CutsATopicToItsSizeOldestFirst) {
  JournalRig rig(3);
  rig.specs[2].retention.reset();
  rig.specs[2].retention_bytes = 6000;
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 60);
  EXPECT_GT(begin(rig, 2, 0), 0u);
  auto catalogue = parse_catalogue(rig.disk.image().at("log/catalogue"));
  ASSERT_TRUE(catalogue.ok());
  std::uint64_t left = 0, largest = 0;
  for (const auto& file : catalogue->files) {
    const auto found = file.topic_bytes.find(rig.topics[2].value);
    if (found == file.topic_bytes.end()) continue;
    EXPECT_EQ(file.topic_bytes.size(), 1u) << "a topic cut by its own size shares no file";
    left += found->second;
    largest = std::max(largest, found->second);
  }
  EXPECT_GE(left, 6000u);
  EXPECT_LT(left, 6000u + largest);
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "cut by size");
}

TEST(JournalRetention, FollowsASettingThatChanges) {
  JournalRig rig(4);
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 20);
  rig.close();
  rig.specs[2].retention = std::chrono::hours(1);
  rig.now += std::chrono::minutes(10);
  ASSERT_TRUE(rig.open().ok());
  fill(rig, 20);
  EXPECT_EQ(begin(rig, 2, 0), 0u) << "longer now, for what was sealed before too";
  EXPECT_FALSE(names(rig, ".ephemeral-3600000.sealed").empty());
  rig.close();
  rig.specs[2].retention = std::chrono::seconds(1);
  ASSERT_TRUE(rig.open().ok());
  rig.now += std::chrono::seconds(30);
  rig.log->tend();
  rig.run();
  EXPECT_TRUE(names(rig, ".ephemeral-").empty());
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "after two changes");
}

TEST(JournalRetention, IsRefusedForAFact) {
  JournalRig rig(5);
  ASSERT_TRUE(rig.open().ok());
  TopicSpec spec{"builds.more", TopicClass::fact, std::chrono::hours(1)};
  auto refused = rig.log->open_topic(spec);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  spec = TopicSpec{"builds.more", TopicClass::fact, std::nullopt, 1000};
  EXPECT_FALSE(rig.log->open_topic(spec).ok());
}

TEST(JournalRetention, RemovesAnExpiredFileThatDoesNotOpenToo) {
  JournalRig rig(6);
  ASSERT_TRUE(sealing(rig).open().ok());
  fill(rig, 20);
  rig.close();
  const auto files = names(rig, ".ephemeral-60000.sealed");
  ASSERT_GE(files.size(), 4u);
  // One before a whole file, and two in a row: the first of these is left for the next time.
  for (const std::size_t i : {std::size_t{0}, files.size() - 2, files.size() - 1}) damage(rig, files[i], 1);
  ASSERT_TRUE(rig.open().ok());
  rig.sealed.clear();
  rig.now += std::chrono::seconds(61);
  rig.log->tend();
  rig.run();
  EXPECT_EQ(names(rig, ".ephemeral-60000.sealed"), std::vector{files[files.size() - 2]});
  EXPECT_EQ(count(rig, SealingReport::Kind::failed), 3u);
  EXPECT_EQ(rig.sealed.front().error.code, Code::corrupt);
  ASSERT_EQ(rig.compare(), "");
  rig.log->tend();
  rig.run();
  EXPECT_TRUE(names(rig, ".ephemeral-60000.sealed").empty());
  ASSERT_EQ(rig.compare(), "");
  rig.close();
  ASSERT_TRUE(rig.open().ok());
  ASSERT_EQ(rig.compare(), "");
  expect_whole(rig, "without the damaged files");
}

TEST(JournalRetention, LosesNothingElseWhenThePowerGoesAtAnyStep) {
  std::uint64_t from = 0, operations = 0;
  {
    JournalRig rig(1);
    ASSERT_TRUE(sealing(rig).open().ok());
    fill(rig, 20);
    from = rig.disk.operations();
    rig.now += std::chrono::seconds(61);
    rig.log->tend();
    rig.run();
    operations = rig.disk.operations();
  }
  ASSERT_GT(operations, from + 5);
  for (const bool power : {true, false}) {
    for (std::uint64_t step = from; step < operations; ++step) {
      const auto where = std::string(power ? "power cut" : "failure") + " at operation " + std::to_string(step);
      JournalRig rig(step);
      ASSERT_TRUE(sealing(rig).open().ok());
      fill(rig, 20);
      ASSERT_EQ(rig.disk.operations(), from);
      if (power) rig.disk.cut_power_at(step);
      else rig.disk.fail_at(step, Code::internal);
      rig.now += std::chrono::seconds(61);
      rig.log->tend();
      rig.run();
      ASSERT_FALSE(rig.log->failure()) << where;
      const std::uint64_t began = begin(rig, 2, 0);
      rig.close();
      rig.disk.crash();
      auto opened = rig.open();
      ASSERT_TRUE(opened.ok()) << where << ": " << describe(opened.error());
      ASSERT_GE(begin(rig, 2, 0), began) << where << ": what was cut came back";
      ASSERT_EQ(rig.compare(), "") << where;
      rig.log->tend();
      rig.run();
      EXPECT_TRUE(names(rig, ".ephemeral-60000.sealed").empty()) << where;
      ASSERT_EQ(rig.compare(), "") << where;
      expect_whole(rig, where);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace tidemark::log::test
