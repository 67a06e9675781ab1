#include "core/runtime/reaction_records.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/event/json.hpp"
#include "core/log/event_log.hpp"

namespace tidemark::runtime {
namespace {

constexpr char kArea = 0x08;
/// Of the intents of one decision: they share its append and the manifest in its record with the events.
constexpr std::size_t kIntentsMax = 64;
constexpr std::size_t kIntentsBytesMax = log::kLaneBatchBytesMax / 8;  // the events may fill half a batch
constexpr std::size_t kIntentBytesMax = 1u << 20;
constexpr std::size_t kAroundSealed = 256;

std::string row_key(LaneId lane, const Uuid& reaction) {
  std::string key(1, kArea);
  put_u32_be(key, lane.value);
  key.append(reaction.view());
  return key;
}

void append_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

std::string pack_reaction(const PendingReaction& pending) {
  std::string row;
  put_zigzag(row, to_ms(pending.due));
  put_zigzag(row, to_ms(pending.intended));
  put_zigzag(row, pending.attempts);
  for (const auto* text : {&pending.boundary, &pending.correlation_id, &pending.traceparent, &pending.tenant, &pending.record}) append_text(row, *text);
  return row;
}

template <class Record>
Result<Record> decode(std::string_view type, std::string_view json) {
  std::vector<event::FieldError> errors;
  auto record = event::from_json<Record>(json, event::Decoding::tolerant, errors);
  if (record) return std::move(*record);
  return make_error(Code::corrupt, "a record of type " + std::string(type) + " does not decode: " + errors.front().pointer + " " + errors.front().message);
}

Result<Uuid> reaction_id(std::string_view text) {
  if (const auto id = parse_uuid(text)) return *id;
  return make_error(Code::corrupt, "a reaction's id is no UUID: " + std::string(text.substr(0, 64)));
}

NewEvent record_of(const std::string& topic, std::string_view type, std::string_view reaction, std::string_view boundary, std::string data,
                   const std::optional<std::string>& whose = std::nullopt) {
  return NewEvent{topic, std::string(type), std::string(reaction), std::string(boundary), std::move(data), whose};
}

/// Appends what reactors ask for to the events of one decision, while there is room.
class IntentRecorder {
 public:
  IntentRecorder(const Domain& domain, std::string_view boundary, std::vector<NewEvent>& events)
      : domain_(domain), boundary_(boundary), events_(events) {}

  /// The rest is not done, and a dead letter says so.
  bool full() const { return full_; }

  /// The intents of `reactor` that follow from `cause`; those that cannot be recorded become dead letters.
  void add(const std::string& reactor, std::string_view cause, Time now, std::vector<Intent> intents, const std::optional<std::string>& whose) {
    for (std::size_t i = 0; i < intents.size() && !full_; ++i) {
      Intent& intent = intents[i];
      const Duration delay(intent.delay_ms);
      const Duration delay_max = domain_.reactions_retention / 2;  // the rest of it is for the attempts
      ReactionIntended record{to_string(derive_uuid(cause, "reactor/" + reactor, i)), reactor, std::string(cause), now + std::min(delay, delay_max), {}, whose};
      if (intent.id) record.reaction = *intent.id;
      DeadLetter dead{record.reaction, reactor, record.cause, {}, 0, {}};
      if (intent.command.has_value() == intent.call.has_value()) dead.reason = "an intent is a command or a call";
      else if (!parse_uuid(record.reaction)) dead.reason = "the id of an intent is a UUID";
      else if (delay > delay_max) dead.reason = "the delay is longer than half the time for which intents are kept";
      record.intent = std::move(intent);
      std::string data = dead.reason.empty() ? event::to_json(record) : std::string();
      if (data.size() > kIntentBytesMax) dead.reason = "the intent is larger than " + std::to_string(kIntentBytesMax) + " bytes";
      if (!dead.reason.empty()) add(dead);
      else append(record_of(reactions_topic(domain_.name), kReactionIntendedType, record.reaction, boundary_, std::move(data), whose), dead);
    }
  }

  void add(const DeadLetter& dead) { append(letter(dead), dead); }

 private:
  NewEvent letter(const DeadLetter& dead) const {
    return record_of(dead_letters_topic(domain_.name), kDeadLetterType, dead.reaction, boundary_, encode_record(dead));
  }

  void append(NewEvent record, const DeadLetter& whence) {
    if (full_) return;
    // What is somebody's is sealed whole, in base64.
    const std::size_t size = record.personal_subject ? record.data.size() / 3 * 4 + kAroundSealed : record.data.size();
    full_ = records_ == kIntentsMax || size > kIntentsBytesMax - bytes_;
    if (full_) {
      const std::string excess = to_string(derive_uuid(whence.cause, "reactor/" + whence.reactor, kIntentsMax));
      record = letter({excess, whence.reactor, whence.cause,
                       "the decision has more than " + std::to_string(kIntentsMax) + " intents, or " + std::to_string(kIntentsBytesMax) +
                           " bytes of them; this one and the rest are not done", 0, {}});
    } else {
      ++records_;
      bytes_ += size;
    }
    events_.push_back(std::move(record));
  }

  const Domain& domain_;
  const std::string_view boundary_;
  std::vector<NewEvent>& events_;
  std::size_t records_ = 0, bytes_ = 0;
  bool full_ = false;
};

/// A reactor that throws does not undo what it was to react to.
std::vector<Intent> asked(const Reactor& reactor, std::string_view cause, IntentRecorder& recorder, FnRef<std::vector<Intent>()> ask) {
  try {
    return ask();
  } catch (const RowsUnavailable&) {
    throw;
  } catch (const std::exception& error) {
    recorder.add(DeadLetter{to_string(derive_uuid(cause, "reactor/" + reactor.name())), reactor.name(), std::string(cause),
                            std::string("the reactor failed: ") + error.what(), 0, {}});
    return {};
  }
}

}  // namespace

std::string reactions_topic(std::string_view domain) { return std::string(domain) + ".reactions"; }
std::string dead_letters_topic(std::string_view domain) { return std::string(domain) + ".dead-letters"; }

bool is_reaction_record(std::string_view type) {
  return type == kReactionIntendedType || type == kReactionAttemptedType || type == kReactionEndedType || type == kDeadLetterType;
}

PendingReaction unpack_reaction(std::string_view row) {
  ByteReader in(row);
  PendingReaction pending;
  pending.due = from_ms(in.zigzag());
  pending.intended = from_ms(in.zigzag());
  pending.attempts = in.zigzag();
  for (auto* text : {&pending.boundary, &pending.correlation_id, &pending.traceparent, &pending.tenant, &pending.record}) {
    const std::size_t size = in.varint();
    *text = std::string(in.take(size));
  }
  return pending;
}

Result<void> fold_reaction(RowWriter& rows, LaneId lane, const event::Envelope& envelope, std::string_view data) {
  if (event::is_erased(data)) return {};  // nobody knows any more what was to be done
  if (envelope.type == kReactionIntendedType) {
    auto record = decode<ReactionIntended>(envelope.type, data);
    if (!record) return record.take_error();
    auto id = reaction_id(record->reaction);
    if (!id) return id.take_error();
    rows.put(row_key(lane, *id), pack_reaction({record->due, envelope.time, 0, std::string(envelope.boundary_key()), envelope.correlationid,
                                                envelope.traceparent, envelope.tenant, std::string(data)}));
  } else if (envelope.type == kReactionAttemptedType) {
    auto record = decode<ReactionAttempted>(envelope.type, data);
    if (!record) return record.take_error();
    auto id = reaction_id(record->reaction);
    if (!id) return id.take_error();
    if (auto pending = find_reaction(rows, lane, *id)) {
      pending->attempts = record->attempts;
      pending->due = record->due;
      rows.put(row_key(lane, *id), pack_reaction(*pending));
    }
  } else if (envelope.type == kReactionEndedType) {
    auto record = decode<ReactionEnded>(envelope.type, data);
    if (!record) return record.take_error();
    auto id = reaction_id(record->reaction);
    if (!id) return id.take_error();
    rows.erase(row_key(lane, *id));
  }
  return {};
}

std::optional<PendingReaction> find_reaction(const RowReader& rows, LaneId lane, const Uuid& reaction) {
  std::string row;
  if (!rows.get(row_key(lane, reaction), row)) return std::nullopt;
  return unpack_reaction(row);
}

void scan_reactions(const RowReader& rows, LaneId lane, FnRef<bool(const Uuid&, const PendingReaction&)> visit) {
  std::string prefix(1, kArea);
  put_u32_be(prefix, lane.value);
  rows.scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view row) {
    return visit(uuid_from_bytes(key.substr(prefix.size())), unpack_reaction(row));
  });
}

std::string_view reaction_area() { return {&kArea, 1}; }

std::optional<std::pair<LaneId, Uuid>> parse_reaction_key(std::string_view row_key) {
  if (row_key.size() != 1 + 4 + 16 || row_key[0] != kArea) return std::nullopt;
  return std::pair{LaneId{get_u32_be(row_key.data() + 1)}, uuid_from_bytes(row_key.substr(5))};
}

std::optional<ReactionIntended> decode_intended(std::string_view json) {
  auto record = decode<ReactionIntended>(kReactionIntendedType, json);
  if (!record) return std::nullopt;
  return std::move(*record);
}

std::string encode_record(const ReactionAttempted& record) { return event::to_json(record); }
std::string encode_record(const ReactionEnded& record) { return event::to_json(record); }
std::string encode_record(const DeadLetter& record) { return event::to_json(record); }

void append_reactions(const Domain& domain, const RowReader& state, const Context& context,
                      const std::function<std::string(std::size_t)>& event_id, std::vector<NewEvent>& events) {
  const std::size_t causes = events.size();
  IntentRecorder recorder(domain, context.boundary, events);
  for (std::size_t i = 0; i < causes; ++i) {
    for (const auto& reactor : domain.reactors) {
      if (recorder.full()) return;
      const std::string type = events[i].type, data = events[i].data;  // `events` grows below
      if (!reactor->takes(type)) continue;
      const std::string id = event_id(i);
      auto intents = asked(*reactor, id, recorder, [&] {
        return reactor->react(type, data, state, EventContext{context.now, id, context.command_id, context.boundary});
      });
      auto whose = events[i].personal_subject;
      // What it asks for may come from the state, and so be about anybody in the boundary.
      if (!whose && domain.decider->has_personal()) whose = std::string(context.boundary);
      recorder.add(reactor->name(), id, context.now, std::move(intents), whose);
    }
  }
}

void append_follow_ups(const Domain& domain, std::string_view reactor, const std::string& reaction, std::string_view boundary, Time now,
                       const ReactionResult& result, const std::optional<std::string>& whose, std::vector<NewEvent>& events) {
  IntentRecorder recorder(domain, boundary, events);
  for (const auto& candidate : domain.reactors) {
    if (candidate->name() != reactor) continue;
    auto intents = asked(*candidate, reaction, recorder, [&] { return candidate->ended(result); });
    recorder.add(candidate->name(), reaction, now, std::move(intents), whose);
  }
}

}  // namespace tidemark::runtime
