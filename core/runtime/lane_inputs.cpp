// What becomes of the commands that other writers have put into the lane's inbox.
#include <algorithm>

#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"
#include "core/runtime/reaction_records.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kInputBytesMax = 4u << 20;  // of one batch: the queue has its share too
constexpr std::size_t kAroundLetter = 64u << 10;
constexpr std::string_view kReadCommandsType = "tidemark.platform.ReadCommands.v1";
constexpr int kExpiredStatus = 408, kConflictStatus = 412;

std::size_t letter_bytes_max(bool sealed) {
  const std::size_t bytes = log::kRecordBytesMax - kAroundLetter;
  return sealed ? bytes / 4 * 3 : bytes;  // it is written as base64url
}

}  // namespace

LaneInbox::Hooks LaneProcessor::inbox_hooks() {
  LaneInbox::Hooks hooks;
  hooks.arrived = [this] { pump(); };
  hooks.start_due = [this] {
    if (serving_ && !draining_) guarded([this] { inbox_.start(); });
  };
  return hooks;
}

/// A command of each domain in turn.
void LaneProcessor::decide_inputs(Batch& batch) {
  const std::size_t commands_max = std::max<std::size_t>(1, options_.batch_commands_max / 2);
  for (bool more = inbox_.pending(); more;) {
    more = false;
    for (std::size_t i = 0; i < domains_.size(); ++i) {
      if (batch.answers.size() >= commands_max || batch.bytes >= kInputBytesMax) return;
      auto next = inbox_.next(i);
      if (!next) continue;
      more = batch.has_inputs = true;
      decide_input(batch, i, std::move(*next));
    }
  }
}

void LaneProcessor::decide_input(Batch& batch, std::size_t domain, LaneInbox::Next next) {
  if (next.gap) {
    Rejection lost{dead::kCut};
    lost.reason = "the commands from offset " + std::to_string(next.gap->due) + " on were gone before they were read: the partition begins at " +
                  std::to_string(next.gap->found);
    return reject_input(batch, domain, next.gap->found, lost, {}, std::nullopt);
  }
  const std::uint64_t behind = next.record.position + 1;
  InboxContent content = read_inbox_record({domains_[domain], lane_, log_, hooks_.proof}, next.record.record);
  if (auto* const command = std::get_if<InboxCommand>(&content)) return decide_command(batch, domain, std::move(*command), next.record);
  if (const auto* const why = std::get_if<Rejection>(&content)) return reject_input(batch, domain, behind, *why, next.record.record, std::nullopt);
  const LaneId to = std::get<InboxMove>(content).lane;
  const log::TopicId topic = *domains_[domain].commands;
  auto moves = std::find_if(batch.moves.begin(), batch.moves.end(), [&](const log::MovedRecords& moved) { return moved.topic == topic && moved.lane == to; });
  if (moves == batch.moves.end()) moves = batch.moves.insert(moves, log::MovedRecords{topic, to, {}});
  batch.bytes += next.record.record.size_bytes() + 512;
  moves->records.push_back(std::move(next.record.record));
  auto& part = part_of(batch, domain);
  if (!part.unrecorded) part.unrecorded.emplace();
  part.unrecorded->next = behind;
  ++part.unrecorded->moved;
  metrics_.input(domain, LaneMetrics::Input::moved);
}

void LaneProcessor::decide_command(Batch& batch, std::size_t domain, InboxCommand input, const log::InboxRecord& from) {
  const std::uint64_t behind = from.position + 1;
  Pending pending{domain, std::move(input.request), std::move(input.command), nullptr, {}, {}, {}};
  pending.input = input_at(behind);
  pending.not_after = input.not_after;
  pending.forwarded = std::move(input.forwarded);
  decide(pending, batch);
  auto& part = part_of(batch, domain);
  if (part.info.input == pending.input) return metrics_.input(domain, LaneMetrics::Input::decided);
  const Answer& answer = batch.answers.back();
  if (answer.outcome.kind == Outcome::Kind::key_reused || (answer.outcome.kind == Outcome::Kind::failed && !answer.durable)) {
    const bool reused = answer.outcome.kind == Outcome::Kind::key_reused;
    const Rejection why{reused ? dead::kIdReused : dead::kDeciderFailed, reused ? answer.outcome.detail : answer.outcome.error.message, {}, pending.request.command_id, pending.forwarded};
    return reject_input(batch, domain, behind, why, from.record, pending.command->personal_subject());
  }
  if (!part.unrecorded) part.unrecorded.emplace();
  part.unrecorded->next = behind;
  ++part.unrecorded->repeated;
  metrics_.input(domain, LaneMetrics::Input::repeated);
}

/// Refused, and not remembered: the same command may come again with more time.
void LaneProcessor::decide_expired(Pending& pending, Batch& batch, Answer& answer, Time now) {
  DecisionRecord decision;
  decision.reason = answer.outcome.reason = kExpired;
  decision.detail = answer.outcome.detail = "the command came to be decided after " + to_rfc3339(*pending.not_after);
  decision.status = answer.outcome.status = kExpiredStatus;
  answer.outcome.kind = Outcome::Kind::refused;
  record_undecided(pending, batch, answer, now, std::move(decision));
}

/// The sender waits for an answer, which by HTTP would leave no record.
void LaneProcessor::decide_conflict(Pending& pending, Batch& batch, Answer& answer, Time now) {
  DecisionRecord decision;
  decision.reason = kVersionConflict;
  decision.detail = "the stream is at another version";
  decision.status = kConflictStatus;
  decision.reply = event::Json{event::to_json(PresentVersion{answer.outcome.version})};
  record_undecided(pending, batch, answer, now, std::move(decision));
}

void LaneProcessor::record_undecided(Pending& pending, Batch& batch, Answer& answer, Time now, DecisionRecord decision) {
  decision.verdict = "refused";
  decision.command = {pending.command->type(), event::Json{pending.command->canonical_data()}};
  decision.input = pending.input;
  if (!pending.forwarded.empty()) decision.forwarded = pending.forwarded;
  const std::string boundary(pending.command->boundary());
  record(batch, pending.domain, pending.request, boundary, std::move(decision), {}, now, answer.outcome, {pending.command->personal_subject(), std::nullopt});
}

/// `whose`: the subject of the personal data in it, when that is known.
void LaneProcessor::reject_input(Batch& batch, std::size_t domain, std::uint64_t next, const Rejection& why, const log::OwnedRecord& record_read,
                                 std::optional<std::string> whose) {
  const Time now = time_now();
  const Domain& of = *domains_[domain].domain;
  // Whose data an unreadable record holds nobody knows: they can be erased with all that were put aside that day.
  const bool understood = why.code == dead::kIdReused || why.code == dead::kDeciderFailed;
  if (!understood && of.decider->has_personal()) whose = "dead-letters/" + to_rfc3339(now).substr(0, 10);
  CommandRequest request;
  request.domain = of.name;
  request.actor = "system:inbox";
  request.command_id = to_string(derive_uuid(to_string(log_.epoch()) + '/' + of.name + '/' + std::to_string(lane_.value), "dead-command", next));
  const std::string boundary = "lane-" + std::to_string(lane_.value);
  const std::string subject = why.command_id.empty() ? event_id_of(request.command_id, 0) : why.command_id;
  std::vector<NewEvent> events{{dead_letters_topic(of.name), std::string(kDeadCommandType), subject, boundary,
                                encode_dead_command(why, record_read, letter_bytes_max(whose.has_value())), whose}};
  DecisionRecord decision;
  decision.verdict = "accepted";
  decision.command = {std::string(kRejectCommandType), event::Json{"{\"code\":\"" + std::string(why.code) + "\"}"}};
  decision.input = input_at(next);
  if (!why.forwarded.empty()) decision.forwarded = why.forwarded;
  Outcome unused;
  record(batch, domain, request, boundary, std::move(decision), std::move(events), now, unused);
  metrics_.input(domain, LaneMetrics::Input::dead);
}

void LaneProcessor::record_inputs(Batch& batch) {
  for (std::size_t i = 0; i < batch.domains.size(); ++i) {
    if (!batch.domains[i] || !batch.domains[i]->unrecorded) continue;
    const auto unrecorded = *batch.domains[i]->unrecorded;
    const Time now = time_now();
    CommandRequest request;
    request.domain = domains_[i].domain->name;
    request.actor = "system:inbox";
    request.command_id = to_string(make_uuid_v7(now, scheduler_.random(), scheduler_.random()));
    DecisionRecord decision;
    decision.verdict = "accepted";
    decision.command = {std::string(kReadCommandsType), event::Json{"{\"moved\":" + std::to_string(unrecorded.moved) +
                                                                    ",\"repeated\":" + std::to_string(unrecorded.repeated) + "}"}};
    decision.input = input_at(unrecorded.next);
    Outcome unused;
    record(batch, i, request, "lane-" + std::to_string(lane_.value), std::move(decision), {}, now, unused);
  }
}

}  // namespace tidemark::runtime
