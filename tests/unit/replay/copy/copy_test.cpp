// Copies between logs in memory: what is copied in which order, and what is refused.
#include "replay/copy/copy.hpp"

#include "core/event/json_document.hpp"
#include "history.hpp"
#include "replay/copy/record_stream.hpp"

namespace tidemark::replay::test {
namespace {

class Copying : public ::testing::Test {
 protected:
  Copying() {
    target_history_->epoch = derive_uuid("memory log", "copy");
    target_history_->copy = log::CopyMark{source_history_->epoch, false};
  }
  CopyLogs logs() {
    return {shop_.log, target_, [this](const std::function<bool()>& done) {
              while (!done()) ASSERT_TRUE(shop_.step() || scheduler_.step()) << "nothing is left to run";
            }};
  }
  CopyOptions small() {
    CopyOptions options;
    options.append_bytes = 600;
    return options;
  }
  Result<void> copy(const CopyOptions& options) {
    auto copied = copy_log(logs(), options);
    if (!copied) return copied.take_error();
    auto compared = compare_logs(shop_.log, target_);
    if (!compared) return compared.take_error();
    EXPECT_TRUE(compared->equal);
    EXPECT_EQ(compared->source_sha256, compared->target_sha256);
    return finish_copy(logs());
  }
  /// Every decision that is there has its events below the ends.
  void expect_whole_decisions(const MemoryLog& log) {
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      RecordStream decisions(log, shop_.ids[3], "shop.decisions", LaneId{lane}, log.begin(shop_.ids[3], LaneId{lane}), log.end(shop_.ids[3], LaneId{lane}));
      for (auto record = decisions.peek(); record.ok() && *record != nullptr; record = decisions.peek()) {
        const auto document = event::JsonDocument::parse(*(*record)->view.value);
        for (const auto event : document->root()["events"].items()) {
          const auto topic = event["topic"].as_string() == "shop.ledger" ? shop_.ids[0] : shop_.ids[1];
          ASSERT_LT(*event["tmseq"].as_uint64(), log.end(topic, LaneId{lane}).value);
        }
        decisions.take();
      }
    }
  }

  VirtualScheduler scheduler_;
  std::shared_ptr<LogHistory> source_history_ = std::make_shared<LogHistory>(), target_history_ = std::make_shared<LogHistory>();
  Shop shop_{source_history_, 7};
  MemoryLog target_{target_history_, scheduler_};
};

TEST_F(Copying, KeepsTopicsRecordsAndPositions) {
  shop_.run(200);
  auto done = copy(small());
  ASSERT_TRUE(done.ok()) << describe(done.error());
  EXPECT_TRUE(target_history_->copy->complete);
  ASSERT_EQ(target_.topics().size(), specs().size());
  for (std::size_t i = 0; i < specs().size(); ++i) {
    EXPECT_EQ(target_.topics()[i].name, specs()[i].name);
    EXPECT_EQ(target_.topics()[i].topic_class, specs()[i].topic_class);
    EXPECT_EQ(target_.topics()[i].retention, specs()[i].retention);
    EXPECT_EQ(target_.topics()[i].retention_bytes, specs()[i].retention_bytes);
  }
  EXPECT_GT(target_.end(shop_.ids[0], LaneId{0}).value, 50u);
}

TEST_F(Copying, OfNothingIsComplete) {
  ASSERT_TRUE(copy(small()).ok());
  EXPECT_TRUE(target_history_->copy->complete);
}

TEST_F(Copying, BeginsTopicsWhereRetentionHasLeftThem) {
  shop_.run(200);
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{31});
  shop_.log.cut("shop.activity", LaneId{1}, shop_.log.end(shop_.ids[1], LaneId{1}));  // nothing is left
  shop_.log.cut("shop.decisions", LaneId{0}, Tmseq{50});
  auto done = copy(small());
  ASSERT_TRUE(done.ok()) << describe(done.error());
  EXPECT_EQ(target_.begin(shop_.ids[1], LaneId{0}), Tmseq{31});
  EXPECT_EQ(target_.begin(shop_.ids[1], LaneId{1}), target_.end(shop_.ids[1], LaneId{1}));
  EXPECT_EQ(target_.end(shop_.ids[1], LaneId{1}), shop_.log.end(shop_.ids[1], LaneId{1}));
  EXPECT_EQ(target_.begin(shop_.ids[3], LaneId{0}), Tmseq{50});
}

TEST_F(Copying, NeverShowsADecisionWithoutItsEvents) {
  shop_.run(150);
  shop_.log.cut("shop.decisions", LaneId{1}, Tmseq{20});
  CopyOptions options = small();
  std::size_t looked = 0;
  options.on_progress = [&](const CopyProgress&) {
    expect_whole_decisions(target_);
    ++looked;
    return true;
  };
  ASSERT_TRUE(copy(options).ok());
  EXPECT_GT(looked, 30u);
}

TEST_F(Copying, GoesOnWhereItWasBrokenOff) {
  shop_.run(200);
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{10});
  int broken_off = 0;
  for (int appends = 1;; appends = appends * 2 + 1, ++broken_off) {
    CopyOptions options = small();
    int left = appends;
    options.on_progress = [&](const CopyProgress&) { return --left > 0; };
    auto copied = copy_log(logs(), options);
    if (copied.ok()) break;
    ASSERT_EQ(copied.error().code, Code::cancelled) << describe(copied.error());
    ASSERT_FALSE(target_history_->copy->complete);
  }
  EXPECT_GT(broken_off, 2);
  auto done = copy(small());
  ASSERT_TRUE(done.ok()) << describe(done.error());
}

TEST_F(Copying, SettlesAppendsOfWhichNobodyKnows) {
  shop_.run(200);
  CopyOptions options = small();
  int appends = 0;
  options.on_progress = [&](const CopyProgress&) {
    using Fault = MemoryLog::Fault;
    constexpr Fault kFaults[] = {Fault::refuse_unwritten, Fault::unknown_written, Fault::unknown_lost};
    if (++appends % 3 == 0) target_.fail_next(kFaults[(appends / 3) % 3]);
    return true;
  };
  options.appends_ahead = 1;
  auto done = copy(options);
  ASSERT_TRUE(done.ok()) << describe(done.error());
}

TEST_F(Copying, TakesUpWhatTheSourceHasWrittenSince) {
  shop_.run(50);
  ASSERT_TRUE(copy(small()).ok());
  shop_.run(50);
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{20});
  auto copied = copy_log(logs(), small());
  ASSERT_TRUE(copied.ok()) << describe(copied.error());
  EXPECT_GT(copied->there_before, 50u);
  EXPECT_GT(copied->copied, 50u);
  EXPECT_FALSE(target_history_->copy->complete) << "until it is compared";
  EXPECT_TRUE(compare_logs(shop_.log, target_)->equal);
  EXPECT_TRUE(finish_copy(logs()).ok());
}

TEST_F(Copying, NamesWhereATargetIsNotTheBeginningOfItsSource) {
  shop_.run(60);
  ASSERT_TRUE(copy(small()).ok());
  // Somebody has served the copy.
  auto others = std::make_shared<LogHistory>(*target_history_);
  {
    Shop served(target_history_, 99);
    served.decide(0, 2, 0);
  }
  auto longer = copy_log(logs(), small());
  ASSERT_FALSE(longer.ok());
  const auto end = shop_.log.end(shop_.ids[0], LaneId{0}).value;
  EXPECT_NE(longer.error().message.find("shop.ledger lane 0 goes on to tmseq " + std::to_string(end + 2)), std::string::npos) << longer.error().message;
  shop_.decide(0, 2, 0);
  shop_.decide(0, 1, 0);
  auto other = copy_log(logs(), small());
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::invalid_argument);
  EXPECT_NE(other.error().message.find("shop.ledger lane 0 differs from tmseq " + std::to_string(end) + " on"), std::string::npos) << other.error().message;
  auto compared = compare_logs(shop_.log, target_);
  ASSERT_TRUE(compared.ok());
  EXPECT_FALSE(compared->equal);
  EXPECT_NE(compared->source_sha256, compared->target_sha256);
}

TEST_F(Copying, OfAnotherSourceOrWithOtherLanesIsRefused) {
  target_history_->copy->source = derive_uuid("memory log", "another");
  EXPECT_EQ(copy_log(logs(), small()).error().code, Code::invalid_argument);
  target_history_->copy->source = source_history_->epoch;
  target_history_->lanes = 4;
  EXPECT_EQ(copy_log(logs(), small()).error().code, Code::invalid_argument);
}

TEST_F(Copying, OfALogThatIsServedMeanwhileIsNotFinished) {
  shop_.run(40);
  ASSERT_TRUE(copy_log(logs(), small()).ok());
  shop_.decide(1, 1, 1);
  auto finished = finish_copy(logs());
  ASSERT_FALSE(finished.ok());
  EXPECT_NE(finished.error().message.find("it was served while it was copied"), std::string::npos);
  EXPECT_FALSE(target_history_->copy->complete);
  EXPECT_TRUE(copy(small()).ok());
}

TEST_F(Copying, ThatSomebodyElseTakesOverIsGivenUp) {
  shop_.run(100);
  CopyOptions options = small();
  options.on_progress = [&](const CopyProgress& progress) {
    if (progress.copied > 50) ++target_history_->owner_epochs[0];
    return true;
  };
  auto copied = copy_log(logs(), options);
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code, Code::fenced);
}

TEST_F(Copying, OfADecisionWhoseEventIsMissingIsRefused) {
  shop_.run(10);
  auto& ledger = source_history_->topics[0].lanes[0];
  shop_.decide(0, 1, 0);
  ledger.pop_back();
  auto copied = copy_log(logs(), small());
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().code, Code::corrupt);
  EXPECT_NE(copied.error().message.find("shop.decisions lane 0 at tmseq"), std::string::npos) << copied.error().message;
}

}  // namespace
}  // namespace tidemark::replay::test
