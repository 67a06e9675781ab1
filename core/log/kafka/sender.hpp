#pragma once
// Sends single records, each acknowledged by all replicas: a producer of its own in no transaction, and a thread that waits for
// what the brokers say.

#include <condition_variable>
#include <deque>
#include <thread>

#include "core/log/kafka/shared.hpp"

namespace tidemark::log::kafka {

class Sender {
 public:
  explicit Sender(Shared& shared);
  ~Sender();  ///< what is under way is not answered

  /// Home thread; `done` runs there.
  void send(PartitionName to, OwnedRecord record, Fn<void(Result<void>)> done);

 private:
  struct Sending {
    PartitionName to;
    OwnedRecord record;
    Fn<void(Result<void>)> done;
  };
  void run();
  void hand_over(Sending sending);
  void answer(Fn<void(Result<void>)> done, Result<void> result);

  Shared& shared_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< home thread only

  // The sender's thread.
  Handle producer_;  ///< made when something is sent first
  std::size_t under_way_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Sending> queue_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace tidemark::log::kafka
