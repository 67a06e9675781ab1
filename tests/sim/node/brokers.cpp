#include "tests/sim/node/brokers.hpp"

#include <algorithm>

#include "tests/sim/node/broker_inbox.hpp"

namespace tidemark::sim {
namespace {

constexpr std::int64_t kHopMicros = 4'000;        // to the brokers, or back, at most when all is well
constexpr std::int64_t kSlowMicros = 2'500'000;
constexpr std::int64_t kVisibleMicros = 60'000;   // until another node has read a commit
constexpr std::int64_t kLateMicros = 3'000'000;   // until a transaction of which nobody knows is settled
constexpr std::int64_t kPatienceMicros = 1'500'000;

std::chrono::microseconds micros(std::int64_t count) { return std::chrono::microseconds(count); }

}  // namespace

void Brokers::add_topic(const log::TopicSpec& spec) {
  specs_.push_back(spec);
  for (Lane& lane : of_lane_) lane.topics.emplace_back();
}

std::uint64_t Brokers::end(std::uint32_t lane, std::uint64_t commits, std::size_t topic) const {
  const auto& ends = of_lane_[lane].ends[commits];
  return topic < ends.size() ? ends[topic] : 0;
}

std::uint64_t Brokers::fence(std::uint32_t number) {
  Lane& lane = of_lane_[number];
  for (auto& append : std::exchange(lane.under_way, {})) {
    // A commit that was asked for is either complete by now or never will be.
    if (append->state == Append::State::settling && faults_.random().chance(0.5)) commit(*append);
    else if (append->state != Append::State::committed) append->state = Append::State::aborted;
  }
  return ++lane.fence;
}

void Brokers::commit(Append& append) {
  Lane& lane = of_lane_[append.lane];
  std::vector<AppendedTopic> told;
  std::vector<std::uint64_t> ends = lane.ends.back();
  ends.resize(specs_.size());
  for (auto& [topic, batch] : append.parts) {
    Partition& partition = lane.topics[topic];
    if (batch.first.value != partition.end) {
      history_.violated("an append begins where the lane ends", specs_[topic].name + " lane " + std::to_string(append.lane) + ": " +
                                                                      std::to_string(batch.first.value) + " where " + std::to_string(partition.end) + " is due");
    }
    partition.end = ends[topic] = batch.first.value + batch.count;
    partition.batches.push_back(batch);
    told.push_back({specs_[topic].name, partition.batches.back().view()});
  }
  lane.ends.push_back(std::move(ends));
  append.number = lane.ends.size() - 1;
  append.state = Append::State::committed;
  if (on_commit) on_commit(append.lane, told);
  for (auto& moved : append.moves) {
    for (auto& record : moved.records) produce(moved.topic.value, moved.lane.value, std::move(record));
  }
  for (BrokerLog* log : logs_) {
    world_.after(micros(faults_.random().delay(kVisibleMicros)), world_.network(), [log, alive = log->alive_, lane = append.lane, number = append.number] {
      if (*alive) log->see(lane, number);
    });
  }
}

void Brokers::produce(std::size_t topic, std::uint32_t lane, log::OwnedRecord record) {
  auto& records = commands_[{topic, lane}];
  const std::uint64_t position = records.empty() ? 0 : records.back().position + 1 + faults_.random().below(3);
  records.push_back({position, std::move(record)});
  for (BrokerLog* log : logs_) {
    world_.after(micros(faults_.random().delay(kVisibleMicros)), world_.network(), [log, alive = log->alive_, topic, lane] {
      if (*alive) log->inbox_->grew(topic, lane);
    });
  }
}

bool Brokers::produce_to(const std::string& topic, std::uint32_t lane, log::OwnedRecord record) {
  const auto found = std::find_if(specs_.begin(), specs_.end(), [&](const log::TopicSpec& spec) { return spec.name == topic; });
  if (found == specs_.end()) return false;
  produce(static_cast<std::size_t>(found - specs_.begin()), lane, std::move(record));
  return true;
}

void Brokers::cut() {
  for (std::size_t t = 0; t < specs_.size(); ++t) {
    if (specs_[t].topic_class != log::TopicClass::ephemeral) continue;
    for (std::uint32_t lane = 0; lane < lanes_; ++lane) {
      Partition& partition = of_lane_[lane].topics[t];
      std::uint64_t read = partition.end;
      for (const BrokerLog* log : logs_) read = std::min(read, end(lane, log->mine_[lane].seen, t));
      if (read > partition.begin) partition.begin += (read - partition.begin + 1) / 2;
    }
  }
  history_.note([] { return std::string("brokers: retention has cut ephemeral topics"); });
}

log::CommandInbox* BrokerLog::inbox() { return inbox_.get(); }

BrokerLog::BrokerLog(Brokers& brokers, Queue& home, std::string name)
    : brokers_(brokers), home_(home), name_(std::move(name)), mine_(brokers.lanes_), inbox_(std::make_unique<BrokerInbox>(brokers, home)) {
  // Whoever opens the log looks for its ends.
  for (std::uint32_t lane = 0; lane < brokers_.lanes_; ++lane) mine_[lane].seen = brokers_.of_lane_[lane].ends.size() - 1;
  brokers_.logs_.push_back(this);
}

BrokerLog::~BrokerLog() {
  *alive_ = false;
  std::erase(brokers_.logs_, this);
}

bool BrokerLog::sees_all() const {
  for (std::uint32_t lane = 0; lane < brokers_.lanes_; ++lane) {
    const auto& of = brokers_.of_lane_[lane];
    if (mine_[lane].seen + 1 < of.ends.size() || !of.under_way.empty()) return false;
  }
  return true;
}

Result<log::TopicId> BrokerLog::open_topic(const log::TopicSpec& spec) {
  for (std::size_t i = 0; i < brokers_.specs_.size(); ++i) {
    if (brokers_.specs_[i].name == spec.name) return log::TopicId{static_cast<std::uint16_t>(i)};
  }
  brokers_.add_topic(spec);
  return log::TopicId{static_cast<std::uint16_t>(brokers_.specs_.size() - 1)};
}

void BrokerLog::see(std::uint32_t lane, std::uint64_t commits) {
  if (mine_[lane].seen >= commits) return;
  mine_[lane].seen = commits;
  for (auto& [id, wake] : watchers_) wake();
}

void BrokerLog::take(LaneId lane, Fn<void(Result<log::Ownership>)> done) {
  Faults& faults = brokers_.faults_;
  mine_[lane.value].epoch = 0;
  const bool fails = faults.strike(Fault::take_failed);
  const bool fences = !fails || faults.random().chance(0.5);
  brokers_.world_.after(micros(faults.random().delay(kHopMicros * 4)), brokers_.world_.network(),
                        [this, alive = alive_, lane, fails, fences, done = std::move(done)]() mutable {
    // A request that was sent reaches the brokers, whatever has become of its sender.
    const std::uint64_t epoch = fences ? brokers_.fence(lane.value) : 0;
    if (fences) brokers_.history_.note([&] { return name_ + " fences lane " + std::to_string(lane.value) + ", epoch " + std::to_string(epoch); });
    if (!*alive) return;
    const std::uint64_t commits = brokers_.of_lane_[lane.value].ends.size() - 1;
    const std::int64_t back = fails ? brokers_.faults_.random().delay(kPatienceMicros) : brokers_.faults_.random().delay(kHopMicros * 4);
    brokers_.world_.after(micros(back), brokers_.world_.network(), [this, alive, lane, fails, epoch, commits, done = std::move(done)]() mutable {
      if (!*alive) return;
      if (!fails) see(lane.value, commits);
      home_.post([this, alive, lane, fails, epoch, done = std::move(done)]() mutable {
        if (!*alive) return;
        if (fails) return done(make_error(Code::unavailable, "lane " + std::to_string(lane.value) + " cannot be taken now"));
        mine_[lane.value].epoch = epoch;
        done(log::Ownership{lane, epoch});
      });
    });
  });
}

void BrokerLog::release(log::Ownership ownership) {
  Mine& mine = mine_[ownership.lane.value];
  if (mine.epoch == ownership.epoch) mine.epoch = 0;
}

void BrokerLog::append(log::Ownership ownership, log::LaneBatch batch, Fn<void(Result<void>)> done) {
  const std::uint32_t lane = ownership.lane.value;
  Mine& mine = mine_[lane];
  Faults& faults = brokers_.faults_;
  std::optional<Error> refused;
  if (mine.epoch == 0 || mine.epoch != ownership.epoch) refused = make_error(Code::fenced, "lane " + std::to_string(lane) + " has another owner");
  else if (mine.settled < mine.failed) refused = make_error(Code::unavailable, "an earlier append of the lane was not written");
  auto append = std::make_shared<Brokers::Append>();
  append->lane = lane;
  append->fence = ownership.epoch;
  for (auto& records : batch.topics) {
    const std::uint64_t due = end(records.topic, ownership.lane).value;
    if (!refused && records.first.value != due) {
      refused = make_error(Code::invalid_argument, "an append at " + std::to_string(records.first.value) + " where the end is " + std::to_string(due));
    }
    log::StoredBatch stored;
    stored.first = records.first;
    stored.count = static_cast<std::uint32_t>(records.records.count());
    auto bytes = std::make_shared<std::string>();
    records.records.encode(static_cast<std::int64_t>(records.first.value), *bytes);
    stored.size = bytes->size();
    stored.bytes = std::move(bytes);
    append->parts.emplace_back(records.topic.value, std::move(stored));
  }
  append->moves = std::move(batch.moves);
  if (!refused && faults.strike(Fault::append_refused)) refused = make_error(Code::unavailable, "the brokers do not take this append now");
  if (refused) {
    append->state = Brokers::Append::State::aborted;
    return answer(faults.random().delay(kHopMicros), lane, std::move(append), std::move(*refused), std::move(done));
  }
  brokers_.of_lane_[lane].under_way.push_back(append);
  const bool slow = faults.strike(Fault::append_slow);
  brokers_.world_.after(micros(faults.random().delay(slow ? kSlowMicros : kHopMicros)), brokers_.world_.network(),
                        [this, alive = alive_, brokers = &brokers_, append, done = std::move(done)]() mutable {
    if (*alive) return arrived(append, std::move(done));
    // The process died with its transaction open: nobody asks for the commit, unless it just had.
    if (append->state == Brokers::Append::State::under_way && append->fence == brokers->of_lane_[append->lane].fence && brokers->faults_.random().chance(0.5)) {
      std::erase(brokers->of_lane_[append->lane].under_way, append);
      brokers->commit(*append);
    }
  });
}

void BrokerLog::arrived(const std::shared_ptr<Brokers::Append>& append, Fn<void(Result<void>)> done) {
  using State = Brokers::Append::State;
  Faults& faults = brokers_.faults_;
  auto& under_way = brokers_.of_lane_[append->lane].under_way;
  const std::int64_t back = faults.random().delay(kHopMicros);
  if (append->state == State::aborted || append->fence != brokers_.of_lane_[append->lane].fence) {
    append->state = State::aborted;
    std::erase(under_way, append);
    return answer(back, append->lane, append, make_error(Code::fenced, "lane " + std::to_string(append->lane) + " was taken by another owner"), std::move(done));
  }
  if (!faults.strike(Fault::append_unknown)) {
    std::erase(under_way, append);
    brokers_.commit(*append);
    return answer(back, append->lane, append, {}, std::move(done));
  }
  const auto fate = faults.random().below(3);
  if (fate == 0) {
    std::erase(under_way, append);
    brokers_.commit(*append);
  } else {
    // Settled by the next owner's coming, or, when the commit was asked for, by itself some time later.
    append->state = State::settling;
    if (fate == 1) {
      brokers_.world_.after(micros(faults.random().delay(kLateMicros)), brokers_.world_.network(), [brokers = &brokers_, append] {
        if (append->state != State::settling) return;
        std::erase(brokers->of_lane_[append->lane].under_way, append);
        brokers->commit(*append);
      });
    }
  }
  answer(faults.random().delay(kPatienceMicros), append->lane, append, make_error(Code::outcome_unknown, "lane " + std::to_string(append->lane) + ": the commit was not answered"),
         std::move(done));
}

void BrokerLog::answer(std::int64_t delay, std::uint32_t lane, std::shared_ptr<Brokers::Append> append, Result<void> result, Fn<void(Result<void>)> done) {
  brokers_.world_.after(micros(delay), brokers_.world_.network(), [this, alive = alive_, lane, append = std::move(append), result = std::move(result), done = std::move(done)]() mutable {
    if (!*alive) return;
    Mine& mine = mine_[lane];
    if (!result.ok() && result.error().code == Code::outcome_unknown) {
      // The adapter looks before it says that it does not know: a successor shows what became of the append.
      const bool deposed = append->fence != brokers_.of_lane_[lane].fence;
      if (deposed && append->state == Brokers::Append::State::committed) result = Result<void>();
      else if (deposed) result = make_error(Code::fenced, "lane " + std::to_string(lane) + " was taken by another owner");
      if (mine.epoch == append->fence) mine.epoch = 0;
    }
    if (!result.ok() && result.error().code == Code::fenced && mine.epoch == append->fence) mine.epoch = 0;
    if (!result.ok()) ++mine.failed;
    if (result.ok()) see(lane, append->number);
    brokers_.history_.note([&] { return name_ + " append to lane " + std::to_string(lane) + ": " + (result.ok() ? "ok" : describe(result.error())); });
    home_.post([this, alive, lane, result = std::move(result), done = std::move(done)]() mutable {
      if (!*alive) return;
      if (!result.ok()) ++mine_[lane].settled;
      done(std::move(result));
    });
  });
}

Tmseq BrokerLog::begin(log::TopicId topic, LaneId lane) const { return Tmseq{brokers_.of_lane_[lane.value].topics[topic.value].begin}; }
Tmseq BrokerLog::end(log::TopicId topic, LaneId lane) const { return Tmseq{brokers_.end(lane.value, mine_[lane.value].seen, topic.value)}; }

Result<std::vector<log::StoredBatch>> BrokerLog::read(log::TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const {
  std::vector<log::StoredBatch> out;
  if (from < begin(topic, lane)) return make_error(Code::not_found, "retention has cut this position");
  const std::uint64_t until = end(topic, lane).value;
  const auto& batches = brokers_.of_lane_[lane.value].topics[topic.value].batches;
  auto at = std::partition_point(batches.begin(), batches.end(), [&](const log::StoredBatch& batch) { return batch.first.value + batch.count <= from.value; });
  std::size_t bytes = 0;
  for (; at != batches.end() && at->first.value < until; ++at) {
    if (!out.empty() && bytes >= bytes_max) break;
    out.push_back(*at);
    bytes += at->size;
  }
  return out;
}

std::uint64_t BrokerLog::watch(Fn<void()> wake) {
  watchers_.emplace(++last_watcher_, std::move(wake));
  return last_watcher_;
}

}  // namespace tidemark::sim
