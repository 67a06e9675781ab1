#pragma once
// Reads and decodes events on a thread of its own while those before them are used: for who folds a long history. One
// partition after the other.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/runtime/event_run.hpp"

namespace tidemark::runtime {

/// begin() and take() on one thread; the log outlives it.
class ReadAhead {
 public:
  ReadAhead();
  ~ReadAhead();

  /// Reads the partition from `from` until `end` has been passed. What it was doing is given up.
  ///   returns   the number of this job, never 0
  std::uint64_t begin(PartitionEvents partition, Tmseq from, Tmseq end);
  /// Exchanges `run` with the next one of that job, waiting for it. False when there is no more of it, since it is through, has
  /// failed (reading on says why) or was given up: `run` is as it was.
  bool take(std::uint64_t job, EventRun& run);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t job_ = 0;                     ///< all guarded
  std::optional<PartitionEvents> partition_;  ///< unset: nothing is left to read
  Tmseq next_, end_;
  std::deque<EventRun> ready_;
  std::vector<EventRun> spare_;               ///< memory to use again
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tidemark::runtime
