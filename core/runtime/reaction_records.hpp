#pragma once
// The records of reactions in <domain>.reactions and <domain>.dead-letters, and the rows folded from them: what is still to
// be done. Format: docs/formats/reactions.md. Internal to core/runtime.

#include <boost/describe/class.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/ids.hpp"
#include "core/base/rows.hpp"
#include "core/event/envelope.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/reactor.hpp"

namespace tidemark::runtime {

inline constexpr std::string_view kReactionIntendedType = "tidemark.platform.ReactionIntended.v1";
inline constexpr std::string_view kReactionAttemptedType = "tidemark.platform.ReactionAttempted.v1";
inline constexpr std::string_view kReactionEndedType = "tidemark.platform.ReactionEnded.v1";
inline constexpr std::string_view kDeadLetterType = "tidemark.platform.DeadLetter.v1";
inline constexpr std::string_view kSettleReactionType = "tidemark.platform.SettleReaction.v1";

struct ReactionIntended {
  std::string reaction;  ///< UUID text
  std::string reactor;
  std::string cause;     ///< id of the event, or of the reaction whose end led here
  Time due{};
  Intent intent;
  std::optional<std::string> whose{};  ///< of the personal data that it may hold: of those in its cause
};
BOOST_DESCRIBE_STRUCT(ReactionIntended, (), (reaction, reactor, cause, due, intent, whose))

/// An attempt that failed and will be repeated.
struct ReactionAttempted {
  std::string reaction;
  std::int64_t attempts = 0;  ///< made so far
  Time due{};                 ///< of the next
  std::optional<int> status;
  std::string detail;
};
BOOST_DESCRIBE_STRUCT(ReactionAttempted, (), (reaction, attempts, due, status, detail))

struct ReactionEnded {
  std::string reaction;
  std::string outcome;  ///< "done", "refused" or "dead"
  std::int64_t attempts = 0;
  std::optional<int> status;
  std::string reason, detail;
};
BOOST_DESCRIBE_STRUCT(ReactionEnded, (), (reaction, outcome, attempts, status, reason, detail))

struct DeadLetter {
  std::string reaction;
  std::string reactor;
  std::string cause;
  std::string reason;            ///< one sentence
  std::int64_t attempts = 0;
  std::optional<Intent> intent;  ///< absent when the reactor itself failed, or the intent was too large to record
};
BOOST_DESCRIBE_STRUCT(DeadLetter, (), (reaction, reactor, cause, reason, attempts, intent))

std::string reactions_topic(std::string_view domain);
std::string dead_letters_topic(std::string_view domain);

/// True for the four types above that lie in those topics. Their data are sealed whole when they are somebody's.
bool is_reaction_record(std::string_view type);

/// An intent that has not ended.
struct PendingReaction {
  Time due{};
  Time intended{};  ///< recorded time of the intent
  std::int64_t attempts = 0;
  std::string boundary, correlation_id, traceparent, tenant;
  std::string record;  ///< data of its ReactionIntended
};

/// Folds a record of reactions into the rows: live and at recovery alike. Records of an intent that retention has cut fold to nothing.
Result<void> fold_reaction(RowWriter& rows, LaneId lane, const event::Envelope& envelope, std::string_view data);
std::optional<PendingReaction> find_reaction(const RowReader& rows, LaneId lane, const Uuid& reaction);
/// Every pending one of the lane.
void scan_reactions(const RowReader& rows, LaneId lane, FnRef<bool(const Uuid&, const PendingReaction&)> visit);
/// Where their row keys begin, and the reaction and lane of one (nullopt: of another area).
std::string_view reaction_area();
std::optional<std::pair<LaneId, Uuid>> parse_reaction_key(std::string_view row_key);
PendingReaction unpack_reaction(std::string_view row);

std::optional<ReactionIntended> decode_intended(std::string_view json);
std::string encode_record(const ReactionAttempted& record);
std::string encode_record(const ReactionEnded& record);
std::string encode_record(const DeadLetter& record);

/// Asks the domain's reactors about the events of a decision and appends their intents (or dead letters) to `events`.
///   context   of the decision; `event_id(i)` gives the id of the i-th event
void append_reactions(const Domain& domain, const RowReader& state, const Context& context,
                      const std::function<std::string(std::size_t)>& event_id, std::vector<NewEvent>& events);
/// Asks the reactor what follows from the end of its reaction and appends that. One that is no longer registered says nothing.
///   whose   as in the record of the reaction
void append_follow_ups(const Domain& domain, std::string_view reactor, const std::string& reaction, std::string_view boundary, Time now,
                       const ReactionResult& result, const std::optional<std::string>& whose, std::vector<NewEvent>& events);

}  // namespace tidemark::runtime
