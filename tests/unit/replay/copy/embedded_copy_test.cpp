// The journal as the target of a copy: marks, begins above zero, crashes.
#include "core/log/embedded/copy_mark.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "history.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"
#include "tests/support/sim_disk/sim_disk.hpp"

namespace tidemark::replay::test {
namespace {

using tidemark::test::ManualExecutor;
using tidemark::test::SimDisk;

class CopyingToAJournal : public ::testing::Test {
 protected:
  log::EmbeddedLogOptions options(std::optional<Uuid> copy_of) {
    log::EmbeddedLogOptions out;
    out.directory = "log";
    out.lanes = 3;
    out.segment_bytes = 16384;
    out.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
    out.copy_of = copy_of;
    out.sealer = &sealer_;
    return out;
  }
  Result<void> open(std::optional<Uuid> copy_of) {
    log_.reset();
    auto opened = log::open_embedded_log(disk_, home_, writer_, options(copy_of));
    if (!opened) return opened.take_error();
    log_ = std::move(*opened);
    return {};
  }
  void run() { tidemark::test::run_all({&writer_, &home_, &sealer_}); }
  CopyLogs logs() {
    return {shop_.log, *log_, [this](const std::function<bool()>& done) {
              run();
              while (!done() && shop_steps()) run();
              ASSERT_TRUE(done());
            }};
  }
  bool shop_steps() { return shop_.step(); }
  Result<void> copy() {
    CopyOptions small;
    small.append_bytes = 2000;
    auto copied = copy_log(logs(), small);
    if (!copied) return copied.take_error();
    return {};
  }
  Result<void> compare_and_finish() {
    auto compared = compare_logs(shop_.log, *log_);
    if (!compared) return compared.take_error();
    EXPECT_TRUE(compared->equal);
    return finish_copy(logs());
  }
  const Uuid& source() { return shop_.log.epoch(); }

  SimDisk disk_{3};
  ManualExecutor home_, writer_, sealer_;
  Shop shop_{std::make_shared<LogHistory>(), 5};
  std::unique_ptr<log::EmbeddedLog> log_;
};

TEST_F(CopyingToAJournal, GivesALogThatANodeOpens) {
  shop_.run(300);
  shop_.log.cut("shop.activity", LaneId{0}, Tmseq{31});
  shop_.log.cut("shop.decisions", LaneId{1}, shop_.log.end(shop_.ids[3], LaneId{1}));
  ASSERT_TRUE(open(source()).ok());
  auto copied = copy();
  ASSERT_TRUE(copied.ok()) << describe(copied.error());
  auto early = open(std::nullopt);
  ASSERT_FALSE(early.ok()) << "it is not finished";
  EXPECT_EQ(early.error().code, Code::unavailable);
  ASSERT_TRUE(open(source()).ok());
  auto done = compare_and_finish();
  ASSERT_TRUE(done.ok()) << describe(done.error());
  ASSERT_TRUE(open(std::nullopt).ok());
  EXPECT_EQ(log::copy_target(*log_), nullptr);
  EXPECT_NE(log_->epoch(), source());
  EXPECT_EQ(log_->begin(shop_.ids[1], LaneId{0}), Tmseq{31});
  EXPECT_EQ(log_->end(shop_.ids[3], LaneId{1}), shop_.log.end(shop_.ids[3], LaneId{1}));
  EXPECT_TRUE(compare_logs(shop_.log, *log_)->equal);
  log_.reset();
  auto verified = log::verify_embedded_log(disk_, "log");
  ASSERT_TRUE(verified.ok());
  EXPECT_TRUE(verified->damage.empty()) << verified->damage.front();
  EXPECT_GT(verified->sealed_files, 0u);
}

TEST_F(CopyingToAJournal, BeginsAPartitionOnceAndOnlyWhileItIsEmpty) {
  ASSERT_TRUE(open(source()).ok());
  const auto activity = *log_->open_topic(specs()[1]);
  const auto begin_at = [&](std::uint64_t first) {
    return log::copy_target(*log_)->begin_at({{activity, LaneId{1}, Tmseq{first}}});
  };
  ASSERT_TRUE(begin_at(40).ok());
  EXPECT_TRUE(begin_at(40).ok()) << "as it is";
  EXPECT_EQ(begin_at(39).error().code, Code::invalid_argument);
  ASSERT_TRUE(begin_at(57).ok()) << "the source was cut meanwhile";
  ASSERT_TRUE(open(source()).ok());
  EXPECT_EQ(log_->begin(activity, LaneId{1}), Tmseq{57});
  EXPECT_EQ(log_->end(activity, LaneId{1}), Tmseq{57});
  EXPECT_EQ(log_->read(activity, LaneId{1}, Tmseq{3}, 100).error().code, Code::not_found);
  EXPECT_EQ(begin_at(60).ok(), true);
  EXPECT_EQ(log::copy_target(*log_)->begin_at({{log::TopicId{9}, LaneId{1}, Tmseq{1}}}).error().code, Code::invalid_argument);
}

TEST_F(CopyingToAJournal, IsOfOneSourceOnly) {
  ASSERT_TRUE(open(source()).ok());
  auto other = open(derive_uuid("memory log", "another"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Code::invalid_argument);
}

TEST_F(CopyingToAJournal, NeverGoesOnInAJournalThatIsNoCopy) {
  ASSERT_TRUE(open(std::nullopt).ok());
  auto as_copy = open(source());
  ASSERT_FALSE(as_copy.ok());
  EXPECT_EQ(as_copy.error().code, Code::invalid_argument);
}

TEST(CopyMark, ReadsWhatItWritesAndNothingElse) {
  const log::CopyMark mark{*parse_uuid("0190a8f2-0000-7000-8000-000000000001"), true};
  const std::string text = log::render_copy_mark(mark);
  EXPECT_EQ(*log::parse_copy_mark(text), mark);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string broken = text;
    broken[i] ^= 1;
    EXPECT_FALSE(log::parse_copy_mark(broken).ok()) << i;
  }
}

}  // namespace
}  // namespace tidemark::replay::test
