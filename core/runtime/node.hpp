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
#include "core/base/scheduler.hpp"
#include "core/base/task.hpp"
#include "core/log/event_log.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/position.hpp"
#include "core/store/store.hpp"

namespace tidemark::runtime {

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
};

struct RecordedEvent {
  std::string id, type, subject;
  std::uint64_t sequence = 0;
};

struct Outcome {
  enum class Kind {
    accepted, nothing, refused,
    bad_input,     ///< `bad_input` lists the fields; nothing was recorded
    unknown,       ///< no such domain or command
    key_reused,    ///< this command id was used with another body (422)
    failed,        ///< `error`: unavailable (retry), outcome_unknown (ask again with the same id), ...
  } kind = Kind::failed;
  std::string command_id;
  std::string reply = "{}";            ///< JSON
  std::vector<RecordedEvent> events;
  Position position;                   ///< of the events; empty when none
  std::string reason, detail;          ///< refused
  int status = 409;                    ///< refused
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

/// How far a projection is.
struct ProjectionStatus {
  std::string name;
  int version = 1;
  std::uint64_t applied = 0;       ///< events of its topics that it has passed, since the start of the log
  std::uint64_t behind = 0;        ///< events between it and the durable end
  std::vector<ProjectionFault> faults;
};

struct NodeOptions {
  Duration idempotency_window = std::chrono::hours(24);
  std::size_t lane_queue_max = 4096;      ///< commands waiting per lane; above it: unavailable
  std::size_t batch_commands_max = 1024;
  std::uint64_t store_flush_bytes = 32u << 20;
  std::uint64_t store_flush_records = 200'000;  ///< distance from the log that makes a store flush
  std::string node_id = "node";
  std::string build = "dev";
};

/// One node over one log.
///   threads   everything on the scheduler's thread, except projection_rows() readers, which may be used from any
class Node {
 public:
  virtual ~Node() = default;

  /// Recovers state, takes the lanes, starts projections and timers. Completes when commands are answered.
  virtual Task<Result<void>> start() = 0;
  /// Refuses new commands, finishes those under way, flushes the stores.
  virtual Task<Result<void>> stop() = 0;
  virtual bool ready() const = 0;
  /// Set when the node cannot go on (log failed, store failed, unknown event in a lane): the process should end.
  virtual std::optional<Error> failure() const = 0;
  virtual void on_failure(Fn<void(Error)> call) = 0;

  /// Decides and records. Answers when durable.
  virtual Task<Outcome> execute(CommandRequest request) = 0;

  /// Reads durable lane state, under the lane's lease. `read` runs once, synchronously. unavailable when this node does
  /// not own the lane now, with the reason.
  virtual Result<void> owner_call(std::string_view domain, std::string_view boundary, FnRef<void(const OwnerView&)> read) = 0;

  /// Rows of a projection, by name; must be registered. Live rows: take a snapshot() where several reads must agree.
  virtual const store::Store& projection_rows(std::string_view name) const = 0;
  /// Waits until the projection has applied `position` (as far as it reads those topics), or the deadline passes (timed_out),
  /// or the position is of another epoch (invalid_argument), or it is faulted (unavailable).
  virtual Task<Result<void>> wait_applied(std::string projection, Position position, SteadyTime deadline) = 0;
  /// The same for every projection of a domain that reads a topic in `position`: what a strong surface awaits before it answers.
  virtual Task<Result<void>> wait_domain_applied(std::string domain, Position position, SteadyTime deadline) = 0;
  /// End of every event topic of the domain: a query that waits for this sees everything acknowledged before.
  virtual Position domain_end(std::string_view domain) const = 0;

  /// Progress and faults of every projection, now.
  virtual std::vector<ProjectionStatus> projection_statuses() const = 0;
  virtual const std::vector<Domain>& domains() const = 0;
  virtual log::EventLog& log() = 0;
  virtual Scheduler& scheduler() = 0;
};

struct NodeParts {
  Scheduler& scheduler;
  log::EventLog& log;
  store::StoreFactory& stores;
  /// One executor per projection worker; production: threads, tests: the scheduler itself.
  std::function<Executor&(std::string_view projection)> projection_executor;
};
std::unique_ptr<Node> make_node(NodeParts parts, std::vector<Domain> domains, NodeOptions options);

}  // namespace tidemark::runtime
