#include "replay/copy/copy.hpp"

#include <algorithm>

#include "replay/copy/comparison.hpp"
#include "replay/copy/lane_order.hpp"

namespace tidemark::replay {
namespace {

constexpr unsigned kFailuresMax = 5;  // of a lane, in a row

struct Lane {
  LaneId id;
  log::Ownership owner;
  std::unique_ptr<LaneOrder> order;
  LaneStep carried;                    ///< did not fit in the append before
  std::vector<std::uint64_t> next;     ///< by topic, appends under way included
  std::size_t under_way = 0;
  bool at_end = false;
  std::optional<Error> failed;
  unsigned failures = 0;
};

class Copier {
 public:
  Copier(const CopyLogs& logs, const CopyOptions& options) : logs_(logs), options_(options) {}

  Result<CopyProgress> run() {
    if (auto done = prepare(); !done) return done.take_error();
    if (auto done = copy_lanes(); !done) return done.take_error();
    return progress_;
  }

 private:
  Result<void> prepare();
  Result<void> open_topics();
  Result<void> place(const CopiedTopic& topic, LaneId lane, std::vector<log::Beginning>& beginnings);
  Result<void> copy_lanes();
  Result<void> begin_lane(Lane& lane);
  Result<void> recover(Lane& lane);
  Result<void> append_next(Lane& lane);
  std::string text(const CopiedTopic& topic, LaneId lane) const { return partition_text(topic.spec.name, lane); }

  const CopyLogs& logs_;
  const CopyOptions& options_;
  CopyProgress progress_;
  std::vector<CopiedTopic> topics_;
  std::vector<Lane> lanes_;
  std::uint64_t completions_ = 0;
  bool cancelled_ = false;
};

Result<std::vector<log::Ownership>> take_lanes(log::EventLog& log, const CopyLogs& logs) {
  std::vector<std::optional<Result<log::Ownership>>> taken(log.lanes());
  std::size_t answered = 0;
  for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
    log.take(LaneId{lane}, [&taken, &answered, lane](Result<log::Ownership> result) {
      taken[lane] = std::move(result);
      ++answered;
    });
  }
  logs.run_until([&] { return answered == taken.size(); });
  std::vector<log::Ownership> out;
  for (auto& one : taken) {
    if (!one->ok()) return one->take_error();
    out.push_back(**one);
  }
  return out;
}

Result<void> Copier::prepare() {
  log::CopyTarget* target = log::copy_target(logs_.target);
  if (target == nullptr || target->copy_mark()->source != logs_.source.epoch()) return make_error(Code::invalid_argument, "the target was not opened as a copy of the source");
  if (logs_.source.lanes() != logs_.target.lanes()) {
    return make_error(Code::invalid_argument, "the source has " + std::to_string(logs_.source.lanes()) + " lanes and the target " + std::to_string(logs_.target.lanes()));
  }
  if (auto taken = take_lanes(logs_.source, logs_); !taken) return taken.take_error();
  auto taken = take_lanes(logs_.target, logs_);
  if (!taken) return taken.take_error();
  if (auto opened = open_topics(); !opened) return opened;
  std::vector<log::Beginning> beginnings;
  for (const CopiedTopic& topic : topics_) {
    for (std::uint32_t lane = 0; lane < logs_.source.lanes(); ++lane) {
      if (auto placed = place(topic, LaneId{lane}, beginnings); !placed) return placed;
    }
  }
  progress_.total += progress_.there_before;
  if (progress_.there_before < progress_.total || !beginnings.empty()) {
    if (auto marked = target->set_complete(false); !marked) return marked;
  }
  if (auto begun = target->begin_at(beginnings); !begun) return begun;
  for (const log::Ownership& owner : *taken) {
    Lane lane;
    lane.id = owner.lane;
    lane.owner = owner;
    lanes_.push_back(std::move(lane));
  }
  return {};
}

/// New ones get their retention at the end: until then nothing may cut what has just been written and is old.
Result<void> Copier::open_topics() {
  for (const log::TopicSpec& spec : logs_.source.topics()) {
    const auto there = logs_.target.topics();
    const auto known = std::find_if(there.begin(), there.end(), [&](const log::TopicSpec& t) { return t.name == spec.name; });
    auto target = logs_.target.open_topic(known != there.end() ? *known : log::TopicSpec{spec.name, spec.topic_class});
    if (!target) return target.take_error();
    if (known != there.end() && known->topic_class != spec.topic_class) {
      return make_error(Code::invalid_argument, spec.name + " is of class " + std::string(log::name_of(spec.topic_class)) + " in the source and " +
                                                    std::string(log::name_of(known->topic_class)) + " in the target");
    }
    if (is_copied(spec.topic_class)) topics_.push_back({spec, *find_topic(logs_.source, spec.name), *target});
  }
  for (const log::TopicSpec& spec : logs_.target.topics()) {
    if (!find_topic(logs_.source, spec.name)) return make_error(Code::invalid_argument, "the target has a topic " + spec.name + ", which the source lacks");
  }
  return {};
}

/// Whether what the target holds is what the source holds there.
Result<void> Copier::place(const CopiedTopic& topic, LaneId lane, std::vector<log::Beginning>& beginnings) {
  const auto no_prefix = [&](const std::string& why) { return make_error(Code::invalid_argument, "the target is not the beginning of the source: " + text(topic, lane) + " " + why); };
  const Tmseq source_begin = logs_.source.begin(topic.source, lane), source_end = logs_.source.end(topic.source, lane);
  const Tmseq target_begin = logs_.target.begin(topic.target, lane), target_end = logs_.target.end(topic.target, lane);
  if (target_end > source_end) return no_prefix("goes on to tmseq " + std::to_string(target_end.value) + " where the source ends at " + std::to_string(source_end.value));
  const bool is_empty = target_begin == target_end;
  if (is_empty && target_end < source_begin) {
    beginnings.push_back({topic.target, lane, source_begin});
    progress_.total += source_end.value - source_begin.value;
    return {};
  }
  if (target_end < source_begin) return no_prefix("ends at tmseq " + std::to_string(target_end.value) + ", and the source has kept nothing before " + std::to_string(source_begin.value));
  if (target_begin > source_begin && topic.spec.topic_class == log::TopicClass::fact) {
    return no_prefix("begins at tmseq " + std::to_string(target_begin.value) + " where the source begins at " + std::to_string(source_begin.value));
  }
  progress_.total += source_end.value - target_end.value;
  const Tmseq from = std::max(source_begin, target_begin);
  progress_.there_before += target_end.value - std::min(from, target_end).value;
  if (from >= target_end) return {};
  // The last one tells; when it does not, the first that differs is looked for. All of them are compared at the end.
  const PartitionPair pair{logs_.source, topic.source, logs_.target, topic.target, topic.spec.name, lane};
  auto last = first_difference(pair, Tmseq{target_end.value - 1}, target_end);
  if (!last) return last.take_error();
  if (!*last) return {};
  auto first = first_difference(pair, from, target_end);
  if (!first) return first.take_error();
  return no_prefix("differs from tmseq " + std::to_string(first->value_or(Tmseq{target_end.value - 1}).value) + " on");
}

/// From where the target ends.
Result<void> Copier::begin_lane(Lane& lane) {
  std::vector<LaneTopic> topics;
  lane.next.clear();
  for (const CopiedTopic& topic : topics_) {
    const Tmseq end = logs_.target.end(topic.target, lane.id);
    topics.push_back({topic.source, topic.spec, end, logs_.source.end(topic.source, lane.id)});
    lane.next.push_back(end.value);
  }
  lane.order = std::make_unique<LaneOrder>(logs_.source, lane.id, std::move(topics));
  lane.carried = {};
  lane.at_end = false;
  lane.failed.reset();
  return {};
}

Result<void> Copier::append_next(Lane& lane) {
  std::vector<log::TopicRecords> by_topic(topics_.size());
  std::size_t bytes = 0;
  std::uint64_t count = 0;
  while (bytes < options_.append_bytes) {
    LaneStep step = std::exchange(lane.carried, {});
    if (step.empty()) {
      auto next = lane.order->next();
      if (!next) return next.take_error();
      step = std::move(*next);
    }
    if (step.empty()) {
      lane.at_end = true;
      break;
    }
    if (count > 0 && bytes + step.size_bytes > options_.append_bytes) {
      lane.carried = std::move(step);
      break;
    }
    bytes += step.size_bytes;
    count += step.items.size();
    for (const LaneStep::Item& item : step.items) by_topic[item.topic].records.add(item.record.view);
  }
  if (count == 0) return {};
  log::LaneBatch batch;
  for (std::size_t i = 0; i < topics_.size(); ++i) {
    if (by_topic[i].records.empty()) continue;
    by_topic[i].topic = topics_[i].target;
    by_topic[i].first = Tmseq{lane.next[i]};
    lane.next[i] += by_topic[i].records.count();
    batch.topics.push_back(std::move(by_topic[i]));
  }
  ++lane.under_way;
  logs_.target.append(lane.owner, std::move(batch), [this, &lane, count](Result<void> result) {
    --lane.under_way;
    ++completions_;
    if (!result) {
      if (!lane.failed) lane.failed = result.take_error();
      return;
    }
    lane.failures = 0;
    progress_.copied += count;
    if (options_.on_progress && !options_.on_progress(progress_)) cancelled_ = true;
  });
  return {};
}

/// Whatever became of an append, the lane's end tells once it has been taken again.
Result<void> Copier::recover(Lane& lane) {
  const Code code = lane.failed->code;
  if ((code != Code::outcome_unknown && code != Code::unavailable) || ++lane.failures > kFailuresMax || logs_.target.failure()) return *lane.failed;
  std::optional<Result<log::Ownership>> taken;
  logs_.target.take(lane.id, [&taken](Result<log::Ownership> result) { taken = std::move(result); });
  logs_.run_until([&] { return taken.has_value(); });
  if (!taken->ok()) return taken->take_error();
  lane.owner = **taken;
  return begin_lane(lane);
}

Result<void> Copier::copy_lanes() {
  for (Lane& lane : lanes_) {
    if (auto begun = begin_lane(lane); !begun) return begun;
  }
  Result<void> outcome;
  for (bool busy = true; busy;) {
    busy = false;
    if (cancelled_ && outcome.ok()) outcome = make_error(Code::cancelled, "the copy was broken off");
    const std::uint64_t seen = completions_;
    for (Lane& lane : lanes_) {
      if (outcome.ok() && lane.failed && lane.under_way == 0) outcome = recover(lane);
      while (outcome.ok() && !lane.failed && !lane.at_end && lane.under_way < options_.appends_ahead) outcome = append_next(lane);
      busy = busy || lane.under_way > 0 || (outcome.ok() && (lane.failed || !lane.at_end));
    }
    const bool waits = std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& lane) { return lane.under_way > 0; });
    if (waits && completions_ == seen) logs_.run_until([&] { return completions_ != seen; });
  }
  if (!outcome) return outcome;
  // Of an append that was answered with an error and was there all the same nothing has been counted.
  progress_.copied = progress_.total - progress_.there_before;
  return {};
}

}  // namespace

bool is_copied(log::TopicClass topic_class) { return topic_class != log::TopicClass::commands; }

std::optional<log::TopicId> find_topic(const log::EventLog& log, std::string_view name) {
  const auto topics = log.topics();
  const auto found = std::find_if(topics.begin(), topics.end(), [&](const log::TopicSpec& topic) { return topic.name == name; });
  if (found == topics.end()) return std::nullopt;
  return log::TopicId{static_cast<std::uint16_t>(found - topics.begin())};
}

Result<CopyProgress> copy_log(const CopyLogs& logs, const CopyOptions& options) {
  Copier copier(logs, options);
  return copier.run();
}

Result<void> finish_copy(const CopyLogs& logs) {
  log::CopyTarget* target = log::copy_target(logs.target);
  if (target == nullptr) return make_error(Code::invalid_argument, "the target was not opened as a copy");
  if (auto taken = take_lanes(logs.source, logs); !taken) return taken.take_error();
  for (const log::TopicSpec& spec : logs.source.topics()) {
    const auto source = find_topic(logs.source, spec.name), copied = find_topic(logs.target, spec.name);
    if (!copied) return make_error(Code::unavailable, "the source has a new topic " + spec.name + ": it was served while it was copied; stop its node and copy again");
    if (!is_copied(spec.topic_class)) continue;
    for (std::uint32_t lane = 0; lane < logs.source.lanes(); ++lane) {
      const Tmseq end = logs.source.end(*source, LaneId{lane});
      if (end == logs.target.end(*copied, LaneId{lane})) continue;
      return make_error(Code::unavailable, partition_text(spec.name, LaneId{lane}) + " of the source has gone on to tmseq " + std::to_string(end.value) +
                                               ": it was served while it was copied; stop its node and copy again");
    }
  }
  for (const log::TopicSpec& spec : logs.source.topics()) {
    if (auto opened = logs.target.open_topic(spec); !opened) return opened.take_error();
  }
  return target->set_complete(true);
}

}  // namespace tidemark::replay
