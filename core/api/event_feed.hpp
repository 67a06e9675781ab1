#pragma once
// EventFeed: the event topics of all domains, read forward from a position in a fixed order.
//
// Order: within a lane of a domain that of its decisions, across topics; between lanes and domains by recorded time as far as
// one read sees it. What a read gives is complete: no event of a decision is given before all earlier ones of its lane.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/event_filter.hpp"
#include "core/runtime/domain.hpp"
#include "core/runtime/node.hpp"

namespace tidemark::api {

/// Next tmseq of every partition of a feed, by EventFeed::partition().
using EventPosition = std::vector<Tmseq>;

struct FeedTopic {
  std::string name;
  log::TopicId id, decisions;  ///< the latter of its domain
  std::size_t domain = 0;
  std::shared_ptr<const runtime::Decider> decider;
};

struct FeedEvent {
  std::size_t partition = 0;
  Tmseq at;
  event::Event event;
  std::string second;  ///< second subject, or ""
};

/// Events of a partition that retention cut before they were read.
struct FeedGap {
  std::size_t partition = 0;
  Tmseq from, to;  ///< [from, to) are gone
};

struct FeedPage {
  std::vector<FeedGap> gaps;               ///< before all events
  std::vector<FeedEvent> events;           ///< that the filter matches
  std::vector<EventPosition> positions;    ///< behind each of them, when asked for
  EventPosition reached;                   ///< behind everything looked at
  bool at_end = true;                      ///< nothing is left below the bound, or none: as of now
};

struct FeedLimits {
  std::size_t events_max = 1000;
  std::size_t bytes_max = 1u << 20;        ///< of data; at least one event is given
  std::size_t looked_at_max = 20'000;      ///< events, so that a filter that matches nothing does not keep a thread
  bool with_positions = false;
  bool everything = false;                 ///< all events of the topics that the filter wants, with their second subjects
  const EventPosition* bound = nullptr;    ///< not beyond it
};

/// Immutable; any thread. Reads block.
class EventFeed {
 public:
  /// The topics as they are open in the node, which must be ready and outlive this.
  explicit EventFeed(runtime::Node& node);

  const std::vector<FeedTopic>& topics() const { return topics_; }
  const Uuid& epoch() const { return log_.epoch(); }
  std::uint32_t lanes() const { return log_.lanes(); }
  std::size_t partition(std::size_t topic, LaneId lane) const { return topic * lanes() + lane.value; }
  const FeedTopic& topic_of(std::size_t partition) const { return topics_[partition / lanes()]; }
  LaneId lane_of(std::size_t partition) const { return LaneId{static_cast<std::uint32_t>(partition % lanes())}; }
  bool wants(const EventFilter& filter, std::size_t partition) const { return filter.wants_topic(topic_of(partition).name); }

  EventPosition begin() const;
  /// Ends of all partitions; those of one lane belong to one moment.
  EventPosition end() const;
  /// Where the first event recorded at `since` or later lies, in the partitions that the filter wants.
  Result<EventPosition> seek(const EventFilter& filter, Time since) const;

  Result<FeedPage> read(EventPosition from, const EventFilter& filter, const FeedLimits& limits) const;

 private:
  class Merge;
  log::EventLog& log_;
  std::vector<FeedTopic> topics_;
};

/// The cursor of a position: page cursor, Last-Event-ID and the id of a WebSocket message alike. It holds the partitions that
/// the filter wants.
std::string encode_cursor(const EventFeed& feed, const EventFilter& filter, const EventPosition& position, const runtime::PositionTag& tag);
/// The position in a cursor; what it does not hold is at its begin.
///   errors   invalid_argument (no cursor), corrupt (foreign), version_conflict (of another filter), not_found (of another log)
Result<EventPosition> decode_cursor(const EventFeed& feed, const EventFilter& filter, std::string_view text, const runtime::PositionTag& tag);

}  // namespace tidemark::api
