#pragma once
// What the parts of the Kafka log have in common.

#include <atomic>
#include <functional>
#include <mutex>
#include <shared_mutex>

#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/log/event_log.hpp"
#include "core/log/kafka/history.hpp"
#include "core/log/kafka/kafka_log.hpp"
#include "core/log/kafka/view.hpp"

namespace tidemark::log::kafka {

struct Topic {
  TopicId id;
  TopicSpec spec;
  std::string full_name;  ///< with the installation's prefix: as the brokers have it
  bool owned() const { return spec.topic_class != TopicClass::commands; }  ///< its records carry a tmseq
};

struct Shared {
  Shared(KafkaLogOptions given, Executor& executor, std::uint32_t lane_count)
      : options(std::move(given)), home(executor), lanes(lane_count), view(lane_count, options.memory_bytes) {}

  const KafkaLogOptions options;
  Executor& home;
  const std::uint32_t lanes;
  View view;
  std::unique_ptr<History> history;
  Handle uncommitted;  ///< asked for ends
  std::function<void()> grown;                ///< wakes the watchers; any thread
  std::function<void(const Error&)> damaged;  ///< the log has failed; any thread

  /// Those opened by this process and owned by lanes.
  std::vector<Topic> owned_topics() const {
    std::shared_lock lock(topics_mutex);
    return owned;
  }
  mutable std::shared_mutex topics_mutex;
  std::vector<Topic> owned;
};

inline PartitionName partition_of(const Topic& topic, LaneId lane) { return {topic.full_name, static_cast<std::int32_t>(lane.value)}; }

}  // namespace tidemark::log::kafka
