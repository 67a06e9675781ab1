#pragma once
// LaneInbox: the commands that other writers have put into one lane's partition of the commands topics, while this node serves the
// lane. It reads; what becomes of a record is for the lane (lane_inputs.cpp).

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/runtime/dead_command.hpp"
#include "core/runtime/domain_runtime.hpp"
#include "core/runtime/forwarded_command.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::runtime {

/// What a record turns out to be.
struct InboxCommand {
  CommandRequest request;
  std::unique_ptr<DecodedCommand> command;
  std::optional<Time> not_after;
  std::string forwarded{};  ///< id of the record, when another node has forwarded the command
};
struct InboxMove {
  LaneId lane;  ///< whose it is
};
using InboxContent = std::variant<InboxCommand, InboxMove, Rejection>;
/// The partition that is read.
struct InboxPlace {
  const DomainRuntime& domain;
  LaneId lane;
  const log::EventLog& log;
  const NodeProof* proof = nullptr;  ///< null: nodes forward nothing here
};
/// A CloudEvent in binary or structured mode, as POST /commands takes it, whose sender is the operator; or, proved by a node, a
/// command of whoever that node knew it from.
InboxContent read_inbox_record(const InboxPlace& place, const log::OwnedRecord& record);

/// Scheduler's thread.
class LaneInbox {
 public:
  struct Hooks {
    std::function<void()> arrived;    ///< next() may have something now; never within a call of this object
    std::function<void()> start_due;  ///< after start_again(): calls start()
  };
  LaneInbox(LaneId lane, Scheduler& scheduler, log::EventLog& log, const std::vector<DomainRuntime>& domains, Hooks hooks);
  ~LaneInbox();

  /// Reads on where the states of the domains say. Throws RowsUnavailable.
  void start();
  /// Forgets what was read and not recorded.
  void stop();
  /// stop(), and a little later start_due: what was handed out has not been recorded.
  void start_again();

  bool pending() const;
  struct Next {
    std::optional<log::InboxGap> gap;  ///< then there is no record
    log::InboxRecord record;
  };
  std::optional<Next> next(std::size_t domain);

 private:
  struct Source {
    std::unique_ptr<log::InboxReader> reader;  ///< null: not read
    std::deque<log::InboxRecord> records;
    std::optional<log::InboxGap> gap;
    bool more = false;
  };
  void woken(std::size_t domain);

  const LaneId lane_;
  Scheduler& scheduler_;
  log::EventLog& log_;
  const std::vector<DomainRuntime>& domains_;
  const Hooks hooks_;
  std::vector<Source> sources_;
  TimerId again_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::runtime
