#pragma once
// What the parts of the Kafka log have in common.

#include <atomic>
#include <functional>
#include <mutex>
#include <shared_mutex>

#include "core/base/metrics.hpp"
#include "core/base/scheduler.hpp"
#include "core/log/event_log.hpp"
#include "core/log/kafka/bulk_reader.hpp"
#include "core/log/kafka/history.hpp"
#include "core/log/kafka/kafka_log.hpp"
#include "core/log/kafka/kafka_metrics.hpp"
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
      : metrics(given.metrics), options(with_statistics(std::move(given), metrics)), home(executor), lanes(lane_count), view(lane_count, options.memory_bytes) {}

  KafkaMetrics metrics;
  const KafkaLogOptions options;
  Executor& home;
  const std::uint32_t lanes;
  View view;
  std::unique_ptr<History> history;
  std::unique_ptr<BulkReader> bulk;  ///< before `history` for long reads
  Handle uncommitted;  ///< asked for ends
  std::function<void()> grown;                ///< wakes the watchers; any thread
  std::function<void(const Error&)> damaged;  ///< the log has failed; any thread

  /// Those opened by this process and owned by lanes.
  std::vector<Topic> owned_topics() const {
    std::shared_lock lock(topics_mutex);
    return owned;
  }
  /// Of class commands, opened by this process.
  std::optional<Topic> inbox_topic(TopicId id) const {
    std::shared_lock lock(topics_mutex);
    for (const Topic& topic : inboxes) {
      if (topic.id == id) return topic;
    }
    return std::nullopt;
  }
  static KafkaLogOptions with_statistics(KafkaLogOptions given, KafkaMetrics& metrics) {
    if (metrics.wanted()) given.client.statistics = [&metrics](std::string_view json) { metrics.client_said(json); };
    return given;
  }
  mutable std::shared_mutex topics_mutex;
  std::vector<Topic> owned, inboxes;
};

inline PartitionName partition_of(const Topic& topic, LaneId lane) { return {topic.full_name, static_cast<std::int32_t>(lane.value)}; }

}  // namespace tidemark::log::kafka
