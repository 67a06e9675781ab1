#include "core/log/embedded/journal.hpp"

#include <algorithm>

#include "core/base/mutation.hpp"

namespace tidemark::log {
namespace {
constexpr std::size_t kCacheBytes = 8u << 20;
constexpr std::uint64_t kTailCommits = 64;  // commits under load between two writes of the tail file
}  // namespace

Journal::Journal(Disk& disk, Executor& home, Executor& writer, EmbeddedLogOptions options, std::unique_ptr<File> lock,
                 std::unique_ptr<File> tail, RecoveredJournal recovered, std::optional<CopyMark> mark)
    : disk_(disk),
      home_(home),
      writer_(writer),
      options_(std::move(options)),
      epoch_(recovered.state.meta.epoch),
      lanes_(recovered.state.meta.lanes),
      salt_(salt_of(epoch_)),
      lock_(std::move(lock)),
      life_(std::make_shared<Life>()),
      sealing_(std::make_shared<Life>()),
      owners_(lanes_, 0),
      settled_(lanes_, 0),
      last_take_((recovered.state.commit + 1) << 20),
      mark_(std::move(mark)),
      next_(std::move(recovered.state.next)),
      failed_(lanes_, 0),
      current_(recovered.state.segments[recovered.state.current]),
      offset_(recovered.state.end),
      commit_(recovered.state.commit),
      crc_(recovered.state.crc),
      preparer_(disk, options_.directory, epoch_, options_.segment_bytes),
      tail_(std::move(tail)),
      metrics_(options_.metrics),
      sealed_(disk, options_.directory, recovered.state.catalogue),
      sealer_(disk, options_.directory, lanes_, options_.segment_bytes, recovered.state.catalogue, sealed_),
      index_(std::move(recovered.index)),
      cache_(kCacheBytes),
      topics_(std::move(recovered.state.meta.topics)) {
  life_->journal = this;
  sealing_->journal = this;
  SegmentEnd end{recovered.state.catalogue.commit, recovered.state.catalogue.crc};
  for (std::size_t i = 0; i < recovered.state.current; ++i) {
    if (recovered.state.ends[i].commit != 0) end = recovered.state.ends[i];
    full_.push_back(FullSegment{recovered.state.segments[i], end.commit, end.crc});
  }
  for (const auto& segment : recovered.state.segments) files_.emplace(segment.number, segment.file);
  preparer_.begin(current_.number + 1);
  if (recovered.state.current + 1 < recovered.state.segments.size()) {
    Segment& ahead = recovered.state.segments[recovered.state.current + 1];
    // One of another size (the setting was changed) is made anew, so that whatever fits the setting fits the segment.
    if (ahead.size == options_.segment_bytes) {
      preparer_.adopt(std::move(ahead));
    } else {
      files_.erase(ahead.number);
      if (auto done = disk_.remove(options_.directory + "/" + segment_name(ahead.number)); !done) fail(done.error());
    }
  }
  write_tail(true);
  tend();
}

Journal::~Journal() {
  seal_stop_ = true;
  {
    std::lock_guard sealing(sealing_->io);
    sealing_->journal = nullptr;
  }
  std::lock_guard working(life_->io);  // waits for the write under way
  life_->journal = nullptr;
  {
    std::lock_guard lock(queue_mutex_);
    for (auto& pending : queue_) backlog_.push_back(std::move(pending));
    queue_.clear();
  }
  for (auto& pending : backlog_) answer(pending, make_error(Code::unavailable, "the log is closing"), false);
  backlog_.clear();
  post_answers();
  if (!failure()) write_tail(true);
}

std::vector<TopicSpec> Journal::topics() const {
  std::shared_lock lock(published_);
  return topics_;
}

Result<TopicId> Journal::open_topic(const TopicSpec& spec) {
  if (!is_topic_name(spec.name)) return make_error(Code::invalid_argument, "\"" + spec.name + "\" is not a topic name");
  if (spec.retention && spec.retention->count() < 0) return make_error(Code::invalid_argument, "the retention of " + spec.name + " is negative");
  if (spec.topic_class == TopicClass::fact && (spec.retention || spec.retention_bytes)) {
    return make_error(Code::invalid_argument, "topic " + spec.name + " is of class fact, which is kept for ever");
  }
  std::lock_guard one(topics_mutex_);
  JournalMeta meta{epoch_, lanes_, topics()};
  const auto known = std::find_if(meta.topics.begin(), meta.topics.end(), [&](const TopicSpec& t) { return t.name == spec.name; });
  const auto id = static_cast<std::size_t>(known - meta.topics.begin());
  if (known != meta.topics.end()) {
    if (known->topic_class != spec.topic_class) {
      return make_error(Code::invalid_argument, "topic " + spec.name + " exists with class " + std::string(name_of(known->topic_class)));
    }
    if (known->retention == spec.retention && known->retention_bytes == spec.retention_bytes) return TopicId{static_cast<std::uint16_t>(id)};
    known->retention = spec.retention;
    known->retention_bytes = spec.retention_bytes;
  } else {
    if (meta.topics.size() >= kTopicsMax) return make_error(Code::exhausted, "the log has as many topics as it can");
    meta.topics.push_back(spec);
  }
  if (auto done = replace_file(disk_, options_.directory + "/meta", render_meta(meta)); !done) return done.take_error();
  std::unique_lock lock(published_);
  topics_ = std::move(meta.topics);
  index_.resize(topics_.size() * lanes_);
  return TopicId{static_cast<std::uint16_t>(id)};
}

void Journal::take(LaneId lane, Fn<void(Result<Ownership>)> done) {
  Pending pending;
  pending.is_append = false;
  pending.lane = lane;
  Ownership ownership{lane, ++last_take_};
  if (lane.value < lanes_) owners_[lane.value] = ownership.epoch;
  else pending.refused = make_error(Code::invalid_argument, "lane " + std::to_string(lane.value) + " does not exist");
  pending.done = [ownership, done = std::move(done)](Result<void> result) mutable {
    if (result) done(ownership);
    else done(result.take_error());
  };
  push(std::move(pending));
}

void Journal::release(Ownership ownership) {
  if (ownership.lane.value < lanes_ && owners_[ownership.lane.value] == ownership.epoch) owners_[ownership.lane.value] = 0;
}

void Journal::append(Ownership ownership, LaneBatch batch, Fn<void(Result<void>)> done) {
  Pending pending;
  pending.lane = ownership.lane;
  pending.bytes = batch.size_bytes();
  pending.batch = std::move(batch);
  pending.done = std::move(done);
  if (ownership.lane.value >= lanes_) {
    pending.refused = make_error(Code::invalid_argument, "lane " + std::to_string(ownership.lane.value) + " does not exist");
  } else {
    pending.settled = settled_[ownership.lane.value];
    if (ownership.epoch == 0 || owners_[ownership.lane.value] != ownership.epoch) {
      pending.refused = make_error(Code::fenced, "lane " + std::to_string(ownership.lane.value) + " has been taken anew");
    } else if (pending.bytes > kLaneBatchBytesMax) {
      pending.refused = make_error(Code::exhausted, "an append of " + std::to_string(pending.bytes) + " bytes is larger than " +
                                                        std::to_string(kLaneBatchBytesMax));
    }
  }
  push(std::move(pending));
}

void Journal::push(Pending pending) {
  std::lock_guard lock(queue_mutex_);
  if (!pending.refused && pending.bytes > 0 && queued_bytes_ + pending.bytes > options_.queued_bytes_max) {
    pending.refused = make_error(Code::unavailable, "the log's queue is full");
  }
  if (pending.refused) {
    pending.batch.topics.clear();
    pending.bytes = 0;
  }
  queued_bytes_ += pending.bytes;
  queue_.push_back(std::move(pending));
  schedule();
}

void Journal::schedule() {
  if (scheduled_) return;
  scheduled_ = true;
  writer_.post([life = life_] { run_step(life); });
}

void Journal::run_step(const std::shared_ptr<Life>& life) {
  std::lock_guard working(life->io);
  if (Journal* journal = life->journal) journal->step();
}

void Journal::step() {
  {
    std::lock_guard lock(queue_mutex_);
    for (auto& pending : queue_) backlog_.push_back(std::move(pending));
    queue_.clear();
  }
  bool committed = false;
  if (!failure()) {
    plan_frame();
    if (!builder_.empty()) {
      auto written = write_frame();
      if (!written) fail(written.error());
      committed = written.ok();
    }
    builder_.clear();
  }
  if (const auto failed = failure()) {
    for (auto& pending : backlog_) answer(pending, make_error(Code::unavailable, "the log has failed: " + failed->message), false);
    backlog_.clear();
  }
  post_answers();
  if (committed || failure()) {
    std::lock_guard lock(watchers_mutex_);
    for (auto& [id, wake] : watchers_) wake();
  }
  bool idle = false;
  {
    std::lock_guard lock(queue_mutex_);
    idle = queue_.empty() && backlog_.empty();
  }
  if (committed) {
    if (tail_sync_due_ || idle || commit_ - tail_commit_ >= kTailCommits) write_tail(tail_sync_due_);
    // Twice the speed of the log: the next segment is there when this one is half full.
    if (auto done = preparer_.fill_to(2 * offset_); !done && done.error().code != Code::exhausted) fail(done.error());
  }
  std::lock_guard lock(queue_mutex_);
  scheduled_ = false;
  if (!queue_.empty() || !backlog_.empty()) schedule();
}

std::uint64_t& Journal::next_of(TopicId topic, LaneId lane) {
  const std::size_t at = partition(topic, lane);
  if (at >= next_.size()) next_.resize((std::size_t{topic.value} + 1) * lanes_, 0);
  return next_[at];
}

std::optional<Error> Journal::refusal(const Pending& pending) {
  if (pending.refused) return pending.refused;
  if (!pending.is_append) return std::nullopt;
  // What was decided on top of an append that was not written must not be written either.
  if (pending.settled < failed_[pending.lane.value]) return make_error(Code::unavailable, "an earlier append of the lane was not written");
  if (pending.batch.topics.empty()) return make_error(Code::invalid_argument, "an append without records");
  if (!pending.batch.moves.empty()) return make_error(Code::invalid_argument, "an append that moves commands, in a log without an inbox");
  std::size_t topic_count = 0;
  {
    std::shared_lock lock(published_);
    topic_count = topics_.size();
  }
  for (std::size_t i = 0; i < pending.batch.topics.size(); ++i) {
    const TopicRecords& records = pending.batch.topics[i];
    if (records.topic.value >= topic_count) return make_error(Code::invalid_argument, "topic " + std::to_string(records.topic.value) + " is not open");
    if (records.records.empty()) return make_error(Code::invalid_argument, "an append with an empty batch");
    for (std::size_t k = 0; k < i; ++k) {
      if (pending.batch.topics[k].topic == records.topic) return make_error(Code::invalid_argument, "an append names a topic twice");
    }
    const std::uint64_t next = next_of(records.topic, pending.lane);
    if (records.first.value != next) {
      return make_error(Code::invalid_argument, "an append at " + std::to_string(records.first.value) + " where the end is " + std::to_string(next));
    }
  }
  if (FrameBuilder::size_of(pending.batch.topics.size(), pending.bytes) > options_.segment_bytes - kSegmentHeaderSize) {
    return make_error(Code::exhausted, "an append of " + std::to_string(pending.bytes) + " bytes does not fit in a segment");
  }
  return std::nullopt;
}

void Journal::plan_frame() {
  std::optional<Error> out_of_space;
  for (; !backlog_.empty(); backlog_.pop_front()) {
    Pending& pending = backlog_.front();
    auto refused = refusal(pending);
    if (!refused && pending.is_append) {
      const std::uint64_t bytes = FrameBuilder::size_of(builder_.entries() + pending.batch.topics.size(), builder_.batch_bytes() + pending.bytes);
      if (!builder_.empty() && bytes > options_.commit_bytes_max) return;
      if (offset_ + bytes > current_.size) {
        if (!builder_.empty()) return;
        if (!out_of_space && !make_room(out_of_space)) return;
        refused = out_of_space;
      }
    }
    if (refused || !pending.is_append) {
      answer(pending, refused ? Result<void>(std::move(*refused)) : Result<void>(), false);
      continue;
    }
    for (const auto& records : pending.batch.topics) next_of(records.topic, pending.lane) += records.records.count();
    builder_.add(pending.lane, std::move(pending.batch.topics));
    answer(pending, {}, true);
  }
}

/// Goes on in the next segment. False when the log has failed.
bool Journal::make_room(std::optional<Error>& out_of_space) {
  auto next = preparer_.take();
  if (!next) {
    if (next.error().code == Code::exhausted) {
      out_of_space = make_error(Code::exhausted, "no space for the next segment: " + next.error().message);
      return true;
    }
    fail(next.error());
    return false;
  }
  FullSegment full{std::move(current_), commit_, crc_};
  current_ = std::move(*next);
  offset_ = kSegmentHeaderSize;
  preparer_.begin(current_.number + 1);
  tail_sync_due_ = true;
  metrics_.segment_begun();
  {
    std::unique_lock lock(published_);
    files_.insert_or_assign(current_.number, current_.file);
    full_.push_back(std::move(full));
  }
  tend();
  return true;
}

Result<void> Journal::write_frame() {
  FrameHeader header;
  header.segment = current_.number;
  header.offset = offset_;
  header.commit = commit_ + 1;
  header.durable = commit_;
  header.previous_crc = crc_;
  header.salt = salt_;
  const auto committing = metrics_.committing();
  auto frame = std::make_shared<const std::string>(builder_.build(header));
  if (auto done = current_.file->pwrite(offset_, *frame); !done) return done;
  const auto syncing = metrics_.syncing();
  if (auto done = TM_MUTANT(answer_before_sync) ? Result<void>() : current_.file->sync(); !done) return done;
  syncing.stop();
  committing.stop();
  std::uint64_t records = 0;
  {
    std::unique_lock lock(published_);
    for (const FrameEntry& entry : builder_.directory()) {
      records += entry.count;
      index_[partition(TopicId{entry.topic}, LaneId{entry.lane})].add(
          BatchPlace{entry.first, entry.count, header.segment, header.offset + entry.offset, entry.length});
    }
    cache_.add(header.segment, header.offset, std::move(frame));
  }
  commit_ = header.commit;
  crc_ = header.crc;
  offset_ += header.length;
  const auto appends = std::count_if(answers_.begin(), answers_.end(), [](const Answer& answer) { return answer.in_frame; });
  metrics_.committed(static_cast<std::size_t>(appends), records, header.length);
  return {};
}

void Journal::answer(Pending& pending, Result<void> result, bool in_frame) {
  if (!result && pending.is_append) metrics_.refused();
  if (!result && pending.is_append && pending.lane.value < lanes_) ++failed_[pending.lane.value];
  answered_bytes_ += pending.bytes;
  answers_.push_back(Answer{std::move(pending.done), std::move(result), pending.lane, pending.is_append, in_frame});
}

void Journal::post_answers() {
  if (answers_.empty()) return;
  {
    std::lock_guard lock(queue_mutex_);
    queued_bytes_ -= answered_bytes_;
  }
  answered_bytes_ = 0;
  home_.post([life = life_, answers = std::exchange(answers_, {})]() mutable {
    for (Answer& answer : answers) {
      Journal* journal = life->journal;
      if (journal && !answer.result && answer.is_append && answer.lane.value < journal->lanes_) ++journal->settled_[answer.lane.value];
      answer.done(std::move(answer.result));
    }
  });
}

/// The frame under way, if any, has an unknown fate; everything behind it was not written.
void Journal::fail(const Error& error) {
  {
    std::unique_lock lock(published_);
    if (failure_) return;
    failure_ = error;
  }
  for (Answer& answer : answers_) {
    if (!answer.result) continue;
    if (answer.in_frame) {
      answer.result = make_error(Code::outcome_unknown, error.message);
      ++failed_[answer.lane.value];
    } else if (!answer.is_append) {
      answer.result = make_error(Code::unavailable, "the log has failed: " + error.message);
    }
  }
}

void Journal::write_tail(bool sync) {
  const std::string slot = encode(TailSlot{commit_, current_.number, offset_, crc_, salt_});
  auto done = tail_->pwrite(kTailSlotAt[tail_slot_], slot);
  if (done && sync) done = tail_->sync();
  if (!done) return fail(done.error());
  tail_slot_ ^= 1;
  tail_commit_ = commit_;
  tail_sync_due_ = false;
}

Tmseq Journal::begin(TopicId topic, LaneId lane) const {
  return Tmseq{lane.value < lanes_ ? sealed_.range({topic.value, static_cast<std::uint16_t>(lane.value)}).begin : 0};
}

Tmseq Journal::end(TopicId topic, LaneId lane) const {
  std::shared_lock lock(published_);
  const std::size_t at = partition(topic, lane);
  return Tmseq{lane.value < lanes_ && at < index_.size() ? index_[at].end() : 0};
}

std::uint64_t Journal::watch(Fn<void()> wake) {
  std::lock_guard lock(watchers_mutex_);
  watchers_.emplace(++last_watcher_, std::move(wake));
  return last_watcher_;
}

void Journal::stop_watching(std::uint64_t id) {
  std::lock_guard lock(watchers_mutex_);
  watchers_.erase(id);
}

std::optional<Error> Journal::failure() const {
  std::shared_lock lock(published_);
  return failure_;
}

}  // namespace tidemark::log
