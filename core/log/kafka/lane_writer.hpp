#pragma once
// The right to write a lane: its transactional producer, and a thread that does one thing after the other (take, append, release),
// since a transaction blocks. After an append of which nobody knows the lane must be taken again: that settles it (docs/adr/0013).

#include <condition_variable>
#include <deque>
#include <map>
#include <thread>

#include "core/log/kafka/records.hpp"
#include "core/log/kafka/shared.hpp"

namespace tidemark::log::kafka {

class LaneWriter {
 public:
  LaneWriter(Shared& shared, LaneId lane);
  ~LaneWriter();  ///< finishes the append under way; what is queued behind it is not done

  // On the home thread; `done` runs there.
  void take(Fn<void(Result<Ownership>)> done);
  void release(std::uint64_t epoch);
  void append(std::uint64_t epoch, LaneBatch batch, Fn<void(Result<void>)> done);

 private:
  struct Work {
    enum class Kind { take, release, append } kind = Kind::append;
    std::uint64_t epoch = 0;
    std::uint64_t settled = 0;  ///< failed appends that the owner knew of when it called
    LaneBatch batch{};
    Fn<void(Result<Ownership>)> taken = nullptr;
    Fn<void(Result<void>)> done = nullptr;
  };
  /// An append as it goes to the brokers.
  struct Sending {
    struct Part {
      Topic topic;
      std::uint64_t first = 0;
      std::shared_ptr<const std::string> batch;
      std::vector<std::int64_t> offsets;  ///< as delivered; see produce()
    };
    struct Move {
      std::string topic;  ///< full name
      LaneId lane;
      OwnedRecord record;
      std::int64_t offset;
    };
    std::vector<Part> parts;
    std::vector<Move> moves;  ///< carry no tmseq: they are there when the parts are
    std::string commit;
    bool unsure = false;  ///< its commit was not answered plainly
  };
  /// What can be seen of an append and of what came after it.
  struct Sight {
    std::size_t parts = 0;  ///< of the append's, that are there
    bool others = false;    ///< another owner has written
  };
  using Clock = std::chrono::steady_clock;

  void push(Work work);
  void run();
  Result<Ownership> do_take();
  Result<Ownership> try_take();
  Result<void> do_append(Work& work);
  std::optional<Error> refusal(const Work& work) const;
  std::optional<Error> refusal(const MovedRecords& moved) const;
  Result<void> send(Sending& sending);
  Result<Sight> look_for(const Sending& sending);
  Result<void> unsettled(Sending& sending, const std::string& why);
  Result<void> settle_fenced(Sending& sending, bool delivered);
  Result<void> renew_producer(Clock::time_point deadline);
  void published(const Sending& sending);
  void lose();
  Duration left(Clock::time_point deadline) const;
  template <class T>
  void complete(Fn<void(Result<T>)> done, Result<T> result, bool failed_append);

  Shared& shared_;
  const LaneId lane_;

  // Home thread.
  struct Home {
    std::uint64_t settled = 0;
  };
  std::shared_ptr<Home> home_ = std::make_shared<Home>();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  ///< home thread only

  // The lane's thread.
  Handle producer_;
  std::map<std::string, TopicHandle> met_;  ///< topics that the producer knows; of it, so gone before it
  void meet_topics();
  void meet_topics(const std::vector<Sending::Move>& moves);
  std::uint64_t epoch_ = 0;       ///< 0: nobody here owns the lane
  std::uint64_t last_epoch_ = 0;
  std::uint64_t failed_ = 0;      ///< appends not written
  Clock::time_point committed_;   ///< when the last append was

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace tidemark::log::kafka
