// The journal as the target of a copy.
#include "core/log/embedded/copy_mark.hpp"
#include "core/log/embedded/journal.hpp"

namespace tidemark::log {

Result<void> Journal::set_complete(bool complete) {
  CopyMark mark{mark_->source, complete};
  if (mark == *mark_) return {};
  if (auto done = write_copy_mark(disk_, options_.directory, mark); !done) return done;
  mark_ = mark;
  return {};
}

/// A begin is what retention leaves of a partition that it has emptied: a range of the catalogue without files.
Result<void> Journal::begin_at(const std::vector<Beginning>& beginnings) {
  std::lock_guard sealing(sealing_->io);
  std::lock_guard working(life_->io);
  const std::size_t topic_count = topics().size();
  std::map<PartitionKey, std::uint64_t> firsts;
  for (const auto& [topic, lane, first] : beginnings) {
    if (topic.value >= topic_count || lane.value >= lanes_) return make_error(Code::invalid_argument, "no such topic or lane");
    const std::uint64_t begins = begin(topic, lane).value, ends = next_of(topic, lane);
    if (begins == first.value && ends == begins) continue;
    if (begins != ends || ends > first.value) {
      return make_error(Code::invalid_argument, topics()[topic.value].name + " lane " + std::to_string(lane.value) + " holds " + std::to_string(begins) + " to " +
                                                    std::to_string(ends) + " and cannot begin at " + std::to_string(first.value));
    }
    firsts[{topic.value, static_cast<std::uint16_t>(lane.value)}] = first.value;
  }
  if (firsts.empty()) return {};
  if (auto done = sealer_.begin_at(firsts); !done) return done;
  sealed_.publish(sealer_.catalogue());
  std::unique_lock lock(published_);
  for (const auto& [key, first] : firsts) {
    const TopicId topic{key.first};
    const LaneId lane{key.second};
    next_of(topic, lane) = first;
    index_[partition(topic, lane)] = PartitionIndex(first);
  }
  return {};
}

}  // namespace tidemark::log
