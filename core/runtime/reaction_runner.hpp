#pragma once
// ReactionRunner: carries out the pending intents of one lane, while this node owns it. Keeps only when each is due; what is
// to be done is in the lane's state, and what became of it goes to the log through the lane.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/base/scheduler.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/outbound.hpp"
#include "core/runtime/reaction_metrics.hpp"
#include "core/runtime/reaction_records.hpp"
#include "core/runtime/volatile.hpp"

namespace tidemark::runtime {

/// What became of an attempt, for the log.
struct ReactionSettlement {
  Uuid reaction;
  std::int64_t attempts = 0;  ///< with this one: the ids of its records come from it
  std::optional<Time> again;  ///< tried again then; else it has ended with `result`
  ReactionResult result;      ///< its intent is filled in by the lane
};

/// Scheduler's thread.
class ReactionRunner {
 public:
  struct Hooks {
    /// The pending reaction, from the lane's state.
    std::function<std::optional<PendingReaction>(std::size_t domain, const Uuid& reaction)> find;
    std::function<bool()> may_act;  ///< the lane is served here and its lease holds
    /// Issues a command, at most once for its id however long ago it was intended. Failed with not_found: it was decided, and
    /// retention has cut the outcome.
    std::function<void(CommandRequest request, Time intended, Fn<void(Outcome)> done)> execute;
    /// Records; true when it is durable.
    std::function<void(std::size_t domain, ReactionSettlement settlement, Fn<void(bool)> done)> settle;
  };
  /// `calls` may be null: then calls end as dead letters. `breakers` is shared by the lanes of a node.
  ReactionRunner(Scheduler& scheduler, OutboundCalls* calls, VolatileMemory& breakers, const ReactionMetrics& metrics, Hooks hooks);
  ~ReactionRunner();

  /// A reaction is pending, due then (new, or after an attempt).
  void add(std::size_t domain, const Uuid& reaction, Time due);
  /// It has ended.
  void remove(std::size_t domain, const Uuid& reaction);
  void start();
  void stop();
  /// Stops, and forgets what was added: what is under way is of no interest any more.
  void forget();
  std::size_t pending() const { return entries_.size(); }

 private:
  using Id = std::pair<std::size_t, Uuid>;  ///< domain, reaction
  struct Entry {
    Time due{};
    bool under_way = false;
    int failures = 0;  ///< of issuing its command, since this node took the lane
  };
  void arm();
  void run_due();
  void begin(const Id& id);
  void begin_command(const Id& id, const PendingReaction& pending, ReactionIntended intended);
  void begin_call(const Id& id, const PendingReaction& pending, ReactionIntended intended);
  void command_ended(const Id& id, std::int64_t attempts, Outcome outcome);
  void call_ended(const Id& id, std::int64_t attempts, std::int64_t attempts_max, const std::string& destination, Result<OutboundAnswer> answer);
  void give_up(const Id& id, std::int64_t attempts, std::string why, int status = 0);
  void settle(const Id& id, ReactionSettlement settlement);
  void rest_until(const Id& id, Time when);

  Scheduler& scheduler_;
  OutboundCalls* calls_;
  VolatileMemory::Scoped breakers_;
  const ReactionMetrics& metrics_;
  Hooks hooks_;
  bool running_ = false;
  std::map<Id, Entry> entries_;
  std::set<std::pair<Time, Id>> waiting_;  ///< the entries not under way, by when they are next looked at
  std::size_t under_way_ = 0;
  TimerId timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Full jitter: between 0 and min(most, least * 2^(failed - 1)).
Duration backoff(Scheduler& scheduler, std::int64_t failed, Duration least, Duration most);
/// "https://host:port" of a URL, what a breaker is for.
std::string destination_of(std::string_view url);

}  // namespace tidemark::runtime
