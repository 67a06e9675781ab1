// Random lives with random crashes and failures, from seeds.
#include <cstdlib>

#include "journal_rig.hpp"

namespace tidemark::log::test {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
  std::uint64_t below(std::uint64_t n) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % n;
  }

 private:
  std::uint64_t state_;
};

void random_life(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Dice dice(seed);
  JournalRig rig(seed, 4096u << dice.below(3));
  rig.sealing = dice.below(3) != 0;
  for (int life = 0; life < 6; ++life) {
    const auto fate = dice.below(4);
    const auto when = rig.disk.operations() + dice.below(160);
    if (fate == 0) rig.disk.cut_power_at(when);
    if (fate == 1) rig.disk.fail_at(when, dice.below(2) == 0 ? Code::internal : Code::exhausted);
    auto opened = rig.open();
    if (opened.ok()) {
      if (!rig.disk.power_is_off()) {  // it may have gone during a sealing
        ASSERT_EQ(rig.compare(), "");
      }
      for (int i = 0; i < 60; ++i) {
        const auto lane = static_cast<std::uint32_t>(dice.below(kLanes));
        const std::size_t a = dice.below(4), b = dice.below(3);
        rig.append(lane, {a, a + b == 0 ? 1 : b, a == 0 ? 0 : dice.below(3)}, 10 + dice.below(200));
        for (auto steps = dice.below(4); steps-- > 0;) (dice.below(2) == 0 ? rig.writer : rig.home).run_one();
        if (dice.below(6) == 0) rig.sealer.run_one();
        if (dice.below(40) == 0) rig.log->tend();
        rig.now += std::chrono::milliseconds(dice.below(2000));
      }
      if (dice.below(2) == 0) rig.run();
    } else {
      ASSERT_NE(fate, 2u) << describe(opened.error());
      ASSERT_NE(opened.error().code, Code::corrupt) << describe(opened.error());
    }
    if (dice.below(2) == 0) rig.writer.clear();
    rig.close();
    if (fate != 1 || dice.below(2) == 0) rig.disk.crash();
  }
  rig.disk.crash();
  auto opened = rig.open();
  ASSERT_TRUE(opened.ok()) << describe(opened.error());
  ASSERT_EQ(rig.compare(), "");
}

TEST(JournalLongRun, KeepsEveryPromiseInRandomLives) {
  const char* from = std::getenv("TIDEMARK_TEST_SEED");
  const std::uint64_t first = from ? std::strtoull(from, nullptr, 10) : 1;
  const std::uint64_t count = from ? 1 : 400;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    random_life(seed);
    if (HasFatalFailure()) FAIL() << "run again with TIDEMARK_TEST_SEED=" << seed;
  }
}

}  // namespace
}  // namespace tidemark::log::test
