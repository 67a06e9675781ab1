// What only the embedded log on real files shows: its lock, its speed of reading behind the cache.
#include <unistd.h>

#include <atomic>
#include <thread>

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

// Readers on threads of their own go round while segments are sealed, merged and cut under them.
TEST(EmbeddedLogOnFiles, IsReadWhileItIsSealedAndCut) {
  ScratchDirectory directory;
  auto disk = make_posix_disk();
  tidemark::test::ManualExecutor home, writer;
  const auto sealer = make_thread_pool("sealer", 1);
  std::atomic<std::uint64_t> removed{0}, failed{0};
  auto with_sealer = options(directory.path());
  with_sealer.segment_bytes = 16u << 10;
  with_sealer.sealer = sealer.get();
  with_sealer.on_sealing = [&](const SealingReport& report) {
    removed += report.kind == SealingReport::Kind::removed ? 1 : 0;
    failed += report.kind == SealingReport::Kind::failed ? 1 : 0;
  };
  auto opened = open_embedded_log(*disk, home, writer, with_sealer);
  ASSERT_TRUE(opened.ok());
  EmbeddedLog& log = **opened;
  const TopicSpec specs[] = {{"builds.ledger", TopicClass::fact}, {"builds.activity", TopicClass::ephemeral, std::nullopt, 40'000}};
  TopicId topics[2];
  for (std::size_t i = 0; i < 2; ++i) topics[i] = *log.open_topic(specs[i]);
  std::optional<Ownership> owner;
  log.take(LaneId{1}, [&](Result<Ownership> r) { owner = *r; });
  tidemark::test::run_all({&writer, &home});

  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> rounds{0};
  const auto read_on = [&](std::size_t which) {
    while (!stop) {
      std::uint64_t next = log.begin(topics[which], LaneId{1}).value;
      while (next < log.end(topics[which], LaneId{1}).value) {
        auto batches = log.read(topics[which], LaneId{1}, Tmseq{next}, 5000);
        if (!batches && batches.error().code == Code::not_found && which == 1) {
          ASSERT_GT(log.begin(topics[which], LaneId{1}).value, next);
          next = log.begin(topics[which], LaneId{1}).value;
          continue;
        }
        ASSERT_TRUE(batches.ok()) << describe(batches.error());
        ASSERT_FALSE(batches->empty());
        for (const StoredBatch& stored : *batches) {
          ASSERT_LE(stored.first.value, next);
          auto reader = RecordBatchReader::open(stored.view());
          ASSERT_TRUE(reader.ok());
          while (!reader->done()) {
            auto record = reader->next();
            ASSERT_TRUE(record.ok());
            ASSERT_TRUE(record->value->starts_with(std::to_string(record->offset) + " "));
          }
          next = stored.first.value + stored.count;
        }
      }
      ++rounds;
    }
  };
  std::thread ledger(read_on, 0), activity(read_on, 1);
  std::uint64_t next = 0;
  while ((next < 1500 || removed < 5 || rounds < 20) && next < 200'000) {
    LaneBatch batch;
    batch.topics.resize(2);
    for (std::size_t i = 0; i < 2; ++i) {
      batch.topics[i].topic = topics[i];
      batch.topics[i].first = Tmseq{next};
      for (std::uint64_t k = 0; k < 3; ++k) {
        std::string value = std::to_string(next + k) + " ";
        value.resize(200, 'v');
        event::RecordView record;
        record.value = value;
        batch.topics[i].records.add(record);
      }
    }
    bool ok = false;
    log.append(*owner, std::move(batch), [&](Result<void> r) { ok = r.ok(); });
    tidemark::test::run_all({&writer, &home});
    if (!ok) break;
    next += 3;
  }
  stop = true;
  ledger.join();
  activity.join();
  EXPECT_EQ(failed, 0u);
  EXPECT_GE(removed, 5u);
  EXPECT_EQ(log.end(topics[0], LaneId{1}).value, next);
  EXPECT_EQ(log.begin(topics[0], LaneId{1}).value, 0u);
  EXPECT_GT(log.begin(topics[1], LaneId{1}).value, 0u);
  opened->reset();
  auto report = verify_embedded_log(*disk, directory.path());
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->damage.empty()) << report->damage.front();
}

}  // namespace
}  // namespace tidemark::log::test
