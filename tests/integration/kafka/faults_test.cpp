// Owners that are fenced, killed and stopped, and a broker that is killed: what was acknowledged is there once, nothing is torn.
#include <gtest/gtest.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "core/log/kafka/records.hpp"
#include "tests/contract/kafka/kafka_rig.hpp"
#include "tests/support/broker/broker.hpp"

extern char** environ;

namespace tidemark::log::test {
namespace {

using tidemark::test::Broker;
using tidemark::test::fresh_prefix;
using Outcome = Rig::Outcome;

std::uint32_t drawn_seed() {
  const char* given = ::getenv("SEED");
  const std::uint32_t seed = given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device()();
  std::printf("seed %u (SEED=%u repeats it)\n", seed, seed);
  return seed;
}

/// kafka_lane_writer as a child process.
class Writer {
 public:
  Writer(const std::string& prefix, const std::string& name) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    std::string arguments[] = {LANE_WRITER, Broker::shared().bootstrap(), prefix, name};
    char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), arguments[3].data(), nullptr};
    if (::posix_spawn(&pid_, LANE_WRITER, &actions, nullptr, argv, environ) != 0) throw std::runtime_error("no child");
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ::fdopen(ends[0], "r");
  }
  ~Writer() {
    if (pid_ > 0) end(SIGKILL);
    std::fclose(out_);
  }
  /// The next line; "" when there is none any more.
  std::string line() {
    char text[256];
    if (std::fgets(text, sizeof text, out_) == nullptr) return "";
    std::string said(text);
    said.pop_back();
    if (said.starts_with("acked ")) acked.push_back(std::stoi(said.substr(6)));
    return said;
  }
  void wait_for_acked(std::size_t count) {
    while (acked.size() < count) ASSERT_NE(line(), "") << "the writer has ended";
  }
  void signal(int number) { ::kill(pid_, number); }
  /// Sends it and reads what it had said.
  void end(int number) {
    signal(number);
    while (line() != "") {
    }
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  std::vector<int> acked;

 private:
  pid_t pid_ = -1;
  std::FILE* out_ = nullptr;
};

/// Everything acknowledged is there, once, in order; both topics hold the same.
void expect_whole(Rig& rig, const std::string& name, const std::vector<int>& acked) {
  const auto ledger = rig.values(rig.ledger, 0);
  EXPECT_EQ(ledger, rig.values(rig.decisions, 0));
  std::vector<int> numbers;
  for (const auto& value : ledger) {
    if (value.starts_with(name + " ")) numbers.push_back(std::stoi(value.substr(name.size() + 1)));
  }
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end()) << "written twice";
  EXPECT_TRUE(std::includes(numbers.begin(), numbers.end(), acked.begin(), acked.end())) << "something acknowledged is lost";
}

TEST(KafkaFaults, AnOwnerWhoseLaneWasTakenIsFencedAlsoWhenItWasIdle) {
  const std::string prefix = fresh_prefix();
  Rig first(Broker::shared().bootstrap(), prefix), second(Broker::shared().bootstrap(), prefix);
  ASSERT_TRUE(first.take_lane(0));
  ASSERT_EQ(first.append_pair(0, "first 0"), Outcome::written);
  ASSERT_TRUE(second.take_lane(0));
  EXPECT_GT(second.owned(0).epoch, first.owned(0).epoch);
  EXPECT_EQ(second.values(second.ledger, 0), std::vector<std::string>{"first 0"});
  EXPECT_EQ(first.append_pair(0, "renewal of one that was idle"), Outcome::fenced);
  ASSERT_EQ(second.append_pair(0, "second 0"), Outcome::written);
  EXPECT_EQ(first.append_pair(0, "again"), Outcome::fenced);
  first.wait([&] { return first.log().end(first.ledger, LaneId{0}) == Tmseq{2}; });
  EXPECT_EQ(first.values(first.ledger, 0), (std::vector<std::string>{"first 0", "second 0"}));
  ASSERT_TRUE(first.take_lane(0)) << first.last_error;
  EXPECT_EQ(second.append_pair(0, "late"), Outcome::fenced);
  ASSERT_EQ(first.append_pair(0, "first 1"), Outcome::written);
  expect_whole(first, "first", {0, 1});
  EXPECT_FALSE(first.log().failure());
}

TEST(KafkaFaults, OwnersThatTakeALaneFromEachOtherAllTheTimeTakeNothingForTorn) {
  const std::string prefix = fresh_prefix();
  constexpr int kRounds = 40;
  std::atomic<int> written{0};
  std::string wrong[2];
  const auto contend = [&](int who) {
    Rig rig(Broker::shared().bootstrap(), prefix);
    for (int n = 0; n < kRounds; ++n) {
      if (!rig.take_lane(0)) {
        wrong[who] = rig.last_error;
        return;
      }
      if (rig.append_pair(0, std::to_string(who) + " " + std::to_string(n)) == Outcome::written) ++written;
    }
    if (auto failure = rig.log().failure()) wrong[who] = describe(*failure);
  };
  std::thread other([&] { contend(1); });
  contend(0);
  other.join();
  EXPECT_EQ(wrong[0], "");
  EXPECT_EQ(wrong[1], "");
  Rig rig(Broker::shared().bootstrap(), prefix);
  const auto ledger = rig.values(rig.ledger, 0);
  EXPECT_EQ(static_cast<int>(ledger.size()), written.load());
  EXPECT_EQ(ledger, rig.values(rig.decisions, 0));
}

TEST(KafkaFaults, AFollowerSeesAnAppendOfSeveralTopicsAtOnce) {
  const std::string prefix = fresh_prefix();
  Rig owner(Broker::shared().bootstrap(), prefix), follower(Broker::shared().bootstrap(), prefix);
  ASSERT_TRUE(owner.take_lane(0));
  for (int n = 0; n < 100; ++n) {
    ASSERT_EQ(owner.append_pair(0, "owner " + std::to_string(n)), Outcome::written);
    const auto decided = follower.log().end(follower.decisions, LaneId{0}), written = follower.log().end(follower.ledger, LaneId{0});
    EXPECT_LE(decided, written);  // asked in this order
  }
  follower.wait([&] { return follower.log().end(follower.decisions, LaneId{0}) == Tmseq{100}; });
  EXPECT_EQ(follower.values(follower.ledger, 0), owner.values(owner.ledger, 0));
}

TEST(KafkaFaults, AnOwnerThatReadsItsOwnAppendsBackAgreesWithItself) {
  Rig rig(Broker::shared().bootstrap(), fresh_prefix());
  for (std::uint32_t lane = 0; lane < 4; ++lane) ASSERT_TRUE(rig.take_lane(lane));
  // Appends end and are seen committed in either order; those of one topic, as renewals are, and those of two.
  for (int n = 0; n < 150; ++n) {
    const auto lane = static_cast<std::uint32_t>(n % 4);
    if (n % 3 == 0) {
      ASSERT_EQ(rig.append_pair(lane, std::to_string(n)), Outcome::written) << rig.last_error;
    } else {
      LaneBatch batch;
      batch.topics.push_back(Rig::record(rig.decisions, rig.log().end(rig.decisions, LaneId{lane}), std::to_string(n)));
      ASSERT_TRUE(rig.append(rig.owned(lane), std::move(batch)).ok());
    }
    ASSERT_FALSE(rig.log().failure()) << describe(*rig.log().failure());
  }
}

TEST(KafkaFaults, AnOpenTransactionOfAPredecessorIsNoPartOfTheEnd) {
  const std::string prefix = fresh_prefix();
  Rig rig(Broker::shared().bootstrap(), prefix);
  ASSERT_TRUE(rig.take_lane(0));
  ASSERT_EQ(rig.append_pair(0, "before"), Outcome::written);
  kafka::ClientOptions client;
  client.brokers = Broker::shared().bootstrap();
  auto zombie = kafka::make_producer(client, prefix + "tidemark-lane-0");
  ASSERT_TRUE(zombie.ok());
  ASSERT_FALSE(kafka::take_error(rd_kafka_init_transactions(zombie->get(), 30000)).failed);
  ASSERT_FALSE(kafka::take_error(rd_kafka_begin_transaction(zombie->get())).failed);
  event::RecordView record;
  record.value = "of a zombie";
  std::int64_t offset = -1;
  ASSERT_TRUE(kafka::produce(zombie->get(), prefix + "builds.ledger", 0, record, Tmseq{1}, "builds.ledger:1+1", offset).ok());
  ASSERT_EQ(rd_kafka_flush(zombie->get(), 30000), RD_KAFKA_RESP_ERR_NO_ERROR);
  ASSERT_GT(offset, 0);

  EXPECT_EQ(rig.append_pair(0, "fenced by the zombie"), Outcome::fenced);
  ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
  EXPECT_EQ(rig.log().end(rig.ledger, LaneId{0}), Tmseq{1});
  ASSERT_EQ(rig.append_pair(0, "after"), Outcome::written);
  EXPECT_TRUE(kafka::take_error(rd_kafka_commit_transaction(zombie->get(), 30000)).fenced);
  EXPECT_EQ(rig.values(rig.ledger, 0), (std::vector<std::string>{"before", "after"}));
  Rig other(Broker::shared().bootstrap(), prefix);
  EXPECT_EQ(other.values(other.ledger, 0), (std::vector<std::string>{"before", "after"}));
}

TEST(KafkaFaults, AnOwnerThatIsKilledLeavesNothingTornAndNothingLost) {
  std::mt19937 random(drawn_seed());
  const std::string prefix = fresh_prefix();
  for (int round = 0; round < 5; ++round) {
    const std::string name = "round-" + std::to_string(round);
    Writer writer(prefix, name);
    ASSERT_EQ(writer.line(), "taken");
    writer.wait_for_acked(1 + random() % 10);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));  // anywhere in a transaction
    writer.end(SIGKILL);
    Rig rig(Broker::shared().bootstrap(), prefix);
    ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
    EXPECT_EQ(rig.log().end(rig.ledger, LaneId{0}), rig.log().end(rig.decisions, LaneId{0}));
    ASSERT_EQ(rig.append_pair(0, "after " + std::to_string(round)), Outcome::written);
    expect_whole(rig, name, writer.acked);
  }
}

TEST(KafkaFaults, AnOwnerThatWasStoppedIsRefusedWhenItWakes) {
  std::mt19937 random(drawn_seed());
  const std::string prefix = fresh_prefix();
  for (int round = 0; round < 4; ++round) {
    const std::string name = "stopped-" + std::to_string(round);
    Writer writer(prefix, name);
    ASSERT_EQ(writer.line(), "taken");
    writer.wait_for_acked(1 + random() % 5);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));  // also between produce and commit
    writer.signal(SIGSTOP);
    Rig rig(Broker::shared().bootstrap(), prefix);
    ASSERT_TRUE(rig.take_lane(0)) << rig.last_error;
    ASSERT_EQ(rig.append_pair(0, "successor " + std::to_string(round)), Outcome::written);
    const auto end = rig.log().end(rig.ledger, LaneId{0});
    writer.signal(SIGCONT);
    // What it may still say to have been acknowledged is what it had under way; if it has the lane again it says so for ever.
    std::string last;
    const std::size_t acked = writer.acked.size();
    for (std::string said = writer.line(); said != "" && writer.acked.size() < acked + 20; said = writer.line()) last = said;
    ASSERT_EQ(last, "fenced");
    EXPECT_EQ(rig.append_pair(0, "successor still " + std::to_string(round)), Outcome::written) << "the one that woke up has fenced its successor";
    EXPECT_EQ(rig.log().end(rig.ledger, LaneId{0}).value, end.value + 1);
    expect_whole(rig, name, writer.acked);
  }
}

/// Kills the broker after a while and starts it again, on a thread of its own.
class Outage {
 public:
  explicit Outage(std::chrono::milliseconds after)
      : thread_([this, after] {
          std::this_thread::sleep_for(after);
          try {
            Broker::shared().kill();
            Broker::shared().start();
          } catch (const std::exception& error) {
            trouble_ = error.what();
          }
          over_ = true;
        }) {}
  bool over() const { return over_; }
  /// What went wrong, once it is over.
  const std::string& trouble() const { return trouble_; }

 private:
  std::string trouble_;
  std::atomic<bool> over_{false};
  std::jthread thread_;
};

TEST(KafkaFaults, ABrokerThatIsKilledUnderAppendsLosesNothingAndDoublesNothing) {
  const std::string prefix = fresh_prefix();
  Rig rig(Broker::shared().bootstrap(), prefix, kNodesPatience);
  ASSERT_TRUE(rig.take_lane(0));
  std::mt19937 random(drawn_seed());
  std::vector<int> acked;
  int number = 0;
  for (int round = 0; round < 2; ++round) {
    Outage outage(std::chrono::milliseconds(random() % 300));
    // A broker that has just started may be slow: some appends more come to nothing.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(4);
    for (int after = 0; after < 10; ++number) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << after << " appends since the broker is back; the last error: " << rig.last_error;
      const bool back = outage.over();
      const auto outcome = rig.append_pair(0, "n " + std::to_string(number));
      ASSERT_NE(outcome, Outcome::fenced) << rig.last_error;
      if (outcome != Outcome::written) continue;
      acked.push_back(number);
      if (back) ++after;
    }
    ASSERT_EQ(outage.trouble(), "");
  }
  std::printf("%d appends, %zu acknowledged, %d settled by taking again\n", number, acked.size(), rig.unknown);
  expect_whole(rig, "n", acked);
  Rig other(Broker::shared().bootstrap(), prefix);
  expect_whole(other, "n", acked);
  EXPECT_EQ(other.values(other.ledger, 0), rig.values(rig.ledger, 0));
}

}  // namespace
}  // namespace tidemark::log::test
