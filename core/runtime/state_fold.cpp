#include "core/runtime/state_fold.hpp"

#include "core/base/bytes.hpp"
#include "core/base/mutation.hpp"
#include "core/runtime/dead_command.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/projection_skip.hpp"
#include "core/runtime/reaction_records.hpp"
#include "core/store/bulk_rows.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kChangesPerWrite = 4096;

/// Folds one recorded event into rows: domain state, stream version, lane facts.
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
  if (envelope.type == kEventSkippedType) return fold_skip(lane, event, rows);
  if (envelope.type == kDeadCommandType) return {};
  BoundaryState state(rows, lane, envelope.boundary_key());
  auto folded = domain.decider->evolve(event, state);
  if (!folded) return folded.take_error();
  if (*folded || domain.decider->is_ignorable(envelope.type)) return {};
  return make_error(Code::unsupported_version, "event " + envelope.id + " has a type that this build does not know: " + envelope.type);
}

/// Folds one decision: the idempotency index, the lane's time and how far its inbox is read. `forgotten` as in forget_commands();
/// `heard` may be null.
Result<void> fold_decision(LaneId lane, const event::Event& decision, Duration window, RowWriter& rows, std::string& forgotten, std::vector<HeardDecision>* heard) {
  LaneInfo info = load_lane_info(rows, lane);
  const Time time = decision.envelope.time;
  info.last_time = std::max(info.last_time, time);
  forget_when_due(rows, lane, info, time, window, forgotten);
  // Only commands that the client named carry a fingerprint, and those from Kafka an input; the others need no look at the data.
  std::optional<DecisionRecord> record;
  if (decision.data.find("\"fingerprint\"") != std::string::npos || decision.data.find("\"input\"") != std::string::npos) {
    auto decoded = decode_decision(decision.data);
    if (!decoded) return decoded.take_error();
    record = std::move(*decoded);
    if (record->input) info.input = record->input;
  }
  save_lane_info(rows, lane, info);
  if (heard != nullptr && decision.envelope.tmseq) {
    heard->push_back({decision.envelope.commandid, record && record->forwarded ? *record->forwarded : std::string(), *decision.envelope.tmseq});
  }
  if (!record || !record->fingerprint) return {};
  const auto id = parse_uuid(decision.envelope.commandid);
  const auto fingerprint = from_hex(*record->fingerprint);
  if (!id || !fingerprint || !decision.envelope.tmseq) {
    return make_error(Code::corrupt, "decision " + decision.envelope.id + " names no valid command id or fingerprint");
  }
  remember_command(rows, *id, KnownCommand{lane, *decision.envelope.tmseq, time, *fingerprint});
  return {};
}

using Stored = std::map<store::CheckpointKey, store::Checkpoint>;

/// The records of one lane in the order of their decisions, whatever their topics.
class LaneReader {
 public:
  LaneReader(const DomainRuntime& domain, const log::EventLog& log, LaneId lane) : domain_(domain), log_(log), lane_(lane) {}

  /// From the checkpoints on, or where retention has cut a topic, from its begin.
  Result<void> open(const Stored& stored) {
    // The log may grow while topics are looked at one after another: what is decided later is left to the next reader, whole.
    decided_ = log_.end(domain_.decisions().id, lane_);
    for (const auto& topic : domain_.topics) {
      const auto found = stored.find(store::CheckpointKey{topic.spec.name, lane_});
      auto cursor = follow(log_, topic, lane_, found != stored.end() ? found->second.next : Tmseq{0});
      if (!cursor) return cursor.take_error();
      cursors_.push_back(std::move(*cursor));
    }
    return {};
  }

  struct Head {
    const event::Event* event = nullptr;  ///< nullptr at the end
    std::size_t topic = 0;
  };
  /// Of one decision first the events, by index, then its record.
  Result<Head> peek() {
    Head first;
    std::pair<event::DecisionRef, bool> first_order{};
    for (std::size_t i = 0; i < cursors_.size(); ++i) {
      auto head = cursors_[i].peek();
      if (!head) return head.take_error();
      if (*head == nullptr) continue;
      const auto& envelope = (*head)->envelope;
      const bool is_decision = i == domain_.decisions_index();
      if (!is_decision && !envelope.tmdecision) {
        return make_error(Code::corrupt, "event " + envelope.id + " in " + cursors_[i].topic_name() + " does not name its decision");
      }
      const event::DecisionRef ref = is_decision ? event::DecisionRef{*envelope.tmseq, UINT32_MAX} : *envelope.tmdecision;
      if (ref.decision >= decided_) continue;
      if (TM_MUTANT(fold_topic_by_topic)) return Head{*head, i};
      const std::pair<event::DecisionRef, bool> order{ref, is_decision};
      if (first.event != nullptr && !(order < first_order)) continue;
      first = {*head, i};
      first_order = order;
    }
    return first;
  }
  void pop(std::size_t topic) { cursors_[topic].pop(); }

  void add_checkpoints(store::Checkpoints& checkpoints) const {
    for (const auto& cursor : cursors_) {
      if (!cursor.last_id().empty()) checkpoints.push_back({{cursor.topic_name(), lane_}, {log_.epoch(), cursor.next(), cursor.last_id()}});
    }
  }

 private:
  const DomainRuntime& domain_;
  const log::EventLog& log_;
  const LaneId lane_;
  Tmseq decided_;  ///< end of the decisions when it was opened
  std::vector<LogCursor> cursors_;
};

/// Folds a lane to its end into `rows`, and asks `between` after every record whether to go on. How many there were.
Result<std::uint64_t> fold_lane(const DomainRuntime& domain, LaneReader& reader, LaneId lane, Duration window, RowWriter& rows,
                                FnRef<Result<bool>()> between, std::vector<HeardDecision>* heard = nullptr) {
  std::string forgotten;
  Time latest = Time::min();
  bool more = true;
  for (std::uint64_t folded = 0;; ++folded) {
    auto head = reader.peek();
    if (!head) return head.take_error();
    if (head->event == nullptr || !more) {
      // Decisions tell the lane's time, but those of old events may have been cut.
      if (LaneInfo info = load_lane_info(rows, lane); info.last_time < latest) {
        info.last_time = latest;
        save_lane_info(rows, lane, info);
      }
      return folded;
    }
    const bool is_decision = head->topic == domain.decisions_index();
    const bool is_fact = domain.topics[head->topic].spec.topic_class == log::TopicClass::fact;
    auto done = is_decision ? fold_decision(lane, *head->event, window, rows, forgotten, heard)
                            : fold_event(*domain.domain, is_fact, lane, *head->event, rows);
    if (!done) return done.take_error();
    latest = std::max(latest, head->event->envelope.time);
    reader.pop(head->topic);
    auto going = between();
    if (!going) return going.take_error();
    more = *going;
  }
}

Result<void> check(const std::atomic<bool>& stop) {
  if (stop.load(std::memory_order_relaxed)) return make_error(Code::cancelled, "the fold was abandoned");
  return {};
}

Result<std::uint64_t> fold_state(DomainRuntime& domain, const log::EventLog& log, LaneId lane, Duration window, const Stored& stored,
                                 const std::atomic<bool>& stop) {
  LaneReader reader(domain, log, lane);
  if (auto opened = reader.open(stored); !opened) return opened.take_error();
  store::Overlay overlay(*domain.state);
  const auto save = [&]() -> Result<void> {
    store::Checkpoints checkpoints;
    reader.add_checkpoints(checkpoints);
    auto written = domain.state->write(overlay, checkpoints);
    overlay.clear();
    return written;
  };
  const auto between = [&]() -> Result<bool> {
    if (auto going = check(stop); !going) return going.take_error();
    if (overlay.changes().size() < kChangesPerWrite) return true;
    if (auto saved = save(); !saved) return saved.take_error();
    return true;
  };
  auto folded = fold_lane(domain, reader, lane, window, overlay, between);
  if (!folded || *folded == 0) return folded;
  if (auto saved = save(); !saved) return saved.take_error();
  return folded;
}

/// All lanes into an empty store.
Result<std::uint64_t> fold_in_bulk(DomainRuntime& domain, const log::EventLog& log, Duration window, std::size_t bulk_bytes,
                                   const std::atomic<bool>& stop) {
  if (auto cleared = domain.state->clear(); !cleared) return cleared.take_error();
  store::BulkRows rows(*domain.state, bulk_bytes);
  const auto between = [&]() -> Result<bool> {
    if (auto going = check(stop); !going) return going.take_error();
    if (!rows.full()) return true;
    if (auto spilled = rows.spill(); !spilled) return spilled.take_error();
    return true;
  };
  std::uint64_t total = 0;
  store::Checkpoints checkpoints;
  for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
    LaneReader reader(domain, log, LaneId{lane});
    if (auto opened = reader.open({}); !opened) return opened.take_error();
    auto folded = fold_lane(domain, reader, LaneId{lane}, window, rows, between);
    if (!folded) return folded;
    total += *folded;
    reader.add_checkpoints(checkpoints);
  }
  if (auto complete = rows.spill(checkpoints); !complete) return complete.take_error();
  return total;
}

}  // namespace

Result<FoldedSlice> fold_slice(const DomainRuntime& domain, const log::EventLog& log, LaneId lane, Duration window) {
  try {
    auto stored = domain.state->checkpoints();
    if (!stored) return stored.take_error();
    LaneReader reader(domain, log, lane);
    if (auto opened = reader.open(*stored); !opened) return opened.take_error();
    std::shared_ptr<const RowReader> base = domain.state->snapshot();
    FoldedSlice slice{base, store::Overlay(*base), {}, 0, {}};
    const auto between = [&]() -> Result<bool> { return slice.changes.changes().size() < kChangesPerWrite; };
    auto folded = fold_lane(domain, reader, lane, window, slice.changes, between, &slice.heard);
    if (!folded) return folded.take_error();
    slice.records = *folded;
    reader.add_checkpoints(slice.checkpoints);
    return slice;
  } catch (const RowsUnavailable& error) {
    return make_error(Code::internal, std::string("lane state cannot be read: ") + error.what());
  }
}

Result<std::uint64_t> fold_all_lanes(DomainRuntime& domain, const log::EventLog& log, Duration window, std::size_t bulk_bytes,
                                     const std::atomic<bool>& stop) {
  try {
    auto stored = domain.state->checkpoints();
    if (!stored) return stored.take_error();
    if (stored->empty()) return fold_in_bulk(domain, log, window, bulk_bytes, stop);
    std::uint64_t total = 0;
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      auto folded = fold_state(domain, log, LaneId{lane}, window, *stored, stop);
      if (!folded) return folded;
      total += *folded;
    }
    return total;
  } catch (const RowsUnavailable& error) {
    return make_error(Code::internal, std::string("lane state cannot be read: ") + error.what());
  }
}

}  // namespace tidemark::runtime
