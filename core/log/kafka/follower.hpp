#pragma once
// Reads every partition as it is committed, on a thread of its own: what others append becomes known here, and what this process
// has appended is read back. An append of several topics becomes known as a whole.

#include <deque>
#include <map>
#include <thread>

#include "core/log/kafka/records.hpp"
#include "core/log/kafka/shared.hpp"

namespace tidemark::log::kafka {

class Follower {
 public:
  static Result<std::unique_ptr<Follower>> open(Shared& shared);
  ~Follower();

  /// From where the view ends, on all lanes.
  Result<void> follow(const Topic& topic);

 private:
  /// One append's records of one topic.
  struct Part {
    std::uint64_t first = 0, count = 0;
    std::shared_ptr<const std::string> batch;  ///< null: known already
    Mark mark;
    std::int64_t after = 0;
    std::string commit;
  };
  struct Partition {
    std::optional<std::uint64_t> next;  ///< tmseq due; nullopt: nothing has been seen
    RecordBatchBuilder builder;         ///< of an append whose last record has not come
    std::uint64_t first = 0, count = 0;
    std::int64_t first_offset = 0, after = 0;
    std::int64_t seen_to = 0;           ///< the broker had nothing more before this offset
    std::deque<Part> parts;             ///< whole appends that wait for their other topics
  };
  struct Followed {
    Topic topic;
    TopicHandle handle;
    std::vector<Partition> partitions;  ///< by lane
  };
  explicit Follower(Shared& shared) : shared_(shared) {}
  void run();
  void handle(const rd_kafka_message_s& message);
  void trouble(Followed& followed, const rd_kafka_message_s& message);
  Result<void> record(Followed& followed, const rd_kafka_message_s& message);
  bool is_cut(const Followed& followed, const rd_kafka_message_s& message, std::int64_t after);
  void publish_whole(LaneId lane);
  void look_for_cuts();
  std::uint64_t lag();

  Shared& shared_;
  Handle client_;
  QueueHandle queue_;
  MessageReader reader_;
  std::mutex mutex_;  ///< guards followed_
  std::map<std::uint16_t, std::unique_ptr<Followed>> followed_;  ///< by topic id
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// Where retention has cut partitions since, the view is told. Of topics that may be cut, or of one.
Result<void> refresh_begins(Shared& shared, const std::vector<Topic>& topics);

}  // namespace tidemark::log::kafka
