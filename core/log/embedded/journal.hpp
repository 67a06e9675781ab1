#pragma once
// The journal at work: a queue of appends, one frame and one sync per commit, readers behind the durable end.

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "core/base/disk.hpp"
#include "core/base/scheduler.hpp"
#include "core/log/embedded/embedded_log.hpp"
#include "core/log/embedded/frame_builder.hpp"
#include "core/log/embedded/journal_metrics.hpp"
#include "core/log/embedded/recovery.hpp"
#include "core/log/embedded/sealer.hpp"
#include "core/log/embedded/tail_cache.hpp"
#include "core/log/log_copy.hpp"

namespace tidemark::log {

class Journal final : public EmbeddedLog, public CopyTarget {
 public:
  Journal(Disk& disk, Executor& home, Executor& writer, EmbeddedLogOptions options, std::unique_ptr<File> lock,
          std::unique_ptr<File> tail, RecoveredJournal recovered, std::optional<CopyMark> mark);
  ~Journal() override;

  const Uuid& epoch() const override { return epoch_; }
  std::uint32_t lanes() const override { return lanes_; }
  std::vector<TopicSpec> topics() const override;
  Result<TopicId> open_topic(const TopicSpec& spec) override;
  void take(LaneId lane, Fn<void(Result<Ownership>)> done) override;
  void release(Ownership ownership) override;
  std::optional<Duration> lease() const override { return std::nullopt; }
  void append(Ownership ownership, LaneBatch batch, Fn<void(Result<void>)> done) override;
  Tmseq begin(TopicId topic, LaneId lane) const override;
  Tmseq end(TopicId topic, LaneId lane) const override;
  Result<std::vector<StoredBatch>> read(TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const override;
  std::uint64_t watch(Fn<void()> wake) override;
  void stop_watching(std::uint64_t id) override;
  std::optional<Error> failure() const override;
  void tend() override;
  std::optional<CopyMark> copy_mark() const override { return options_.copy_of ? mark_ : std::nullopt; }
  Result<void> set_complete(bool complete) override;
  Result<void> begin_at(const std::vector<Beginning>& beginnings) override;

 private:
  /// Outlives the journal in what is posted, so that late work finds nobody instead of freed memory.
  struct Life {
    std::mutex io;                   // held while the writer (the sealer) works
    std::atomic<Journal*> journal;
  };
  struct Pending {
    LaneId lane;
    LaneBatch batch;                 // empty for a take
    std::uint64_t settled = 0;       // failures of this lane that its owner knew of when it called
    std::size_t bytes = 0;
    std::optional<Error> refused;    // known at the call; waits its turn so that answers keep the order of calls
    Fn<void(Result<void>)> done;
    bool is_append = true;
  };
  struct Answer {
    Fn<void(Result<void>)> done;
    Result<void> result;
    LaneId lane;
    bool is_append = true;
    bool in_frame = false;
  };

  void push(Pending pending);
  void schedule();                                             // queue_mutex_ held
  static void run_step(const std::shared_ptr<Life>& life);

  // On the writer, under Life::io.
  void step();
  void plan_frame();                                           // backlog_ -> builder_ and answers_
  std::optional<Error> refusal(const Pending& pending);
  bool make_room(std::optional<Error>& out_of_space);
  Result<void> write_frame();
  void answer(Pending& pending, Result<void> result, bool in_frame);
  void post_answers();
  void write_tail(bool sync);
  void fail(const Error& error);
  std::uint64_t& next_of(TopicId topic, LaneId lane);

  // On the sealer, under Life::io of sealing_.
  void seal_step();
  bool seal_next();
  void keep_retention();
  void adopt(CatalogueChange change);
  void report(SealingReport::Kind kind, const CataloguedFile& file) const;
  void report(const Error& error) const;

  std::size_t partition(TopicId topic, LaneId lane) const { return std::size_t{topic.value} * lanes_ + lane.value; }
  Result<void> read_places(std::vector<BatchPlace> places, const std::vector<std::shared_ptr<File>>& files, std::vector<StoredBatch>& out) const;

  // Constant after construction.
  Disk& disk_;
  Executor& home_;
  Executor& writer_;
  const EmbeddedLogOptions options_;
  const Uuid epoch_;
  const std::uint32_t lanes_;
  const std::uint32_t salt_;
  std::unique_ptr<File> lock_;
  std::shared_ptr<Life> life_;
  std::shared_ptr<Life> sealing_;

  // Home thread only.
  std::vector<std::uint64_t> owners_;   // by lane; 0: nobody
  std::vector<std::uint64_t> settled_;  // failures delivered, by lane
  std::uint64_t last_take_;
  std::optional<CopyMark> mark_;

  // The queue.
  std::mutex queue_mutex_;
  std::deque<Pending> queue_;
  std::size_t queued_bytes_ = 0;        // until answered
  bool scheduled_ = false;

  // Writer only.
  std::deque<Pending> backlog_;
  std::vector<Answer> answers_;
  FrameBuilder builder_;
  std::vector<std::uint64_t> next_;     // end of each partition, the frame being built included
  std::vector<std::uint64_t> failed_;   // appends not written, by lane
  Segment current_;
  std::uint64_t offset_;                // where the next frame goes
  std::uint64_t commit_;
  std::uint32_t crc_;
  SegmentPreparer preparer_;
  std::unique_ptr<File> tail_;
  std::size_t tail_slot_ = 0;
  std::uint64_t tail_commit_ = 0;       // last one written to tail
  bool tail_sync_due_ = false;
  std::size_t answered_bytes_ = 0;
  const JournalMetrics metrics_;

  // Sealing.
  SealedFiles sealed_;                  // any thread
  Sealer sealer_;                       // sealer only
  std::atomic<bool> seal_scheduled_{false};
  std::atomic<bool> seal_stop_{false};

  // Published; published_ guards.
  mutable std::shared_mutex published_;
  std::vector<PartitionIndex> index_;
  std::map<std::uint64_t, std::shared_ptr<File>> files_;  // segments
  std::deque<FullSegment> full_;        // not sealed yet
  TailCache cache_;
  std::vector<TopicSpec> topics_;
  std::optional<Error> failure_;

  std::mutex topics_mutex_;             // one declaration at a time

  std::mutex watchers_mutex_;           // held while they are called
  std::map<std::uint64_t, Fn<void()>> watchers_;
  std::uint64_t last_watcher_ = 0;
};

}  // namespace tidemark::log
