// Viewers of a board in virtual time.

#include <gtest/gtest.h>

#include <memory>

#include "core/http/live_board.hpp"
#include "tests/support/virtual_scheduler/virtual_scheduler.hpp"

namespace tidemark::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A peer: what it was sent, and whether it reads.
class Peer final : public BodyStream {
 public:
  Task<Result<void>> write(std::string bytes) override {
    if (!reads) {
      auto wait = Callback<bool>([this](Fn<void(bool)> done) { resume_ = std::move(done); });
      const bool taken = co_await std::move(wait);
      if (!taken) co_return make_error(Code::timed_out, "the peer does not read");
    }
    received.push_back(std::move(bytes));
    co_return Result<void>();
  }
  bool closed() const override { return closed_; }
  void on_close(Fn<void()> call) override { on_close_ = std::move(call); }
  bool draining() const override { return false; }

  void close() {
    closed_ = true;
    if (auto call = std::exchange(on_close_, nullptr)) call();
  }
  /// A write that waits goes on, or fails as the server fails it after its stall timeout.
  void go_on(bool taken) {
    if (auto resume = std::exchange(resume_, nullptr)) resume(taken);
  }
  bool stalled() const { return static_cast<bool>(resume_); }

  bool reads = true;
  std::vector<std::string> received;

 private:
  bool closed_ = false;
  Fn<void()> on_close_;
  Fn<void(bool)> resume_;
};

class LiveBoardTest : public ::testing::Test {
 protected:
  LiveBoardTest() {
    LiveBoardParts parts{.scheduler = scheduler, .instance = "x", .read = [this] { return read(); },
                         .changed = [this](Duration patience) { return wait(patience); }};
    board = std::make_shared<LiveBoard>(std::move(parts));
  }
  ~LiveBoardTest() override {
    for (auto& peer : peers) peer->close();
    scheduler.run_for(seconds(20));  // everything ends by itself
    EXPECT_EQ(board->viewers(), 0u);
    responses.clear();
    EXPECT_EQ(board.use_count(), 1) << "something is still at work";
  }

  Task<Result<std::vector<BoardSection>>> read() {
    ++reads;
    if (fails) co_return make_error(Code::unavailable, "behind");
    std::vector<BoardSection> sections(1);
    sections[0] = {"n", {{"n", std::to_string(value)}}};
    co_return sections;
  }
  Task<void> wait(Duration patience) {
    auto sleeping = Callback<bool>([this, patience](Fn<void(bool)> done) {
      changed.push_back(std::make_shared<Fn<void(bool)>>(std::move(done)));
      scheduler.after(patience, [waiting = changed.back()] {
        if (*waiting) std::exchange(*waiting, nullptr)(false);
      });
    });
    co_await std::move(sleeping);
  }
  void change(int to) {
    value = to;
    for (auto& waiting : std::exchange(changed, {})) {
      if (*waiting) std::exchange(*waiting, nullptr)(true);
    }
  }

  /// Lets a viewer in; nothing when it is refused.
  Peer* join(std::string last_event_id = {}) {
    auto response = std::make_shared<std::optional<Result<Response>>>();
    spawn(follow(board, std::move(last_event_id), response));
    scheduler.run_for(milliseconds(0));
    if (!*response || !(*response)->ok()) return nullptr;
    responses.push_back(std::move(***response));
    peers.push_back(std::make_unique<Peer>());
    spawn(std::get<StreamBody>(responses.back().body).produce(*peers.back()));
    return peers.back().get();
  }
  static Task<void> follow(std::shared_ptr<LiveBoard> board, std::string id, std::shared_ptr<std::optional<Result<Response>>> out) {
    auto following = board->follow(std::move(id));
    auto response = co_await std::move(following);
    out->emplace(std::move(response));
  }

  testing::VirtualScheduler scheduler;
  int value = 1, reads = 0;
  bool fails = false;
  std::vector<std::shared_ptr<Fn<void(bool)>>> changed;
  std::shared_ptr<LiveBoard> board;
  std::deque<Response> responses;
  std::vector<std::unique_ptr<Peer>> peers;
};

TEST_F(LiveBoardTest, AViewerGetsASnapshotAndThenChanges) {
  Peer* peer = join();
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->received, std::vector<std::string>{"id: x-1\nevent: snapshot\ndata: {\"n\":[1]}\n\n"});
  scheduler.run_for(seconds(1));
  change(2);
  scheduler.run_for(seconds(1));
  ASSERT_EQ(peer->received.size(), 2u);
  EXPECT_EQ(peer->received[1], "id: x-2\nevent: change\ndata: {\"n\":{\"gone\":[],\"put\":[2]}}\n\n");
}

TEST_F(LiveBoardTest, ChangesAreTakenTogetherAndReadOnceForEveryone) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(join());
  scheduler.run_for(milliseconds(10));
  const int before = reads;
  for (int i = 2; i <= 401; ++i) {
    change(i);
    scheduler.run_for(milliseconds(10));
  }
  scheduler.run_for(milliseconds(300));
  EXPECT_LE(reads - before, 4300 / 250 + 2);
  for (const auto& peer : peers) {
    EXPECT_LE(peer->received.size(), 4300u / 250 + 3);
    EXPECT_EQ(peer->received.back().substr(peer->received.back().find("event")), "event: change\ndata: {\"n\":{\"gone\":[],\"put\":[401]}}\n\n");
  }
}

TEST_F(LiveBoardTest, NothingIsReadWithoutViewers) {
  scheduler.run_for(seconds(60));
  EXPECT_EQ(reads, 0);
  Peer* peer = join();
  peer->close();
  scheduler.run_for(seconds(10));
  const int before = reads;
  scheduler.run_for(seconds(60));
  EXPECT_EQ(reads, before);
  EXPECT_TRUE(join());
}

TEST_F(LiveBoardTest, AnIdleBoardIsLookedAtAfterItsPatienceOnly) {
  join();
  scheduler.run_for(seconds(1));
  const int before = reads;
  scheduler.run_for(seconds(50));
  EXPECT_LE(reads - before, 10);
  EXPECT_EQ(peers[0]->received.size(), 1u);
}

TEST_F(LiveBoardTest, WhoComesBackGetsWhatItMissed) {
  join();
  change(2);
  scheduler.run_for(seconds(1));
  Peer* back = join("x-1");
  EXPECT_EQ(back->received, std::vector<std::string>{"id: x-2\nevent: change\ndata: {\"n\":{\"gone\":[],\"put\":[2]}}\n\n"});
  EXPECT_TRUE(join("x-2")->received.empty());
  for (const char* foreign : {"y-1", "x-3", "x-", "x", "-1", "x-1z", "x--1", "x-99999999999999999999"}) {
    Peer* peer = join(foreign);
    ASSERT_EQ(peer->received.size(), 1u) << foreign;
    EXPECT_NE(peer->received[0].find("event: snapshot"), std::string::npos) << foreign;
  }
}

TEST_F(LiveBoardTest, WhoReadsSlowlyGetsFewerChangesAndNobodyWaitsForIt) {
  Peer* slow = join();
  Peer* quick = join();
  slow->reads = false;
  for (int i = 2; i <= 10; ++i) {
    change(i);
    scheduler.run_for(seconds(1));
  }
  EXPECT_EQ(quick->received.size(), 10u);
  EXPECT_EQ(slow->received.size(), 1u);
  slow->reads = true;
  slow->go_on(true);
  ASSERT_EQ(slow->received.size(), 3u);  // the one under way, and all the others in one
  EXPECT_EQ(slow->received[2], "id: x-10\nevent: change\ndata: {\"n\":{\"gone\":[],\"put\":[10]}}\n\n");
}

TEST_F(LiveBoardTest, WhoDoesNotReadIsLetGo) {
  Peer* peer = join();
  peer->reads = false;
  change(2);
  scheduler.run_for(seconds(1));
  ASSERT_TRUE(peer->stalled());
  peer->go_on(false);
  EXPECT_EQ(board->viewers(), 0u);
}

TEST_F(LiveBoardTest, AReadThatFailsRefusesTheFirstViewerAndLeavesTheOthersWhatTheyHave) {
  fails = true;
  EXPECT_FALSE(join());
  fails = false;
  Peer* peer = join();
  fails = true;
  change(2);
  scheduler.run_for(seconds(2));
  EXPECT_EQ(peer->received.size(), 1u);
  EXPECT_TRUE(join());
  fails = false;
  scheduler.run_for(seconds(6));
  EXPECT_EQ(peer->received.size(), 2u);
}

}  // namespace
}  // namespace tidemark::http
