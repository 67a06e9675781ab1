#include "core/runtime/state_fold.hpp"

#include "core/base/bytes.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/reaction_records.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kChangesPerWrite = 4096;

}  // namespace

Result<void> fold_event(const Domain& domain, bool is_fact, LaneId lane, const event::Event& event, RowWriter& rows) {
  const auto& envelope = event.envelope;
  if (is_fact && envelope.sequence) save_next_sequence(rows, lane, envelope.subject, *envelope.sequence + 1);
  if (envelope.type == kLaneTakenType) {
    auto taken = decode_lane_taken(event.data);
    if (!taken) return taken.take_error();
    LaneInfo info = load_lane_info(rows, lane);
    info.taken = envelope.time;
    info.last_time = std::max(info.last_time, envelope.time);
    info.settings = std::move(taken->settings.raw);
    save_lane_info(rows, lane, info);
    return {};
  }
  if (is_reaction_record(envelope.type)) return fold_reaction(rows, lane, envelope, event.data);
  BoundaryState state(rows, lane, envelope.boundary_key());
  auto folded = domain.decider->evolve(event, state);
  if (!folded) return folded.take_error();
  if (*folded || domain.decider->is_ignorable(envelope.type)) return {};
  return make_error(Code::unsupported_version, "event " + envelope.id + " has a type that this build does not know: " + envelope.type);
}

Result<void> fold_decision(LaneId lane, const event::Event& decision, Duration window, RowWriter& rows, std::string& forgotten) {
  LaneInfo info = load_lane_info(rows, lane);
  const Time time = decision.envelope.time;
  info.last_time = std::max(info.last_time, time);
  forget_when_due(rows, lane, info, time, window, forgotten);
  save_lane_info(rows, lane, info);
  // Only commands that the client named carry a fingerprint; the others need no look at the data.
  if (decision.data.find("\"fingerprint\"") == std::string::npos) return {};
  auto record = decode_decision(decision.data);
  if (!record) return record.take_error();
  if (!record->fingerprint) return {};
  const auto id = parse_uuid(decision.envelope.commandid);
  const auto fingerprint = from_hex(*record->fingerprint);
  if (!id || !fingerprint || !decision.envelope.tmseq) {
    return make_error(Code::corrupt, "decision " + decision.envelope.id + " names no valid command id or fingerprint");
  }
  remember_command(rows, *id, KnownCommand{lane, *decision.envelope.tmseq, time, *fingerprint});
  return {};
}

Result<std::uint64_t> fold_state(DomainRuntime& domain, const log::EventLog& log, LaneId lane, Duration window) {
  auto stored = domain.state->checkpoints();
  if (!stored) return stored.take_error();
  std::vector<LogCursor> cursors;
  for (const auto& topic : domain.topics) {
    Tmseq next = log.begin(topic.id, lane);
    const auto found = stored->find(store::CheckpointKey{topic.spec.name, lane});
    if (found != stored->end()) {
      if (found->second.next < next && topic.spec.topic_class == log::TopicClass::fact) {
        return make_error(Code::not_found, "retention has cut " + topic.spec.name + " past what the state of lane " + std::to_string(lane.value) + " has read");
      }
      next = std::max(next, found->second.next);
    }
    cursors.emplace_back(log, topic.id, topic.spec.name, lane, next);
  }

  std::uint64_t folded = 0;
  std::string forgotten;
  store::Overlay overlay(*domain.state);
  const auto save = [&]() -> Result<void> {
    std::vector<std::pair<store::CheckpointKey, store::Checkpoint>> checkpoints;
    for (const auto& cursor : cursors) {
      if (!cursor.last_id().empty()) {
        checkpoints.push_back({{cursor.topic_name(), lane}, {log.epoch(), cursor.next(), cursor.last_id()}});
      }
    }
    auto written = domain.state->write(overlay, checkpoints);
    overlay.clear();
    return written;
  };

  for (;;) {
    // The record of the earliest decision comes next; of one decision first the events, by index, then the record itself.
    LogCursor* first = nullptr;
    std::pair<event::DecisionRef, bool> first_order{};
    std::size_t first_index = 0;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      auto head = cursors[i].peek();
      if (!head) return head.take_error();
      if (*head == nullptr) continue;
      const auto& envelope = (*head)->envelope;
      const bool is_decision = i == domain.decisions_index();
      if (!is_decision && !envelope.tmdecision) {
        return make_error(Code::corrupt, "event " + envelope.id + " in " + cursors[i].topic_name() + " does not name its decision");
      }
      const event::DecisionRef ref = is_decision ? event::DecisionRef{*envelope.tmseq, UINT32_MAX} : *envelope.tmdecision;
      const std::pair<event::DecisionRef, bool> order{ref, is_decision};
      if (first == nullptr || order < first_order) {
        first = &cursors[i];
        first_order = order;
        first_index = i;
      }
    }
    if (first == nullptr) break;
    const event::Event& event = **first->peek();
    const bool is_fact = domain.topics[first_index].spec.topic_class == log::TopicClass::fact;
    auto done = first_order.second ? fold_decision(lane, event, window, overlay, forgotten) : fold_event(*domain.domain, is_fact, lane, event, overlay);
    if (!done) return done.take_error();
    first->pop();
    ++folded;
    if (overlay.changes().size() >= kChangesPerWrite) {
      if (auto saved = save(); !saved) return saved.take_error();
    }
  }
  if (folded > 0) {
    if (auto saved = save(); !saved) return saved.take_error();
  }
  return folded;
}

}  // namespace tidemark::runtime
