#pragma once
// The commands topics of the simulated brokers: anybody writes, the owner of a lane reads. Offsets have holes, as markers of
// transactions leave them.

#include <set>

#include "tests/sim/node/brokers.hpp"

namespace tidemark::sim {

class BrokerInbox final : public log::CommandInbox {
 public:
  BrokerInbox(Brokers& brokers, Queue& home) : brokers_(brokers), home_(home) {}
  ~BrokerInbox() override { *alive_ = false; }

  std::unique_ptr<log::InboxReader> read(log::TopicId topic, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) override;
  void send(log::TopicId topic, LaneId lane, log::OwnedRecord record, Fn<void(Result<void>)> done) override;
  /// Tells the readers of a partition.
  void grew(std::size_t topic, std::uint32_t lane);

 private:
  class Reader;
  Brokers& brokers_;
  Queue& home_;
  std::set<Reader*> readers_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace tidemark::sim
