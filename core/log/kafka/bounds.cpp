#include "core/log/kafka/bounds.hpp"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <thread>

#include "core/log/kafka/emptied.hpp"
#include "core/log/kafka/records.hpp"

namespace tidemark::log::kafka {
namespace {

constexpr std::size_t kFindersMax = 16;
constexpr std::int64_t kTailOffsets = 16;  // behind the end, where the last record is looked for first

/// Reads [from, until) until `take` has what it wants.
Result<void> read_some(const Shared& shared, const PartitionName& partition, std::int64_t from, std::int64_t until, FnRef<bool(const ReadRecord&)> take) {
  MessageReader reader;
  std::optional<Error> wrong;
  std::uint64_t resume = kNowhere;
  const auto take_message = [&](const rd_kafka_message_s& message) {
    auto record = reader.read(message);
    if (record.ok()) return take(*record);
    wrong = record.take_error();
    return false;
  };
  auto read = shared.history->read({partition, from, until, shared.options.patience}, resume, take_message);
  if (!read) return read;
  if (wrong) return *wrong;
  return {};
}

Result<View::Bounds> find_bounds(const Shared& shared, const Topic& topic, LaneId lane, const Origin& origin, std::int64_t first, std::int64_t end) {
  const bool is_cut = first > origin.offset;
  View::Bounds bounds;
  bounds.after = end;
  bounds.begin = bounds.end = origin.tmseq;  // of what retention has emptied: see ask_others()
  if (!is_cut && origin.tmseq > 0) bounds.first = Mark{origin.tmseq, origin.offset};
  if (first == end) return bounds;
  const PartitionName partition = partition_of(topic, lane);
  bool seen = false;
  for (std::int64_t reach = kTailOffsets; !seen; reach *= 8) {
    const std::int64_t from = std::max(first, end - reach);
    auto read = read_some(shared, partition, from, end, [&](const ReadRecord& record) {
      seen = true;
      bounds.last = Mark{record.tmseq, record.view.offset};
      bounds.commit = std::string(record.commit);
      return true;
    });
    if (!read) return read.take_error();
    if (from == first) break;
  }
  if (!seen) return bounds;  // aborted transactions only
  if (bounds.commit.empty()) {
    return make_error(Code::corrupt, topic.full_name + " lane " + std::to_string(lane.value) + ": the append that ends at tmseq " + std::to_string(bounds.last->tmseq) +
                                         " has no last record: it was torn");
  }
  bounds.end = bounds.last->tmseq + 1;
  bounds.after = bounds.last->offset + 1;
  bounds.begin = origin.tmseq;
  if (!is_cut) return bounds;
  auto read = read_some(shared, partition, first, end, [&](const ReadRecord& record) {
    bounds.first = Mark{record.tmseq, record.view.offset};
    return false;
  });
  if (!read) return read.take_error();
  if (bounds.first) bounds.begin = bounds.first->tmseq;
  return bounds;
}

/// What the lane's newest records say of the end of a partition that retention has emptied.
void ask_others(Shared& shared, const std::vector<Topic>& topics, const Topic& emptied, LaneId lane, const Origin& origin, std::int64_t end_offset) {
  std::vector<std::string> commits;
  for (const Topic& topic : topics) commits.push_back(shared.view.commit(topic.id, lane));
  View::Bounds bounds;
  bounds.begin = bounds.end = end_of_emptied(emptied.spec.name, {origin.tmseq, origin.offset}, commits, end_offset);
  bounds.after = end_offset;
  shared.view.set_bounds(emptied.id, lane, std::move(bounds));
}

Origin origin_of(const Origins& origins, const Topic& topic, LaneId lane) {
  const auto lanes = origins.find(topic.spec.name);
  if (lanes == origins.end()) return {};
  const auto found = lanes->second.find(lane.value);
  return found == lanes->second.end() ? Origin{} : found->second;
}

}  // namespace

Result<void> find_bounds(Shared& shared, const std::vector<Topic>& topics, const Origins& origins) {
  std::vector<PartitionName> partitions;
  std::vector<std::pair<const Topic*, LaneId>> which;
  for (const Topic& topic : topics) {
    for (std::uint32_t lane = 0; lane < shared.lanes; ++lane) {
      partitions.push_back(partition_of(topic, LaneId{lane}));
      which.emplace_back(&topic, LaneId{lane});
    }
  }
  auto firsts = ask_offsets(shared.history->client(), partitions, Edge::first, shared.options.patience);
  if (!firsts) return firsts.take_error();
  auto ends = ask_offsets(shared.history->client(), partitions, Edge::end, shared.options.patience);
  if (!ends) return ends.take_error();
  // Every one of them waits for a broker, so many at once.
  std::atomic<std::size_t> next{0};
  std::mutex results;
  Result<void> result;
  const auto work = [&] {
    for (std::size_t i = next++; i < which.size(); i = next++) {
      const auto [topic, lane] = which[i];
      auto bounds = find_bounds(shared, *topic, lane, origin_of(origins, *topic, lane), (*firsts)[i], (*ends)[i]);
      std::lock_guard lock(results);
      if (bounds.ok()) shared.view.set_bounds(topic->id, lane, std::move(*bounds));
      else if (result.ok()) result = bounds.take_error();
    }
  };
  std::vector<std::thread> threads;
  const auto filled = static_cast<std::size_t>(std::count_if(ends->begin(), ends->end(), [](std::int64_t end) { return end > 0; }));
  for (std::size_t i = 1; i < std::min(filled, kFindersMax); ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  std::vector<Topic> all = shared.owned_topics();
  all.insert(all.end(), topics.begin(), topics.end());
  for (std::size_t i = 0; result.ok() && i < which.size(); ++i) {
    const auto [topic, lane] = which[i];
    const Origin origin = origin_of(origins, *topic, lane);
    const bool is_emptied = (*firsts)[i] > origin.offset && shared.view.commit(topic->id, lane).empty();
    if (is_emptied) ask_others(shared, all, *topic, lane, origin, (*ends)[i]);
  }
  return result;
}

}  // namespace tidemark::log::kafka
