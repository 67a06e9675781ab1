#pragma once
// A domain as the runtime knows it: names, topics, and type-erased deciders and projections. Built from the domain's own
// types by typed_domain.hpp and introduced by ops/cli; the runtime never names one.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/decision.hpp"
#include "core/base/error.hpp"
#include "core/base/rows.hpp"
#include "core/event/envelope.hpp"
#include "core/event/field_error.hpp"
#include "core/event/personal.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/contract.hpp"

namespace tidemark::runtime {

/// An event about to be recorded.
struct NewEvent {
  std::string topic;         ///< full name, "builds.ledger"
  std::string type;          ///< full type
  std::string subject;
  std::string partitionkey;  ///< record key
  std::string data;          ///< JSON
  std::optional<std::string> personal_subject{};  ///< whose the Personal<> fields are; nullopt when its type has none
  std::optional<std::string> id{};  ///< UUID text, of an event whose type says its id; else it is derived from the command's
};

struct Verdict {
  enum class Kind { accepted, nothing, refused } kind = Kind::nothing;
  std::vector<NewEvent> events;    ///< accepted only
  std::string reply = "{}";        ///< JSON; accepted and nothing
  std::optional<Time> again_at;    ///< nothing only
  std::string reason, detail;      ///< refused only
  int status = 409;                ///< refused only
  std::optional<std::string> reply_subject;  ///< whose the Personal<> fields of the reply are
};

/// A decoded command, ready to decide.
class DecodedCommand {
 public:
  virtual ~DecodedCommand() = default;
  virtual std::string_view boundary() const = 0;
  /// The command's data re-encoded in its current version: what the decisions record keeps and the fingerprint covers.
  virtual const std::string& canonical_data() const = 0;
  virtual const std::string& type() const = 0;  ///< full type, current version
  /// Whose the Personal<> fields are; nullopt when its type has none.
  virtual std::optional<std::string> personal_subject() const { return std::nullopt; }
};

using event::FieldError;
struct BadInput {
  std::vector<FieldError> errors;
};

/// The type-erased decider of a domain. Pure; one thread at a time.
class Decider {
 public:
  virtual ~Decider() = default;
  /// Decodes strictly. `name` is the short name ("SubmitBuild") with an optional ".v<n>"; errors lists every bad field.
  /// nullptr with empty errors: no such command.
  virtual std::unique_ptr<DecodedCommand> decode(std::string_view name, std::string_view json, BadInput& errors) const = 0;
  /// Decides against `state` (scoped to the boundary) and, when accepted, folds the events into it with their contexts;
  /// `event_id(i)` gives the id of the i-th.
  virtual Verdict decide(const DecodedCommand& command, const Context& context, std::string_view settings, State& state,
                         const std::function<std::string(std::size_t)>& event_id) const = 0;
  /// Folds a recorded event. False: unknown type or version (the lane stops, unless the type is ignorable); corrupt when it
  /// is known and does not decode.
  virtual Result<bool> evolve(const event::Event& event, State& state) const = 0;
  virtual bool is_ignorable(std::string_view type) const = 0;
  /// The second entity that a recorded event concerns, as its type declares; "" when there is none. Any thread.
  virtual std::string second_subject(const event::Event&) const { return {}; }
  /// Whether any message of the domain holds a Personal<>.
  virtual bool has_personal() const { return false; }
  /// Appends the Personal<> wrappers in `data`, written as that full type of a command or event. Any thread.
  virtual void find_personal(std::string_view, event::JsonNode, std::vector<event::PersonalNode>&) const {}
};

struct ProjectionSpec {
  std::string name;                 ///< "builds.by_id"
  int version = 1;                  ///< another version is another directory, rebuilt from the log
  std::vector<std::string> topics;  ///< one, or several when mergeable
  bool mergeable = false;           ///< any interleaving of its topics gives the same rows
};

/// The partition that a recorded event was read from.
struct EventSource {
  std::string_view topic;  ///< full name
  LaneId lane;
};

class Projection {
 public:
  virtual ~Projection() = default;
  virtual const ProjectionSpec& spec() const = 0;
  /// Folds a recorded event into the rows. Unknown types are ignored. An Error is a poison event: the partition stops. It
  /// comes before the first write, so that the event may be tried again. So is an exception (but RowsUnavailable), whenever
  /// it comes.
  virtual Result<void> apply(const event::Event& event, RowWriter& rows) const = 0;
  /// The same for a projection that keeps where the event lies. What the runtime calls.
  virtual Result<void> apply_from(const EventSource&, const event::Event& event, RowWriter& rows) const { return apply(event, rows); }
};

/// Owner memory of a lane: values outside the log's promises (signs of life between marks, rate counters). A crash loses the
/// last second of it, a node without a checkpoint file or a lane that moves all of it, and a bound the oldest.
class Volatile {
 public:
  virtual ~Volatile() = default;
  virtual std::optional<std::int64_t> get(std::string_view key) const = 0;
  virtual void set(std::string_view key, std::int64_t value) = 0;
  virtual void erase(std::string_view key) = 0;
};

class Reactor;  // reactor.hpp

struct Domain {
  std::string name;                        ///< [a-z0-9-]+
  std::vector<log::TopicSpec> topics;      ///< event topics; <name>.commands, .decisions and .dead-letters are added by the runtime
  int state_version = 1;                   ///< of the decider's tables; another version is rebuilt from the log
  std::shared_ptr<const Decider> decider;
  Contract (*contract)() = nullptr;        ///< contract_of<D>; only documents and checks ask
  std::vector<std::shared_ptr<const Projection>> projections;
  std::vector<std::shared_ptr<const Reactor>> reactors;  ///< with any, <name>.reactions and <name>.dead-letters are the lane's too (the latter also where the log has an inbox)
  std::string settings = "{}";             ///< JSON of the domain's settings; recorded with LaneTaken, decisions use what is recorded
  Duration decisions_retention = std::chrono::hours(24 * 7);
  Duration reactions_retention = std::chrono::hours(24 * 30);
  /// Lets the owner complete a timer's command with values of its memory just before it is decided (nullable).
  std::function<std::string(const Timer& timer, std::string_view boundary, const Volatile& memory)> complete_timer;
};

}  // namespace tidemark::runtime
