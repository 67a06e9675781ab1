// The owner's memory over restarts.

#include <gtest/gtest.h>

#include "core/runtime/node.hpp"
#include "core/runtime/volatile.hpp"
#include "tests/support/memory_log/memory_log.hpp"
#include "tests/support/memory_stores/memory_stores.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"
#include "tests/support/tally/tally.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::runtime {
namespace {

const Uuid kEpoch = derive_uuid("log", "epoch");

class VolatileTest : public ::testing::Test {
 protected:
  testing::VirtualScheduler scheduler;
  test::SimDisk disk{3};
  VolatileMemory one, two;

  void SetUp() override { ASSERT_TRUE(disk.make_directories("data").ok()); }
  std::unique_ptr<VolatileCheckpoint> checkpoint(VolatileMemory& a, VolatileMemory& b, Uuid epoch = kEpoch) {
    std::vector<VolatileCheckpoint::Part> parts{{"d/0", &a}, {"d/1", &b}};
    return std::make_unique<VolatileCheckpoint>("data/volatile", epoch, std::move(parts), disk, scheduler, scheduler);
  }
  /// Fills the file with known values.
  std::string written() {
    one.set("a", 1);
    one.set("b", -2);
    two.set("c", INT64_MAX);
    auto file = checkpoint(one, two);
    file->start();
    scheduler.run_for(Duration(1'100));
    return disk.image().at("data/volatile");
  }
};

TEST_F(VolatileTest, AChangeIsOnDiskASecondLaterAndComesBack) {
  written();
  VolatileMemory a, b;
  ASSERT_TRUE(checkpoint(a, b)->restore().ok());
  EXPECT_EQ(a.get("a"), 1);
  EXPECT_EQ(a.get("b"), -2);
  EXPECT_EQ(b.get("c"), INT64_MAX);
}

TEST_F(VolatileTest, NothingIsWrittenWhileNothingChanges) {
  one.set("a", 1);
  auto file = checkpoint(one, two);
  file->start();
  scheduler.run_for(std::chrono::seconds(2));
  const auto operations = disk.operations();
  scheduler.run_for(std::chrono::minutes(1));
  EXPECT_EQ(disk.operations(), operations);
  one.set("a", 2);
  scheduler.run_for(Duration(1'100));
  EXPECT_GT(disk.operations(), operations);
}

TEST_F(VolatileTest, StopWritesWhatIsNew) {
  auto file = checkpoint(one, two);
  file->start();
  one.set("a", 7);
  bool done = false;
  file->stop([&] { done = true; });
  scheduler.run_ready();
  EXPECT_TRUE(done);
  VolatileMemory a, b;
  ASSERT_TRUE(checkpoint(a, b)->restore().ok());
  EXPECT_EQ(a.get("a"), 7);
}

TEST_F(VolatileTest, EveryFlippedBitAndEveryCutIsNoticedAndFillsNothing) {
  const std::string good = written();
  const auto restored = [&](std::string bytes) {
    disk.load({{"data/volatile", std::move(bytes)}});
    VolatileMemory a, b;
    const auto result = checkpoint(a, b)->restore();
    EXPECT_EQ(a.size() + b.size(), 0u);
    return result;
  };
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(restored(std::move(bytes)).ok()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(restored(good.substr(0, size)).ok()) << size;
}

TEST_F(VolatileTest, TheMemoryOfAnotherLogIsNotTakenOver) {
  written();
  VolatileMemory a, b;
  const auto result = checkpoint(a, b, derive_uuid("other", "epoch"))->restore();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::invalid_argument);
  EXPECT_EQ(a.size(), 0u);
}

TEST_F(VolatileTest, WhenThePowerGoesAtAnyMomentTheOldOrTheNewValuesAreThere) {
  written();
  const auto image = disk.image();
  std::uint64_t before = disk.operations();
  {
    one.set("a", 100);
    auto file = checkpoint(one, two);
    file->start();
    scheduler.run_for(Duration(1'100));
  }
  const std::uint64_t count = disk.operations() - before;
  ASSERT_GT(count, 2u);
  for (std::uint64_t cut = 1; cut <= count; ++cut) {
    SCOPED_TRACE(cut);
    test::SimDisk other(cut);
    other.load(image);
    other.cut_power_at(other.operations() + cut);
    VolatileMemory a, b;
    std::vector<VolatileCheckpoint::Part> parts{{"d/0", &a}, {"d/1", &b}};
    VolatileCheckpoint file("data/volatile", kEpoch, parts, other, scheduler, scheduler);
    ASSERT_TRUE(file.restore().ok());
    a.set("a", 100);
    file.start();
    scheduler.run_for(Duration(1'100));
    other.crash();
    VolatileMemory c, d;
    std::vector<VolatileCheckpoint::Part> again{{"d/0", &c}, {"d/1", &d}};
    ASSERT_TRUE(VolatileCheckpoint("data/volatile", kEpoch, again, other, scheduler, scheduler).restore().ok());
    EXPECT_TRUE(c.get("a") == 1 || c.get("a") == 100);
    EXPECT_EQ(c.get("b"), -2);
  }
}

TEST_F(VolatileTest, ANodeKeepsItsLanesMemory) {
  auto history = std::make_shared<testing::LogHistory>();
  testing::MemoryStores stores;
  std::vector<Error> not_restored;
  const auto with_node = [&](auto use) {
    testing::MemoryLog log(history, scheduler);
    NodeParts parts{scheduler, log, stores, [&](std::string_view) -> Executor& { return scheduler; }};
    parts.volatile_file.emplace(VolatileFile{"data/volatile", disk, scheduler, [&](const Error& error) { not_restored.push_back(error); }});
    std::vector<Domain> domains;
    domains.push_back(testing::tally::make_domain());
    auto node = make_node(std::move(parts), std::move(domains), {});
    bool started = false;
    spawn([](Node& one_node, bool& ok) -> Task<void> {
      auto task = one_node.start();
      auto result = co_await std::move(task);
      ok = result.ok();
    }(*node, started));
    ASSERT_TRUE(scheduler.run_until([&] { return started; }));
    use(*node);
    node.reset();
    scheduler.drop_everything();
  };
  const auto touched = [](Node& node) {
    std::optional<std::int64_t> value;
    EXPECT_TRUE(node.owner_call("tally", "g", [&](const OwnerView& view) { value = view.memory.get("touched"); }).ok());
    return value;
  };
  with_node([&](Node& node) {
    EXPECT_FALSE(touched(node));
    ASSERT_TRUE(node.owner_call("tally", "g", [](const OwnerView& view) { view.memory.set("touched", 5); }).ok());
    scheduler.run_for(Duration(1'100));
  });
  with_node([&](Node& node) { EXPECT_EQ(touched(node), 5); });
  EXPECT_TRUE(not_restored.empty());
  disk.load({{"data/volatile", "rubbish"}});
  with_node([&](Node& node) { EXPECT_FALSE(touched(node)) << "the node starts all the same"; });
  EXPECT_EQ(not_restored.size(), 1u);
}

}  // namespace
}  // namespace tidemark::runtime
