#include "core/runtime/lane.hpp"

#include <algorithm>

#include "core/base/bytes.hpp"
#include "core/base/mutation.hpp"
#include "core/runtime/lane_batch.hpp"
#include "core/runtime/log_cursor.hpp"
#include "core/runtime/projection_skip.hpp"
#include "core/runtime/reaction_records.hpp"
#include "core/runtime/state_fold.hpp"

namespace tidemark::runtime {
namespace {

constexpr std::size_t kBatchBytesMax = 8u << 20;

/// Whether the stream is at the version expected; else the outcome says which it has.
bool holds(const ExpectedVersion& expected, const RowReader& state, LaneId lane, Outcome& outcome) {
  const std::uint64_t next = next_sequence(state, lane, expected.subject);
  const bool exists = next > 0;
  if (exists == expected.exists && (!expected.version || next - 1 == *expected.version)) return true;
  outcome.kind = Outcome::Kind::version_conflict;
  if (exists) outcome.version = next - 1;
  return false;
}

std::vector<std::string> names_of(const std::vector<DomainRuntime>& domains) {
  std::vector<std::string> names;
  for (const auto& domain : domains) names.push_back(domain.domain->name);
  return names;
}

}  // namespace

LaneProcessor::LaneProcessor(LaneId lane, Scheduler& scheduler, log::EventLog& log, std::vector<DomainRuntime>& domains,
                             const NodeOptions& options, LaneHooks hooks)
    : lane_(lane), scheduler_(scheduler), log_(log), domains_(domains), options_(options), hooks_(std::move(hooks)),
      metrics_(options.metrics, names_of(domains)),
      follower_(lane, {scheduler, log, domains, hooks_.executor, options.idempotency_window, [this](std::size_t domain) { hooks_.state_written(domain); }, hooks_.heard}),
      waiters_(scheduler, [this](std::size_t domain, std::string_view boundary, FnRef<void(const OwnerView&)> read) { return owner_call(domain, boundary, read); },
               options.owner_waiters_max),
      reaction_metrics_(options.metrics, names_of(domains)),
      reactions_(scheduler, hooks_.calls, *hooks_.breakers, reaction_metrics_, reaction_hooks()),
      inbox_(lane, scheduler, log, domains, inbox_hooks()) {
  for (std::size_t i = 0; i < domains_.size(); ++i) memory_.push_back(std::make_unique<VolatileMemory>());
  forgotten_.resize(domains_.size());
  first_timer_.resize(domains_.size());
}

LaneProcessor::~LaneProcessor() {
  *alive_ = false;
  for (const TimerId timer : {timer_, lease_timer_, claim_timer_, patience_timer_}) {
    if (timer != 0) scheduler_.cancel(timer);
  }
}

Time LaneProcessor::time_now() {
  last_now_ = std::max(last_now_, scheduler_.wall());
  return last_now_;
}

void LaneProcessor::submit(std::size_t domain, CommandRequest request, std::unique_ptr<DecodedCommand> command, Fn<void(Outcome)> done) {
  std::optional<Error> refuse;
  if (failure_) refuse = make_error(Code::unavailable, "the lane has failed: " + failure_->message);
  else if (draining_) refuse = make_error(Code::unavailable, "the node is stopping");
  else if (!serving_ && !settling_) refuse = make_error(Code::unavailable, "the lane is not served here now");
  else if (queue_.size() >= options_.lane_queue_max) refuse = make_error(Code::unavailable, "the lane's queue is full");
  if (refuse) {
    auto outcome = failed_outcome(request, std::move(*refuse));
    metrics_.answered(domain, outcome);
    scheduler_.post([outcome = std::move(outcome), done = std::move(done)]() mutable { done(std::move(outcome)); });
    return;
  }
  metrics_.queued(1);
  queue_.push_back(Pending{domain, std::move(request), std::move(command), std::move(done), {}, {}, {}});
  if (!busy_ && queue_.size() == 1) {
    // Posted, so that everything that arrives in this turn of the loop shares a commit.
    scheduler_.post([this, alive = alive_] { if (*alive) pump(); });
  }
}

void LaneProcessor::pump() {
  const bool just_appended = std::exchange(just_appended_, false);
  if (busy_ || !serving_ || failure_ || (queue_.empty() && !inbox_.pending())) {
    return end_drain();
  }
  auto batch = std::make_shared<Batch>();
  if (!just_appended && !is_fresh()) {
    // Another may have the lane by now: nothing is told, not even a first answer again, until an append has shown that it has not.
    if (!guarded([&] { record_renewal(*batch); })) return end_drain();
    return append(std::move(batch));
  }
  const auto deciding = metrics_.deciding();
  const bool decided = guarded([&] {
    decide_inputs(*batch);
    while (!queue_.empty() && batch->answers.size() < options_.batch_commands_max && batch->bytes < kBatchBytesMax) {
      decide(queue_.front(), *batch);  // stays in the queue until it is decided, so that a failure answers it
      queue_.pop_front();
      metrics_.queued(-1);
    }
    record_inputs(*batch);
  });
  if (!decided) {
    refuse_batch(*batch, make_error(Code::unavailable, "not applied: the lane's state cannot be read"));
    answer_all(*batch);
    return pump();
  }
  deciding.stop();
  if (batch->answers.empty() && !batch->has_records) return pump();  // an inbox without news, or repeats, which are answered when they have been read
  metrics_.decided(batch->answers.size());
  append(std::move(batch));
}

void LaneProcessor::append(std::shared_ptr<Batch> batch) {
  busy_ = true;
  if (!batch->has_records) {
    // Only repeats of a moment ago and Nothings: answered from durable state, since no append is under way.
    scheduler_.post([this, alive = alive_, batch] {
      if (!*alive) return;
      busy_ = false;
      answer_all(*batch);
      if (leaving_) return let_go();
      pump();
    });
    return;
  }
  log::LaneBatch records;
  for (std::size_t i = 0; i < batch->domains.size(); ++i) {
    if (!batch->domains[i]) continue;
    auto& part = *batch->domains[i];
    for (std::size_t t = 0; t < part.records.size(); ++t) {
      if (!part.records[t].empty()) records.topics.push_back({domains_[i].topics[t].id, part.first[t], std::move(part.records[t])});
    }
  }
  records.moves = std::move(batch->moves);
  const auto unsettled = std::find_if(domains_.begin(), domains_.end(), [](const DomainRuntime& domain) {
    return domain.personal->cipher() != nullptr && domain.personal->cipher()->unsettled();
  });
  if (unsettled == domains_.end()) return send(std::move(batch), std::move(records));
  // A record whose key a crash could lose would be lost with it.
  auto settled = [this, alive = alive_, batch, records = std::move(records)](Result<void> result) mutable {
    if (!*alive) return;
    if (result.ok()) return send(std::move(batch), std::move(records));
    busy_ = false;
    refuse_batch(*batch, make_error(Code::unavailable, "not applied: " + result.error().message));
    fail(result.take_error());
    answer_all(*batch);
    pump();
  };
  unsettled->personal->cipher()->settle(std::move(settled));
}

void LaneProcessor::send(std::shared_ptr<Batch> batch, log::LaneBatch records) {
  if (TM_MUTANT(answer_before_append) && !batch->takes_lane) {
    answer_all(*batch);
    batch->answers.clear();
  }
  batch->append_started = scheduler_.now();
  batch->appending = metrics_.appending();
  log_.append(*ownership_, std::move(records), [this, alive = alive_, batch](Result<void> result) {
    if (*alive) appended(batch, std::move(result));
  });
}

void LaneProcessor::appended(std::shared_ptr<Batch> batch, Result<void> result) {
  busy_ = false;
  batch->appending.stop();
  if (TM_MUTANT(drop_fencing) && !result && result.error().code == Code::fenced) result = Result<void>();
  if (result.ok()) {
    if (const auto lease = log_.lease()) lease_until_ = batch->append_started + *lease;
    if (auto applied = apply(*batch); !applied) {
      // Durable in the log, so accepted is the truth; but this node's state no longer follows, so it stops after answering.
      fail(applied.take_error());
    }
    const auto due = note_timers(*batch);
    answer_all(*batch);
    if (leaving_) return let_go();
    if (!failure_ && due) arm_for(*due);
    just_appended_ = true;
    return pump();
  }
  const auto failed = log_.failure();
  // Either nothing was written (the overlay is dropped and the numbers taken back), or nobody knows.
  const bool unwritten = result.error().code == Code::unavailable || result.error().code == Code::exhausted;
  const bool fenced = result.error().code == Code::fenced;
  if (!failed && !unwritten && !fenced && !failure_ && !batch->takes_lane) return settle(std::move(batch), result.take_error());
  refuse_batch(*batch, unwritten || fenced ? make_error(Code::unavailable, "not applied: " + result.error().message)
                                           : make_error(Code::outcome_unknown, result.error().message));
  if (failed) {
    fail(*failed);
  } else if (unwritten) {
    for (std::size_t i = 0; i < batch->domains.size(); ++i) {
      if (!batch->domains[i]) continue;
      for (std::size_t t = 0; t < next_[i].size(); ++t) {
        if (!batch->domains[i]->last_id[t].empty()) next_[i][t] = batch->domains[i]->first[t];
      }
    }
    if (batch->has_inputs && serving_) inbox_.start_again();
  }
  answer_all(*batch);
  if (fenced && !failure_ && wanted_ && !batch->takes_lane) return lose(result.take_error());
  if (leaving_) return let_go();
  pump();
}

/// What this batch would have answered never came to be; what earlier decisions answered stands.
void LaneProcessor::refuse_batch(Batch& batch, const Error& error) {
  for (auto& answer : batch.answers) {
    if (answer.durable) continue;
    const std::string id = answer.outcome.command_id;
    answer.outcome = Outcome{};
    answer.outcome.command_id = id;
    answer.outcome.error = error;
    answer.again_at.reset();
  }
}

bool LaneProcessor::guarded(FnRef<void()> work) {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    fail(make_error(Code::internal, std::string("lane ") + std::to_string(lane_.value) + ": " + error.what()));
    return false;
  }
}

Result<void> LaneProcessor::apply(Batch& batch) {
  for (std::size_t i = 0; i < batch.domains.size(); ++i) {
    if (!batch.domains[i]) continue;
    auto& part = *batch.domains[i];
    std::vector<std::pair<store::CheckpointKey, store::Checkpoint>> checkpoints;
    for (std::size_t t = 0; t < part.last_id.size(); ++t) {
      if (part.last_id[t].empty()) continue;
      checkpoints.push_back({{domains_[i].topics[t].spec.name, lane_}, {log_.epoch(), next_[i][t], part.last_id[t]}});
    }
    if (checkpoints.empty()) continue;
    if (TM_MUTANT(forget_checkpoint) && checkpoints.size() > 1) checkpoints.erase(checkpoints.begin());
    save_lane_info(part.overlay, lane_, part.info);
    forgotten_[i] = part.forgotten;
    if (auto written = domains_[i].state->write(part.overlay, checkpoints); !written) return written;
    hooks_.state_written(i);
    note_reactions(i, part.overlay);
    if (hooks_.heard) hooks_.heard(i, lane_, part.heard);
  }
  for (const auto& [domain, boundary] : batch.touched) waiters_.changed(domain, boundary);
  return {};
}

void LaneProcessor::answer_all(Batch& batch) {
  for (auto& answer : batch.answers) give(answer);
}

void LaneProcessor::give(Answer& answer) {
  if (!answer.outcome.command_id.empty()) metrics_.answered(answer.domain, answer.outcome);  // else the lane's own
  if (!answer.timer_key.empty()) timer_answered(answer);
  if (answer.done) answer.done(std::move(answer.outcome));
}

void LaneProcessor::fail(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  stand_down(make_error(Code::unavailable, "not applied: the lane has failed"));
  give_up_waiting();
  if (taking_) end_take(*failure_);
  hooks_.failed(*failure_);
}

LaneProcessor::DomainBatch& LaneProcessor::part_of(Batch& batch, std::size_t domain) {
  if (batch.domains.empty()) batch.domains.resize(domains_.size());
  auto& part = batch.domains[domain];
  if (!part) {
    part = std::make_unique<DomainBatch>(*domains_[domain].state, domains_[domain].topics.size());
    part->info = load_lane_info(*domains_[domain].state, lane_);
    part->forgotten = forgotten_[domain];
  }
  return *part;
}

void LaneProcessor::decide(Pending& pending, Batch& batch) {
  if (pending.settlement) return decide_settlement(pending, batch);
  const Time now = time_now();
  Answer answer;
  answer.timer_key = pending.timer_key;
  answer.domain = pending.domain;
  answer.outcome.command_id = pending.request.command_id;
  const std::string fingerprint = pending.request.keyed ? domains_[pending.domain].personal->fingerprint(*pending.command) : std::string();
  const Repeat repeat = pending.request.keyed ? find_repeat(pending, batch, answer, now, fingerprint) : Repeat{};
  if (repeat.known && !pending.input) {
    answer.done = std::move(pending.done);
    return answer_from_log(std::move(answer), *repeat.known, pending.request);
  }
  if (repeat.known) {
    answer.outcome.kind = Outcome::Kind::nothing;  // nobody asks again: the verdict is in the log
    answer.outcome.replayed = true;
  } else if (!repeat.answered && pending.not_after && now > *pending.not_after) {
    decide_expired(pending, batch, answer, now);
  } else if (!repeat.answered) {
    decide_fresh(pending, batch, answer, now, fingerprint);
    const bool recorded = answer.outcome.kind == Outcome::Kind::accepted || answer.outcome.kind == Outcome::Kind::refused ||
                          (answer.outcome.kind == Outcome::Kind::nothing && pending.input);
    if (pending.request.keyed && recorded) part_of(batch, pending.domain).decided[pending.request.command_id] = {batch.answers.size(), fingerprint};
  }
  answer.done = std::move(pending.done);
  batch.answers.push_back(std::move(answer));
}

void LaneProcessor::decide_fresh(Pending& pending, Batch& batch, Answer& answer, Time now, const std::string& fingerprint) {
  auto& part = part_of(batch, pending.domain);
  const Domain& domain = *domains_[pending.domain].domain;
  const std::string boundary(pending.command->boundary());
  if (!pending.timer_key.empty() && boundary != pending.timer_boundary) {
    answer.outcome.kind = Outcome::Kind::refused;
    answer.outcome.reason = "TIMER_OF_ANOTHER_BOUNDARY";
    return;
  }
  const CommandRequest& request = pending.request;
  if (request.expected && !holds(*request.expected, part.overlay, lane_, answer.outcome)) {
    if (pending.input) decide_conflict(pending, batch, answer, now);
    return;
  }
  const Context context{now, part.info.taken, request.command_id, request.actor, boundary};
  // Of its own until it is decided: a decider that throws has written nothing.
  const RowReader& decided = TM_MUTANT(skip_overlay) ? static_cast<const RowReader&>(*domains_[pending.domain].state) : part.overlay;
  store::Overlay own(decided);
  BoundaryState state(own, lane_, boundary);
  Verdict verdict;
  const auto event_id = [&](std::size_t i) {
    if (i < verdict.events.size() && verdict.events[i].id) return *verdict.events[i].id;
    return event_id_of(request.command_id, i);
  };
  const auto* skip = dynamic_cast<const SkipEventCommand*>(pending.command.get());
  try {
    verdict = skip != nullptr ? skip->decide(home_topic(pending.domain), lane_, request.actor, own)
                              : domain.decider->decide(*pending.command, context, part.info.settings, state, event_id);
    if (verdict.kind == Verdict::Kind::accepted) append_reactions(domain, state, context, event_id, verdict.events);
  } catch (const RowsUnavailable&) {
    throw;
  } catch (const std::exception& error) {
    answer.outcome = failed_outcome(request, make_error(Code::internal, "the decider of " + domain.name + " threw: " + error.what()));
    return;
  }
  part.overlay.take(own);
  answer.outcome.reply = verdict.reply;
  if (verdict.kind == Verdict::Kind::nothing) {
    answer.outcome.kind = Outcome::Kind::nothing;
    answer.again_at = verdict.again_at;
    if (!pending.input) return;
  }
  DecisionRecord decision;
  decision.input = pending.input;
  if (!pending.forwarded.empty()) decision.forwarded = pending.forwarded;
  decision.command = {pending.command->type(), event::Json{pending.command->canonical_data()}};
  if (!fingerprint.empty()) decision.fingerprint = to_hex(fingerprint);
  if (verdict.kind == Verdict::Kind::refused) {
    answer.outcome.kind = Outcome::Kind::refused;
    answer.outcome.reason = verdict.reason;
    answer.outcome.detail = verdict.detail;
    answer.outcome.status = verdict.status;
    decision.verdict = "refused";
    decision.reason = verdict.reason;
    decision.detail = verdict.detail;
    decision.status = verdict.status;
  } else {
    const bool accepted = verdict.kind == Verdict::Kind::accepted;
    answer.outcome.kind = accepted ? Outcome::Kind::accepted : Outcome::Kind::nothing;
    decision.verdict = accepted ? "accepted" : "nothing";
    decision.reply = event::Json{verdict.reply};
  }
  const Whose whose{pending.command->personal_subject(), std::move(verdict.reply_subject)};
  record(batch, pending.domain, request, boundary, std::move(decision), std::move(verdict.events), now, answer.outcome, whose);
  if (!fingerprint.empty()) {
    if (const auto uuid = parse_uuid(request.command_id)) {
      const Tmseq tmseq{next_[pending.domain][domains_[pending.domain].decisions_index()].value - 1};
      remember_command(part.overlay, *uuid, KnownCommand{lane_, tmseq, now, fingerprint});
    }
  }
}

void LaneProcessor::record(Batch& batch, std::size_t domain, const CommandRequest& request, std::string_view boundary, DecisionRecord decision,
                           std::vector<NewEvent> events, Time now, Outcome& outcome, const Whose& whose) {
  auto& part = part_of(batch, domain);
  const DomainRuntime& runtime = domains_[domain];
  const std::size_t decisions = runtime.decisions_index();
  const Tmseq decision_seq = next_[domain][decisions];
  const auto add = [&](std::size_t topic, const event::Envelope& envelope, std::string_view data) {
    if (part.records[topic].empty()) part.first[topic] = next_[domain][topic];
    const auto& encoded = encoder_.encode(envelope, data);
    part.records[topic].add(encoded);
    part.last_id[topic] = envelope.id;
    next_[domain][topic] = next_[domain][topic].next();
    batch.bytes += data.size() + 512;
  };

  event::Envelope envelope;
  envelope.source = "/tidemark/" + runtime.domain->name;
  envelope.time = now;
  envelope.commandid = request.command_id;
  envelope.correlationid = request.correlation_id.empty() ? request.command_id : request.correlation_id;
  envelope.causationid = request.causation_id.empty() ? request.command_id : request.causation_id;
  envelope.traceparent = request.traceparent;
  envelope.tenant = request.tenant;
  envelope.actor = request.actor;
  outcome.position.log_epoch = log_.epoch();

  for (std::size_t i = 0; i < events.size(); ++i) {
    NewEvent& event = events[i];
    const std::size_t topic = runtime.topic_index(event.topic);
    TM_ASSERT(topic < decisions, "an event names a topic that its domain does not declare");
    const bool is_fact = runtime.topics[topic].spec.topic_class == log::TopicClass::fact;
    envelope.id = event.id ? *event.id : event_id_of(request.command_id, i);
    envelope.type = event.type;
    envelope.subject = event.subject;
    envelope.partitionkey = event.partitionkey;
    envelope.boundary = event.partitionkey == boundary ? std::string() : std::string(boundary);
    if (const auto name = event::parse_type(event.type)) {
      envelope.dataschema = "/schemas/" + std::string(name->domain) + "/" + std::string(name->name) + ".v" + std::to_string(name->version) + ".json";
    }
    envelope.causationid = request.command_id;
    envelope.tmseq = next_[domain][topic];
    envelope.tmdecision = event::DecisionRef{decision_seq, static_cast<std::uint32_t>(i)};
    envelope.sequence.reset();
    if (is_fact) {
      envelope.sequence = next_sequence(part.overlay, lane_, event.subject);
      save_next_sequence(part.overlay, lane_, event.subject, *envelope.sequence + 1);
    }
    if (is_reaction_record(event.type)) {
      const auto folded = fold_reaction(part.overlay, lane_, envelope, event.data);
      TM_ASSERT(folded.ok(), "a record of a reaction does not decode as it was made");
    } else {
      outcome.position.merge(Position{log_.epoch(), {{event.topic, lane_, *envelope.tmseq}}});
      outcome.events.push_back({envelope.id, event.type, event.subject, envelope.sequence});
    }
    decision.events.push_back({event.topic, envelope.tmseq->value, event.type, event.subject, envelope.sequence, event.id});
    envelope.tmkey.clear();
    event.data = runtime.personal->seal(event.type, std::move(event.data), event.personal_subject, envelope.id, envelope.tmkey);
    add(topic, envelope, event.data);
  }

  decision.build = options_.build;
  decision.settings = to_hex(sha256(part.info.settings)).substr(0, 16);
  // What is not remembered may come again and be decided then.
  envelope.id = decision.input && !decision.fingerprint ? to_string(derive_uuid(request.command_id, "undecided", decision.input->next))
                                                        : to_string(derive_uuid(request.command_id, "decision"));
  envelope.type = event::make_type(runtime.domain->name, "CommandDecided", 1);
  envelope.subject = request.command_id;
  envelope.partitionkey = boundary;
  envelope.boundary.clear();
  envelope.dataschema.clear();
  envelope.causationid = request.causation_id.empty() ? request.command_id : request.causation_id;
  envelope.sequence.reset();
  envelope.tmseq = decision_seq;
  envelope.tmdecision.reset();
  envelope.tmkey.clear();
  if (decision.reply) decision.reply->raw = runtime.personal->seal_reply(std::move(decision.reply->raw), whose.reply, envelope.id, envelope.tmkey);
  auto& command = decision.command;
  command.data.raw = runtime.personal->seal(command.type, std::move(command.data.raw), whose.command, envelope.id, envelope.tmkey);
  if (hooks_.heard) part.heard.push_back({request.command_id, decision.forwarded.value_or(std::string()), decision_seq});
  add(decisions, envelope, encode_decision(decision));
  forget_when_due(part.overlay, lane_, part.info, now, options_.idempotency_window, part.forgotten);
  part.info.last_time = now;
  if (decision.input) {
    part.info.input = std::move(decision.input);
    part.unrecorded.reset();
  }
  batch.touched.emplace_back(domain, boundary);
  batch.has_records = true;
}

Result<void> LaneProcessor::owner_call(std::size_t domain, std::string_view boundary, FnRef<void(const OwnerView&)> read) {
  if (failure_) return make_error(Code::unavailable, "the lane has failed");
  if (!serving_) return make_error(Code::unavailable, "the lane is not served here");
  if (!lease_holds()) return make_error(Code::unavailable, "the lane's lease is not certain now");
  const auto& runtime = domains_[domain];
  PrefixedReader rows(*runtime.state, scope_prefix(boundary));
  VolatileMemory::Scoped memory(*memory_[domain], boundary);
  const std::uint64_t changes = memory_[domain]->changes();
  try {
    const LaneInfo info = load_lane_info(*runtime.state, lane_);
    read(OwnerView{rows, memory, std::max(last_now_, scheduler_.wall()), info.taken, info.settings});
    if (memory_[domain]->changes() != changes) waiters_.changed(domain, boundary);
  } catch (const RowsUnavailable& error) {
    return make_error(Code::unavailable, std::string("lane state cannot be read: ") + error.what());
  }
  return {};
}

Result<void> LaneProcessor::state_call(std::size_t domain, std::string_view boundary, FnRef<void(const RowReader&)> read) {
  if (failure_) return make_error(Code::unavailable, "the lane has failed");
  if (!following_ || draining_) return make_error(Code::unavailable, "the lane is not followed here");
  const auto behind = follower_.behind(domain);
  if (!behind) return behind.error();
  if (*behind) return make_error(Code::unavailable, "the lane's state is behind the log");
  PrefixedReader rows(*domains_[domain].state, scope_prefix(boundary));
  try {
    read(rows);
  } catch (const RowsUnavailable& error) {
    return make_error(Code::unavailable, std::string("lane state cannot be read: ") + error.what());
  }
  return {};
}

}  // namespace tidemark::runtime
