#pragma once
// Reactors (process managers): pure functions from what a lane records to intents: commands to any boundary of any domain,
// and outbound HTTP calls.
//
// A reactor is asked while its cause is decided, and the intents are appended with the cause: there is no event without its
// intents and no intent without its event, and an event is reacted to exactly once, by the reactors of the build that decided
// it. What was recorded before a reactor was registered, imported or replayed is not reacted to.
//
// The lane's owner then carries intents out, under its lease, and records what became of them (docs/formats/reactions.md).

#include <boost/describe/class.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/decision.hpp"
#include "core/event/fields.hpp"

namespace tidemark::runtime {

/// A command to be issued by actor "system:reactor". It takes effect once: its id is the reaction's.
struct CommandIntent {
  std::string domain;
  std::string name;  ///< short name
  event::Json data;
};
BOOST_DESCRIBE_STRUCT(CommandIntent, (), (domain, name, data))

/// An HTTP call. It is made at least once, with the reaction's id as Idempotency-Key.
struct CallIntent {
  std::string method = "POST";
  std::string url;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;
  std::string signing;                 ///< name of the signing secret of this receiver; empty: not signed
  std::int64_t deadline_ms = 10'000;   ///< of one attempt, from the look-up of the name to the end of the answer
  std::int64_t attempts_max = 12;
};
BOOST_DESCRIBE_STRUCT(CallIntent, (), (method, url, content_type, body, headers, signing, deadline_ms, attempts_max))

/// Something to be done because of an event. Either a command or a call.
struct Intent {
  std::optional<CommandIntent> command;
  std::optional<CallIntent> call;
  std::int64_t delay_ms = 0;      ///< not before so long after the cause was recorded; at most half of Domain::reactions_retention
  std::string note;               ///< the reactor's own; comes back in ReactionResult
  std::optional<std::string> id;  ///< UUID text; absent: derived from the cause, the reactor and the place among its intents
};
BOOST_DESCRIBE_STRUCT(Intent, (), (command, call, delay_ms, note, id))

/// What became of an intent.
struct ReactionResult {
  enum class Kind {
    done,     ///< command accepted or nothing to do; call answered 2xx
    refused,  ///< the command's domain said no
    dead,     ///< given up: in <domain>.dead-letters with the reason
  } kind = Kind::done;
  Intent intent;
  std::string reply = "{}";  ///< of the command (JSON), or body of the call's answer
  std::string reason;        ///< of a refusal: its stable code
  std::string detail;        ///< refused or dead: one sentence
  int status = 0;            ///< HTTP status of the call's last answer, or of the refusal; 0: none
};

/// Type-erased; typed_reactor.hpp makes one. Pure; scheduler's thread.
class Reactor {
 public:
  virtual ~Reactor() = default;
  virtual const std::string& name() const = 0;                 ///< "builds.notify-webhooks", unique in its domain
  virtual bool takes(std::string_view event_type) const = 0;   ///< full type
  /// `state` is the boundary's, as it is after the decision. An exception (but RowsUnavailable) is a poison reaction: it goes
  /// to the dead letters and the decision stands.
  virtual std::vector<Intent> react(std::string_view event_type, std::string_view data, const RowReader& state, const EventContext& context) const = 0;
  /// What follows from an intent's end; recorded with it.
  virtual std::vector<Intent> ended(const ReactionResult&) const { return {}; }
};

}  // namespace tidemark::runtime
