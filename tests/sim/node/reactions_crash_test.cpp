// Reactors over the real journal: the power goes at every disk operation in turn. After recovery every process is finished or
// taken back, every confirmed name is told to the webhook under one id, and its answer is noted once.

#include <gtest/gtest.h>

#include <set>

#include "core/log/embedded/embedded_log.hpp"
#include "tests/support/people/people_world.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"

namespace tidemark::testing {
namespace {

using runtime::Outcome;

class Machine {
 public:
  explicit Machine(std::uint64_t seed) : scheduler(seed), disk(seed), receiver(scheduler) {}

  bool start() {
    log::EmbeddedLogOptions options;
    options.directory = "data/log";
    options.lanes = 3;
    options.segment_bytes = 32u << 10;
    options.make_epoch = [this] { return make_uuid_v7(scheduler.wall(), scheduler.random(), scheduler.random()); };
    auto opened = log::open_embedded_log(disk, scheduler, scheduler, options);
    if (!opened) return false;
    log = std::move(*opened);
    runtime::NodeParts parts{scheduler, *log, stores, [this](std::string_view) -> Executor& { return scheduler; }};
    parts.calls = &receiver;
    std::vector<runtime::Domain> domains;
    domains.push_back(people::make_domain(true));
    runtime::NodeOptions node_options;
    node_options.store_flush_records = 5;  // flushed and unflushed rows both occur
    node = runtime::make_node(std::move(parts), std::move(domains), node_options);
    std::optional<Result<void>> started;
    spawn(keep(node->start(), started));
    scheduler.run_until([&] { return started.has_value(); });
    return started && started->ok();
  }
  void crash() {
    node.reset();
    scheduler.drop_everything();
    log.reset();
    scheduler.drop_everything();
    disk.crash();
    stores.crash();
  }
  void clients(std::vector<std::optional<Outcome>>& outcomes) {
    const auto sign_up = [&](std::size_t i, const std::string& name, const std::string& account) {
      spawn(keep(runtime::run_steps<people::SignUp>(*node, PeopleWorld::request(people::ReserveName{name, account}, "k" + std::to_string(i)),
                                                    people::Plan{name, account}), outcomes[i]));
    };
    sign_up(0, "ann", "a1");
    sign_up(1, "bob", "refused-b");
    sign_up(2, "cid", "a3");
  }

  template <class Row, class Table>
  std::optional<Row> row(const Table& table, const std::string& boundary, const std::string& key) {
    std::optional<Row> found;
    EXPECT_TRUE(node->owner_call("people", boundary, [&](const runtime::OwnerView& view) { found = table.get(view.state, key); }).ok());
    return found;
  }
  std::optional<people::NameRow> name(const std::string& name) { return row<people::NameRow>(people::kNames, people::name_boundary(name), name); }
  std::optional<std::string> account(const std::string& account) { return row<std::string>(people::kAccounts, people::account_boundary(account), account); }

  VirtualScheduler scheduler;
  test::SimDisk disk;
  MemoryStores stores;
  FakeReceiver receiver;
  std::unique_ptr<log::EventLog> log;
  std::unique_ptr<runtime::Node> node;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    auto result = co_await std::move(task);
    value.emplace(std::move(result));
  }
};

TEST(ReactionsCrashTest, AtEveryDiskOperationProcessesEndAndCallsKeepTheirIds) {
  constexpr std::uint64_t kSeed = 5;
  const auto work = [](Machine& machine, std::vector<std::optional<Outcome>>& told) {
    machine.clients(told);
    machine.scheduler.run_for(std::chrono::seconds(4));
  };
  std::uint64_t operations = 0;
  {
    Machine dry(kSeed);
    std::vector<std::optional<Outcome>> told(3);
    ASSERT_TRUE(dry.start());
    work(dry, told);
    operations = dry.disk.operations();
    for (const auto& outcome : told) EXPECT_TRUE(outcome);
  }
  ASSERT_GT(operations, 30u);
  for (std::uint64_t cut = 1; cut <= operations; ++cut) {
    SCOPED_TRACE("seed " + std::to_string(kSeed) + ", power cut at disk operation " + std::to_string(cut));
    Machine machine(kSeed);
    std::vector<std::optional<Outcome>> told(3);
    machine.disk.cut_power_at(cut);
    if (machine.start()) work(machine, told);
    machine.crash();
    ASSERT_TRUE(machine.start());
    machine.scheduler.run_for(std::chrono::minutes(5));
    std::set<std::string> keys, bodies;
    for (const auto& received : machine.receiver.calls) {
      keys.insert(received.call.idempotency_key);
      bodies.insert(received.call.body);
    }
    EXPECT_EQ(keys.size(), bodies.size()) << "a name was told under two ids";
    std::size_t confirmed = 0;
    for (const auto& [name, account] : {std::pair<std::string, std::string>{"ann", "a1"}, {"bob", "refused-b"}, {"cid", "a3"}}) {
      const auto row = machine.name(name);
      EXPECT_EQ(row.has_value(), machine.account(account).has_value()) << name;
      if (!row) continue;
      ++confirmed;
      EXPECT_TRUE(row->confirmed) << name;
      EXPECT_EQ(row->deliveries, 1) << name;
    }
    EXPECT_EQ(keys.size(), confirmed);
    if (told[0] && told[0]->kind == Outcome::Kind::accepted) {
      EXPECT_TRUE(machine.name("ann"));
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace tidemark::testing
