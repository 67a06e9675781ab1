#pragma once
// A simulated Kafka cluster as the log's adapter leaves it to the runtime: transactions of a lane that are fenced, lost, late or of
// unknown outcome; commits that other nodes see later than they are answered. A BrokerLog is one process's EventLog over it.

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "core/log/event_log.hpp"
#include "tests/sim/node/faults.hpp"
#include "tests/sim/node/model.hpp"

namespace tidemark::sim {

class BrokerLog;
class BrokerInbox;

class Brokers {
 public:
  Brokers(World& world, Faults& faults, History& history, std::uint32_t lanes) : world_(world), faults_(faults), history_(history), lanes_(lanes) {}

  /// Told of every commit, before anybody can see it.
  std::function<void(std::uint32_t lane, const std::vector<AppendedTopic>&)> on_commit;

  /// Retention cuts the older half of a topic that has any, as far as every node has read.
  void cut();
  /// Somebody writes a command, which is committed at once. False: there is no such topic.
  bool produce_to(const std::string& topic, std::uint32_t lane, log::OwnedRecord record);

 private:
  friend class BrokerLog;
  friend class BrokerInbox;
  void produce(std::size_t topic, std::uint32_t lane, log::OwnedRecord record);
  struct Append {
    enum class State { under_way, settling, committed, aborted } state = State::under_way;
    std::uint32_t lane = 0;
    std::uint64_t fence = 0;
    std::vector<std::pair<std::size_t, log::StoredBatch>> parts;
    std::vector<log::MovedRecords> moves;
    std::uint64_t number = 0;  ///< of the commit
  };
  struct Partition {
    std::vector<log::StoredBatch> batches;
    std::uint64_t begin = 0, end = 0;
  };
  struct Lane {
    std::uint64_t fence = 0;
    std::vector<std::vector<std::uint64_t>> ends{{}};  ///< by commit, then by topic
    std::vector<Partition> topics;
    std::vector<std::shared_ptr<Append>> under_way;
  };
  void add_topic(const log::TopicSpec& spec);
  /// Nobody who had the lane before can write to it any more, and what was under way is settled.
  std::uint64_t fence(std::uint32_t lane);
  void commit(Append& append);
  std::uint64_t end(std::uint32_t lane, std::uint64_t commits, std::size_t topic) const;

  World& world_;
  Faults& faults_;
  History& history_;
  const std::uint32_t lanes_;
  const Uuid epoch_ = derive_uuid("simulated brokers", "epoch");
  std::vector<log::TopicSpec> specs_;
  std::vector<Lane> of_lane_{std::vector<Lane>(lanes_)};
  std::vector<BrokerLog*> logs_;
  std::map<std::pair<std::size_t, std::uint32_t>, std::vector<log::InboxRecord>> commands_;
};

class BrokerLog final : public log::EventLog {
 public:
  BrokerLog(Brokers& brokers, Queue& home, std::string name);
  ~BrokerLog() override;

  /// Every commit of every lane is visible here, and none is under way.
  bool sees_all() const;

  const Uuid& epoch() const override { return brokers_.epoch_; }
  std::uint32_t lanes() const override { return brokers_.lanes_; }
  std::vector<log::TopicSpec> topics() const override { return brokers_.specs_; }
  Result<log::TopicId> open_topic(const log::TopicSpec& spec) override;
  void take(LaneId lane, Fn<void(Result<log::Ownership>)> done) override;
  void release(log::Ownership ownership) override;
  std::optional<Duration> lease() const override { return std::chrono::seconds(1); }
  void append(log::Ownership ownership, log::LaneBatch batch, Fn<void(Result<void>)> done) override;
  Tmseq begin(log::TopicId topic, LaneId lane) const override;
  Tmseq end(log::TopicId topic, LaneId lane) const override;
  Result<std::vector<log::StoredBatch>> read(log::TopicId topic, LaneId lane, Tmseq from, std::size_t bytes_max) const override;
  std::uint64_t watch(Fn<void()> wake) override;
  void stop_watching(std::uint64_t id) override { watchers_.erase(id); }
  log::CommandInbox* inbox() override;
  std::optional<Error> failure() const override { return std::nullopt; }

 private:
  friend class Brokers;
  struct Mine {
    std::uint64_t epoch = 0;    ///< 0: not owned here
    std::uint64_t failed = 0;   ///< appends that were not written
    std::uint64_t settled = 0;  ///< of them those that the owner knows of
    std::uint64_t seen = 0;     ///< commits of the lane that are visible here
  };
  void see(std::uint32_t lane, std::uint64_t commits);
  void arrived(const std::shared_ptr<Brokers::Append>& append, Fn<void(Result<void>)> done);
  /// The answer reaches the process, if it still lives.
  void answer(std::int64_t micros, std::uint32_t lane, std::shared_ptr<Brokers::Append> append, Result<void> result, Fn<void(Result<void>)> done);

  Brokers& brokers_;
  Queue& home_;
  const std::string name_;
  std::vector<Mine> mine_;
  std::map<std::uint64_t, Fn<void()>> watchers_;
  std::uint64_t last_watcher_ = 0;
  std::unique_ptr<BrokerInbox> inbox_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::sim
