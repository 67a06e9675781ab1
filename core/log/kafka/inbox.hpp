#pragma once
// The commands topics as a CommandInbox: one consumer for all partitions that are read, assigned by hand, of committed records. What
// is fetched and not taken yet waits in the client's queue of that partition, which is bounded. A thread of its own starts and
// stops partitions, since that may wait for the client.

#include <condition_variable>
#include <deque>
#include <functional>
#include <set>
#include <thread>

#include "core/log/kafka/sender.hpp"
#include "core/log/kafka/shared.hpp"

namespace tidemark::log::kafka {

class Inbox final : public CommandInbox {
 public:
  explicit Inbox(Shared& shared);
  ~Inbox() override;

  std::unique_ptr<InboxReader> read(TopicId topic, LaneId lane, std::optional<std::uint64_t> from, Fn<void()> wake) override;
  void send(TopicId topic, LaneId lane, OwnedRecord record, Fn<void(Result<void>)> done) override;

 private:
  struct Partition;
  class Reader;

  void push(std::function<void()> work);
  void run();
  void start(Partition& partition, std::int64_t offset);
  void stop(Partition& partition);
  /// The record due was gone: goes on where the partition begins now.
  void go_on_at_begin(Partition& partition, std::int64_t due);

  Shared& shared_;
  Handle consumer_;            ///< made when something is read first; its thread's, as is the next
  std::set<std::string> met_;  ///< topics whose leaders it has asked for
  std::unique_ptr<Sender> sender_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace tidemark::log::kafka
