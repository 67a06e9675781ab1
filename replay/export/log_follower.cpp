#include "replay/export/log_follower.hpp"

#include <algorithm>

namespace tidemark::replay {
namespace {

constexpr std::size_t kReadBytes = 128u << 10;

const ExportPosition* position_of(const std::vector<ExportPosition>& positions, const std::string& topic, LaneId lane) {
  const auto found = std::find_if(positions.begin(), positions.end(), [&](const ExportPosition& at) { return at.topic == topic && at.lane == lane; });
  return found != positions.end() ? &*found : nullptr;
}

}  // namespace

Result<LogFollower> LogFollower::open(log::EventLog& log, const std::vector<log::TopicSpec>& topics, const std::vector<ExportPosition>& positions) {
  LogFollower made(log);
  for (std::size_t t = 0; t < topics.size(); ++t) {
    auto id = log.open_topic(topics[t]);
    if (!id) return id.take_error();
    for (std::uint32_t l = 0; l < log.lanes(); ++l) {
      const LaneId lane{l};
      Tmseq next{0};
      if (const auto* at = position_of(positions, topics[t].name, lane); at != nullptr && at->next > Tmseq{0}) {
        const auto other = [&] {
          return make_error(Code::version_conflict, topics[t].name + " lane " + std::to_string(l) + " tmseq " + std::to_string(at->next.value - 1) +
                                                        " is not the record that was exported");
        };
        if (log.end(*id, lane) < at->next) return other();
        auto event = runtime::read_event(log, *id, topics[t].name, lane, Tmseq{at->next.value - 1});
        if (!event && event.error().code != Code::not_found) return event.take_error();
        if (!event || event->envelope.id != at->last_id) return other();
        next = at->next;
      }
      made.partitions_.push_back({t, *id, runtime::LogCursor(log, *id, topics[t].name, lane, next, kReadBytes), lane});
    }
  }
  return made;
}

Result<FollowedBatch> LogFollower::read(std::size_t events_max, std::size_t bytes_max) {
  // Ends of later topics first: what an append has written to the topics before is then within theirs.
  std::vector<Tmseq> ends(partitions_.size());
  for (std::size_t i = partitions_.size(); i-- > 0;) ends[i] = log_->end(partitions_[i].id, partitions_[i].lane);
  FollowedBatch batch;
  batch.needed.log_epoch = log_->epoch();
  const auto unread = [&](std::size_t i) {
    const Tmseq next = partitions_[i].cursor.next();
    return next < ends[i] ? ends[i].value - next.value : std::uint64_t{0};
  };
  std::uint64_t unread_left = 0;
  for (std::size_t i = 0; i < partitions_.size(); ++i) unread_left += unread(i);
  std::size_t events_left = events_max, bytes_left = bytes_max;
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    Partition& partition = partitions_[i];
    const Tmseq before = partition.cursor.next();
    // What one has not used of its share goes to those after it.
    const std::uint64_t mine = unread(i);
    const auto share_of = [&](std::size_t left) { return static_cast<std::size_t>(static_cast<double>(left) * static_cast<double>(mine) / static_cast<double>(unread_left)); };
    const std::size_t events_share = mine == 0 ? 0 : std::max<std::size_t>(1, share_of(events_left));
    const std::size_t bytes_share = mine == 0 ? 0 : std::max<std::size_t>(1, share_of(bytes_left));
    std::size_t events = 0, bytes = 0;
    while (partition.cursor.next() < ends[i] && events < events_share && bytes < bytes_share) {
      auto head = partition.cursor.peek();
      if (!head) return head.take_error();
      if (*head == nullptr) break;
      const event::Event& event = **head;
      bytes += event.data.size() + 256;
      ++events;
      const Time at = event.envelope.recordedtime.value_or(event.envelope.time);
      batch.oldest = std::min(batch.oldest.value_or(at), at);
      batch.events.push_back({partition.topic, event});
      partition.cursor.pop();
    }
    unread_left -= mine;
    events_left -= std::min(events, events_left);
    bytes_left -= std::min(bytes, bytes_left);
    if (before < partition.cursor.next()) {
      batch.positions.push_back({partition.cursor.topic_name(), partition.lane, partition.cursor.next(), partition.cursor.last_id()});
    }
    if (ends[i] > Tmseq{0}) batch.needed.parts.push_back({partition.cursor.topic_name(), partition.lane, Tmseq{ends[i].value - 1}});
  }
  std::sort(batch.needed.parts.begin(), batch.needed.parts.end());
  return batch;
}

std::uint64_t unread_records(log::EventLog& log, const std::vector<log::TopicSpec>& topics, const std::vector<ExportPosition>& positions) {
  std::uint64_t unread = 0;
  for (const auto& topic : topics) {
    const auto id = log.open_topic(topic);
    if (!id.ok()) continue;
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      const auto* at = position_of(positions, topic.name, LaneId{lane});
      const std::uint64_t next = at != nullptr ? at->next.value : 0, end = log.end(*id, LaneId{lane}).value;
      unread += end > next ? end - next : 0;
    }
  }
  return unread;
}

}  // namespace tidemark::replay
