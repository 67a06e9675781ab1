#pragma once
// The commands topics of a LogHistory. Positions have holes, as transactions leave them in Kafka.

#include <set>

#include "core/base/scheduler.hpp"
#include "core/log/event_log.hpp"

namespace tidemark::testing {

struct LogHistory;

class MemoryInbox final : public log::CommandInbox {
 public:
  MemoryInbox(std::shared_ptr<LogHistory> history, Scheduler& scheduler) : history_(std::move(history)), scheduler_(scheduler) {}
  std::unique_ptr<log::InboxReader> read(log::TopicId topic, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) override;
  void send(log::TopicId topic, LaneId lane, log::OwnedRecord record, Fn<void(Result<void>)> done) override;

  /// What becomes of the next record that is sent.
  enum class Fault { none, refuse_unwritten, unknown_written, unknown_lost };
  void fail_next(Fault fault) { fault_ = fault; }

  /// Tells the readers.
  void grew();

 private:
  class Reader;
  std::shared_ptr<LogHistory> history_;
  Scheduler& scheduler_;
  std::set<Reader*> readers_;
  Fault fault_ = Fault::none;
};

/// Somebody produces a record, which is committed at once. Tells the readers of all logs.
void produce(LogHistory& history, log::TopicId topic, LaneId lane, log::OwnedRecord record);

}  // namespace tidemark::testing
