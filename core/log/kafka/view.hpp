#pragma once
// What is known of every partition: where it begins and ends (as tmseq), the newest batches in memory, and where tmseqs lie as
// offsets. Nothing here asks a broker. Any thread.

#include <deque>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "core/log/event_log.hpp"

namespace tidemark::log::kafka {

/// Where a record lies. Offsets grow by at least one from record to record (the markers of transactions take some).
struct Mark {
  std::uint64_t tmseq = 0;
  std::int64_t offset = 0;
};

/// Where to look for a tmseq: not before `low`, and when `high` is known, not behind it.
struct Place {
  std::int64_t low = 0;
  std::optional<std::int64_t> high;
};

/// Records of one topic that have been committed.
struct Published {
  TopicId topic;
  std::uint64_t first = 0, count = 0;
  std::shared_ptr<const std::string> batch;  ///< as StoredBatch has it; null: not kept in memory
  std::optional<Mark> mark;                  ///< of one of them
  std::int64_t after = 0;                    ///< no later record lies before this offset
  std::string commit;                        ///< what their append wrote
};

class View {
 public:
  View(std::uint32_t lanes, std::size_t memory_bytes) : lanes_(lanes), memory_bytes_(memory_bytes) {}

  /// Topics are numbered in the order added, with all lanes empty.
  void add_topic();
  struct Bounds {
    std::uint64_t begin = 0, end = 0;
    std::int64_t after = 0;      ///< no record from `end` on lies before this offset
    std::optional<Mark> first, last;
    std::string commit;          ///< of the last record
  };
  void set_bounds(TopicId topic, LaneId lane, Bounds bounds);
  void set_begin(TopicId topic, LaneId lane, Mark first);
  /// Retention took everything before `end`, whose first record lies at `after` or later. Nothing, false, when more is known already.
  bool set_emptied(TopicId topic, LaneId lane, std::uint64_t end, std::int64_t after);
  /// All of it at once. What is known already is passed over. True when something was new.
  bool publish(LaneId lane, std::vector<Published> parts);
  /// A record seen while reading.
  void note(TopicId topic, LaneId lane, Mark mark);

  std::uint64_t begin(TopicId topic, LaneId lane) const;
  std::uint64_t end(TopicId topic, LaneId lane) const;
  std::int64_t after(TopicId topic, LaneId lane) const;
  std::string commit(TopicId topic, LaneId lane) const;
  Place place(TopicId topic, LaneId lane, std::uint64_t tmseq) const;
  /// Batches in memory from the one that holds `from`; empty when it is not in memory.
  std::vector<StoredBatch> batches(TopicId topic, LaneId lane, std::uint64_t from, std::size_t bytes_max) const;

 private:
  struct Partition {
    std::uint64_t begin = 0, end = 0;
    std::int64_t after = 0;
    std::vector<Mark> marks;         // sparse, ascending
    std::deque<StoredBatch> batches; // without a gap, up to `end`
    std::string commit;
  };
  Partition& at(TopicId topic, LaneId lane) { return partitions_[std::size_t{topic.value} * lanes_ + lane.value]; }
  const Partition* find(TopicId topic, LaneId lane) const;
  /// Of a partition that is not known: nothing.
  template <class T>
  T get(TopicId topic, LaneId lane, T Partition::*member) const;
  static void add_mark(Partition& partition, Mark mark);
  void drop(Partition& partition);
  void evict();

  const std::uint32_t lanes_;
  const std::size_t memory_bytes_;
  mutable std::shared_mutex mutex_;
  std::vector<Partition> partitions_;
  std::deque<std::size_t> order_;  // partitions by age of the batches in memory, oldest first; some may be gone
  std::size_t bytes_ = 0;
};

}  // namespace tidemark::log::kafka
