#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/execution_context.hpp>
#include <csignal>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "core/http/asio_loop.hpp"
#include "core/http/server.hpp"
#include "core/http/timer_queue.hpp"

namespace tidemark::http {
namespace {

using std::chrono::microseconds;

TEST(TimerQueue, FiresInOrderOfTimeThenOfSetting) {
  std::random_device device;
  const auto seed = device();
  std::mt19937 random(seed);
  RecordProperty("seed", std::to_string(seed));
  TimerQueue queue;
  std::vector<std::pair<std::int64_t, int>> expected, fired;
  std::vector<TimerId> ids;
  for (int i = 0; i < 2000; ++i) {
    const auto at = static_cast<std::int64_t>(random() % 50);
    ids.push_back(queue.add(SteadyTime(microseconds(at)), [&fired, at, i] { fired.emplace_back(at, i); }));
    expected.emplace_back(at, i);
  }
  for (int i = 0; i < 2000; ++i) {
    if (random() % 3 != 0) continue;
    EXPECT_TRUE(queue.cancel(ids[static_cast<std::size_t>(i)]));
    EXPECT_FALSE(queue.cancel(ids[static_cast<std::size_t>(i)]));
    std::erase_if(expected, [i](const auto& each) { return each.second == i; });
  }
  std::sort(expected.begin(), expected.end());
  for (std::int64_t now = 0; now < 50; ++now) {
    while (auto work = queue.take_due(SteadyTime(microseconds(now)))) work();
    if (!fired.empty()) {
      EXPECT_LE(fired.back().first, now);
    }
  }
  EXPECT_EQ(fired, expected) << "seed " << seed;
  EXPECT_FALSE(queue.next());
  EXPECT_EQ(queue.size(), 0u);
}

TEST(AsioLoop, RunsTimersInOrderAndWorkFromOtherThreads) {
  auto loop = make_asio_loop();
  Scheduler& scheduler = loop->scheduler();
  std::vector<int> order;
  std::thread::id home;
  scheduler.after(Duration(20), [&] { order.push_back(2); });
  scheduler.after(Duration(5), [&] { order.push_back(1); });
  const TimerId never = scheduler.after(Duration(10), [&] { order.push_back(99); });
  EXPECT_TRUE(scheduler.cancel(never));
  EXPECT_FALSE(scheduler.cancel(never));
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      scheduler.post([&, i] {
        if (i == 999) home = std::this_thread::get_id();
      });
    }
  });
  scheduler.after(Duration(40), [&] {
    order.push_back(3);
    loop->stop();
  });
  const SteadyTime before = scheduler.now();
  loop->run();
  other.join();
  EXPECT_GE(scheduler.now() - before, Duration(40));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(home, std::this_thread::get_id());
}

/// A part of the context, such as sockets need when they are destroyed.
struct Part final : boost::asio::execution_context::service {
  static inline boost::asio::execution_context::id id;
  Part(boost::asio::execution_context& context, bool& given) : service(context), lives(given) { lives = true; }
  ~Part() override { lives = false; }
  void shutdown() override {}
  bool& lives;
};

TEST(AsioLoop, TimersThatNeverFireAreDestroyedWhileTheContextLives) {
  bool lives = false;
  std::optional<bool> lived;
  auto loop = make_asio_loop();
  boost::asio::make_service<Part>(static_cast<LoopWithContext&>(*loop).context(), lives);
  const auto note = [&](int*) { lived = lives; };
  loop->scheduler().after(std::chrono::hours(1), [held = std::shared_ptr<int>(nullptr, note)] {});
  loop.reset();
  EXPECT_EQ(lived, true);
}

TEST(AsioLoop, RandomBitsDiffer) {
  auto loop = make_asio_loop();
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(loop->scheduler().random());
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(AsioLoop, TellsOfTerminationSignals) {
  auto loop = make_asio_loop();
  int got = 0;
  loop->on_termination_signal([&](int signal) {
    got = signal;
    loop->stop();
  });
  loop->scheduler().post([] { std::raise(SIGTERM); });
  loop->run();
  EXPECT_EQ(got, SIGTERM);
}

}  // namespace
}  // namespace tidemark::http
