// What only the embedded log on real files shows: its lock, its speed of reading behind the cache.
#include <unistd.h>

#include "core/base/executors.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "scratch_directory.hpp"
#include "tests/support/sim_disk/manual_executor.hpp"

namespace tidemark::log::test {
namespace {

EmbeddedLogOptions options(const std::string& directory) {
  EmbeddedLogOptions out;
  out.directory = directory;
  out.lanes = 2;
  out.segment_bytes = 64u << 10;
  out.make_epoch = [] { return *parse_uuid("0190a8f2-0000-7000-8000-000000000001"); };
  return out;
}

TEST(EmbeddedLogOnFiles, RefusesASecondStartWithThePidOfTheFirst) {
  ScratchDirectory directory;
  auto disk = make_posix_disk();
  tidemark::test::ManualExecutor home, writer;
  auto first = open_embedded_log(*disk, home, writer, options(directory.path()));
  ASSERT_TRUE(first.ok());
  auto second = open_embedded_log(*disk, home, writer, options(directory.path()));
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::unavailable);
  EXPECT_NE(second.error().message.find("process " + std::to_string(::getpid())), std::string::npos) << second.error().message;
  first->reset();
  EXPECT_TRUE(open_embedded_log(*disk, home, writer, options(directory.path())).ok());
}

TEST(EmbeddedLogOnFiles, VerifiesWhatItWrote) {
  ScratchDirectory directory;
  auto disk = make_posix_disk();
  tidemark::test::ManualExecutor home, writer;
  {
    auto log = open_embedded_log(*disk, home, writer, options(directory.path()));
    ASSERT_TRUE(log.ok());
    auto topic = (*log)->open_topic(TopicSpec{"builds.ledger", TopicClass::fact, std::nullopt});
    ASSERT_TRUE(topic.ok());
    std::optional<Ownership> owner;
    (*log)->take(LaneId{1}, [&](Result<Ownership> r) { owner = *r; });
    tidemark::test::run_all({&writer, &home});
    const std::string value(700, 'v');
    for (std::uint64_t i = 0; i < 300; ++i) {
      LaneBatch batch;
      batch.topics.emplace_back();
      batch.topics[0].topic = *topic;
      batch.topics[0].first = Tmseq{i};
      event::RecordView record;
      record.value = value;
      batch.topics[0].records.add(record);
      bool ok = false;
      (*log)->append(*owner, std::move(batch), [&](Result<void> r) { ok = r.ok(); });
      tidemark::test::run_all({&writer, &home});
      ASSERT_TRUE(ok);
    }
  }
  auto report = verify_embedded_log(*disk, directory.path());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->damage.empty()) << report->damage.front();
  EXPECT_EQ(report->records, 300u);
  EXPECT_EQ(report->commits, 300u);
  EXPECT_GE(report->segments, 4u);
}

}  // namespace
}  // namespace tidemark::log::test
