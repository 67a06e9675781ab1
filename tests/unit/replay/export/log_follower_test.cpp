// The log as the exporter reads it: everything once, and when it is far behind, of every topic a part.

#include "replay/export/log_follower.hpp"

#include <gtest/gtest.h>

#include <map>

#include "core/event/record.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::replay {
namespace {

class Following : public ::testing::Test {
 protected:
  Following() {
    for (const auto& topic : topics_) ids_.push_back(*log_.open_topic(topic));
  }
  void append(std::size_t topic, std::uint32_t lane, std::size_t count, const std::string& data = "{}") {
    Tmseq next = log_.end(ids_[topic], LaneId{lane});
    log::LaneBatch batch;
    log::RecordBatchBuilder records;
    const Tmseq first = next;
    for (std::size_t i = 0; i < count; ++i, next = next.next()) {
      event::Envelope envelope;
      envelope.id = topics_[topic].name + "/" + std::to_string(lane) + "/" + std::to_string(next.value);
      envelope.source = "/tidemark/shop";
      envelope.type = "tidemark.shop.Sold.v1";
      envelope.subject = envelope.partitionkey = "a";
      envelope.time = scheduler_.wall();
      envelope.tmseq = next;
      records.add(encoder_.encode(envelope, data));
    }
    batch.topics.push_back({ids_[topic], first, std::move(records)});
    log::Ownership ownership;
    log_.take(LaneId{lane}, [&](Result<log::Ownership> taken) { ownership = *taken; });
    scheduler_.run_ready();
    bool written = false;
    log_.append(ownership, std::move(batch), [&](Result<void> done) { written = done.ok(); });
    scheduler_.run_ready();
    scheduler_.run_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(written);
  }
  /// Events by topic.
  std::map<std::size_t, std::size_t> count(const FollowedBatch& batch) {
    std::map<std::size_t, std::size_t> counts;
    for (const auto& followed : batch.events) ++counts[followed.topic];
    return counts;
  }

  tidemark::testing::VirtualScheduler scheduler_{7};
  testing::MemoryLog log_{std::make_shared<testing::LogHistory>(), scheduler_};
  const std::vector<log::TopicSpec> topics_{{"shop.ledger", log::TopicClass::fact, {}, {}}, {"shop.lines", log::TopicClass::fact, {}, {}}};
  std::vector<log::TopicId> ids_;
  event::RecordEncoder encoder_;
};

TEST_F(Following, WhatFitsIsReadAtOnceInTheOrderOfTheTopics) {
  append(1, 0, 20);
  append(0, 1, 10);
  append(0, 2, 10);
  auto follower = *LogFollower::open(log_, topics_, {});
  const auto batch = follower.read(40, 1 << 20);
  ASSERT_TRUE(batch.ok());
  ASSERT_EQ(batch->events.size(), 40u);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(batch->events[i].topic, i < 20 ? 0u : 1u);
  EXPECT_TRUE(follower.read(40, 1 << 20)->events.empty());
}

TEST_F(Following, FarBehindEveryTopicComesForward) {
  append(0, 0, 300);
  append(0, 1, 300);
  append(1, 0, 600);
  auto follower = *LogFollower::open(log_, topics_, {});
  for (int i = 0; i < 3; ++i) {
    const auto batch = follower.read(100, 1 << 20);
    ASSERT_TRUE(batch.ok());
    EXPECT_EQ(batch->events.size(), 100u);
    EXPECT_EQ(count(*batch), (std::map<std::size_t, std::size_t>{{0, 50}, {1, 50}}));
    EXPECT_EQ(batch->positions.size(), 3u);
  }
}

TEST_F(Following, BytesAreSharedAsRecordsAre) {
  append(0, 0, 100, "\"" + std::string(1000, 'x') + "\"");
  append(1, 2, 100, "\"" + std::string(1000, 'y') + "\"");
  auto follower = *LogFollower::open(log_, topics_, {});
  const auto batch = follower.read(1000, 20'000);
  ASSERT_TRUE(batch.ok());
  const auto counts = count(*batch);
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts.at(0), counts.at(1));
}

TEST_F(Following, HoweverLittleIsReadAtOnceNothingIsLeftOutOrRepeated) {
  append(0, 0, 70);
  append(0, 2, 1);
  append(1, 1, 31);
  append(1, 2, 7);
  auto follower = *LogFollower::open(log_, topics_, {});
  std::map<std::string, int> seen;
  while (true) {
    const auto batch = follower.read(5, 1 << 20);
    ASSERT_TRUE(batch.ok());
    if (batch->events.empty()) break;
    for (const auto& followed : batch->events) ++seen[followed.event.envelope.id];
  }
  EXPECT_EQ(seen.size(), 109u);
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
}

}  // namespace
}  // namespace tidemark::replay
