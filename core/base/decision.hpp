#pragma once
// What a decider is given and what it may answer. Deciders are pure: no clock, no I/O, no randomness, no floating point.
//
// A domain D of deciders has (all in schemas/<domain> and commands/<domain>; core/runtime/typed_domain.hpp adapts it):
//   using Command  = std::variant<...described structs...>;
//   using Event    = std::variant<...described structs...>;
//   using Reply    = std::variant<std::monostate, ...described structs...>;   // monostate is written {}
//   using Settings = a described struct (defaults are the domain's defaults);
//   static Decision<Event, Reply> decide(const RowReader& state, const Command&, const Context&, const Settings&);
//   static void evolve(State& state, const Event&, const EventContext&);

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/ids.hpp"
#include "core/base/rows.hpp"
#include "core/base/time.hpp"

namespace tidemark {

/// Facts about the command being decided. Valid for the call.
struct Context {
  Time now;                         ///< recorded time of this command: never less than that of any earlier one in the lane
  Time lane_taken;                  ///< recorded time of the lane's last LaneTaken: nobody was served between the owner before and this
  std::string_view command_id;      ///< UUID text
  std::string_view actor;           ///< who issued it, e.g. "operator", "worker:w1", "system:timer"
  std::string_view boundary;        ///< the boundary key the state is scoped to

  /// A deterministic id derived from the command id; the same purpose and index give the same id.
  Uuid derive(std::string_view purpose, std::uint64_t index = 0) const { return derive_uuid(command_id, purpose, index); }
};

/// The command is accepted: `events` happen, in this order, all or none. At least one event.
template <class Event, class Reply>
struct Accepted {
  std::vector<Event> events;
  Reply reply{};
};

/// The command asks for nothing new (an idle poll, a repeat of the present state): no event, no record, the reply comes
/// from durable state. For a timer's command, `again_at` asks to be called again then; without it the timer rests until
/// the lane is taken anew.
template <class Reply>
struct Nothing {
  Reply reply{};
  std::optional<Time> again_at;
};

/// The domain says no; recorded in the decisions with its reason. `status` is the HTTP status (4xx) of the schema.
struct Refused {
  std::string reason;  ///< stable code, e.g. "BUILD_NOT_FOUND"
  std::string detail;  ///< one sentence for a person
  int status = 409;
};

template <class Event, class Reply>
using Decision = std::variant<Accepted<Event, Reply>, Nothing<Reply>, Refused>;

/// Facts about the event being folded.
struct EventContext {
  Time time;                    ///< recorded time of its decision
  std::string_view event_id;    ///< UUID text
  std::string_view command_id;  ///< UUID text
  std::string_view boundary;
};

/// A durable timer of a boundary: at `due` the runtime issues `command` (its type's short name) with `data` (JSON) to
/// this boundary, actor "system:timer", with an id derived from the timer and `due`. The decider checks that it is still wanted.
struct Timer {
  Time due;
  std::string command;
  std::string data;
};

/// State of one boundary, for evolve: rows, and the timers armed for it.
class State : public RowWriter {
 public:
  /// Arms `name` or moves it. At most one timer per name and boundary.
  virtual void set_timer(std::string_view name, const Timer& timer) = 0;
  virtual void clear_timer(std::string_view name) = 0;
};

}  // namespace tidemark
