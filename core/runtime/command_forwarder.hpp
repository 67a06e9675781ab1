#pragma once
// CommandForwarder: has a command decided whose lane another node owns, or nobody does now. It sends the command to the lane's
// partition of <domain>.commands and answers from the decision that its owner records there, which this node hears of while it
// folds the lane's state (ADR 0018).

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/runtime/decision_record.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/heard_decision.hpp"
#include "core/runtime/node.hpp"
#include "core/runtime/node_proof.hpp"

namespace tidemark::runtime {

/// Everything on the scheduler's thread.
class CommandForwarder {
 public:
  struct Parts {
    Scheduler& home;
    log::EventLog& log;  ///< with an inbox
    std::vector<DomainRuntime>& domains;
    std::function<Executor&(std::size_t domain)> executor;  ///< where decisions are read
    std::function<bool()> in_touch;                         ///< whether this node knows itself among the others
    const NodeProof& proof;
    const NodeOptions& options;
  };
  explicit CommandForwarder(Parts parts);
  ~CommandForwarder();

  /// What the owner of the lane decides about the command, which has an id. Whoever owns it decides within
  /// NodeOptions::forward_patience, or not at all: after that the answer comes within seconds too.
  ///   failed   unavailable: not decided, and never will be by this request (at once while this node is out of touch with the others);
  ///            outcome_unknown: ask again with the same id
  Task<Outcome> forward(std::size_t domain, LaneId lane, CommandRequest request, std::unique_ptr<DecodedCommand> command);
  /// What has been decided in a lane and is in this node's state.
  void heard(std::size_t domain, LaneId lane, const std::vector<HeardDecision>& decisions);
  /// Answers all that waits, and no more after that. `done` once nothing runs on an executor.
  void stop(Fn<void()> done);

 private:
  struct Waiting;
  using Asked = std::shared_ptr<Waiting>;

  bool is_out_of_touch();
  Result<std::string> fingerprint(std::size_t domain, const DecodedCommand& command) const;
  void ask(const Asked& asked, log::OwnedRecord record);
  void send(const Asked& asked, log::OwnedRecord record);
  void read(const Asked& asked, Tmseq at);
  void judge(const Asked& asked, const DecisionRecord& decision);
  void answer(const Asked& asked, Outcome outcome);
  void fail(const Asked& asked, Error error);
  void end_stop();

  struct Metrics {
    Metrics(metrics::Registry* registry, const std::vector<DomainRuntime>& domains);
    void answered(std::size_t domain, const Outcome& outcome) const;
    metrics::Histogram seconds;
    struct OfDomain {
      metrics::Counter answered, not_applied, unknown;
    };
    std::vector<OfDomain> domains;
  };

  const Parts parts_;
  const Metrics metrics_;
  std::vector<std::unordered_map<std::string, Asked>> by_command_;  ///< of each domain by command id
  std::unordered_map<std::string, Asked> by_record_;                ///< the same, by the id of the record that was sent
  std::size_t reading_ = 0;
  std::optional<SteadyTime> out_since_;  ///< not in touch when that was looked at first
  bool stopping_ = false;
  Fn<void()> stopped_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::runtime
