// The whole node (runtime, deciders, projections, journal) on one virtual scheduler over a disk that loses and tears what was
// not synced. The power goes at every disk operation in turn; after recovery an independent model checks what must hold.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "core/log/embedded/embedded_log.hpp"
#include "core/runtime/log_cursor.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"
#include "tests/support/tally/tally_node.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;
using tally::Add;
using tally::Open;

/// One intention of a client, kept with whatever it was told.
struct Intention {
  std::string key;
  std::variant<Open, Add> command;
  std::optional<Outcome> told;  ///< the answer before the crash, when there was a definite one
};

std::vector<Intention> make_workload(std::uint64_t seed, std::size_t size) {
  std::mt19937_64 random(seed);
  std::vector<Intention> all;
  for (std::size_t i = 0; i < size; ++i) {
    const std::string group = "g" + std::to_string(random() % 3), account = "a" + std::to_string(random() % 2);
    Intention intention{"key-" + std::to_string(i), Open{group, account, 0}, {}};
    if (i >= 6 && random() % 5 != 0) {
      intention.command = Add{group, account, static_cast<std::int64_t>(1 + random() % 400), random() % 3 == 0 ? std::string(300, 'n') : ""};
    }
    all.push_back(std::move(intention));
  }
  return all;
}

bool definite(const Outcome& outcome) { return outcome.kind == Outcome::Kind::accepted || outcome.kind == Outcome::Kind::refused; }

class Machine {
 public:
  explicit Machine(std::uint64_t seed) : scheduler(seed), disk(seed) {}

  bool start() {
    log::EmbeddedLogOptions options;
    options.directory = "data/log";
    options.lanes = 3;
    options.segment_bytes = 16u << 10;  // several segments within a run
    options.make_epoch = [this] { return make_uuid_v7(scheduler.wall(), scheduler.random(), scheduler.random()); };
    options.sealer = &scheduler;
    options.now = [this] { return scheduler.wall(); };
    auto opened = log::open_embedded_log(disk, scheduler, scheduler, options);
    if (!opened) {
      error = opened.take_error();
      return false;
    }
    log = std::move(*opened);
    runtime::NodeOptions node_options;
    node_options.store_flush_records = 7;  // flushed and unflushed rows both occur
    node = std::make_unique<TallyNode>(scheduler, *log, stores, node_options);
    auto started = node->start();
    if (!started) error = started.take_error();
    return started.ok();
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log.reset();
    scheduler.drop_everything();
    disk.crash();
    stores.crash();
  }

  template <class Visit>
  void each_event(const std::string& topic, Visit visit) {
    const auto topics = log->topics();
    for (std::size_t t = 0; t < topics.size(); ++t) {
      if (topics[t].name != topic) continue;
      for (std::uint32_t lane = 0; lane < log->lanes(); ++lane) {
        runtime::LogCursor cursor(*log, log::TopicId{static_cast<std::uint16_t>(t)}, topic, LaneId{lane}, Tmseq{0});
        for (;;) {
          auto head = cursor.peek();
          ASSERT_TRUE(head.ok()) << describe(head.error());
          if (*head == nullptr) break;
          visit(**head);
          cursor.pop();
        }
      }
    }
  }

  VirtualScheduler scheduler;
  test::SimDisk disk;
  MemoryStores stores;
  std::unique_ptr<log::EventLog> log;
  std::unique_ptr<TallyNode> node;
  Error error;
};

Outcome submit(Machine& machine, const Intention& intention) {
  return std::visit([&](const auto& command) { return machine.node->execute(command, intention.key); }, intention.command);
}

/// Runs the workload in bursts until it is done or the power is off.
void run_workload(Machine& machine, std::vector<Intention>& workload, std::mt19937_64& random) {
  for (std::size_t at = 0; at < workload.size() && !machine.disk.power_is_off();) {
    const std::size_t burst = std::min<std::size_t>(1 + random() % 4, workload.size() - at);
    std::vector<std::optional<Outcome>> outcomes(burst);
    for (std::size_t i = 0; i < burst; ++i) {
      std::visit([&](const auto& command) {
        machine.node->launch((*machine.node)->execute(TallyNode::request(command, workload[at + i].key)), outcomes[i]);
      }, workload[at + i].command);
    }
    machine.scheduler.run_until([&] { return std::all_of(outcomes.begin(), outcomes.end(), [](const auto& o) { return o.has_value(); }); });
    for (std::size_t i = 0; i < burst; ++i) {
      if (outcomes[i] && definite(*outcomes[i])) workload[at + i].told = outcomes[i];
    }
    at += burst;
  }
}

void check_after_recovery(Machine& machine, std::vector<Intention>& workload) {
  // Every client asks again with its key. Who had an answer gets the same; who had none gets the one decision there is now.
  std::map<std::pair<std::string, std::string>, std::int64_t> balances;
  for (auto& intention : workload) {
    auto again = submit(machine, intention);
    ASSERT_TRUE(definite(again)) << intention.key << ": " << describe(again.error);
    if (intention.told) {
      EXPECT_TRUE(again.replayed) << intention.key << " was answered before the crash and is decided anew";
      EXPECT_EQ(again.kind, intention.told->kind) << intention.key;
      EXPECT_EQ(again.reply, intention.told->reply) << intention.key;
      EXPECT_EQ(again.reason, intention.told->reason) << intention.key;
      EXPECT_EQ(again.events.size(), intention.told->events.size()) << intention.key;
      EXPECT_EQ(again.position, intention.told->position) << intention.key;
    }
    if (again.kind != Outcome::Kind::accepted) continue;
    if (const auto* open = std::get_if<Open>(&intention.command)) balances[{open->group, open->account}] += 0;
    if (const auto* add = std::get_if<Add>(&intention.command)) balances[{add->group, add->account}] += add->amount;
  }
  // The log holds each accepted intention once: events are distinct, streams are dense and in order.
  std::set<std::string> ids;
  std::map<std::string, std::vector<std::uint64_t>> streams;
  for (const char* topic : {"tally.entries", "tally.notes"}) {
    machine.each_event(topic, [&](const event::Event& event) {
      EXPECT_TRUE(ids.insert(event.envelope.id).second) << event.envelope.id << " is in the log twice";
      streams[std::to_string(event.envelope.tmdecision ? lane_of(event.envelope.boundary_key(), machine.log->lanes()).value : 0) + "/" + event.envelope.subject].push_back(*event.envelope.sequence);
    });
  }
  for (auto& [stream, versions] : streams) {
    std::sort(versions.begin(), versions.end());
    // An account of the same name in two groups of one lane shares a stream name only if its lane does; each is dense overall.
    for (std::size_t i = 1; i < versions.size(); ++i) EXPECT_LT(versions[i - 1], versions[i]) << stream;
  }
  // The model's balances are the state's and the projection's.
  machine.node->settle();
  for (const auto& [account, balance] : balances) {
    auto row = machine.node->balance(account.first, account.second);
    ASSERT_TRUE(row) << account.first << "/" << account.second;
    EXPECT_EQ(row->balance, balance) << account.first << "/" << account.second;
  }
}

class NodeCrashTest : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(NodeCrashTest, AtEveryDiskOperationNothingAnsweredIsLostAndNothingHappensTwice) {
  const std::uint64_t seed = GetParam();
  std::uint64_t operations = 0;
  {
    Machine dry(seed);
    auto workload = make_workload(seed, 40);
    std::mt19937_64 random(seed);
    ASSERT_TRUE(dry.start()) << describe(dry.error);
    run_workload(dry, workload, random);
    operations = dry.disk.operations();
    for (const auto& intention : workload) EXPECT_TRUE(intention.told) << "without a fault every command has an answer";
  }
  ASSERT_GT(operations, 100u);
  for (std::uint64_t cut = 1; cut <= operations; ++cut) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", power cut at disk operation " + std::to_string(cut));
    Machine machine(seed);
    auto workload = make_workload(seed, 40);
    std::mt19937_64 random(seed);
    machine.disk.cut_power_at(cut);
    if (machine.start()) run_workload(machine, workload, random);
    machine.crash();
    ASSERT_TRUE(machine.start()) << describe(machine.error);
    check_after_recovery(machine, workload);
    // And once more from nothing but the log.
    machine.crash();
    machine.stores.remove_all();
    ASSERT_TRUE(machine.start()) << describe(machine.error);
    check_after_recovery(machine, workload);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, NodeCrashTest, ::testing::Values(1, 2, 3));

/// A write or a sync that fails with EIO: the node stops rather than guess, and recovery settles what was told.
TEST(NodeFaultTest, AFailedWriteOrSyncStopsTheNodeAndRecoverySettlesIt) {
  const std::uint64_t seed = 11;
  std::uint64_t operations = 0;
  {
    Machine dry(seed);
    auto workload = make_workload(seed, 30);
    std::mt19937_64 random(seed);
    ASSERT_TRUE(dry.start());
    run_workload(dry, workload, random);
    operations = dry.disk.operations();
  }
  for (std::uint64_t at = 1; at <= operations; ++at) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", EIO at disk operation " + std::to_string(at));
    Machine machine(seed);
    auto workload = make_workload(seed, 30);
    std::mt19937_64 random(seed);
    machine.disk.fail_at(at, Code::internal);
    if (machine.start()) run_workload(machine, workload, random);
    machine.crash();
    ASSERT_TRUE(machine.start()) << describe(machine.error);
    check_after_recovery(machine, workload);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tidemark::testing
