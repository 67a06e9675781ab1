#pragma once
// LaneProcessor: one lane on this node. As its fenced single writer it takes a batch from its queue, decides one by one, appends
// all of it atomically, applies, answers; while an append is under way the next batch gathers: group commit without waiting.
// While another node owns the lane it keeps the states warm.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/event/record.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/heard_decision.hpp"
#include "core/runtime/lane_follower.hpp"
#include "core/runtime/lane_inbox.hpp"
#include "core/runtime/lane_metrics.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/reaction_runner.hpp"
#include "core/runtime/state_layout.hpp"
#include "core/runtime/volatile.hpp"
#include "core/runtime/waiters.hpp"

namespace tidemark::runtime {

/// What the node does for its lanes.
struct LaneHooks {
  std::function<void(Error)> failed;                       ///< the lane cannot go on; called once
  std::function<void(std::size_t domain)> state_written;   ///< after rows of that domain's state were written
  /// Issues a command of a reaction: see ReactionRunner::Hooks.
  std::function<void(CommandRequest, Time intended, Fn<void(Outcome)>)> execute;
  OutboundCalls* calls = nullptr;         ///< null: reactions make none
  VolatileMemory* breakers = nullptr;     ///< of the node
  /// Another node has taken the lane, which is followed from now on. Null: that fails the lane.
  std::function<void()> lost;
  std::function<Executor&(std::size_t domain)> executor;  ///< where that domain's state is folded and its log is read
  std::function<bool()> may_take = nullptr;               ///< whether what is wanted here still is; null: always
  /// Decisions of the lane that the states have folded, whoever made them; null: nobody wants to know.
  std::function<void(std::size_t domain, LaneId lane, const std::vector<HeardDecision>&)> heard = nullptr;
  const NodeProof* proof = nullptr;       ///< of commands that other nodes forward; null: they forward none
};

/// A decision, its personal fields opened. Any thread; blocks as long as the log does.
Result<DecisionRecord> read_decision(const log::EventLog& log, const DomainRuntime& domain, LaneId lane, Tmseq at);
/// What was answered to a command, from its decision.
Outcome outcome_of(const DecisionRecord& decision, const Uuid& log_epoch, LaneId lane, const std::string& command_id);
/// The same from the log, of a command that comes again. Any thread; blocks as long as the log does.
Result<Outcome> read_outcome(const log::EventLog& log, const DomainRuntime& domain, const KnownCommand& known, const std::string& command_id);

/// The subjects of the Personal<> fields of a decision's command and reply.
struct Whose {
  std::optional<std::string> command{}, reply{};
};

/// Everything on the scheduler's thread. Completions run on it, never inside the call that takes them.
class LaneProcessor {
 public:
  LaneProcessor(LaneId lane, Scheduler& scheduler, log::EventLog& log, std::vector<DomainRuntime>& domains, const NodeOptions& options, LaneHooks hooks);
  ~LaneProcessor();

  /// Takes the lane, whose states have been folded: fences the predecessor, folds what it left since, records LaneTaken in every
  /// domain, then serves. One attempt; cancelled when give_up() came meanwhile.
  void take(Fn<void(Result<void>)> done);
  /// The same, tried again until the lane is served, lost or given up.
  void claim();
  /// Serves no longer: answers what is under way, refuses what waits, lets the lane go, and follows it.
  void give_up(Fn<void()> done);
  /// Keeps the states warm from now on.
  void follow();
  /// The log has grown: what is followed is folded.
  void log_grew();
  bool serving() const { return serving_; }
  /// submit() queues what it is given.
  bool takes_commands() const { return serving_ || settling_; }
  /// Wanted here: served, being taken or being settled.
  bool wanted() const { return wanted_; }
  std::uint64_t owner_epoch() const { return ownership_ ? ownership_->epoch : 0; }
  /// Refuses new commands; `done` when those accepted before are answered.
  void drain(Fn<void()> done);

  /// Queues a command. `done` gets its outcome.
  void submit(std::size_t domain, CommandRequest request, std::unique_ptr<DecodedCommand> command, Fn<void(Outcome)> done);
  std::size_t queued() const { return queue_.size(); }

  Result<void> owner_call(std::size_t domain, std::string_view boundary, FnRef<void(const OwnerView&)> read);
  /// Of a lane that is followed: see FollowedState.
  Result<void> state_call(std::size_t domain, std::string_view boundary, FnRef<void(const RowReader&)> read);
  OwnerWaiters& waiters() { return waiters_; }
  VolatileMemory& memory(std::size_t domain) { return *memory_[domain]; }
  std::size_t pending_reactions() const { return reactions_.pending(); }

 private:
  struct Pending {
    std::size_t domain = 0;
    CommandRequest request;
    std::unique_ptr<DecodedCommand> command;
    Fn<void(Outcome)> done;
    std::string timer_key;  ///< set for a timer's command
    std::string timer_boundary;
    std::optional<ReactionSettlement> settlement;  ///< set instead of a command
    std::optional<InputPosition> input{};  ///< of a command from the inbox: the position behind it
    std::optional<Time> not_after{};
    std::string forwarded{};              ///< id of the record, of a command that another node has forwarded
  };
  struct Answer {
    Fn<void(Outcome)> done;
    Outcome outcome;
    std::string timer_key;
    std::size_t domain = 0;
    std::optional<Time> again_at;
    bool durable = false;  ///< answered from an earlier decision: true whatever becomes of this batch
  };
  struct DomainBatch;
  struct Batch;
  using TimerName = std::pair<std::size_t, std::string>;  ///< domain, row key

  void claim_later();
  void caught_up(Result<void> caught);
  void end_take(Result<void> result);
  void settle(std::shared_ptr<Batch> batch, Error why);
  bool nobody_else_wrote(const Batch& batch, bool written) const;
  /// Whether the batch is in the log of a lane that was taken since. A log may have to ask another machine for that.
  void was_written(const Batch& batch, Fn<void(Result<bool>)> done);
  /// What became of the unsettled batch is known, if there was one.
  void begin_serving();
  /// Answers the unsettled batch, if there is one.
  void settled(std::optional<Error> not_written);
  /// Answers the unsettled batch outcome_unknown and refuses the queue: the log has not answered for too long.
  void give_up_waiting();
  /// Ends what only an owner does.
  void stop_serving(const Error& why);
  /// The same, and refuses what waits.
  void stand_down(const Error& why);
  void refuse_queue(const Error& why);
  void lose(Error why);
  void let_go();
  void end_drain();
  const std::string& home_topic(std::size_t domain) const { return domains_[domain].topics[domains_[domain].home_topic()].spec.name; }
  void pump();
  void decide(Pending& pending, Batch& batch);
  void decide_fresh(Pending& pending, Batch& batch, Answer& answer, Time now, const std::string& fingerprint);
  /// What is known of a command that comes again.
  struct Repeat {
    bool answered = false;              ///< `answer` has the outcome
    std::optional<KnownCommand> known;  ///< its decision has it
  };
  Repeat find_repeat(const Pending& pending, Batch& batch, Answer& answer, Time now, const std::string& fingerprint);
  void answer_from_log(Answer answer, const KnownCommand& known, const CommandRequest& request);
  void record(Batch& batch, std::size_t domain, const CommandRequest& request, std::string_view boundary, DecisionRecord record,
              std::vector<NewEvent> events, Time now, Outcome& outcome, const Whose& whose = {});
  DomainBatch& part_of(Batch& batch, std::size_t domain);
  void append(std::shared_ptr<Batch> batch);
  void send(std::shared_ptr<Batch> batch, log::LaneBatch records);
  void appended(std::shared_ptr<Batch> batch, Result<void> result);
  Result<void> apply(Batch& batch);
  void answer_all(Batch& batch);
  void give(Answer& answer);
  void fail(Error error);
  /// Runs `work`; a store that cannot be read fails the lane. False then.
  bool guarded(FnRef<void()> work);
  void refuse_batch(Batch& batch, const Error& error);
  void rest(const TimerName& timer, std::optional<Time> until);
  void rest_no_more(const TimerName& timer);
  void forget_resting();
  bool fire(std::size_t domain, const TimerEntry& entry, Time now);
  void write_lane_taken(Fn<void(Result<void>)> done);
  Time time_now();

  ReactionRunner::Hooks reaction_hooks();
  void load_reactions();
  void note_reactions(std::size_t domain, const store::Overlay& changes);
  void settle_reaction(std::size_t domain, ReactionSettlement settlement, Fn<void(bool)> done);
  void decide_settlement(Pending& pending, Batch& batch);

  LaneInbox::Hooks inbox_hooks();
  void decide_inputs(Batch& batch);
  void decide_input(Batch& batch, std::size_t domain, LaneInbox::Next next);
  void decide_command(Batch& batch, std::size_t domain, InboxCommand command, const log::InboxRecord& from);
  void decide_expired(Pending& pending, Batch& batch, Answer& answer, Time now);
  void decide_conflict(Pending& pending, Batch& batch, Answer& answer, Time now);
  void record_undecided(Pending& pending, Batch& batch, Answer& answer, Time now, DecisionRecord decision);
  void reject_input(Batch& batch, std::size_t domain, std::uint64_t next, const Rejection& why, const log::OwnedRecord& record,
                    std::optional<std::string> whose);
  /// Records how far the inbox was read, where nothing else of the batch does.
  void record_inputs(Batch& batch);
  InputPosition input_at(std::uint64_t next) const { return {to_string(log_.epoch()), next}; }

  /// Notes the timers that an applied batch has set; when the earliest of them is due.
  std::optional<Time> note_timers(const Batch& batch);
  /// Arms for a timer that was set, unless what is armed comes first: then it looks at all of them anyway.
  void arm_for(Time due);
  void arm_timers();
  void arm_timers_soon();
  /// What was armed is late, or the wall clock has gone on without us: nobody was heard meanwhile.
  void notice_standstill();
  void fire_timers();
  void timer_answered(const Answer& answer);
  void renew_lease();
  void record_renewal(Batch& batch);
  bool lease_holds() const;
  /// Nobody else can have decided in this lane since the last commit.
  bool is_fresh() const;

  const LaneId lane_;
  Scheduler& scheduler_;
  log::EventLog& log_;
  std::vector<DomainRuntime>& domains_;
  const NodeOptions& options_;
  LaneHooks hooks_;
  const LaneMetrics metrics_;

  std::optional<log::Ownership> ownership_;
  LaneFollower follower_;
  bool wanted_ = false;
  bool leaving_ = false;    ///< given up, and let go when what is under way has ended
  bool following_ = false;
  bool serving_ = false;
  Fn<void(Result<void>)> taking_;     ///< set while a take is under way
  bool settling_ = false;             ///< since an append of which nobody knows: commands wait
  std::shared_ptr<Batch> unsettled_;
  Error unsettled_why_;
  std::int64_t failed_takes_ = 0;
  TimerId claim_timer_ = 0;
  TimerId patience_timer_ = 0;
  Fn<void()> given_up_;
  bool busy_ = false;
  bool just_appended_ = false;        ///< in this turn, so nobody else had the lane
  std::size_t reading_ = 0;           ///< first answers that are being read
  bool draining_ = false;
  std::optional<Error> failure_;
  Fn<void()> drained_;
  std::deque<Pending> queue_;
  Time last_now_{};
  std::vector<std::vector<Tmseq>> next_;  ///< per domain, per topic (as in DomainRuntime::topics): next tmseq to write
  std::vector<std::string> forgotten_;    ///< per domain: see forget_commands()
  std::vector<std::unique_ptr<VolatileMemory>> memory_;
  event::RecordEncoder encoder_;
  OwnerWaiters waiters_;
  const ReactionMetrics reaction_metrics_;
  ReactionRunner reactions_;
  LaneInbox inbox_;

  SteadyTime lease_from_{};   ///< owner calls are answered from here
  SteadyTime lease_until_{};  ///< and until here, when the log asks for a lease
  TimerId lease_timer_ = 0;

  TimerId timer_ = 0;
  SteadyTime timer_at_{}, armed_at_{};
  Time armed_wall_{};
  Time listening_since_{};  ///< the end of the last standstill
  bool arming_ = false;                   ///< arm_timers() is posted
  std::vector<std::string> first_timer_;  ///< per domain: every timer with a lesser key rests, so scans begin here
  /// Timers that fired and rest: their commands are under way, or came to nothing. nullopt: until they are answered, or the lane is taken anew.
  std::size_t resting_kept_ = 4096;  ///< above it, those that no longer exist are forgotten
  std::map<TimerName, std::optional<Time>> resting_;
  std::set<std::pair<Time, TimerName>> resting_due_;  ///< those with a time
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::runtime
