#include "replay/copy/lane_order.hpp"

#include <algorithm>

#include "core/event/json_document.hpp"

namespace tidemark::replay {

LaneOrder::LaneOrder(const log::EventLog& log, LaneId lane, std::vector<LaneTopic> topics) : lane_(lane), topics_(std::move(topics)) {
  for (const LaneTopic& topic : topics_) {
    streams_.push_back(std::make_unique<RecordStream>(log, topic.id, topic.spec.name, lane, topic.from, topic.end));
  }
}

/// The manifest, docs/formats/decisions.md: events[].topic and .tmseq. What is no decision of ours names nothing.
Result<std::vector<LaneOrder::Named>> LaneOrder::read_manifest(std::size_t topic, const HeldRecord& decision) const {
  std::vector<Named> out;
  if (!decision.view.value) return out;
  const auto document = event::JsonDocument::parse(*decision.view.value);
  if (!document.ok()) return out;
  for (const auto named : document->root()["events"].items()) {
    const auto name = named["topic"].as_string();
    const auto tmseq = named["tmseq"].as_uint64();
    if (!name || !tmseq) continue;
    const auto found = std::find_if(topics_.begin(), topics_.end(), [&](const LaneTopic& t) { return t.spec.name == *name; });
    const auto index = static_cast<std::size_t>(found - topics_.begin());
    if (index == topics_.size() || index == topic || *tmseq >= streams_[index]->end().value) {
      return make_error(Code::corrupt, partition_text(topics_[topic].spec.name, lane_) + " at tmseq " + std::to_string(decision.position.value) + " names " +
                                           std::string(*name) + " at tmseq " + std::to_string(*tmseq) + ", which the log does not hold");
    }
    if (*tmseq < streams_[index]->position().value) continue;  // retention has cut it
    const auto known = std::find_if(out.begin(), out.end(), [&](const Named& one) { return one.topic == index; });
    if (known == out.end()) out.push_back({index, *tmseq, *tmseq});
    else *known = {index, std::min(known->first, *tmseq), std::max(known->last, *tmseq)};
  }
  return out;
}

Result<void> LaneOrder::choose_decision() {
  std::optional<std::size_t> best;
  std::int64_t best_ms = 0;
  for (std::size_t i = 0; i < topics_.size(); ++i) {
    if (topics_[i].spec.topic_class != log::TopicClass::decisions) continue;
    auto record = streams_[i]->peek();
    if (!record) return record.take_error();
    if (*record == nullptr || (best && (*record)->view.timestamp_ms >= best_ms)) continue;
    best = i;
    best_ms = (*record)->view.timestamp_ms;
  }
  if (!best) {
    due_.reset();
    return {};
  }
  if (due_ && due_->topic == *best && due_->position == streams_[*best]->position()) return {};
  const auto record = streams_[*best]->peek();
  auto named = read_manifest(*best, **record);
  if (!named) return named.take_error();
  due_ = Due{*best, streams_[*best]->position(), best_ms, std::move(*named)};
  return {};
}

Result<void> LaneOrder::move(std::size_t topic, LaneStep& step) {
  auto record = streams_[topic]->peek();
  if (!record) return record.take_error();
  TM_ASSERT(*record != nullptr, "what is moved was seen before");
  step.items.push_back({topic, streams_[topic]->take()});
  // The view follows its headers to where they are now.
  HeldRecord& held = step.items.back().record;
  held.view.headers = held.headers;
  step.size_bytes += held.size_bytes();
  return {};
}

Result<LaneStep> LaneOrder::next() {
  if (auto chosen = choose_decision(); !chosen) return chosen.take_error();
  LaneStep step;
  std::optional<std::size_t> earliest;
  std::int64_t earliest_ms = 0;
  for (std::size_t i = 0; i < topics_.size(); ++i) {
    if (topics_[i].spec.topic_class == log::TopicClass::decisions) continue;
    auto record = streams_[i]->peek();
    if (!record) return record.take_error();
    if (*record == nullptr) continue;
    const std::int64_t time_ms = (*record)->view.timestamp_ms;
    if (due_) {
      const auto named = std::find_if(due_->named.begin(), due_->named.end(), [i](const Named& one) { return one.topic == i; });
      const bool before = named != due_->named.end() ? streams_[i]->position().value < named->first : time_ms < due_->time_ms;
      if (!before) continue;
    }
    if (earliest && time_ms >= earliest_ms) continue;
    earliest = i;
    earliest_ms = time_ms;
  }
  if (earliest) {
    if (auto moved = move(*earliest, step); !moved) return moved.take_error();
    return step;
  }
  if (!due_) return step;
  for (const Named& named : due_->named) {
    while (streams_[named.topic]->position().value <= named.last) {
      if (auto moved = move(named.topic, step); !moved) return moved.take_error();
    }
  }
  if (auto moved = move(due_->topic, step); !moved) return moved.take_error();
  due_.reset();
  return step;
}

}  // namespace tidemark::replay
