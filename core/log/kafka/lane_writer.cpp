#include "core/log/kafka/lane_writer.hpp"

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include <algorithm>

#include "core/log/kafka/lane_tail.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr Duration kLearnPatience = std::chrono::seconds(2);
constexpr Duration kLookPatience = std::chrono::seconds(2);
constexpr auto kRetryDelay = std::chrono::milliseconds(100);
/// Between an append and the next. A broker that still writes the markers of the one before has the client come back in 20 ms:
/// waiting for them costs a few and takes most of those 20 off the slowest (docs/benchmarks.md has both).
constexpr auto kMarkersWritten = std::chrono::milliseconds(3);

std::string lane_text(LaneId lane) { return "lane " + std::to_string(lane.value); }

}  // namespace

LaneWriter::LaneWriter(Shared& shared, LaneId lane) : shared_(shared), lane_(lane), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), ("tm-lane-" + std::to_string(lane.value)).c_str());
}

LaneWriter::~LaneWriter() {
  *alive_ = false;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void LaneWriter::take(Fn<void(Result<Ownership>)> done) {
  Work work;
  work.kind = Work::Kind::take;
  work.taken = std::move(done);
  push(std::move(work));
}

void LaneWriter::release(std::uint64_t epoch) {
  Work work;
  work.kind = Work::Kind::release;
  work.epoch = epoch;
  push(std::move(work));
}

void LaneWriter::append(std::uint64_t epoch, LaneBatch batch, Fn<void(Result<void>)> done) {
  Work work;
  work.epoch = epoch;
  work.settled = home_->settled;
  work.batch = std::move(batch);
  work.done = std::move(done);
  push(std::move(work));
}

void LaneWriter::push(Work work) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void LaneWriter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) break;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    switch (work.kind) {
      case Work::Kind::take: complete(std::move(work.taken), do_take(), false); break;
      case Work::Kind::release:
        if (work.epoch == epoch_) lose();
        break;
      case Work::Kind::append: {
        auto result = do_append(work);
        if (!result) ++failed_;
        const bool failed = !result.ok();
        complete(std::move(work.done), std::move(result), failed);
        break;
      }
    }
    lock.lock();
  }
  lock.unlock();
  lose();
}

template <class T>
void LaneWriter::complete(Fn<void(Result<T>)> done, Result<T> result, bool failed_append) {
  shared_.home.post([alive = alive_, home = home_, done = std::move(done), result = std::move(result), failed_append]() mutable {
    if (!*alive) return;
    if (failed_append) ++home->settled;
    done(std::move(result));
  });
}

Duration LaneWriter::left(Clock::time_point deadline) const {
  return std::max(Duration(1), std::chrono::duration_cast<Duration>(deadline - Clock::now()));
}

void LaneWriter::lose() {
  epoch_ = 0;
  met_.clear();
  producer_.reset();
}

void LaneWriter::meet_topics() {
  bool is_new = false;
  for (const Topic& topic : shared_.owned_topics()) {
    auto& handle = met_[topic.full_name];
    if (handle) continue;
    handle.reset(rd_kafka_topic_new(producer_.get(), topic.full_name.c_str(), nullptr));
    is_new = true;
  }
  if (is_new) learn_topics(producer_.get(), kLearnPatience);
}

void LaneWriter::meet_topics(const std::vector<Sending::Move>& moves) {
  bool is_new = false;
  for (const Sending::Move& move : moves) {
    auto& handle = met_[move.topic];
    if (handle) continue;
    handle.reset(rd_kafka_topic_new(producer_.get(), move.topic.c_str(), nullptr));
    is_new = true;
  }
  if (is_new) learn_topics(producer_.get(), kLearnPatience);
}

Result<void> LaneWriter::renew_producer(Clock::time_point deadline) {
  met_.clear();
  producer_.reset();
  const std::string id = shared_.options.prefix + "tidemark-lane-" + std::to_string(lane_.value);
  std::string why;
  while (!stopping_) {
    auto made = make_producer(shared_.options.client, id);
    if (!made) return made.take_error();
    for (;;) {
      const auto error = take_error(rd_kafka_init_transactions(made->get(), static_cast<int>(std::min(left(deadline), Duration(2000)).count())));
      if (!error.failed) {
        producer_ = std::move(*made);
        meet_topics();
        return {};
      }
      why = error.text;
      if (!error.retriable || stopping_ || Clock::now() >= deadline) break;
    }
    if (Clock::now() >= deadline) break;
    std::this_thread::sleep_for(kRetryDelay);
  }
  return make_error(Code::unavailable, lane_text(lane_) + " cannot be taken: " + why);
}

Result<Ownership> LaneWriter::do_take() {
  const auto taking = shared_.metrics.taking();
  auto taken = try_take();
  taking.stop();
  shared_.metrics.taken(taken.ok());
  return taken;
}

Result<Ownership> LaneWriter::try_take() {
  const auto deadline = Clock::now() + shared_.options.patience;
  epoch_ = 0;
  if (auto renewed = renew_producer(deadline); !renewed) return renewed.take_error();
  auto tail = read_whole_tail(shared_, lane_, left(deadline));
  if (!tail) {
    lose();
    if (tail.error().code == Code::corrupt) shared_.damaged(tail.error());
    return tail.take_error();
  }
  if (publish(shared_, lane_, std::move(*tail))) shared_.grown();
  // Grows with whatever an owner has written, so that a later owner elsewhere has a greater one.
  std::uint64_t written = 0;
  for (const Topic& topic : shared_.owned_topics()) written += static_cast<std::uint64_t>(shared_.view.after(topic.id, lane_));
  epoch_ = last_epoch_ = std::max(last_epoch_, written) + 1;
  return Ownership{lane_, epoch_};
}

std::optional<Error> LaneWriter::refusal(const Work& work) const {
  if (epoch_ == 0 || work.epoch != epoch_) return make_error(Code::fenced, lane_text(lane_) + " has another owner");
  // What was decided on top of an append that was not written must not be written either.
  if (work.settled < failed_) return make_error(Code::unavailable, "an earlier append of the lane was not written");
  if (work.batch.topics.empty()) return make_error(Code::invalid_argument, "an append without records");
  if (work.batch.size_bytes() > kLaneBatchBytesMax) {
    return make_error(Code::exhausted, "an append of " + std::to_string(work.batch.size_bytes()) + " bytes is over the limit of " + std::to_string(kLaneBatchBytesMax));
  }
  const auto topics = shared_.owned_topics();
  for (std::size_t i = 0; i < work.batch.topics.size(); ++i) {
    const TopicRecords& records = work.batch.topics[i];
    const auto topic = std::find_if(topics.begin(), topics.end(), [&](const Topic& t) { return t.id == records.topic; });
    if (topic == topics.end()) return make_error(Code::invalid_argument, "topic " + std::to_string(records.topic.value) + " is not open, or no lane owns it");
    if (records.records.empty()) return make_error(Code::invalid_argument, "an append with an empty batch");
    for (std::size_t k = 0; k < i; ++k) {
      if (work.batch.topics[k].topic == records.topic) return make_error(Code::invalid_argument, "an append names a topic twice");
    }
    const std::uint64_t next = shared_.view.end(records.topic, lane_);
    if (records.first.value != next) {
      return make_error(Code::invalid_argument, "an append at " + std::to_string(records.first.value) + " where the end is " + std::to_string(next));
    }
  }
  for (const MovedRecords& moved : work.batch.moves) {
    if (auto refused = refusal(moved)) return refused;
  }
  return std::nullopt;
}

std::optional<Error> LaneWriter::refusal(const MovedRecords& moved) const {
  if (!shared_.inbox_topic(moved.topic)) return make_error(Code::invalid_argument, "topic " + std::to_string(moved.topic.value) + " is no open inbox");
  if (moved.lane == lane_ || moved.lane.value >= shared_.lanes) return make_error(Code::invalid_argument, "a command moves to " + lane_text(moved.lane) + " from " + lane_text(lane_));
  if (moved.records.empty()) return make_error(Code::invalid_argument, "an append that moves nothing");
  for (const OwnedRecord& record : moved.records) {
    if (record.size_bytes() > kRecordBytesMax) return make_error(Code::invalid_argument, "a command of " + std::to_string(record.size_bytes()) + " bytes cannot be moved");
  }
  return std::nullopt;
}

Result<void> LaneWriter::do_append(Work& work) {
  if (auto refused = refusal(work)) return *refused;
  const auto topics = shared_.owned_topics();
  Sending sending;
  std::vector<CommitPart> commit;
  for (TopicRecords& records : work.batch.topics) {
    const auto topic = std::find_if(topics.begin(), topics.end(), [&](const Topic& t) { return t.id == records.topic; });
    auto batch = std::make_shared<std::string>();
    records.records.encode(static_cast<std::int64_t>(records.first.value), *batch);
    commit.push_back({topic->spec.name, records.first.value, records.records.count()});
    sending.parts.push_back({*topic, records.first.value, std::move(batch), std::vector<std::int64_t>(records.records.count(), kNotDelivered)});
  }
  work.batch.topics.clear();
  for (MovedRecords& moved : work.batch.moves) {
    const auto topic = shared_.inbox_topic(moved.topic);
    for (OwnedRecord& record : moved.records) sending.moves.push_back({topic->full_name, moved.lane, std::move(record), kNotDelivered});
  }
  work.batch.moves.clear();
  // Of a topic that retention empties nothing else would tell where it ended.
  for (const Topic& topic : topics) {
    const std::uint64_t end = shared_.view.end(topic.id, lane_);
    const bool is_written = std::any_of(sending.parts.begin(), sending.parts.end(), [&](const Sending::Part& part) { return part.topic.id == topic.id; });
    if (topic.spec.topic_class != TopicClass::fact && end > 0 && !is_written) commit.push_back({topic.spec.name, end, 0, shared_.view.after(topic.id, lane_)});
  }
  sending.commit = encode_commit(commit);
  const auto appending = shared_.metrics.appending();
  auto sent = send(sending);
  appending.stop();
  std::size_t records_sent = 0, bytes = 0;
  for (const Sending::Part& part : sending.parts) {
    records_sent += part.offsets.size();
    bytes += part.batch->size();
  }
  shared_.metrics.appended(sent, sending.unsure, records_sent, bytes);
  if (sent.ok()) published(sending);
  return sent;
}

Result<void> LaneWriter::send(Sending& sending) {
  meet_topics();
  meet_topics(sending.moves);
  std::this_thread::sleep_until(committed_ + kMarkersWritten);
  const auto begun = take_error(rd_kafka_begin_transaction(producer_.get()));
  if (begun.fenced) return settle_fenced(sending, false);
  if (begun.failed) return unsettled(sending, begun.text);
  for (Sending::Part& part : sending.parts) {
    auto records = RecordBatchReader::open(*part.batch);
    TM_ASSERT(records.ok(), "a batch that was just encoded opens");
    for (std::size_t i = 0; !records->done(); ++i) {
      const auto record = records->next();
      TM_ASSERT(record.ok(), "a record that was just encoded decodes");
      const bool last = i + 1 == part.offsets.size();
      auto taken = produce(producer_.get(), part.topic.full_name, static_cast<std::int32_t>(lane_.value), *record, Tmseq{part.first + i},
                           last ? sending.commit : std::string(), part.offsets[i]);
      if (taken.ok()) continue;
      if (taken.error().code == Code::fenced) return settle_fenced(sending, false);
      // Nothing is committed that was not asked for; the next owner of the lane, this one again, takes back what was sent.
      auto settled = unsettled(sending, taken.error().message);
      return taken.error().code == Code::invalid_argument && !settled && settled.error().code == Code::outcome_unknown ? taken.error() : settled;
    }
  }
  for (Sending::Move& move : sending.moves) {
    auto taken = produce_as_is(producer_.get(), move.topic, static_cast<std::int32_t>(move.lane.value), move.record, &move.offset);
    if (taken.ok()) continue;
    if (taken.error().code == Code::fenced) return settle_fenced(sending, false);
    return unsettled(sending, taken.error().message);
  }
  const auto error = take_error(rd_kafka_commit_transaction(producer_.get(), static_cast<int>(shared_.options.append_patience.count())));
  committed_ = Clock::now();
  if (!error.failed) return {};
  if (!error.fenced) return unsettled(sending, error.text);
  const bool delivered = std::all_of(sending.parts.begin(), sending.parts.end(), [](const Sending::Part& part) {
    return std::all_of(part.offsets.begin(), part.offsets.end(), [](std::int64_t offset) { return offset != kNotDelivered; });
  }) && std::all_of(sending.moves.begin(), sending.moves.end(), [](const Sending::Move& move) { return move.offset != kNotDelivered; });
  return settle_fenced(sending, delivered);
}

void LaneWriter::published(const Sending& sending) {
  std::vector<Published> parts;
  for (const Sending::Part& part : sending.parts) {
    Published out{part.topic.id, part.first, part.offsets.size(), part.batch, std::nullopt, 0, sending.commit};
    if (part.offsets.front() >= 0) out.mark = Mark{part.first, part.offsets.front()};
    if (part.offsets.back() >= 0) out.after = part.offsets.back() + 1;
    parts.push_back(std::move(out));
  }
  if (shared_.view.publish(lane_, std::move(parts))) shared_.grown();
}

/// Another has the lane. Its coming has settled the transaction; what became of it shows where its records lie.
///   delivered  every record had reached the brokers, so the commit may have been asked for
Result<void> LaneWriter::settle_fenced(Sending& sending, bool delivered) {
  lose();
  sending.unsure = delivered;
  Error fenced = make_error(Code::fenced, lane_text(lane_) + " was taken by another owner");
  if (!delivered) return fenced;
  const Sending::Part& part = sending.parts.front();
  const std::int64_t last = part.offsets.back();
  if (last < 0) return make_error(Code::outcome_unknown, fenced.message + ", and where the append lies is not known");
  bool committed = false;
  std::uint64_t resume = kNowhere;
  const auto take = [&](const rd_kafka_message_s& message) {
    committed = message.offset == last;
    return false;
  };
  auto read = shared_.history->read({partition_of(part.topic, lane_), last, last + 1, shared_.options.patience}, resume, take);
  if (!read) return make_error(Code::outcome_unknown, fenced.message + ", and the log cannot be read: " + read.error().message);
  if (committed) return {};
  return fenced;
}

Result<LaneWriter::Sight> LaneWriter::look_for(const Sending& sending) {
  auto tail = read_tail(shared_, lane_, Isolation::committed, kLookPatience);
  if (!tail) return tail.take_error();
  Sight sight;
  sight.others = std::any_of(tail->parts.begin(), tail->parts.end(), [&](const Published& part) { return part.commit != sending.commit; });
  for (const Sending::Part& part : sending.parts) {
    const std::uint64_t end = shared_.view.end(part.topic.id, lane_);
    if (end > part.first) {  // followed already
      const auto there = shared_.view.batches(part.topic.id, lane_, part.first, 1);
      const bool ours = !there.empty() && there.front().view() == *part.batch;
      if (ours) ++sight.parts;
      if (!ours || end > part.first + part.offsets.size()) sight.others = true;
      continue;
    }
    const bool ours = std::any_of(tail->parts.begin(), tail->parts.end(), [&](const Published& found) {
      return found.topic == part.topic.id && found.first == part.first && found.commit == sending.commit && *found.batch == *part.batch;
    });
    if (ours) ++sight.parts;
  }
  return sight;
}

/// What became of the append shows when the lane is taken again. Unless another has taken it: one that wakes up late must not
/// fence its successor, so it looks before it says that it does not know. Its markers become visible partition by partition,
/// and those of one owner before anything of the next: what is seen in part, or beside another's, is looked at once more.
Result<void> LaneWriter::unsettled(Sending& sending, const std::string& why) {
  sending.unsure = true;
  auto sight = look_for(sending);
  const auto until = Clock::now() + kLookPatience;
  const auto in_part = [&] { return sight.ok() && sight->parts > 0 && sight->parts < sending.parts.size(); };
  if (sight.ok() && sight->others) sight = look_for(sending);
  while (in_part() && Clock::now() < until && !stopping_) {
    std::this_thread::sleep_for(kRetryDelay);
    sight = look_for(sending);
  }
  lose();
  if (!sight && sight.error().code == Code::corrupt) shared_.damaged(sight.error());
  if (sight.ok() && sight->others && sight->parts == sending.parts.size()) return {};
  if (sight.ok() && sight->others && sight->parts == 0) return make_error(Code::fenced, lane_text(lane_) + " was taken by another owner");
  return make_error(Code::outcome_unknown, lane_text(lane_) + ": " + why);
}

}  // namespace tidemark::log::kafka
