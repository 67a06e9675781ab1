// A command that was decided before gets its first answer, which is read from the decision in the log. A log may have to ask
// another machine for it, so that is done on an executor: everything else of the lane goes on meanwhile.
#include "core/base/mutation.hpp"
#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"
#include "core/runtime/log_cursor.hpp"

namespace tidemark::runtime {

Outcome outcome_of(const DecisionRecord& decision, const Uuid& log_epoch, LaneId lane, const std::string& command_id) {
  Outcome outcome;
  outcome.command_id = command_id;
  outcome.kind = decision.verdict == "accepted"  ? Outcome::Kind::accepted
                 : decision.verdict == "nothing" ? Outcome::Kind::nothing
                                                : Outcome::Kind::refused;
  outcome.reason = decision.reason.value_or("");
  outcome.detail = decision.detail.value_or("");
  outcome.status = decision.status.value_or(409);
  if (decision.reply) outcome.reply = decision.reply->raw;
  outcome.position.log_epoch = log_epoch;
  for (std::size_t i = 0; i < decision.events.size(); ++i) {
    const auto& line = decision.events[i];
    if (is_reaction_record(line.type)) continue;
    outcome.events.push_back({line.id ? *line.id : event_id_of(command_id, i), line.type, line.subject, line.sequence});
    outcome.position.merge(Position{log_epoch, {{line.topic, lane, Tmseq{line.tmseq}}}});
  }
  return outcome;
}

Result<DecisionRecord> read_decision(const log::EventLog& log, const DomainRuntime& domain, LaneId lane, Tmseq at) {
  const auto& topic = domain.decisions();
  auto event = read_event(log, topic.id, topic.spec.name, lane, at);
  if (!event) return event.take_error();
  auto record = decode_decision(event->data);
  if (!record) return record.take_error();
  if (auto opened = domain.personal->open_decision(event->envelope, *record); !opened) return opened.take_error();
  return record;
}

Result<Outcome> read_outcome(const log::EventLog& log, const DomainRuntime& domain, const KnownCommand& known, const std::string& command_id) {
  const auto record = read_decision(log, domain, known.lane, known.decision);
  if (!record) return record.error();
  Outcome outcome = outcome_of(*record, log.epoch(), known.lane, command_id);
  outcome.replayed = true;
  return outcome;
}

LaneProcessor::Repeat LaneProcessor::find_repeat(const Pending& pending, Batch& batch, Answer& answer, Time now, const std::string& fingerprint) {
  const std::string& id = pending.request.command_id;
  const auto reused = [&] {
    answer.outcome.kind = Outcome::Kind::key_reused;
    answer.outcome.detail = kReusedDetail;
    return Repeat{true, {}};
  };
  if (const auto* part = batch.domains.empty() ? nullptr : batch.domains[pending.domain].get()) {
    if (const auto found = part->decided.find(id); found != part->decided.end()) {
      if (found->second.second != fingerprint) return reused();
      answer.outcome = batch.answers[found->second.first].outcome;
      answer.outcome.replayed = true;
      return Repeat{true, {}};
    }
  }
  const auto uuid = parse_uuid(id);
  if (!uuid) return {};
  const auto known = find_command(*domains_[pending.domain].state, *uuid);
  if (!known || TM_MUTANT(repeat_decides_anew) || known->time < now - options_.idempotency_window) return {};
  answer.durable = true;
  if (known->fingerprint != fingerprint && !TM_MUTANT(key_for_anything)) return reused();
  return Repeat{false, known};
}

void LaneProcessor::answer_from_log(Answer answer, const KnownCommand& known, const CommandRequest& request) {
  const std::size_t domain = answer.domain;
  auto answer_with = [this, alive = alive_, request, answer = std::move(answer)](Result<Outcome> outcome) mutable {
    if (!*alive) return;
    --reading_;
    if (outcome.ok()) answer.outcome = std::move(*outcome);
    else answer.outcome = failed_outcome(request, make_error(Code::unavailable, "the first answer cannot be read: " + outcome.error().message));
    give(answer);
    end_drain();
  };
  if (++reading_ > options_.lane_queue_max) {
    scheduler_.post([answer_with = std::move(answer_with)]() mutable { answer_with(make_error(Code::unavailable, "too many others are being read")); });
    return;
  }
  auto read = [runtime = &domains_[domain], log = &log_, home = &scheduler_, known, id = request.command_id, answer_with = std::move(answer_with)]() mutable {
    auto outcome = read_outcome(*log, *runtime, known, id);
    home->post([outcome = std::move(outcome), answer_with = std::move(answer_with)]() mutable { answer_with(std::move(outcome)); });
  };
  hooks_.executor(domain).post(std::move(read));
}

}  // namespace tidemark::runtime
