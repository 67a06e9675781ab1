// Copies to and from a real broker, of partitions that retention has cut.
#include <librdkafka/rdkafka.h>

#include "core/base/executors.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/log/kafka/kafka_log.hpp"
#include "replay/copy/home_queue.hpp"
#include "replay/copy/record_stream.hpp"
#include "tests/contract/kafka/kafka_rig.hpp"
#include "tests/contract/log/scratch_directory.hpp"
#include "tests/support/broker/broker.hpp"
#include "tests/unit/replay/copy/history.hpp"

namespace tidemark::replay::test {
namespace {

using tidemark::test::Broker;

class CopyingToKafka : public ::testing::Test {
 protected:
  std::unique_ptr<log::EventLog> open(std::optional<Uuid> copy_of, Code expected = Code::uninitialised) {
    auto options = log::test::kafka_options(Broker::shared().bootstrap(), prefix_);
    options.lanes = 3;
    options.memory_bytes = 0;
    options.copy_of = copy_of;
    options.ring = "ring-a";
    auto opened = log::open_kafka_log(home_, std::move(options));
    EXPECT_EQ(opened.ok() ? Code::uninitialised : opened.error().code, expected) << (opened.ok() ? "" : describe(opened.error()));
    return opened.ok() ? std::move(*opened) : nullptr;
  }
  CopyLogs logs(log::EventLog& source, log::EventLog& target) {
    return {source, target, [this](const std::function<bool()>& done) {
              while (shop_.step()) {}
              home_.run_until(done);
            }};
  }
  void copy(log::EventLog& source, log::EventLog& target) {
    CopyOptions small;
    small.append_bytes = 4000;
    auto copied = copy_log(logs(source, target), small);
    ASSERT_TRUE(copied.ok()) << describe(copied.error());
  }
  static void expect_equal(log::EventLog& source, log::EventLog& target) {
    auto compared = compare_logs(source, target);
    ASSERT_TRUE(compared.ok()) << describe(compared.error());
    EXPECT_TRUE(compared->equal);
    EXPECT_EQ(compared->source_sha256, compared->target_sha256);
    for (const auto& one : compared->partitions) {
      EXPECT_EQ(one.problem, "") << one.topic << " lane " << one.lane.value;
      EXPECT_EQ(one.source_begin, one.target_begin) << one.topic << " lane " << one.lane.value;
    }
  }
  /// The broker removes what lies before `offset`, as its retention would; -1: everything.
  void cut(const std::string& topic, std::int32_t lane, std::int64_t offset) {
    auto client = log::kafka::make_consumer(log::test::kafka_options(Broker::shared().bootstrap(), prefix_).client, log::kafka::Isolation::uncommitted, {});
    ASSERT_TRUE(client.ok());
    rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, (prefix_ + topic).c_str(), lane)->offset = offset < 0 ? RD_KAFKA_OFFSET_END : offset;
    rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list);
    rd_kafka_queue_t* queue = rd_kafka_queue_new(client->get());
    rd_kafka_DeleteRecords(client->get(), &request, 1, nullptr, queue);
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 30'000);
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(rd_kafka_event_error(event), RD_KAFKA_RESP_ERR_NO_ERROR) << rd_kafka_event_error_string(event);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteRecords_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
  }

  /// Until everything before that offset is committed: the marker of an append may come after it was answered.
  void wait_for_end(const std::string& topic, std::int32_t lane, std::int64_t offset) {
    auto client = log::kafka::make_consumer(log::test::kafka_options(Broker::shared().bootstrap(), prefix_).client, log::kafka::Isolation::committed, {});
    ASSERT_TRUE(client.ok());
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      const auto end = log::kafka::ask_offsets(client->get(), {{prefix_ + topic, lane}}, log::kafka::Edge::end, std::chrono::seconds(5));
      if (end.ok() && end->front() >= offset) return;
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "the partition never ended at " << offset;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // a broker tells nobody when a marker is written
    }
  }

  std::string prefix_ = tidemark::test::fresh_prefix();
  HomeQueue home_;
  Shop shop_{std::make_shared<LogHistory>(), 11};
};

TEST_F(CopyingToKafka, KeepsWhereEveryTopicBeginsAndGoesOnThere) {
  shop_.run(150);
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{31});
  shop_.log.cut("shop.activity", LaneId{1}, shop_.log.end(shop_.ids[1], LaneId{1}));  // nothing is left
  shop_.log.cut("shop.decisions", LaneId{0}, Tmseq{40});
  auto target = open(shop_.log.epoch());
  ASSERT_TRUE(target);
  copy(shop_.log, *target);
  target.reset();
  (void)open(std::nullopt, Code::unavailable);
  target = open(shop_.log.epoch());
  ASSERT_TRUE(target);
  expect_equal(shop_.log, *target);
  auto finished = finish_copy(logs(shop_.log, *target));
  ASSERT_TRUE(finished.ok()) << describe(finished.error());
  EXPECT_EQ(target->topics()[1].retention, specs()[1].retention);
  target.reset();

  // As nodes open it, one of which writes and the other follows.
  auto owner = open(std::nullopt), other = open(std::nullopt);
  ASSERT_TRUE(owner && other);
  std::vector<log::TopicId> ids;
  for (auto* log : {owner.get(), other.get()}) {
    ids.clear();
    for (const auto& spec : owner->topics()) {
      auto id = log->open_topic(spec);
      ASSERT_TRUE(id.ok()) << describe(id.error());
      ids.push_back(*id);
    }
  }
  const Tmseq at = owner->end(ids[1], LaneId{1});
  EXPECT_EQ(at, shop_.log.end(shop_.ids[1], LaneId{1}));
  EXPECT_GT(at.value, 10u);
  std::optional<Result<void>> appended;
  owner->take(LaneId{1}, [&](Result<log::Ownership> ownership) {
    ASSERT_TRUE(ownership.ok()) << describe(ownership.error());
    log::LaneBatch batch;
    log::RecordBatchBuilder records;
    event::RecordView record;
    record.value = "after the move";
    record.timestamp_ms = 1'700'000'000'000;
    records.add(record);
    batch.topics.push_back({ids[1], at, std::move(records)});
    owner->append(*ownership, std::move(batch), [&](Result<void> result) { appended = std::move(result); });
  });
  home_.run_until([&] { return appended.has_value(); });
  ASSERT_TRUE(appended->ok()) << describe(appended->error());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (other->end(ids[1], LaneId{1}) == at && !other->failure()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nobody has heard of it";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // until the next look, at the latest 60 s
  }
  EXPECT_FALSE(other->failure());
  EXPECT_EQ(other->begin(ids[1], LaneId{1}), at);
  RecordStream stream(*other, ids[1], "shop.activity", LaneId{1}, at, other->end(ids[1], LaneId{1}));
  auto record = stream.peek();
  ASSERT_TRUE(record.ok()) << describe(record.error());
  EXPECT_EQ(*(*record)->view.value, "after the move");
}

TEST_F(CopyingToKafka, APositionIsNeverGivenTwiceWhenRetentionEmptiesWhatBeganAboveZero) {
  shop_.run(120);
  const Tmseq end = shop_.log.end(shop_.ids[1], LaneId{0});
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{end.value - 3});
  auto target = open(shop_.log.epoch());
  ASSERT_TRUE(target);
  copy(shop_.log, *target);
  ASSERT_TRUE(finish_copy(logs(shop_.log, *target)).ok());
  target.reset();
  cut("shop.activity", 0, -1);
  target = open(std::nullopt);
  ASSERT_TRUE(target);
  const auto activity = *find_topic(*target, "shop.activity");
  EXPECT_GE(target->end(activity, LaneId{0}), end);
  EXPECT_EQ(target->begin(activity, LaneId{0}), target->end(activity, LaneId{0}));
}

TEST_F(CopyingToKafka, WhereAnEmptiedTopicEndedIsToldByTheLanesOtherRecords) {
  Tmseq end;
  {
    log::test::Rig rig(Broker::shared().bootstrap(), prefix_);
    const auto activity = rig.topic("builds.activity", log::TopicClass::ephemeral);
    ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
    // Each takes an offset more than records, for its marker.
    for (std::uint64_t i = 0; i < 7; ++i) {
      log::LaneBatch batch;
      batch.topics.push_back(log::test::Rig::record(activity, Tmseq{i}, "seen"));
      ASSERT_TRUE(rig.append(rig.owned(0), std::move(batch)).ok());
    }
    ASSERT_EQ(rig.append_pair(0, "after that"), log::test::Rig::Outcome::written);
    end = rig.log().end(activity, LaneId{0});
    ASSERT_EQ(end, Tmseq{7});
  }
  cut("builds.activity", 0, -1);
  log::test::Rig rig(Broker::shared().bootstrap(), prefix_);
  const auto activity = rig.topic("builds.activity", log::TopicClass::ephemeral);
  EXPECT_EQ(rig.log().end(activity, LaneId{0}), end);
  EXPECT_EQ(rig.log().begin(activity, LaneId{0}), end);
  // It goes on there, whoever takes the lane.
  ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
  log::LaneBatch batch;
  batch.topics.push_back(log::test::Rig::record(activity, end, "again"));
  auto appended = rig.append(rig.owned(0), std::move(batch));
  ASSERT_TRUE(appended.ok()) << describe(appended.error());
  EXPECT_EQ(rig.values(activity, 0, end.value), std::vector<std::string>{"again"});
}

TEST_F(CopyingToKafka, ALaneIsTakenAlsoWhenRetentionWentBeyondWhatItsNewOwnerHasSeen) {
  log::test::Rig rig(Broker::shared().bootstrap(), prefix_);
  const auto activity = rig.topic("builds.activity", log::TopicClass::ephemeral);
  ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
  const auto write = [&](log::test::Rig& by, Tmseq at, const std::string& value) {
    log::LaneBatch batch;
    batch.topics.push_back(log::test::Rig::record(activity, at, value));
    auto appended = by.append(by.owned(0), std::move(batch));
    ASSERT_TRUE(appended.ok()) << describe(appended.error());
  };
  write(rig, Tmseq{0}, "seen");
  wait_for_end("builds.activity", 0, 2);
  // The broker lets go of the record and of its marker; nothing came since.
  cut("builds.activity", 0, -1);
  ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
  EXPECT_EQ(rig.log().end(activity, LaneId{0}), Tmseq{1});
  EXPECT_EQ(rig.log().begin(activity, LaneId{0}), Tmseq{1});
  ASSERT_EQ(rig.append_pair(0, "names where the other ended"), log::test::Rig::Outcome::written);
  // Of an owner elsewhere, of whose records this process sees none before they are gone.
  rig.log().release(rig.owned(0));
  {
    log::test::Rig other(Broker::shared().bootstrap(), prefix_);
    ASSERT_EQ(other.topic("builds.activity", log::TopicClass::ephemeral), activity);
    ASSERT_TRUE(other.take_lane(0)) << other.last_error;
    for (std::uint64_t i = 1; i < 4; ++i) write(other, Tmseq{i}, "of another");
    wait_for_end("builds.activity", 0, 8);
    cut("builds.activity", 0, -1);
    ASSERT_EQ(other.append_pair(0, "and names it again"), log::test::Rig::Outcome::written);
  }
  ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
  const Tmseq end = rig.log().end(activity, LaneId{0});
  EXPECT_EQ(end, Tmseq{4});
  write(rig, end, "it goes on");
  EXPECT_EQ(rig.values(activity, 0, end.value), std::vector<std::string>{"it goes on"});
  EXPECT_FALSE(rig.log().failure());
}

TEST_F(CopyingToKafka, AndFromThereGivesTheSameAgain) {
  shop_.run(150);
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{9});
  {
    auto target = open(shop_.log.epoch());
    ASSERT_TRUE(target);
    copy(shop_.log, *target);
    ASSERT_TRUE(finish_copy(logs(shop_.log, *target)).ok());
  }
  log::test::ScratchDirectory directory;
  auto disk = make_posix_disk();
  auto writer = make_thread_pool("journal", 1);
  auto source = open(std::nullopt);
  ASSERT_TRUE(source);
  log::EmbeddedLogOptions options;
  options.directory = directory.path() + "/log";
  options.lanes = 3;
  options.segment_bytes = 1u << 20;
  options.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000002"); };
  options.copy_of = source->epoch();
  auto target = log::open_embedded_log(*disk, home_, *writer, std::move(options));
  ASSERT_TRUE(target.ok()) << describe(target.error());
  copy(*source, **target);
  expect_equal(*source, **target);
  expect_equal(shop_.log, **target);
  auto finished = finish_copy(logs(*source, **target));
  EXPECT_TRUE(finished.ok()) << describe(finished.error());
}

TEST_F(CopyingToKafka, OfAnotherSourceOrIntoALogInUseIsRefused) {
  ASSERT_TRUE(open(shop_.log.epoch()));
  (void)open(derive_uuid("memory log", "another"), Code::invalid_argument);
  prefix_ = tidemark::test::fresh_prefix();
  ASSERT_TRUE(open(std::nullopt));
  (void)open(shop_.log.epoch(), Code::invalid_argument);
}

}  // namespace
}  // namespace tidemark::replay::test
