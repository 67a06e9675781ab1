#pragma once
// Node: the running platform as endpoints and the CLI see it.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/disk.hpp"
#include "core/base/error.hpp"
#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/event/field_cipher.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/position.hpp"
#include "core/store/store.hpp"

namespace tidemark::runtime {

/// What a command expects of one stream of its boundary, checked together with the decision: between the check and the
/// events nothing else is decided. A version is the sequence of the stream's last event.
struct ExpectedVersion {
  std::string subject;
  bool exists = true;                   ///< false: the stream must have no event yet
  std::optional<std::uint64_t> version; ///< when it must exist: exactly this one; nullopt: any
};

/// Of a command's data. Leaves room in the decision record for the reply and the manifest.
inline constexpr std::size_t kCommandBytesMax = log::kRecordBytesMax - (512u << 10);

/// A command as an endpoint hands it over.
struct CommandRequest {
  std::string domain;
  std::string name;             ///< short name, e.g. "SubmitBuild"
  std::string data;             ///< JSON
  std::string actor;
  std::string tenant;
  std::string command_id;       ///< UUID text; empty: drawn by the node
  bool keyed = false;           ///< the client named it (Idempotency-Key or CloudEvents id): indexed for the window
  std::string correlation_id;
  std::string causation_id;
  std::string traceparent;
  std::optional<ExpectedVersion> expected{};  ///< of a repeat nothing is expected: it gets its first answer
};

struct RecordedEvent {
  std::string id, type, subject;
  std::optional<std::uint64_t> sequence;  ///< version of the subject's stream; none on ephemeral topics
};

struct Outcome {
  enum class Kind {
    accepted, nothing, refused,
    bad_input,     ///< `bad_input` lists the fields; nothing was recorded
    unknown,       ///< no such domain or command
    key_reused,    ///< this command id was used with another body (422)
    version_conflict,  ///< `expected` did not hold: `version` is the present one. Not decided, nothing was recorded
    failed,        ///< `error`: unavailable (retry), outcome_unknown (ask again with the same id), ...
  } kind = Kind::failed;
  std::string command_id;
  std::string reply = "{}";            ///< JSON
  std::vector<RecordedEvent> events;
  Position position;                   ///< of the events; empty when none
  std::string reason, detail;          ///< refused
  int status = 409;                    ///< refused
  std::optional<std::uint64_t> version;  ///< version_conflict; nullopt: the stream has no event
  bool replayed = false;               ///< the answer of an earlier decision on the same id
  BadInput bad_input;
  Error error;
};

/// Deterministic command id of a client's Idempotency-Key.
std::string command_id_of_key(std::string_view tenant, std::string_view actor, std::string_view route, std::string_view key);
/// Deterministic command id of a CloudEvent.
std::string command_id_of_cloudevent(std::string_view source, std::string_view id);

/// What an owner call sees: durable state of one boundary, and the owner's memory.
struct OwnerView {
  const RowReader& state;
  Volatile& memory;
  Time now;
  Time lane_taken;
  std::string_view settings;  ///< JSON as recorded for the lane
};

/// A partition of a projection that stopped at a poison event.
struct ProjectionFault {
  std::string topic;
  LaneId lane;
  Tmseq at;
  std::string event_id;
  Error error;
};

/// An event that an operator has left out of a projection.
struct SkippedEvent {
  std::string topic;
  LaneId lane;
  Tmseq at;
  std::string event_id, reason, actor;
};

/// How far a projection is.
struct ProjectionStatus {
  std::string name;
  int version = 1;
  std::uint64_t applied = 0;       ///< events of its topics that it has passed, since the start of the log
  std::uint64_t behind = 0;        ///< events between it and the durable end
  std::uint64_t cut = 0;           ///< of `applied`, those that retention had deleted before this process could read them
  struct Unread {
    log::TopicId topic_id;
    std::string topic;
    LaneId lane;
    Tmseq next;
  };
  std::vector<Unread> unread;      ///< the first event not applied, of every partition that is behind
  std::vector<ProjectionFault> faults;
  std::vector<SkippedEvent> skipped;
  struct Rebuild {
    std::uint64_t applied = 0, behind = 0;
  };
  std::optional<Rebuild> rebuild;  ///< under way beside the live rows
  std::optional<Error> rebuild_failure;  ///< of the last rebuild, when it was given up: the live rows stayed
};

/// The operator's wish to leave out the event at which a projection stopped.
struct SkipRequest {
  std::string projection;
  std::string topic;
  LaneId lane;
  std::string event_id;  ///< of the fault, as the operator saw it
  std::string reason;    ///< 1 to 1,000 bytes
  std::string actor;
};

/// What a node has to do with a lane.
struct LaneStanding {
  LaneId lane;
  enum class Role { following, taking, serving } role = Role::following;
  std::uint64_t epoch = 0;  ///< fencing epoch while owned, else 0
  std::size_t queued = 0;   ///< commands waiting
  std::optional<std::uint64_t> behind{};  ///< records of the lane that its states here have not folded; nullopt: they cannot be read
};

struct NodeOptions {
  Duration idempotency_window = std::chrono::hours(24);
  std::size_t lane_queue_max = 4096;      ///< commands waiting per lane; above it: unavailable
  std::size_t batch_commands_max = 1024;
  std::uint64_t store_flush_bytes = 32u << 20;
  std::uint64_t store_flush_records = 200'000;  ///< distance from the log that makes a store flush
  std::size_t owner_waiters_max = 20'000;   ///< wait_owner() calls waiting per lane; above it: unavailable
  Duration forward_patience = std::chrono::seconds(10);  ///< in which the owner of another node's lane decides a command sent to it, or not at all
  std::size_t forwards_max = 16'384;        ///< commands under way to other nodes; above it: unavailable
  std::size_t bulk_bytes = 64u << 20;     ///< memory of one fold from nothing, of a state or a projection
  std::string node_id = "node";
  std::string build = "dev";
  metrics::Registry* metrics = nullptr;  ///< outlives the node; null: nothing is counted
  /// Told on the scheduler when a projection stops at an event.
  std::function<void(std::string_view projection, const ProjectionFault& fault)> on_projection_fault{};
  /// Told on the scheduler when a lane that this node should serve could not be taken, for the how manieth time in a row. It is
  /// tried again, within 2 s.
  std::function<void(LaneId lane, const Error& why, unsigned times)> on_lane_not_taken{};
};

/// One node over one log.
///   threads   everything on the scheduler's thread, except rows of a projection, which may be asked for and read from any
class Node {
 public:
  virtual ~Node() = default;

  /// Recovers state, builds projections that have no rows of their version, takes the lanes, starts timers (with a group: joins
  /// it, and takes lanes as it proposes them). Completes when commands are answered; the scheduler goes on with other work meanwhile.
  virtual Task<Result<void>> start() = 0;
  /// Makes a start() under way complete soon, with `cancelled`.
  virtual void abandon_start() = 0;
  /// Refuses new commands, finishes those under way, flushes the stores.
  virtual Task<Result<void>> stop() = 0;
  virtual bool ready() const = 0;
  /// Set when the node cannot go on (log failed, store failed, unknown event in a lane): the process should end.
  virtual std::optional<Error> failure() const = 0;
  virtual void on_failure(Fn<void(Error)> call) = 0;

  /// Decides and records, or has the owner of the lane do it. Answers when durable.
  virtual Task<Outcome> execute(CommandRequest request) = 0;

  /// Reads durable lane state, under the lane's lease. `read` runs once, synchronously. unavailable when this node does
  /// not own the lane now, with the reason.
  virtual Result<void> owner_call(std::string_view domain, std::string_view boundary, FnRef<void(const OwnerView&)> read) = 0;
  /// Waits until `wanted` says that the boundary's state or memory is as wanted: asked now, and whenever either has changed, each
  /// time as in an owner call, without polling. timed_out at the deadline; unavailable when this node does not own the lane,
  /// stops, or too many wait. A wait cannot be cancelled: keep deadlines short (a long poll's).
  virtual Task<Result<void>> wait_owner(std::string domain, std::string boundary, SteadyTime deadline, std::function<bool(const OwnerView&)> wanted) = 0;

  /// Rows of a projection, by name; must be registered. Live rows, until a rebuilt model takes over: then the handle still
  /// reads the old ones, so take one per request and do not keep it.
  virtual std::shared_ptr<const RowReader> projection_rows(std::string_view name) const = 0;
  /// The same, unchanging while it is held: where several reads must agree.
  virtual std::shared_ptr<const RowReader> projection_snapshot(std::string_view name) const = 0;
  /// Waits until the projection has applied `position` (as far as it reads those topics), or the deadline passes (timed_out),
  /// or the position is of another epoch (invalid_argument), or it is faulted (unavailable).
  virtual Task<Result<void>> wait_applied(std::string projection, Position position, SteadyTime deadline) = 0;
  /// The same for every projection of a domain that reads a topic in `position`: what a strong surface awaits before it answers.
  virtual Task<Result<void>> wait_domain_applied(std::string domain, Position position, SteadyTime deadline) = 0;
  /// End of every event topic of the domain: a query that waits for this sees everything acknowledged before.
  virtual Position domain_end(std::string_view domain) const = 0;

  /// What this node has to do with each lane, in order.
  virtual std::vector<LaneStanding> lane_standings() const = 0;

  /// Progress and faults of every projection, now.
  virtual std::vector<ProjectionStatus> projection_statuses() const = 0;

  // What an operator may do to a projection. All: invalid_argument when there is none of that name.

  /// Tries the events again at which it stopped; the status says whether it stopped anew.
  virtual Task<Result<ProjectionStatus>> retry_projection(std::string name) = 0;
  /// Leaves out the event at which a partition stopped. Recorded in the log (tidemark.platform.ProjectionEventSkipped.v1) before
  /// it takes effect, and part of this version of the model: every rebuild of it leaves the event out too.
  ///   errors   version_conflict (it is not stopped at this event), invalid_argument (the reason), those of execute()
  virtual Task<Result<ProjectionStatus>> skip_projection_event(SkipRequest request) = 0;
  /// Begins to build the rows anew from the log beside the live ones, which answer until the new ones are not behind them in
  /// any lane. The status shows the progress. Does not survive a restart unless the new rows were complete.
  ///   errors   version_conflict (one is under way), unavailable (the node is not ready)
  virtual Result<void> rebuild_projection(std::string_view name) = 0;

  virtual const std::vector<Domain>& domains() const = 0;
  virtual log::EventLog& log() = 0;
  virtual Scheduler& scheduler() = 0;
};

class LaneGroup;
class NodeProof;
class OutboundCalls;

/// Where the owner's memory is kept over a restart (volatile.hpp).
struct VolatileFile {
  std::string path;
  Disk& disk;
  Executor& files;
  std::function<void(const Error&)> not_restored = nullptr;  ///< a file is there and could not be used
};

struct NodeParts {
  Scheduler& scheduler;
  log::EventLog& log;
  store::StoreFactory& stores;
  /// Where work that blocks runs, asked once for each name: a projection's, "state/<domain>" (its fold at start and its
  /// flushes) and "rebuild" (projections beside their live rows). Production: threads, tests: the scheduler itself.
  std::function<Executor&(std::string_view name)> projection_executor;
  OutboundCalls* calls = nullptr;                   ///< what reactors' calls are made with; null: none are made
  std::optional<VolatileFile> volatile_file = {};   ///< nullopt: the memory is lost at a restart
  /// Nodes that share the log; outlives the node. Null: this node owns every lane, and ends when it loses one. Else it is ready
  /// once its states are warm and it serves what the group proposed first, or ten seconds later, and follows what it does not own.
  LaneGroup* group = nullptr;
  /// With a group on a log with an inbox: commands of lanes that are not served here are sent to their owners, and what others have
  /// sent is believed, by this. Outlives the node. Null: such commands are refused.
  const NodeProof* proof = nullptr;
  /// Encrypts Personal<> fields. A node whose domains hold some does not start without.
  event::FieldCipher* personal = nullptr;
};
std::unique_ptr<Node> make_node(NodeParts parts, std::vector<Domain> domains, NodeOptions options);

}  // namespace tidemark::runtime
