#include "core/runtime/command_forwarder.hpp"

#include "core/base/bytes.hpp"
#include "core/event/json.hpp"
#include "core/runtime/forwarded_command.hpp"
#include "core/runtime/lane.hpp"
#include "core/runtime/lane_batch.hpp"

namespace tidemark::runtime {
namespace {

/// How long after a command has expired its owner's word for that is waited for.
constexpr Duration kGrace = std::chrono::seconds(2);
constexpr Duration kReadAgain{100};
/// A group that agrees anew takes less.
constexpr Duration kOutOfTouch = std::chrono::seconds(2);

struct RejectedCommand {
  std::string code;
};
BOOST_DESCRIBE_STRUCT(RejectedCommand, (), (code))

template <class T>
std::optional<T> read_json(std::string_view json) {
  std::vector<event::FieldError> errors;
  return event::from_json<T>(json, event::Decoding::tolerant, errors);
}

}  // namespace

struct CommandForwarder::Waiting {
  std::size_t domain = 0;
  LaneId lane;
  std::string command_id, record_id;
  std::string fingerprint;  ///< hex
  Fn<void(Outcome)> done;   ///< empty once it is answered
  TimerId timer = 0;
  std::vector<Fn<void(bool)>> behind;  ///< who came with the same id meanwhile
  metrics::Stopwatch since;
};

CommandForwarder::Metrics::Metrics(metrics::Registry* registry, const std::vector<DomainRuntime>& of)
    : seconds(registry, {"tidemark_lane_forward_seconds", "From a command that another node's lane is asked to decide to its answer"}, metrics::time_bounds()) {
  for (const DomainRuntime& domain : of) {
    const auto counter = [&](const char* outcome) {
      return metrics::Counter(registry, {"tidemark_lane_forwarded_total", "Commands forwarded to the owner of their lane, by how that ended",
                                         {{"domain", domain.domain->name}, {"outcome", outcome}}});
    };
    domains.push_back({counter("answered"), counter("not_applied"), counter("unknown")});
  }
}

void CommandForwarder::Metrics::answered(std::size_t domain, const Outcome& outcome) const {
  const OfDomain& of = domains[domain];
  if (outcome.kind != Outcome::Kind::failed) of.answered.add();
  else if (outcome.error.code == Code::outcome_unknown) of.unknown.add();
  else of.not_applied.add();
}

CommandForwarder::CommandForwarder(Parts parts) : parts_(std::move(parts)), metrics_(parts_.options.metrics, parts_.domains), by_command_(parts_.domains.size()) {}

CommandForwarder::~CommandForwarder() {
  *alive_ = false;
  for (const auto& [id, asked] : by_record_) {
    if (asked->timer != 0) parts_.home.cancel(asked->timer);
  }
}

/// What such a node sends would come to nothing, and it would not hear of it: clients had better ask another.
bool CommandForwarder::is_out_of_touch() {
  if (parts_.in_touch()) out_since_.reset();
  else if (!out_since_) out_since_ = parts_.home.now();
  return out_since_ && parts_.home.now() - *out_since_ >= kOutOfTouch;
}

Result<std::string> CommandForwarder::fingerprint(std::size_t domain, const DecodedCommand& command) const {
  try {
    return parts_.domains[domain].personal->fingerprint(command);
  } catch (const KeysUnavailable& error) {
    return make_error(Code::unavailable, error.what());
  }
}

Task<Outcome> CommandForwarder::forward(std::size_t domain, LaneId lane, CommandRequest request, std::unique_ptr<DecodedCommand> command) {
  const DomainRuntime& runtime = parts_.domains[domain];
  const auto uuid = parse_uuid(request.command_id);
  if (!uuid) co_return failed_outcome(request, make_error(Code::invalid_argument, "the command id is no UUID"));
  const auto print = fingerprint(domain, *command);
  if (!print) co_return failed_outcome(request, print.error());
  // Of one id one is asked for at a time: who comes second gets its answer as a repeat, or asks next.
  const SteadyTime until = parts_.home.now() + parts_.options.forward_patience;
  for (auto first = by_command_[domain].find(request.command_id); first != by_command_[domain].end(); first = by_command_[domain].find(request.command_id)) {
    if (parts_.home.now() >= until) co_return failed_outcome(request, make_error(Code::outcome_unknown, "the same command is being asked for"));
    auto wait = [asked = first->second](Fn<void(bool)> done) { asked->behind.push_back(std::move(done)); };
    co_await Callback<bool>(std::move(wait));
  }
  if (stopping_) co_return failed_outcome(request, make_error(Code::unavailable, "the node is stopping"));
  // Whatever named it: what was sent on once is remembered.
  std::optional<KnownCommand> known;
  std::optional<Error> unreadable;
  try {
    known = find_command(*runtime.state, *uuid);
  } catch (const RowsUnavailable& error) {
    unreadable = make_error(Code::unavailable, std::string("lane state cannot be read: ") + error.what());
  }
  if (unreadable) co_return failed_outcome(request, std::move(*unreadable));
  if (known && known->time >= parts_.home.wall() - parts_.options.idempotency_window) {
    if (known->fingerprint != *print) {
      Outcome reused;
      reused.kind = Outcome::Kind::key_reused;
      reused.command_id = request.command_id;
      reused.detail = kReusedDetail;
      co_return reused;
    }
    ++reading_;
    auto first_answer = [log = &parts_.log, of = &runtime, known = *known, id = request.command_id] { return read_outcome(*log, *of, known, id); };
    auto reading = run_on(parts_.executor(domain), parts_.home, std::move(first_answer));
    auto outcome = co_await std::move(reading);
    --reading_;
    end_stop();
    if (!outcome) co_return failed_outcome(request, make_error(Code::unavailable, "the first answer cannot be read: " + outcome.error().message));
    co_return std::move(*outcome);
  }
  if (is_out_of_touch()) co_return failed_outcome(request, make_error(Code::unavailable, "the lane is not served here, and this node is out of touch with the others"));
  if (by_record_.size() >= parts_.options.forwards_max) co_return failed_outcome(request, make_error(Code::unavailable, "too many commands are being forwarded"));

  const auto asked = std::make_shared<Waiting>();
  asked->domain = domain;
  asked->lane = lane;
  asked->command_id = request.command_id;
  asked->fingerprint = to_hex(*print);
  const Time now = parts_.home.wall();
  asked->record_id = to_string(make_uuid_v7(now, parts_.home.random(), parts_.home.random()));
  asked->since = metrics::Stopwatch(metrics_.seconds);
  std::optional<Result<log::OwnedRecord>> record;
  try {
    record = make_forwarded({runtime, parts_.log.epoch(), parts_.proof}, request, *command, asked->record_id, parts_.options.node_id, now,
                            now + parts_.options.forward_patience);
  } catch (const KeysUnavailable& error) {
    record = make_error(Code::unavailable, error.what());
  }
  if (!record->ok()) co_return failed_outcome(request, record->error());
  auto sending = [this, asked, record = std::move(**record)](Fn<void(Outcome)> done) mutable {
    asked->done = std::move(done);
    ask(asked, std::move(record));
  };
  auto outcome = co_await Callback<Outcome>(std::move(sending));
  co_return outcome;
}

void CommandForwarder::ask(const Asked& asked, log::OwnedRecord record) {
  by_command_[asked->domain][asked->command_id] = asked;
  by_record_[asked->record_id] = asked;
  asked->timer = parts_.home.after(parts_.options.forward_patience + kGrace, [this, asked] {
    asked->timer = 0;
    fail(asked, make_error(Code::outcome_unknown, "the owner of the command's lane has not answered"));
  });
  event::FieldCipher* const cipher = parts_.domains[asked->domain].personal->cipher();
  if (cipher == nullptr || !cipher->unsettled()) return send(asked, std::move(record));
  // A record whose key a crash could lose would be lost with it.
  auto settled = [this, alive = alive_, asked, record = std::move(record)](Result<void> result) mutable {
    if (!*alive || !asked->done) return;
    if (!result) return fail(asked, make_error(Code::unavailable, "not applied: " + result.error().message));
    send(asked, std::move(record));
  };
  cipher->settle(std::move(settled));
}

void CommandForwarder::send(const Asked& asked, log::OwnedRecord record) {
  auto sent = [this, alive = alive_, asked](Result<void> result) {
    if (!*alive || result.ok()) return;
    // Of what may have been written its decision tells.
    if (result.error().code == Code::unavailable || result.error().code == Code::exhausted) fail(asked, result.take_error());
  };
  parts_.log.inbox()->send(*parts_.domains[asked->domain].commands, asked->lane, std::move(record), std::move(sent));
}

void CommandForwarder::heard(std::size_t domain, LaneId lane, const std::vector<HeardDecision>& decisions) {
  if (out_since_ && parts_.in_touch()) out_since_.reset();
  if (by_record_.empty()) return;
  for (const HeardDecision& decision : decisions) {
    Asked asked;
    if (!decision.forwarded.empty()) {
      if (const auto found = by_record_.find(decision.forwarded); found != by_record_.end()) asked = found->second;
    }
    if (!asked) {
      if (const auto found = by_command_[domain].find(decision.command_id); found != by_command_[domain].end()) asked = found->second;
    }
    if (asked && asked->domain == domain && asked->lane == lane) read(asked, decision.at);
  }
}

void CommandForwarder::read(const Asked& asked, Tmseq at) {
  ++reading_;
  auto judged = [this, alive = alive_, asked, at](Result<DecisionRecord> decision) {
    if (!*alive) return;
    --reading_;
    if (decision.ok()) {
      judge(asked, *decision);
    } else if (asked->done) {
      parts_.home.after(kReadAgain, [this, alive, asked, at] {
        if (*alive && asked->done) read(asked, at);
      });
    }
    end_stop();
  };
  parts_.executor(asked->domain).post([log = &parts_.log, of = &parts_.domains[asked->domain], home = &parts_.home, lane = asked->lane, at, judged = std::move(judged)]() mutable {
    auto decision = read_decision(*log, *of, lane, at);
    home->post([decision = std::move(decision), judged = std::move(judged)]() mutable { judged(std::move(decision)); });
  });
}

void CommandForwarder::judge(const Asked& asked, const DecisionRecord& decision) {
  if (!asked->done) return;
  const bool ours = decision.forwarded == asked->record_id;
  Outcome outcome;
  outcome.command_id = asked->command_id;
  if (decision.command.type == kRejectCommandType) {
    if (!ours) return;
    const auto why = read_json<RejectedCommand>(decision.command.data.raw);
    const std::string code = why ? why->code : std::string();
    if (code == dead::kDeciderFailed) return fail(asked, make_error(Code::internal, "the decider failed: see " + dead_letters_topic(parts_.domains[asked->domain].domain->name)));
    if (code != dead::kIdReused) return fail(asked, make_error(Code::unavailable, "the owner of the lane could not decide the command: " + code));
    outcome.kind = Outcome::Kind::key_reused;
    outcome.detail = kReusedDetail;
    return answer(asked, std::move(outcome));
  }
  if (!decision.fingerprint) {
    // Not decided, which says nothing about a record of the same command that comes behind.
    if (!ours) return;
    if (decision.reason != kVersionConflict) return fail(asked, make_error(Code::unavailable, "the owner of the lane came to the command too late"));
    outcome.kind = Outcome::Kind::version_conflict;
    const auto present = decision.reply ? read_json<PresentVersion>(decision.reply->raw) : std::nullopt;
    if (present) outcome.version = present->version;
    return answer(asked, std::move(outcome));
  }
  if (!ours && *decision.fingerprint != asked->fingerprint) {
    outcome.kind = Outcome::Kind::key_reused;
    outcome.detail = kReusedDetail;
    return answer(asked, std::move(outcome));
  }
  outcome = outcome_of(decision, parts_.log.epoch(), asked->lane, asked->command_id);
  outcome.replayed = !ours;
  answer(asked, std::move(outcome));
}

void CommandForwarder::answer(const Asked& asked, Outcome outcome) {
  if (!asked->done) return;
  asked->since.stop();
  metrics_.answered(asked->domain, outcome);
  if (asked->timer != 0) parts_.home.cancel(std::exchange(asked->timer, 0));
  by_command_[asked->domain].erase(asked->command_id);
  by_record_.erase(asked->record_id);
  for (auto& next : std::exchange(asked->behind, {})) parts_.home.post([next = std::move(next)]() mutable { next(true); });
  std::exchange(asked->done, nullptr)(std::move(outcome));
}

void CommandForwarder::fail(const Asked& asked, Error error) {
  Outcome outcome;
  outcome.command_id = asked->command_id;
  outcome.error = std::move(error);
  answer(asked, std::move(outcome));
}

void CommandForwarder::stop(Fn<void()> done) {
  stopping_ = true;
  stopped_ = std::move(done);
  std::vector<Asked> all;
  for (const auto& [id, asked] : by_record_) all.push_back(asked);
  for (const Asked& asked : all) fail(asked, make_error(Code::outcome_unknown, "the node is stopping"));
  end_stop();
}

void CommandForwarder::end_stop() {
  if (stopped_ && reading_ == 0) std::exchange(stopped_, nullptr)();
}

}  // namespace tidemark::runtime
