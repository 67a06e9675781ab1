// Reactions of a lane: pending intents to its runner, settlements to the log.
#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"
#include "core/runtime/reaction_records.hpp"

namespace tidemark::runtime {

ReactionRunner::Hooks LaneProcessor::reaction_hooks() {
  ReactionRunner::Hooks hooks;
  hooks.find = [this](std::size_t domain, const Uuid& reaction) {
    std::optional<PendingReaction> pending;
    guarded([&] { pending = find_reaction(*domains_[domain].state, lane_, reaction); });
    return pending;
  };
  hooks.may_act = [this] { return serving_ && !draining_ && lease_holds(); };
  hooks.execute = [this](CommandRequest request, Time intended, Fn<void(Outcome)> done) { hooks_.execute(std::move(request), intended, std::move(done)); };
  hooks.settle = [this](std::size_t domain, ReactionSettlement settlement, Fn<void(bool)> done) {
    settle_reaction(domain, std::move(settlement), std::move(done));
  };
  return hooks;
}

void LaneProcessor::load_reactions() {
  for (std::size_t i = 0; i < domains_.size(); ++i) {
    scan_reactions(*domains_[i].state, lane_, [&](const Uuid& reaction, const PendingReaction& pending) {
      reactions_.add(i, reaction, pending.due);
      return true;
    });
  }
  reactions_.start();
}

void LaneProcessor::note_reactions(std::size_t domain, const store::Overlay& overlay) {
  const auto& changes = overlay.changes();
  for (auto at = changes.lower_bound(reaction_area()); at != changes.end(); ++at) {
    const auto key = parse_reaction_key(at->first);
    if (!key) break;
    if (at->second) reactions_.add(domain, key->second, unpack_reaction(*at->second).due);
    else reactions_.remove(domain, key->second);
  }
}

void LaneProcessor::settle_reaction(std::size_t domain, ReactionSettlement settlement, Fn<void(bool)> done) {
  if (failure_ || draining_ || !serving_) {
    scheduler_.post([done = std::move(done)]() mutable { done(false); });
    return;
  }
  CommandRequest request;
  request.domain = domains_[domain].domain->name;
  request.actor = "system:reactor";
  request.command_id = to_string(derive_uuid(to_string(settlement.reaction), "settle", static_cast<std::uint64_t>(settlement.attempts)));
  auto answered = [done = std::move(done)](Outcome outcome) mutable { done(outcome.kind != Outcome::Kind::failed); };
  metrics_.queued(1);
  queue_.push_back(Pending{domain, std::move(request), nullptr, std::move(answered), {}, {}, std::move(settlement)});
  scheduler_.post([this, alive = alive_] { if (*alive) pump(); });
}

void LaneProcessor::decide_settlement(Pending& pending, Batch& batch) {
  const Time now = time_now();
  const Domain& domain = *domains_[pending.domain].domain;
  ReactionSettlement& settlement = *pending.settlement;
  ReactionResult& result = settlement.result;
  auto& part = part_of(batch, pending.domain);
  Answer answer;
  answer.domain = pending.domain;
  answer.done = std::move(pending.done);
  answer.outcome.kind = Outcome::Kind::nothing;  // without a command id: the lane's own
  const auto waiting = find_reaction(part.overlay, lane_, settlement.reaction);
  if (waiting) {
    const std::string reaction = to_string(settlement.reaction);
    const auto intended = decode_intended(waiting->record);
    const std::optional<int> status = result.status == 0 ? std::nullopt : std::optional(result.status);
    std::vector<NewEvent> events;
    const auto whose = intended ? intended->whose : std::nullopt;
    const auto add = [&](std::string topic, std::string_view type, std::string data) {
      events.push_back({std::move(topic), std::string(type), reaction, waiting->boundary, std::move(data), whose});
    };
    if (settlement.again) {
      add(reactions_topic(domain.name), kReactionAttemptedType,
          encode_record(ReactionAttempted{reaction, settlement.attempts, *settlement.again, status, result.detail}));
    } else {
      const bool dead = result.kind == ReactionResult::Kind::dead;
      const char* outcome = dead ? "dead" : result.kind == ReactionResult::Kind::refused ? "refused" : "done";
      add(reactions_topic(domain.name), kReactionEndedType,
          encode_record(ReactionEnded{reaction, outcome, settlement.attempts, status, result.reason, result.detail}));
      const std::string reactor = intended ? intended->reactor : std::string();
      if (dead) {
        add(dead_letters_topic(domain.name), kDeadLetterType,
            encode_record(DeadLetter{reaction, reactor, intended ? intended->cause : std::string(), result.detail, settlement.attempts,
                                     intended ? std::optional(intended->intent) : std::nullopt}));
      }
      if (intended) {
        result.intent = intended->intent;
        append_follow_ups(domain, reactor, reaction, waiting->boundary, now, result, whose, events);
      }
    }
    CommandRequest& request = pending.request;
    request.correlation_id = waiting->correlation_id;
    request.causation_id = reaction;
    request.traceparent = waiting->traceparent;
    request.tenant = waiting->tenant;
    DecisionRecord decision;
    decision.verdict = "accepted";
    decision.command = {std::string(kSettleReactionType), event::Json{"{\"reaction\":\"" + reaction + "\"}"}};
    answer.outcome.kind = Outcome::Kind::accepted;
    record(batch, pending.domain, request, waiting->boundary, std::move(decision), std::move(events), now, answer.outcome);
  }
  batch.answers.push_back(std::move(answer));
}

}  // namespace tidemark::runtime
