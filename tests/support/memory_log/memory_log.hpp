#pragma once
// An EventLog in memory whose faults a test chooses: for the runtime's tests, not for durability.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/scheduler.hpp"
#include "core/log/event_log.hpp"
#include "core/log/log_copy.hpp"
#include "tests/support/memory_log/memory_inbox.hpp"

namespace tidemark::testing {

class MemoryLog;

/// What outlives a log object: a second MemoryLog over the same history is another process over the same log.
struct LogHistory {
  struct Topic {
    log::TopicSpec spec;
    std::map<std::uint32_t, std::vector<log::StoredBatch>> lanes;
    std::map<std::uint32_t, Tmseq> begins;  ///< where retention has cut
    std::map<std::uint32_t, std::vector<log::InboxRecord>> commands{};  ///< of an inbox, by lane
    std::map<std::uint32_t, std::uint64_t> commands_begin{};
  };
  Uuid epoch = derive_uuid("memory log", "epoch");
  std::uint32_t lanes = 3;
  std::vector<Topic> topics;
  std::map<std::uint32_t, std::uint64_t> owner_epochs;
  std::size_t appends = 0;
  std::optional<log::CopyMark> copy;  ///< set by a test that makes this the target of a copy
  /// Those that are open. A copy of a history, from which a test restores it, names the same.
  std::shared_ptr<std::vector<MemoryLog*>> logs = std::make_shared<std::vector<MemoryLog*>>();
};

class MemoryLog final : public log::EventLog, public log::CopyTarget {
 public:
  /// What the next append does instead of succeeding.
  enum class Fault { none, refuse_unwritten, unknown_written, unknown_lost };

  MemoryLog(std::shared_ptr<LogHistory> history, Scheduler& scheduler) : history_(std::move(history)), scheduler_(scheduler) { history_->logs->push_back(this); }
  ~MemoryLog() override { std::erase(*history_->logs, this); }

  void fail_next(Fault fault) { fault_ = fault; }
  /// The log dies between appends, as a journal whose next segment cannot be written: watchers are told.
  void die() {
    failure_ = make_error(Code::internal, "the test ended this log");
    for (auto& [id, wake] : watchers_) wake();
  }
  /// Before a node opens it: others may write commands to it.
  void open_inbox() { inbox_ = std::make_unique<MemoryInbox>(history_, scheduler_); }
  void fail_next_command(MemoryInbox::Fault fault) { inbox_->fail_next(fault); }
  void inbox_grew() { if (inbox_) inbox_->grew(); }
  /// Lanes cannot be taken: the log does not answer.
  void refuse_takes(bool refuse) { refuse_takes_ = refuse; }
  void set_lease(std::optional<Duration> lease) { lease_ = lease; }
  void set_append_delay(Duration delay) { delay_ = delay; }
  /// Retention cuts everything before `begin`.
  void cut(const std::string& topic, LaneId lane, Tmseq begin);
  /// Called at the begin of every read: for what happens between a reader's look at begin() and its read. Null: nothing does.
  void on_read(std::function<void(log::TopicId)> happens) { on_read_ = std::move(happens); }
  std::size_t appends() const { return history_->appends; }

  const Uuid& epoch() const override { return history_->epoch; }
  std::uint32_t lanes() const override { return history_->lanes; }
  std::vector<log::TopicSpec> topics() const override;
  Result<log::TopicId> open_topic(const log::TopicSpec& spec) override;
  void take(LaneId lane, Fn<void(Result<log::Ownership>)> done) override;
  void release(log::Ownership) override {}
  std::optional<Duration> lease() const override { return lease_; }
  void append(log::Ownership ownership, log::LaneBatch batch, Fn<void(Result<void>)> done) override;
  Tmseq begin(log::TopicId topic, LaneId lane) const override;
  Tmseq end(log::TopicId topic, LaneId lane) const override;
  Result<std::vector<log::StoredBatch>> read(log::TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const override;
  std::uint64_t watch(Fn<void()> wake) override;
  void stop_watching(std::uint64_t id) override { watchers_.erase(id); }
  log::CommandInbox* inbox() override { return inbox_.get(); }
  std::optional<Error> failure() const override { return failure_; }
  std::optional<log::CopyMark> copy_mark() const override { return history_->copy; }
  Result<void> set_complete(bool complete) override;
  Result<void> begin_at(const std::vector<log::Beginning>& beginnings) override;

 private:
  void write(log::LaneBatch& batch, LaneId lane);
  /// Tells the watchers of every open log.
  static void tell_all(const LogHistory& history);
  std::shared_ptr<LogHistory> history_;
  Scheduler& scheduler_;
  Fault fault_ = Fault::none;
  bool refuse_takes_ = false;
  std::function<void(log::TopicId)> on_read_;
  std::optional<Error> failure_;
  std::optional<Duration> lease_;
  Duration delay_{0};
  std::map<std::uint64_t, Fn<void()>> watchers_;
  std::uint64_t next_watcher_ = 1;
  std::unique_ptr<MemoryInbox> inbox_;
};

}  // namespace tidemark::testing
