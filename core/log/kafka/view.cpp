#include "core/log/kafka/view.hpp"

#include <algorithm>
#include <mutex>

namespace tidemark::log::kafka {
namespace {

constexpr std::uint64_t kMarkDistance = 1024;  // records between two marks that are kept

bool before(const Mark& mark, std::uint64_t tmseq) { return mark.tmseq < tmseq; }

}  // namespace

void View::add_topic() {
  std::unique_lock lock(mutex_);
  partitions_.resize(partitions_.size() + lanes_);
}

const View::Partition* View::find(TopicId topic, LaneId lane) const {
  const std::size_t index = std::size_t{topic.value} * lanes_ + lane.value;
  return lane.value < lanes_ && index < partitions_.size() ? &partitions_[index] : nullptr;
}

void View::add_mark(Partition& partition, Mark mark) {
  auto& marks = partition.marks;
  const auto next = std::lower_bound(marks.begin(), marks.end(), mark.tmseq, before);
  if (next != marks.end() && next->tmseq - mark.tmseq < kMarkDistance) return;
  if (next != marks.begin() && mark.tmseq - std::prev(next)->tmseq < kMarkDistance) return;
  marks.insert(next, mark);
}

void View::set_bounds(TopicId topic, LaneId lane, Bounds bounds) {
  std::unique_lock lock(mutex_);
  Partition& partition = at(topic, lane);
  drop(partition);
  partition.begin = bounds.begin;
  partition.end = bounds.end;
  partition.after = bounds.after;
  partition.commit = std::move(bounds.commit);
  partition.marks.clear();
  if (bounds.first) partition.marks.push_back(*bounds.first);
  if (bounds.last && (!bounds.first || bounds.first->tmseq < bounds.last->tmseq)) partition.marks.push_back(*bounds.last);
}

void View::set_begin(TopicId topic, LaneId lane, Mark first) {
  std::unique_lock lock(mutex_);
  Partition& partition = at(topic, lane);
  if (first.tmseq <= partition.begin) return;
  partition.begin = first.tmseq;
  auto& marks = partition.marks;
  marks.erase(marks.begin(), std::lower_bound(marks.begin(), marks.end(), first.tmseq, before));
  if (marks.empty() || marks.front().tmseq != first.tmseq) marks.insert(marks.begin(), first);
  if (partition.end < first.tmseq) {
    drop(partition);
    partition.end = first.tmseq;
    partition.after = std::max(partition.after, first.offset);
  }
}

bool View::set_emptied(TopicId topic, LaneId lane, std::uint64_t end, std::int64_t after) {
  std::unique_lock lock(mutex_);
  Partition& partition = at(topic, lane);
  if (end < partition.end || after <= partition.after) return false;
  const bool is_new = end > partition.end;
  drop(partition);
  partition.begin = partition.end = end;
  partition.after = after;
  partition.marks.assign(1, Mark{end, after});
  return is_new;
}

bool View::publish(LaneId lane, std::vector<Published> parts) {
  std::unique_lock lock(mutex_);
  bool is_new = false;
  for (Published& part : parts) {
    Partition& partition = at(part.topic, lane);
    const std::uint64_t end = part.first + part.count;
    if (part.mark) add_mark(partition, *part.mark);
    if (end <= partition.end) continue;
    is_new = true;
    if (!part.batch || part.first != partition.end) {
      drop(partition);
    } else {
      bytes_ += part.batch->size();
      partition.batches.push_back(StoredBatch{Tmseq{part.first}, static_cast<std::uint32_t>(part.count), part.batch, 0, part.batch->size()});
      order_.push_back(std::size_t{part.topic.value} * lanes_ + lane.value);
    }
    partition.end = end;
    partition.after = std::max(partition.after, part.after);
    partition.commit = std::move(part.commit);
  }
  evict();
  return is_new;
}

void View::note(TopicId topic, LaneId lane, Mark mark) {
  std::unique_lock lock(mutex_);
  Partition& partition = at(topic, lane);
  if (mark.tmseq >= partition.begin && mark.tmseq < partition.end) add_mark(partition, mark);
}

void View::drop(Partition& partition) {
  for (const StoredBatch& batch : partition.batches) bytes_ -= batch.size;
  partition.batches.clear();
}

void View::evict() {
  while (bytes_ > memory_bytes_ && !order_.empty()) {
    auto& batches = partitions_[order_.front()].batches;
    order_.pop_front();
    if (batches.empty()) continue;
    bytes_ -= batches.front().size;
    batches.pop_front();
  }
}

template <class T>
T View::get(TopicId topic, LaneId lane, T Partition::*member) const {
  std::shared_lock lock(mutex_);
  const Partition* partition = find(topic, lane);
  return partition != nullptr ? partition->*member : T();
}

std::uint64_t View::begin(TopicId topic, LaneId lane) const { return get(topic, lane, &Partition::begin); }
std::uint64_t View::end(TopicId topic, LaneId lane) const { return get(topic, lane, &Partition::end); }
std::int64_t View::after(TopicId topic, LaneId lane) const { return get(topic, lane, &Partition::after); }
std::string View::commit(TopicId topic, LaneId lane) const { return get(topic, lane, &Partition::commit); }

Place View::place(TopicId topic, LaneId lane, std::uint64_t tmseq) const {
  std::shared_lock lock(mutex_);
  Place out;
  const Partition* partition = find(topic, lane);
  if (partition == nullptr) return out;
  const auto& marks = partition->marks;
  const auto next = std::lower_bound(marks.begin(), marks.end(), tmseq, before);
  if (next != marks.end()) out.high = next->offset - static_cast<std::int64_t>(next->tmseq - tmseq);
  if (next != marks.end() && next->tmseq == tmseq) out.low = next->offset;
  else if (next != marks.begin()) out.low = std::prev(next)->offset + static_cast<std::int64_t>(tmseq - std::prev(next)->tmseq);
  return out;
}

std::vector<StoredBatch> View::batches(TopicId topic, LaneId lane, std::uint64_t from, std::size_t bytes_max) const {
  std::shared_lock lock(mutex_);
  std::vector<StoredBatch> out;
  const Partition* partition = find(topic, lane);
  if (partition == nullptr || partition->batches.empty() || from < partition->batches.front().first.value) return out;
  auto batch = std::upper_bound(partition->batches.begin(), partition->batches.end(), from,
                                [](std::uint64_t tmseq, const StoredBatch& b) { return tmseq < b.first.value; });
  std::size_t bytes = 0;
  for (--batch; batch != partition->batches.end() && (out.empty() || bytes < bytes_max); ++batch) {
    if (from >= batch->first.value + batch->count) break;
    out.push_back(*batch);
    bytes += batch->size;
  }
  return out;
}

}  // namespace tidemark::log::kafka
