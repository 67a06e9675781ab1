// Who is taken for dead: 1,000 builds that beat every 20 to 30 s with 10 s of jitter live through a restart of the owner and
// an outage of 60 s, and 50 that really fall silent are timed out when they should be.

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/sim/builds/fleet.hpp"

namespace tidemark::testing {
namespace {

using schemas::builds::BuildStatus;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kBuilds = 1000;
constexpr int kSilent = 50;

struct Beating {
  std::string id;
  Duration every{}, ends{};
  Duration falls_silent = Duration::max();
  Time last_sign{};  ///< heard by the owner: the assignment, or a beat
  bool started = false;
};

class HeartbeatsTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  Fleet fleet{GetParam()};
  std::vector<Beating> all{kBuilds + kSilent};
  Duration down_from{}, down_for{5'000}, out_from{};

  bool is_heard() const {
    const Duration now = fleet.now();
    return fleet.is_up() && !(now >= out_from && now < out_from + seconds(60));
  }

  void beat(Beating& build) {
    const Duration now = fleet.now();
    if (now >= build.falls_silent) return;
    if (now >= build.ends) {
      // Whoever has an outcome to report tries until it is heard.
      if (is_heard()) return fleet.complete(build.id);
      return fleet.at(now + seconds(5), [this, &build] { beat(build); });
    }
    if (is_heard()) {
      fleet.beat(build.id);
      build.last_sign = fleet.wall();
      build.started = true;
    }
    fleet.at(now + build.every + fleet.between(seconds(-10), seconds(10)), [this, &build] { beat(build); });
  }

  void begin(Beating& build) {
    if (!is_heard()) return fleet.at(fleet.now() + seconds(5), [this, &build] { begin(build); });
    fleet.begin(build.id);
    build.last_sign = fleet.wall();
    build.every = fleet.between(seconds(20), seconds(30));
    // The first beat comes when the machine is up; the old ones take up to 480 s.
    fleet.at(fleet.now() + fleet.between(seconds(5), seconds(480)), [this, &build] { beat(build); });
  }

  /// When the owner must have given it up: its silence counts from the last sign, or from when an owner began to listen.
  Time due(const Beating& build) const {
    const Duration allowed(build.started ? fleet.settings.building_silence_ms : fleet.settings.assigned_silence_ms);
    Time since = build.last_sign;
    for (const Time taken : fleet.taken) {
      if (taken > since && taken - down_for <= since + allowed) since = taken;
    }
    return since + allowed;
  }
};

TEST_P(HeartbeatsTest, NobodyWhoBeatsIsTimedOutAndWhoFellSilentIsInTime) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(GetParam()));
  fleet.start_owner();
  down_from = fleet.between(minutes(15), minutes(25));
  out_from = fleet.between(minutes(28), minutes(38));
  for (std::size_t i = 0; i < all.size(); ++i) {
    Beating& build = all[i];
    build.id = "b" + std::to_string(i);
    const Duration begins = fleet.between(Duration(0), minutes(10));
    build.ends = begins + fleet.between(minutes(20), minutes(50));
    if (i >= kBuilds) build.falls_silent = fleet.between(begins + seconds(1), build.ends - minutes(1));
    fleet.at(begins, [this, &build] { begin(build); });
  }
  fleet.at(down_from, [this] { fleet.kill_owner(); });
  fleet.at(down_from + down_for, [this] { fleet.start_owner(); });
  fleet.at(minutes(80), [] {});
  fleet.run();

  int false_positives = 0, missed = 0;
  Duration latest(0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto row = fleet.build(all[i].id);
    ASSERT_TRUE(row) << all[i].id;
    if (i < kBuilds) {
      if (row->status != BuildStatus::completed) {
        ++false_positives;
        ADD_FAILURE() << all[i].id << " was " << name_of(row->status) << " " << row->failure_code;
      }
      continue;
    }
    const Duration late = from_ms(row->completed_at) - due(all[i]);
    if (row->status != BuildStatus::failed || late < Duration(0) || late > seconds(10)) {
      ++missed;
      ADD_FAILURE() << all[i].id << " was " << name_of(row->status) << ", " << late.count() << " ms after its time";
    }
    latest = std::max(latest, late);
  }
  std::printf("%llu beats; false positives: %d of %d; silent builds not found in time: %d of %d, the latest %lld ms after its time\n",
              static_cast<unsigned long long>(fleet.beats), false_positives, kBuilds, missed, kSilent, static_cast<long long>(latest.count()));
}

INSTANTIATE_TEST_SUITE_P(Seeds, HeartbeatsTest, ::testing::Values(1, 2, 3));

class StandstillTest : public ::testing::Test {
 protected:
  Fleet fleet{7};
  void SetUp() override {
    fleet.start_owner();
    for (const char* id : {"alive", "dead"}) {
      fleet.begin(id);
      fleet.beat(id);
    }
  }
  BuildStatus status(const std::string& id) { return fleet.build(id)->status; }
  /// Both have been silent so far; "alive" beats on.
  void expect_that_only_the_dead_is_given_up() {
    EXPECT_EQ(status("alive"), BuildStatus::building);
    EXPECT_EQ(status("dead"), BuildStatus::building);
    for (int i = 0; i < 16; ++i) {
      fleet.scheduler().run_for(seconds(20));
      fleet.beat("alive");
    }
    EXPECT_EQ(status("alive"), BuildStatus::building);
    EXPECT_EQ(status("dead"), BuildStatus::failed);
  }
};

TEST_F(StandstillTest, AnOwnerThatStoodStillHasHeardNobodyAndGivesNobodyUp) {
  fleet.scheduler().stand_still(minutes(20));
  fleet.scheduler().run_for(seconds(1));
  expect_that_only_the_dead_is_given_up();
}

TEST_F(StandstillTest, ACommandThatIsDecidedFirstAfterwardsHidesNothing) {
  fleet.scheduler().stand_still(minutes(20));
  fleet.begin("other");
  fleet.scheduler().run_for(seconds(1));
  expect_that_only_the_dead_is_given_up();
}

TEST_F(StandstillTest, AMachineThatSleptWithItsClockGoingOnIsTheSame) {
  fleet.scheduler().jump_wall(minutes(20));
  fleet.scheduler().run_for(seconds(11));
  expect_that_only_the_dead_is_given_up();
}

TEST_F(StandstillTest, AShortOneChangesNothing) {
  fleet.scheduler().run_for(seconds(290));
  fleet.scheduler().stand_still(seconds(4));
  fleet.scheduler().run_for(seconds(7));
  EXPECT_EQ(status("dead"), BuildStatus::failed);
}

}  // namespace
}  // namespace tidemark::testing
