#include "core/runtime/node_gauges.hpp"

#include <algorithm>

#include "core/runtime/log_cursor.hpp"

namespace tidemark::runtime {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

void set_log_gauges(metrics::Registry& registry, log::EventLog& log) {
  for (const log::TopicSpec& topic : log.topics()) {
    const auto id = log.open_topic(topic);
    if (!id.ok()) continue;
    std::uint64_t begin = 0, end = 0;
    for (std::uint32_t lane = 0; lane < log.lanes(); ++lane) {
      begin += log.begin(*id, LaneId{lane}).value;
      end += log.end(*id, LaneId{lane}).value;
    }
    const metrics::Labels labels{{"topic", topic.name}};
    metrics::Gauge(&registry, {"tidemark_log_end_records", "Records ever written to a topic, over all lanes", labels}).set(number(end));
    metrics::Gauge(&registry, {"tidemark_log_cut_records", "Those of them that retention has deleted", labels}).set(number(begin));
  }
}

/// When the oldest event that a projection has not applied was recorded. Blocks.
std::optional<Time> oldest_of(const log::EventLog& log, const std::vector<ProjectionStatus::Unread>& unread) {
  std::optional<Time> oldest;
  for (const auto& at : unread) {
    const auto event = read_event(log, at.topic_id, at.topic, at.lane, at.next);
    if (event.ok()) oldest = std::min(oldest.value_or(event->envelope.time), event->envelope.time);
  }
  return oldest;
}

}  // namespace

Task<void> set_node_gauges(metrics::Registry& registry, Node& node, Executor& blocking) {
  metrics::Gauge(&registry, {"tidemark_node_ready", "1 while commands are answered"}).set(node.ready() ? 1 : 0);
  set_log_gauges(registry, node.log());
  const auto statuses = node.projection_statuses();
  for (const auto& status : statuses) {
    const metrics::Labels labels{{"projection", status.name}};
    std::optional<Time> oldest;
    if (!status.unread.empty()) {
      auto work = [&log = node.log(), unread = status.unread] { return oldest_of(log, unread); };
      auto reading = run_on(blocking, node.scheduler(), std::move(work));
      oldest = co_await reading;
    }
    const Duration age = oldest ? std::max(node.scheduler().wall() - *oldest, Duration(0)) : Duration(0);
    metrics::Gauge(&registry, {"tidemark_projection_lag_events", "Events between a projection and the durable end", labels})
        .set(number(status.behind));
    metrics::Gauge(&registry, {"tidemark_projection_lag_seconds", "Age of the oldest event that a projection has not applied", labels})
        .set(std::chrono::duration<double>(age).count());
    metrics::Gauge(&registry, {"tidemark_projection_stopped_lanes", "Lanes of its topics in which a projection stands at an event", labels})
        .set(number(status.faults.size()));
    metrics::Gauge(&registry, {"tidemark_projection_rebuild_lag_events", "The same of the rows that are rebuilt beside it; 0 without a rebuild", labels})
        .set(number(status.rebuild ? status.rebuild->behind : 0));
  }
}

}  // namespace tidemark::runtime
