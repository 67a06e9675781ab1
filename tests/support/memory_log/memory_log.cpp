#include "tests/support/memory_log/memory_log.hpp"

#include <algorithm>

namespace tidemark::testing {

std::vector<log::TopicSpec> MemoryLog::topics() const {
  std::vector<log::TopicSpec> specs;
  for (const auto& topic : history_->topics) specs.push_back(topic.spec);
  return specs;
}

Result<log::TopicId> MemoryLog::open_topic(const log::TopicSpec& spec) {
  for (std::size_t i = 0; i < history_->topics.size(); ++i) {
    if (history_->topics[i].spec.name != spec.name) continue;
    history_->topics[i].spec.retention = spec.retention;
    history_->topics[i].spec.retention_bytes = spec.retention_bytes;
    return log::TopicId{static_cast<std::uint16_t>(i)};
  }
  history_->topics.push_back({spec, {}, {}, {}, {}});
  return log::TopicId{static_cast<std::uint16_t>(history_->topics.size() - 1)};
}

void MemoryLog::take(LaneId lane, Fn<void(Result<log::Ownership>)> done) {
  if (refuse_takes_) {
    scheduler_.post([done = std::move(done)]() mutable { done(make_error(Code::unavailable, "the test refused this take")); });
    return;
  }
  const log::Ownership ownership{lane, ++history_->owner_epochs[lane.value]};
  scheduler_.post([ownership, done = std::move(done)]() mutable { done(ownership); });
}

void MemoryLog::append(log::Ownership ownership, log::LaneBatch batch, Fn<void(Result<void>)> done) {
  Result<void> result;
  const Fault fault = std::exchange(fault_, Fault::none);
  if (history_->owner_epochs[ownership.lane.value] != ownership.epoch) {
    result = make_error(Code::fenced, "another owner took the lane");
  } else if (fault == Fault::refuse_unwritten) {
    result = make_error(Code::unavailable, "the test refused this append");
  } else {
    if (fault != Fault::unknown_lost) write(batch, ownership.lane);
    if (fault != Fault::none) result = make_error(Code::outcome_unknown, "the test lost the answer");
  }
  scheduler_.after(delay_, [history = history_, result = std::move(result), done = std::move(done)]() mutable {
    done(std::move(result));
    tell_all(*history);  // this log may be gone by now
  });
}

void MemoryLog::tell_all(const LogHistory& history) {
  for (MemoryLog* log : *history.logs) {
    for (auto& [id, wake] : log->watchers_) wake();
  }
}

void MemoryLog::write(log::LaneBatch& batch, LaneId lane) {
  ++history_->appends;
  for (auto& records : batch.topics) {
    TM_ASSERT(records.first == end(records.topic, lane), "tmseq must be dense");
    log::StoredBatch stored;
    stored.first = records.first;
    stored.count = static_cast<std::uint32_t>(records.records.count());
    std::string bytes;
    records.records.encode(static_cast<std::int64_t>(records.first.value), bytes);
    stored.size = bytes.size();
    stored.bytes = std::make_shared<const std::string>(std::move(bytes));
    history_->topics[records.topic.value].lanes[lane.value].push_back(std::move(stored));
  }
  for (auto& moved : batch.moves) {
    TM_ASSERT(moved.lane != lane, "a command moves to another lane");
    for (auto& record : moved.records) produce(*history_, moved.topic, moved.lane, std::move(record));
  }
}

void MemoryLog::cut(const std::string& topic, LaneId lane, Tmseq begin) {
  for (auto& each : history_->topics) {
    if (each.spec.name == topic) each.begins[lane.value] = begin;
  }
}

Tmseq MemoryLog::begin(log::TopicId topic, LaneId lane) const {
  const auto& begins = history_->topics[topic.value].begins;
  const auto found = begins.find(lane.value);
  return found == begins.end() ? Tmseq{0} : found->second;
}

Tmseq MemoryLog::end(log::TopicId topic, LaneId lane) const {
  const auto& lanes = history_->topics[topic.value].lanes;
  const auto found = lanes.find(lane.value);
  if (found == lanes.end() || found->second.empty()) return begin(topic, lane);
  return Tmseq{found->second.back().first.value + found->second.back().count};
}

Result<std::vector<log::StoredBatch>> MemoryLog::read(log::TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const {
  std::vector<log::StoredBatch> out;
  if (on_read_) on_read_(topic);
  if (from < begin(topic, lane)) return make_error(Code::not_found, "retention has cut this position");
  const auto& lanes = history_->topics[topic.value].lanes;
  const auto found = lanes.find(lane.value);
  if (found == lanes.end()) return out;
  std::size_t bytes = 0;
  const auto& batches = found->second;
  auto at = std::partition_point(batches.begin(), batches.end(), [&](const log::StoredBatch& batch) { return batch.first.value + batch.count <= from.value; });
  for (; at != batches.end(); ++at) {
    const log::StoredBatch& batch = *at;
    if (!out.empty() && bytes >= bytes_max) break;
    out.push_back(batch);
    bytes += batch.size;
  }
  return out;
}

Result<void> MemoryLog::set_complete(bool complete) {
  history_->copy->complete = complete;
  return {};
}

Result<void> MemoryLog::begin_at(const std::vector<log::Beginning>& beginnings) {
  for (const auto& [topic, lane, first] : beginnings) {
    if (end(topic, lane) != begin(topic, lane) || end(topic, lane) > first) return make_error(Code::invalid_argument, "the partition holds records");
    history_->topics[topic.value].begins[lane.value] = first;
  }
  return {};
}

std::uint64_t MemoryLog::watch(Fn<void()> wake) {
  watchers_.emplace(next_watcher_, std::move(wake));
  return next_watcher_++;
}

}  // namespace tidemark::testing
